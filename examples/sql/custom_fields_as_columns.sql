-- Custom fields as columns. Replace these names by those of your company. All values are text; a field that was not filled
-- in is null.
select w.id as work_order_id,
       max(f.value) filter (where f.name = 'Ticket') as ticket,
       max(f.value) filter (where f.name = 'Purchase order') as purchase_order,
       (max(f.value) filter (where f.name = 'Bill amount'))::numeric(18, 2) as bill_amount,
       (max(f.value) filter (where f.name = 'Due'))::date as due
from work_orders w
left join work_order_custom_fields f on f.work_order_id = w.id and f.extracted_at >= w.extracted_at
group by w.id
order by w.id;
