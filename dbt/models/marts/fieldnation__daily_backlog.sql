{{
    config(
        materialized='incremental',
        unique_key=['backlog_date', 'status_name'],
        incremental_strategy='delete+insert',
        on_schema_change='append_new_columns'
    )
}}

{#- A work order enters a status with its milestone, and leaves it with the first of the later ones. -#}
{%- set milestones = [
    ('Draft', 'created_at'),
    ('Published', 'published_at'),
    ('Routed', 'routed_at'),
    ('Assigned', 'assigned_at'),
    ('Work Done', 'work_done_at'),
] -%}

with recursive work_orders as (
    select
        *,
        case
            when is_removed and not {{ fieldnation.is_finished('status_name') }} then removed_at
            when {{ fieldnation.is_finished('status_name') }}
                then coalesce(cancelled_at, approved_at, paid_at, last_milestone_at)
        end as finished_at
    from {{ ref('fieldnation__work_orders') }}
),

reached as (
    {%- for status, at in milestones + [('finished', 'finished_at')] %}
    {%- if not loop.first %}
    union all
    {%- endif %}
    select work_order_id, pay_total, {{ loop.index }} as stage, '{{ status }}' as status_name, {{ at }} as entered_at
    from work_orders
    where {{ at }} is not null
    {%- endfor %}
),

stays as (
    select
        *,
        min(entered_at) over (
            partition by work_order_id order by stage rows between 1 following and unbounded following
        ) as left_at
    from reached
),

changes as (
    select cast(entered_at as date) as change_date, status_name, 1 as work_orders, coalesce(pay_total, 0) as pay
    from stays
    where status_name <> 'finished' and (left_at is null or left_at > entered_at)
    union all
    select cast(left_at as date), status_name, -1, -coalesce(pay_total, 0)
    from stays
    where status_name <> 'finished' and left_at > entered_at
),

daily as (
    select change_date, status_name, sum(work_orders) as work_orders, sum(pay) as pay
    from changes
    group by change_date, status_name
),

dates (backlog_date) as (
    select min(change_date) from changes having count(*) > 0
    union all
    select cast({{ dbt.dateadd('day', 1, 'backlog_date') }} as date)
    from dates
    where backlog_date < cast({{ fieldnation.now_utc() }} as date)
),

statuses as (
    {%- for status, _ in milestones %}
    {{ 'union all ' if not loop.first }}select '{{ status }}' as status_name
    {%- endfor %}
),

totals as (
    select
        dates.backlog_date,
        statuses.status_name,
        {%- for column, name in [('work_orders', 'work_orders_count'), ('pay', 'pay_total')] %}
        sum(coalesce(daily.{{ column }}, 0)) over (
            partition by statuses.status_name order by dates.backlog_date
            rows between unbounded preceding and current row
        ) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from dates
    cross join statuses
    left join daily on daily.change_date = dates.backlog_date and daily.status_name = statuses.status_name
)

select
    backlog_date,
    status_name,
    cast(work_orders_count as {{ dbt.type_bigint() }}) as work_orders_count,
    cast(pay_total as numeric(18, 2)) as pay_total
from totals
{#- without a connection (compile --no-introspect) nobody knows whether the table exists #}
{%- if flags.INTROSPECT and is_incremental() %}
-- days before the last build stay as they were then; the day of that build was not over
where backlog_date >= (select coalesce(max(backlog_date), cast('1970-01-01' as date)) from {{ this }})
{%- endif %}
