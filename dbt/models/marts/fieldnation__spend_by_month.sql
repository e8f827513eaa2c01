select
    spend_month,
    company_id,
    client_id,
    max(client_name) as client_name,
    project_id,
    max(project_name) as project_name,
    count(distinct work_order_id) as work_orders_count,
    {%- for cost_type, name in [
        ('labor', 'labor_amount'),
        ('bonus', 'bonuses_amount'),
        ('pay increase', 'pay_increases_amount'),
        ('expense', 'expenses_amount'),
        ('penalty', 'penalties_amount'),
        ('discount', 'discounts_amount'),
        ('other pay', 'other_pay_amount'),
        ('fee', 'fees_amount'),
    ] %}
    {{ fieldnation.sum_if('amount', "cost_type = '" ~ cost_type ~ "'") }} as {{ name }},
    {%- endfor %}
    {{ fieldnation.sum_if('amount', 'is_pay') }} as pay_total,
    sum(amount) as total_amount
from {{ ref('fieldnation__spend') }}
group by spend_month, company_id, client_id, project_id
