-- How long ago the last complete run ended, for an alert. If that is more than the interval of the schedule, runs do not start,
-- fail, or do not get to the end. (The times in the tables are UTC.)
select max(finished_at) as last_run_at,
       (now() at time zone 'UTC') - max(finished_at) as age,
       (now() at time zone 'UTC') - max(finished_at) > interval '3 hours' as stale
from sync_runs
where complete;
