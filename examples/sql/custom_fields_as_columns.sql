-- Custom fields as columns, by their names; put those of your company in the place of these. All values come as text, ''
-- where nothing was filled in.
select w.id as work_order_id,
       max(f.value) filter (where f.name = 'Ticket') as ticket,
       max(f.value) filter (where f.name = 'Purchase order') as purchase_order,
       nullif(max(f.value) filter (where f.name = 'Bill amount'), '')::numeric(18, 2) as bill_amount,
       nullif(max(f.value) filter (where f.name = 'Due'), '')::date as due
from work_orders w
left join work_order_custom_fields f on f.work_order_id = w.id and f.extracted_at = w.extracted_at
group by w.id
order by w.id;
