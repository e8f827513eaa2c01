-- Visits, work orders and providers have the same hours.
with hours as (
    select
        (select sum(hours) from {{ ref('stg_fieldnation__work_order_time_logs') }}) as source_hours,
        (select sum(hours) from {{ ref('fieldnation__visits') }}) as visit_hours,
        (select sum(hours_on_site) from {{ ref('fieldnation__work_orders') }}) as work_order_hours
)

select *
from hours
where coalesce(source_hours, 0) <> coalesce(visit_hours, 0) or coalesce(source_hours, 0) <> coalesce(work_order_hours, 0)
