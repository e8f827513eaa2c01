{#- The value at a path of keys in a JSON column, as text; null if it is not there. -#}
{% macro json_text(column, path) %}{{ return(adapter.dispatch('json_text', 'fieldnation')(column, path)) }}{% endmacro %}

{% macro default__json_text(column, path) %}json_extract_string({{ column }}, '$.{{ path | join(".") }}'){% endmacro %}

{% macro postgres__json_text(column, path) %}({{ column }} #>> '{{ "{" ~ path | join(",") ~ "}" }}'){% endmacro %}

{% macro snowflake__json_text(column, path) %}cast(get_path({{ column }}, '{{ path | join(".") }}') as varchar){% endmacro %}
