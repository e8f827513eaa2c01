with work_orders as (
    select
        *,
        approved_at is not null and not is_cancelled as is_approved,
        coalesce(approved_at, cancelled_at, last_milestone_at) as spent_at
    from {{ ref('fieldnation__work_orders') }}
),

parts as (
    {%- for cost_type, amount, condition in [
        ('labor', 'labor_amount', 'is_approved'),
        ('bonus', 'bonuses_amount', 'is_approved'),
        ('pay increase', 'pay_increases_amount', 'is_approved'),
        ('expense', 'expenses_amount', 'is_approved'),
        ('penalty', '-penalties_amount', 'is_approved'),
        ('discount', '-discounts_amount', 'is_approved'),
        ('other pay', 'other_pay_amount', 'is_approved'),
        ('fee', 'fees_amount', 'true'),
    ] %}
    {%- if not loop.first %}
    union all
    {%- endif %}
    select work_order_id, '{{ cost_type }}' as cost_type, cast({{ amount }} as numeric(18, 2)) as amount
    from work_orders
    where {{ condition }} and {{ amount }} <> 0
    {%- endfor %}
)

select
    parts.work_order_id,
    parts.cost_type,
    parts.amount,
    parts.cost_type <> 'fee' as is_pay,
    work_orders.spent_at,
    {{ fieldnation.month_of('work_orders.spent_at') }} as spend_month,
    work_orders.status_name,
    work_orders.company_id,
    work_orders.client_id,
    work_orders.client_name,
    work_orders.project_id,
    work_orders.project_name,
    work_orders.type_of_work_name,
    work_orders.provider_id,
    work_orders.provider_name,
    work_orders.invoice_id,
    work_orders.is_removed
from parts
inner join work_orders using (work_order_id)
