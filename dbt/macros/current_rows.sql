{#- The rows of a table that still exist in Field Nation. This is the only place that defines which rows do.

    role: work_orders: each work order once, as it was last read, with is_removed and removed_at.
        embedded: child records that came with their work order. They are current if they are not older than it (>= and
            not =, because they are loaded before it), and the work order was not removed while it was open. Child
            records of a work order that was archived after it was closed stay, as its history.
        by_request: child records from separate requests, which are current however old they are.
        work_order_removals: removals of work orders that have not been read again since.
        work_order_coverage: ranges of days that have not become part of another range.
        list: full tables.
    marks_deleted: whether the target marks rows that are gone (Singer's ACTIVATE_VERSION) instead of deleting them.
-#}
{% macro current_rows(table, role, marks_deleted=false) -%}
{%- set work_orders = source('fieldnation', 'work_orders') -%}
{%- if role == 'work_orders' -%}
select work_orders.*, removed.removed_at is not null as is_removed, removed.removed_at
from {{ work_orders }} as work_orders
left join (
    {{ fieldnation.removed_work_orders() | indent }}
) as removed on removed.work_order_id = work_orders.id
{%- elif role == 'work_order_removals' -%}
select removals.*
from {{ source('fieldnation', table) }} as removals
left join {{ work_orders }} as work_orders on work_orders.id = removals.work_order_id
where work_orders.id is null or work_orders.extracted_at <= removals.detected_at
{%- elif role == 'work_order_coverage' -%}
select * from {{ source('fieldnation', table) }} where last_day is not null
{%- elif role in ('embedded', 'by_request') -%}
select children.*
from {{ source('fieldnation', table) }} as children
inner join {{ work_orders }} as work_orders
    on work_orders.id = children.work_order_id
    {%- if role == 'embedded' %}
    and children.extracted_at >= work_orders.extracted_at
    {%- endif %}
{%- if fieldnation.is_selected('work_order_removals') %}
where not exists (
    select 1
    from {{ source('fieldnation', 'work_order_removals') }} as removals
    where removals.work_order_id = work_orders.id and removals.detected_at >= work_orders.extracted_at
)
{%- endif %}
{%- else -%}
select * from {{ source('fieldnation', table) }}
{%- if marks_deleted %} where _sdc_deleted_at is null{% endif %}
{%- endif -%}
{%- endmacro %}


{#- Id and time of each work order that the API no longer returns.

    Open ones are recorded in work_order_removals. Any other one is gone if it is older than readings of its creation day,
    of the day before and of the day after: each reading writes all work orders of a range of days, and Field Nation may
    count days in the time of the site. (Ranges of earlier readings stay in the table after a full refresh.)
-#}
{% macro removed_work_orders() -%}
{%- set work_orders = source('fieldnation', 'work_orders') -%}
{%- set found = fieldnation.loaded_columns('work_orders', [('company_id',), ('created_at',)]) -%}
select work_order_id, min(removed_at) as removed_at
from (
    {%- if fieldnation.is_selected('work_order_removals') %}
    select work_orders.id as work_order_id, removals.detected_at as removed_at
    from {{ work_orders }} as work_orders
    inner join {{ source('fieldnation', 'work_order_removals') }} as removals
        on removals.work_order_id = work_orders.id and removals.detected_at >= work_orders.extracted_at
    {%- else %}
    select id as work_order_id, extracted_at as removed_at from {{ work_orders }} where 1 = 0
    {%- endif %}
    {%- if fieldnation.is_selected('work_order_coverage') and 'company_id' in found and 'created_at' in found %}
    union all
    select work_order_id, greatest(day_before_read_at, day_read_at, day_after_read_at) as removed_at
    from (
        select
            work_orders.id as work_order_id
            {%- for name, days in [('day_before', '- 1'), ('day', '+ 0'), ('day_after', '+ 1')] %},
            min(case
                when cast(work_orders.created_at as date) {{ days }} between coverage.first_day and coverage.last_day
                    then coverage.read_at
            end) as {{ name }}_read_at
            {%- endfor %}
        from {{ work_orders }} as work_orders
        inner join (
            -- some targets load days as text
            select company_id, cast(first_day as date) as first_day, cast(last_day as date) as last_day, read_at
            from {{ source('fieldnation', 'work_order_coverage') }}
        ) as coverage
            on coverage.company_id = work_orders.company_id
            and coverage.first_day <= cast(work_orders.created_at as date) + 1
            and coverage.last_day >= cast(work_orders.created_at as date) - 1
            and coverage.read_at > work_orders.extracted_at
        group by work_orders.id
    ) as readings
    where day_before_read_at is not null and day_read_at is not null and day_after_read_at is not null
    {%- endif %}
) as removals
group by work_order_id
{%- endmacro %}
