-- The service window in the local time of the site. All times in the tables are UTC; time_zone is the zone of the site.
select id as work_order_id,
       location_city,
       time_zone,
       scheduled_start_at as start_utc,
       scheduled_start_at at time zone 'UTC' at time zone time_zone as start_at_the_site,
       scheduled_end_at at time zone 'UTC' at time zone time_zone as end_at_the_site
from work_orders
where scheduled_start_at is not null
order by scheduled_start_at, id;
