{% snapshot fieldnation__status_history %}
{{
    config(
        unique_key='work_order_id',
        strategy='check',
        check_cols=[
            'status_name', 'is_removed', 'provider_id', 'scheduled_start_at', 'scheduled_end_at', 'pay_total'
        ],
        hard_deletes='invalidate'
    )
}}

select
    work_order_id,
    status_id,
    status_name,
    is_open,
    is_removed,
    removed_at,
    company_id,
    client_id,
    client_name,
    project_id,
    project_name,
    provider_id,
    provider_name,
    scheduled_start_at,
    scheduled_end_at,
    pay_total,
    last_milestone_at,
    extracted_at
from {{ ref('fieldnation__work_orders') }}
{% endsnapshot %}
