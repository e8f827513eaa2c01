{#- The SQL type for a type of a staging column: integer, number, money, boolean, timestamp, date, text or json. -#}
{% macro sql_type(type) %}
{%- do return({
    'integer': dbt.type_bigint(),
    'number': 'numeric(18, 4)',
    'money': 'numeric(18, 2)',
    'boolean': dbt.type_boolean(),
    'timestamp': dbt.type_timestamp(),
    'date': 'date',
    'text': dbt.type_string(),
    'json': fieldnation.json_type(),
}[type]) -%}
{% endmacro %}


{% macro json_type() %}{{ return(adapter.dispatch('json_type', 'fieldnation')()) }}{% endmacro %}

{% macro default__json_type() %}json{% endmacro %}

{% macro postgres__json_type() %}jsonb{% endmacro %}

{% macro snowflake__json_type() %}variant{% endmacro %}


{#- A column of a table of the tap, whose name can be a reserved word, as a value that can be cast. -#}
{% macro source_value(name, type) %}{{ return(adapter.dispatch('source_value', 'fieldnation')(name, type)) }}{% endmacro %}

{% macro default__source_value(name, type) %}{{ adapter.quote(name) }}{% endmacro %}

{#- target-postgres loads lists as arrays -#}
{% macro postgres__source_value(name, type) -%}
{{ 'to_jsonb(' ~ adapter.quote(name) ~ ')' if type == 'json' else adapter.quote(name) }}
{%- endmacro %}

{#- target-snowflake makes names upper case -#}
{% macro snowflake__source_value(name, type) %}{{ adapter.quote(name | upper) }}{% endmacro %}


{#- A text as another type; null if it does not have the form. -#}
{% macro try_cast(value, type) %}{{ return(adapter.dispatch('try_cast', 'fieldnation')(value, type)) }}{% endmacro %}

{% macro default__try_cast(value, type) %}try_cast({{ value }} as {{ fieldnation.sql_type(type) }}){% endmacro %}

{% macro postgres__try_cast(value, type) -%}
{%- set day = '[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])' -%}
{%- set form = {
    'integer': '^-?[0-9]{1,18}$',
    'number': '^-?[0-9]{1,14}([.][0-9]+)?$',
    'money': '^-?[0-9]{1,16}([.][0-9]+)?$',
    'boolean': '^(true|false)$',
    'date': '^' ~ day ~ '$',
    'timestamp': '^' ~ day ~ '[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?$',
}[type] -%}
case when {{ value }} ~ '{{ form }}' then cast({{ value }} as {{ fieldnation.sql_type(type) }}) end
{%- endmacro %}
