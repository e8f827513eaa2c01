-- Hours from published to assigned by type of work: the median and the 90th percentile.
select type_of_work_name,
       count(*) as work_orders,
       round(percentile_cont(0.5) within group (order by hours)::numeric, 1) as median_hours,
       round(percentile_cont(0.9) within group (order by hours)::numeric, 1) as p90_hours
from (
    select type_of_work_name,
           extract(epoch from assigned_at - published_at) / 3600 as hours
    from work_orders
    where assigned_at >= published_at
) assigned
group by type_of_work_name
order by work_orders desc, type_of_work_name;
