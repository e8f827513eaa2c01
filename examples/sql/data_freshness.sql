-- How old the newest data is, for an alert. Every run reads some work orders, so if the age is higher than the interval of
-- the schedule, runs do not start or do not get that far. (The times in the tables are UTC.)
select max(extracted_at) as last_read_at,
       (now() at time zone 'UTC') - max(extracted_at) as age,
       (now() at time zone 'UTC') - max(extracted_at) > interval '3 hours' as stale
from work_orders;
