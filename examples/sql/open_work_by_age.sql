-- Unfinished work orders by status and age in days, without those that were archived or deleted.
select status_name,
       count(*) filter (where age < interval '7 days') as under_7_days,
       count(*) filter (where age >= interval '7 days' and age < interval '30 days') as "7_to_30_days",
       count(*) filter (where age >= interval '30 days' and age < interval '90 days') as "30_to_90_days",
       count(*) filter (where age >= interval '90 days') as over_90_days,
       sum(pay_total) as pay
from (
    select w.*, (now() at time zone 'UTC') - w.created_at as age
    from work_orders w
    where w.status_name not in ('Approved', 'Paid', 'Cancelled', 'Deleted')
      and not exists (
          select 1 from work_order_removals r where r.work_order_id = w.id and r.detected_at >= w.extracted_at
      )
) unfinished
group by status_name, status_id
order by status_id;
