{{ config(materialized='view') }}

with open_work_orders as (
    select
        *,
        {{ fieldnation.time_between('created_at', fieldnation.now_utc(), 'day') }} as age_days,
        {{ fieldnation.time_between('last_milestone_at', fieldnation.now_utc(), 'day') }} as days_in_status
    from {{ ref('fieldnation__work_orders') }}
    where is_open
)

select
    work_order_id,
    title,
    status_id,
    status_name,
    age_days,
    case
        when age_days < 7 then '1: under 7 days'
        when age_days < 30 then '2: 7 to 30 days'
        when age_days < 90 then '3: 30 to 90 days'
        when age_days >= 90 then '4: over 90 days'
    end as age_group,
    days_in_status,
    work_done_at is null and coalesce(due_at < {{ fieldnation.now_utc() }}, false) and first_checked_in_at is null
        as is_overdue,
    company_id,
    client_id,
    client_name,
    project_id,
    project_name,
    manager_id,
    manager_name,
    provider_id,
    provider_name,
    type_of_work_name,
    tags,
    location_city,
    location_state,
    created_at,
    published_at,
    assigned_at,
    scheduled_start_at,
    scheduled_start_local,
    due_at,
    work_done_at,
    pay_total,
    requests_count,
    counter_offers_count,
    open_problems_count
from open_work_orders
