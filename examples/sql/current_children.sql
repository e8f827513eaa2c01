-- The current time logs of each work order, with their hours.
-- A child record in a work_order_… table is current if its extracted_at is not earlier than that of its work order, and the
-- work order was not removed; other rows have been removed in Field Nation. (Use >=, not =: during a load, children are
-- newer than their work order. This does not apply to work_order_messages, _requests and _site_revisits.)
select w.id as work_order_id,
       w.client_name,
       t.id as time_log_id,
       t.checked_in_at,
       t.checked_out_at,
       t.hours
from work_order_time_logs t
join work_orders w on w.id = t.work_order_id and t.extracted_at >= w.extracted_at
where not exists (
    select 1 from work_order_removals r where r.work_order_id = w.id and r.detected_at >= w.extracted_at
)
order by w.id, t.id;
