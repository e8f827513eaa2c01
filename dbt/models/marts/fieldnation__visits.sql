with visits as (
    select
        time_logs.*,
        row_number() over (
            partition by time_logs.work_order_id
            order by coalesce(time_logs.checked_in_at, time_logs.checked_out_at), time_logs.time_log_id
        ) as visit_number
    from {{ ref('stg_fieldnation__work_order_time_logs') }} as time_logs
),

arrivals as (
    select
        visits.*,
        work_orders.provider_id,
        {{ fieldnation.person_name('work_orders.assignee_json', ['user']) }} as provider_name,
        work_orders.company_id,
        work_orders.client_id,
        work_orders.client_name,
        work_orders.project_id,
        work_orders.project_name,
        work_orders.type_of_work_name,
        work_orders.location_state,
        case when visits.visit_number = 1 then {{ fieldnation.due_at('work_orders') }} end as due_at
    from visits
    inner join {{ ref('stg_fieldnation__work_orders') }} as work_orders using (work_order_id)
),

lateness as (
    select arrivals.*, {{ fieldnation.time_between('due_at', 'checked_in_at', 'minute') }} as minutes_late
    from arrivals
)

select
    time_log_id as visit_id,
    work_order_id,
    visit_number,
    visit_number = 1 as is_first_visit,
    provider_id,
    provider_name,
    company_id,
    client_id,
    client_name,
    project_id,
    project_name,
    type_of_work_name,
    location_state,
    checked_in_at,
    checked_out_at,
    {{ fieldnation.month_of('checked_in_at') }} as visit_month,
    hours,
    due_at,
    minutes_late,
    minutes_late <= {{ var('fieldnation_grace_minutes') }} as is_on_time,
    is_on_time as is_reported_on_time,
    was_late as was_reported_late,
    was_early as was_reported_early,
    devices,
    is_verified,
    is_edited,
    extracted_at
from lateness
