-- How old the data is, for an alert: the last complete run has read everything that the API showed when it began. If the age
-- is greater than the interval of the schedule, runs do not start, fail, or do not finish: later rows of sync_runs say why.
-- (The times in the tables are UTC.)
select max(started_at) as last_read_at,
       (now() at time zone 'UTC') - max(started_at) as age,
       coalesce((now() at time zone 'UTC') - max(started_at) > interval '3 hours', true) as stale
from sync_runs
where complete and mode <> 'backfill';
