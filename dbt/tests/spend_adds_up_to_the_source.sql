-- The spend marts agree to the cent with the tables of the tap: the pay of each approved work order, and the charged fees of
-- all work orders.
{%- set found = fieldnation.loaded_columns('work_orders', [('approved_at',), ('pay_total',), ('status_name',)]) %}
{%- set status_name = 'status_name' if 'status_name' in found else 'cast(null as ' ~ dbt.type_string() ~ ')' %}

with source_pay as (
    {%- if 'approved_at' in found and 'pay_total' in found %}
    select id as work_order_id, cast(pay_total as numeric(18, 2)) as amount
    from {{ source('fieldnation', 'work_orders') }}
    where approved_at is not null and not {{ fieldnation.is_cancelled(status_name) }}
    {%- else %}
    -- not selected, so that no work order has spend
    select id as work_order_id, cast(0 as numeric(18, 2)) as amount from {{ source('fieldnation', 'work_orders') }}
    {%- endif %}
),

spend_pay as (
    select work_order_id, sum(amount) as amount
    from {{ ref('fieldnation__spend') }}
    where is_pay
    group by work_order_id
),

source_fees as (
    select sum(amount) as amount
    from {{ ref('stg_fieldnation__work_order_fees') }}
    where is_charged
)

select source_pay.work_order_id, source_pay.amount as expected, spend_pay.amount as found
from source_pay
full outer join spend_pay on spend_pay.work_order_id = source_pay.work_order_id
where coalesce(source_pay.amount, 0) <> coalesce(spend_pay.amount, 0)

union all

select null, source_fees.amount, spend.amount
from source_fees
cross join (select sum(amount) as amount from {{ ref('fieldnation__spend') }} where not is_pay) as spend
where coalesce(source_fees.amount, 0) <> coalesce(spend.amount, 0)

union all

select null, spend.amount, by_month.amount
from (select sum(amount) as amount from {{ ref('fieldnation__spend') }}) as spend
cross join (select sum(total_amount) as amount from {{ ref('fieldnation__spend_by_month') }}) as by_month
where coalesce(spend.amount, 0) <> coalesce(by_month.amount, 0)
