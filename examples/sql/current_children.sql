-- The current time logs of each work order, with their hours.
-- A child record in a work_order_… table is current if its extracted_at equals that of its work order; other rows have
-- been removed in Field Nation. (This does not apply to work_order_messages, _requests and _site_revisits.)
select w.id as work_order_id,
       w.client_name,
       t.id as time_log_id,
       (t."in" -> 'created' ->> 'utc')::timestamptz as checked_in_at,
       (t."out" -> 'created' ->> 'utc')::timestamptz as checked_out_at,
       t.hours
from work_order_time_logs t
join work_orders w on w.id = t.work_order_id and w.extracted_at = t.extracted_at
order by w.id, t.id;
