with work_orders as (
    select * from {{ ref('fieldnation__work_orders') }} where provider_id is not null
),

scores as (
    select
        provider_id,
        max(provider_name) as provider_name,
        min(assigned_at) as first_assigned_at,
        max(assigned_at) as last_assigned_at,
        count(*) as work_orders_count,
        {{ fieldnation.count_if('is_open') }} as open_work_orders_count,
        {{ fieldnation.count_if('work_done_at is not null') }} as done_work_orders_count,
        {{ fieldnation.count_if('is_cancelled') }} as cancelled_work_orders_count,
        {{ fieldnation.count_if('minutes_late is not null') }} as arrivals_count,
        {{ fieldnation.count_if('is_on_time') }} as on_time_arrivals_count,
        {{ fieldnation.count_if('is_fixed_on_first_visit') }} as fixed_on_first_visit_count,
        cast(sum(visits_count) as {{ dbt.type_bigint() }}) as visits_count,
        sum(hours_on_site) as hours_on_site,
        cast(sum(problems_count) as {{ dbt.type_bigint() }}) as problems_count,
        {{ fieldnation.sum_if('pay_total', 'approved_at is not null and not is_cancelled') }} as pay_total,
        {{ fieldnation.sum_if('expenses_amount', 'approved_at is not null and not is_cancelled') }} as expenses_amount,
        {{ fieldnation.sum_if('bonuses_amount', 'approved_at is not null and not is_cancelled') }} as bonuses_amount,
        {{ fieldnation.sum_if('penalties_amount', 'approved_at is not null and not is_cancelled') }}
            as penalties_amount
    from work_orders
    group by provider_id
)

select
    scores.*,
    {{ fieldnation.ratio('on_time_arrivals_count', 'arrivals_count') }} as on_time_rate,
    {{ fieldnation.ratio('fixed_on_first_visit_count', 'done_work_orders_count') }} as first_visit_fix_rate,
    {{ fieldnation.ratio('cancelled_work_orders_count', 'work_orders_count') }} as cancellation_rate
from scores
