-- Work orders that no longer exist, although nothing reported their removal: closed ones that were archived or deleted.
-- work_order_coverage has the time since which all work orders of a range of creation days have been written. One that has not
-- been written since then no longer exists. The API may count days in the time of the site, so the days before and after count
-- too. (A range whose last_day is null never matches. Open work orders that were removed are in work_order_removals.)
select w.id as work_order_id,
       w.title,
       w.status_name as last_status,
       w.created_at,
       w.extracted_at as last_written_at
from work_orders w
where not exists (
        select 1
        from (values (-1), (0), (1)) as around (days)
        where not exists (
            select 1
            from work_order_coverage c
            where c.company_id = w.company_id
              and cast(w.created_at as date) + around.days between cast(c.first_day as date) and cast(c.last_day as date)
              and c.read_at > w.extracted_at
        )
    )
  and not exists (select 1 from work_order_removals r where r.work_order_id = w.id and r.detected_at >= w.extracted_at)
order by w.id;
