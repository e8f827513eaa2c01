{#- The current time, in UTC like all times in the tables. -#}
{% macro now_utc() %}{{ return(adapter.dispatch('now_utc', 'fieldnation')()) }}{% endmacro %}

{% macro default__now_utc() %}cast(now() at time zone 'UTC' as timestamp){% endmacro %}

{% macro snowflake__now_utc() %}sysdate(){% endmacro %}


{#- Seconds from one time to another, negative if the other one is earlier. -#}
{% macro seconds_between(first, last) %}{{ return(adapter.dispatch('seconds_between', 'fieldnation')(first, last)) }}{% endmacro %}

{% macro default__seconds_between(first, last) %}date_sub('second', {{ first }}, {{ last }}){% endmacro %}

{% macro postgres__seconds_between(first, last) %}trunc(extract(epoch from {{ last }} - {{ first }})){% endmacro %}

{% macro snowflake__seconds_between(first, last) %}datediff('second', {{ first }}, {{ last }}){% endmacro %}


{#- The same in minutes, hours or days, with two digits. -#}
{% macro time_between(first, last, unit) %}
{%- set seconds = {'minute': 60, 'hour': 3600, 'day': 86400}[unit] -%}
cast({{ fieldnation.seconds_between(first, last) }} / {{ seconds }}.0 as numeric(18, 2))
{%- endmacro %}


{#- A time in UTC as the clock shows it in a time zone, such as America/Chicago; null if the database does not know it. -#}
{% macro local_time(value, time_zone) %}{{ return(adapter.dispatch('local_time', 'fieldnation')(value, time_zone)) }}{% endmacro %}

{% macro default__local_time(value, time_zone) -%}
case
    when {{ time_zone }} in (select name from pg_timezone_names())
        then {{ value }} at time zone 'UTC' at time zone {{ time_zone }}
end
{%- endmacro %}

{% macro postgres__local_time(value, time_zone) -%}
case
    when {{ time_zone }} in (select name from pg_timezone_names)
        then {{ value }} at time zone 'UTC' at time zone {{ time_zone }}
end
{%- endmacro %}

{% macro snowflake__local_time(value, time_zone) %}convert_timezone('UTC', {{ time_zone }}, {{ value }}){% endmacro %}


{#- The first day of the month of a time. -#}
{% macro month_of(value) %}cast({{ dbt.date_trunc('month', value) }} as date){% endmacro %}
