-- Approved pay by client and by month of approval (UTC).
select cast(date_trunc('month', approved_at) as date) as month,
       coalesce(client_name, '(none)') as client,
       count(*) as work_orders,
       sum(pay_total) as pay,
       round(avg(pay_total), 2) as pay_each
from work_orders
where approved_at is not null
  and status_name <> 'Cancelled'
group by 1, 2
order by 1, pay desc, 2;
