-- Open work orders that the API no longer returns: archived, deleted, or no longer visible to the API user. A removal is
-- ignored if the work order was read again later: it has been restored.
select r.work_order_id,
       r.detected_at,
       w.title,
       w.status_name as last_status,
       w.extracted_at as last_read_at
from work_order_removals r
left join work_orders w on w.id = r.work_order_id
where w.extracted_at is null or w.extracted_at <= r.detected_at
order by r.detected_at, r.work_order_id;
