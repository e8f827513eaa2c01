{#- A table of the tap with names and types for SQL, and only its current rows.

    table: its name.
    role: by which rule its rows are current; see current_rows.
    selected_by_default: whether the tap reads it unless told otherwise.
    columns: (name in the table, name in the model, type) of each column. A column that is not in the table, because
        the tap was told not to read it, is null.
-#}
{% macro staging(table, role, selected_by_default, columns) %}
{%- set is_selected = fieldnation.is_selected(table, selected_by_default) -%}
{%- set found = fieldnation.loaded_columns(table, columns) if is_selected else [] -%}
select
    {%- for name, alias, type in columns %}
    cast({{ fieldnation.source_value(name, type) if name in found else 'null' }} as {{ fieldnation.sql_type(type) }}) as {{ alias }}
    {{- ',' if not loop.last }}
    {%- endfor %}
{% if is_selected -%}
from (
    {{ fieldnation.current_rows(table, role, '_sdc_deleted_at' in found) | indent }}
) as current_rows
{%- else -%}
limit 0 -- not selected
{%- endif %}
{% endmacro %}


{#- Whether the tap reads a table: the default, or what the var fieldnation_selected says. -#}
{% macro is_selected(table, by_default=true) %}
{%- do return(var('fieldnation_selected', {}).get(table, by_default)) -%}
{% endmacro %}


{#- The columns that a table has; an error if it does not exist. Without a connection: those that it should have. -#}
{% macro loaded_columns(table, columns) %}
{%- set wanted = columns | map(attribute=0) | list -%}
{%- if not execute or not flags.INTROSPECT -%}
    {%- do return(wanted) -%}
{%- endif -%}
{%- set relation = source('fieldnation', table) -%}
{%- set found = adapter.get_columns_in_relation(relation) | map(attribute='name') | map('lower') | list -%}
{%- if not found -%}
    {{ exceptions.raise_compiler_error(
        relation ~ " does not exist. Set the vars fieldnation_schema and fieldnation_database to where the tap loads its"
        ~ " tables, and run the tap. If it does not read this table, set the var fieldnation_selected: {" ~ table
        ~ ": false}."
    ) }}
{%- endif -%}
{#- current_rows adds these to work orders -#}
{%- do return(found + ['is_removed', 'removed_at']) -%}
{% endmacro %}
