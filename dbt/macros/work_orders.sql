{#- Whether a work order has one of these statuses. Their names decide, as pages of Field Nation differ in the ids. One
    without a status has none of them. -#}
{% macro is_cancelled(status) %}coalesce(lower({{ status }}) in ('cancelled', 'canceled'), false){% endmacro %}

{% macro is_finished(status) -%}
coalesce(lower({{ status }}) in ('approved', 'paid', 'cancelled', 'canceled', 'deleted'), false)
{%- endmacro %}


{#- First and last name in a JSON object of a person; null if there is neither. -#}
{% macro person_name(column, path=[]) -%}
nullif(trim(
    coalesce({{ fieldnation.json_text(column, path + ['first_name']) }}, '') || ' ' ||
    coalesce({{ fieldnation.json_text(column, path + ['last_name']) }}, '')
), '')
{%- endmacro %}


{#- When the provider has to arrive at the latest: at the start of an exact appointment, or within the service window. -#}
{% macro due_at(work_orders) -%}
case
    when {{ fieldnation.json_text(work_orders ~ '.schedule_json', ['service_window', 'mode']) }} = 'exact'
        then {{ work_orders }}.scheduled_start_at
    else coalesce({{ work_orders }}.scheduled_end_at, {{ work_orders }}.scheduled_start_at)
end
{%- endmacro %}


{#- How many rows meet a condition. Snowflake does not know `filter (where …)`. -#}
{% macro count_if(condition) %}coalesce(sum(case when {{ condition }} then 1 else 0 end), 0){% endmacro %}

{% macro sum_if(value, condition) %}coalesce(sum(case when {{ condition }} then {{ value }} end), 0){% endmacro %}


{#- The ratio of a part to a whole, from 0 to 1; null if the whole is 0. -#}
{% macro ratio(part, whole) %}cast({{ part }} * 1.0 / nullif({{ whole }}, 0) as numeric(9, 4)){% endmacro %}
