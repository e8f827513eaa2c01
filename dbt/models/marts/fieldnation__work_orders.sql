{%- set custom_fields = var('fieldnation_custom_fields') -%}

with visits as (
    select
        work_order_id,
        count(*) as visits_count,
        sum(hours) as hours_on_site,
        min(checked_in_at) as first_checked_in_at,
        max(checked_out_at) as last_checked_out_at,
        max(minutes_late) as minutes_late
    from {{ ref('fieldnation__visits') }}
    group by work_order_id
),

bonuses as (
    select work_order_id, {{ fieldnation.sum_if('amount', 'is_charged') }} as bonuses_amount
    from {{ ref('stg_fieldnation__work_order_bonuses') }}
    group by work_order_id
),

penalties as (
    select work_order_id, {{ fieldnation.sum_if('amount', 'is_charged') }} as penalties_amount
    from {{ ref('stg_fieldnation__work_order_penalties') }}
    group by work_order_id
),

discounts as (
    select work_order_id, {{ fieldnation.sum_if('amount', 'is_charged') }} as discounts_amount
    from {{ ref('stg_fieldnation__work_order_discounts') }}
    group by work_order_id
),

pay_increases as (
    select
        work_order_id,
        {{ fieldnation.sum_if('pay_sum', "status = 'accepted'") }} as pay_increases_amount,
        sum(pay_sum) as pay_increases_requested_amount
    from {{ ref('stg_fieldnation__work_order_pay_increases') }}
    group by work_order_id
),

expenses as (
    select
        work_order_id,
        {{ fieldnation.sum_if('amount', "status = 'approved'") }} as expenses_amount,
        sum(amount) as expenses_requested_amount
    from {{ ref('stg_fieldnation__work_order_expenses') }}
    group by work_order_id
),

fees as (
    select
        work_order_id,
        {{ fieldnation.sum_if('amount', 'is_charged') }} as fees_amount,
        {{ fieldnation.sum_if('amount', 'not is_charged') }} as fees_pending_amount,
        {{ fieldnation.sum_if('amount', "lower(name) = 'cancellation'") }} as cancellation_fee_amount
    from {{ ref('stg_fieldnation__work_order_fees') }}
    group by work_order_id
),

problems as (
    select
        work_order_id,
        count(*) as problems_count,
        {{ fieldnation.count_if("resolution_status = 'open'") }} as open_problems_count
    from {{ ref('stg_fieldnation__work_order_problems') }}
    group by work_order_id
),

tasks as (
    select
        work_order_id,
        count(*) as tasks_count,
        {{ fieldnation.count_if("status = 'complete'") }} as completed_tasks_count
    from {{ ref('stg_fieldnation__work_order_tasks') }}
    group by work_order_id
),

shipments as (
    select
        work_order_id,
        count(*) as shipments_count,
        {{ fieldnation.count_if('arrived_at > arrival_at') }} as late_shipments_count
    from {{ ref('stg_fieldnation__work_order_shipments') }}
    group by work_order_id
),

tags as (
    select work_order_id, {{ dbt.listagg('label', "', '", 'order by label') }} as tags
    from {{ ref('stg_fieldnation__work_order_tags') }}
    group by work_order_id
),
{% if custom_fields %}
custom_fields as (
    select
        work_order_id
        {%- for field in custom_fields %},
        max(case when name = '{{ field.name | replace("'", "''") }}' then value end) as {{ field.column }}
        {%- endfor %}
    from {{ ref('stg_fieldnation__work_order_custom_fields') }}
    group by work_order_id
),
{% endif %}
joined as (
    select
        work_orders.*,
        {{ fieldnation.is_cancelled('work_orders.status_name') }} as is_cancelled,
        not work_orders.is_removed and not {{ fieldnation.is_finished('work_orders.status_name') }} as is_open,
        templates.name as template_name,
        {{ fieldnation.person_name('work_orders.manager_json') }} as manager_name,
        {{ fieldnation.person_name('work_orders.assignee_json', ['user']) }} as provider_name,
        {{ fieldnation.due_at('work_orders') }} as due_at,
        coalesce(visits.visits_count, 0) as visits_count,
        coalesce(visits.hours_on_site, 0) as hours_on_site,
        visits.first_checked_in_at,
        visits.last_checked_out_at,
        visits.minutes_late,
        coalesce(
            cast({{ fieldnation.json_text('work_orders.pay_json', ['labor_sum']) }} as numeric(18, 2)),
            cast(work_orders.pay_base_amount * work_orders.pay_base_units as numeric(18, 2)),
            0
        ) as labor_amount,
        coalesce(bonuses.bonuses_amount, 0) as bonuses_amount,
        coalesce(pay_increases.pay_increases_amount, 0) as pay_increases_amount,
        coalesce(pay_increases.pay_increases_requested_amount, 0) as pay_increases_requested_amount,
        coalesce(expenses.expenses_amount, 0) as expenses_amount,
        coalesce(expenses.expenses_requested_amount, 0) as expenses_requested_amount,
        coalesce(penalties.penalties_amount, 0) as penalties_amount,
        coalesce(discounts.discounts_amount, 0) as discounts_amount,
        coalesce(fees.fees_amount, 0) as fees_amount,
        coalesce(fees.fees_pending_amount, 0) as fees_pending_amount,
        coalesce(fees.cancellation_fee_amount, 0) as cancellation_fee_amount,
        coalesce(problems.problems_count, 0) as problems_count,
        coalesce(problems.open_problems_count, 0) as open_problems_count,
        coalesce(tasks.tasks_count, 0) as tasks_count,
        coalesce(tasks.completed_tasks_count, 0) as completed_tasks_count,
        coalesce(shipments.shipments_count, 0) as shipments_count,
        coalesce(shipments.late_shipments_count, 0) as late_shipments_count,
        tags.tags
        {%- for field in custom_fields %},
        {{ fieldnation.try_cast('custom_fields.' ~ field.column, field.type) if field.get('type', 'text') != 'text'
            else 'custom_fields.' ~ field.column }} as {{ field.column }}
        {%- endfor %}
    from {{ ref('stg_fieldnation__work_orders') }} as work_orders
    left join {{ ref('stg_fieldnation__templates') }} as templates using (company_id, template_id)
    {%- for name in [
        'visits', 'bonuses', 'penalties', 'discounts', 'pay_increases', 'expenses', 'fees', 'problems', 'tasks',
        'shipments', 'tags'
    ] + (['custom_fields'] if custom_fields else []) %}
    left join {{ name }} on {{ name }}.work_order_id = work_orders.work_order_id
    {%- endfor %}
)

select
    work_order_id,
    title,
    status_id,
    status_name,
    is_open,
    is_cancelled,
    is_removed,
    removed_at,

    company_id,
    client_id,
    client_name,
    project_id,
    project_name,
    template_id,
    template_name,
    manager_id,
    manager_name,
    provider_id,
    provider_name,
    type_of_work_id,
    type_of_work_name,
    tags,

    location_id,
    location_city,
    location_state,
    location_zip,
    location_country,
    time_zone,

    created_at,
    published_at,
    routed_at,
    assigned_at,
    scheduled_start_at,
    scheduled_end_at,
    {{ fieldnation.local_time('scheduled_start_at', 'time_zone') }} as scheduled_start_local,
    {{ fieldnation.local_time('scheduled_end_at', 'time_zone') }} as scheduled_end_local,
    work_done_at,
    approved_at,
    paid_at,
    cancelled_at,
    last_milestone_at,
    {%- for name, first, last in [
        ('hours_to_publish', 'created_at', 'published_at'),
        ('hours_to_assign', 'published_at', 'assigned_at'),
        ('hours_to_dispatch', 'created_at', 'assigned_at'),
        ('hours_to_complete', 'assigned_at', 'work_done_at'),
        ('hours_to_approve', 'work_done_at', 'approved_at'),
    ] %}
    case when {{ last }} >= {{ first }} then {{ fieldnation.time_between(first, last, 'hour') }} end as {{ name }},
    {%- endfor %}

    visits_count,
    hours_on_site,
    first_checked_in_at,
    last_checked_out_at,
    due_at,
    minutes_late,
    minutes_late <= {{ var('fieldnation_grace_minutes') }} as is_on_time,
    job_status,
    incomplete_reason,
    is_revisit,
    incident_id,
    work_done_at is not null and visits_count = 1 and job_status = 'complete' and not coalesce(is_revisit, false)
        as is_fixed_on_first_visit,

    pay_type,
    pay_base_amount,
    pay_base_units,
    pay_total,
    labor_amount,
    bonuses_amount,
    pay_increases_amount,
    expenses_amount,
    penalties_amount,
    discounts_amount,
    coalesce(pay_total, 0) - (
        labor_amount + bonuses_amount + pay_increases_amount + expenses_amount - penalties_amount - discounts_amount
    ) as other_pay_amount,
    fees_amount,
    fees_pending_amount,
    cancellation_fee_amount,
    expenses_requested_amount,
    pay_increases_requested_amount,
    invoice_id,
    invoice_sent_at,
    invoice_paid_at,

    requests_count,
    counter_offers_count,
    cast({{ fieldnation.json_text('publish_stats_json', ['all_requests']) }} as {{ dbt.type_bigint() }})
        as all_requests_count,
    cast({{ fieldnation.json_text('publish_stats_json', ['declines']) }} as {{ dbt.type_bigint() }}) as declines_count,
    routes_count,

    problems_count,
    open_problems_count,
    tasks_count,
    completed_tasks_count,
    shipments_count,
    late_shipments_count,
    {%- for field in custom_fields %}
    {{ field.column }},
    {%- endfor %}
    extracted_at
from joined
