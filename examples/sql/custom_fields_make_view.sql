-- Returns the statement that creates a view with a column for each custom field of the company. In psql, end this query
-- with \gexec instead of the semicolon to execute that statement. Run it again after a custom field is added or renamed.
select format(
           'drop view if exists work_order_custom_columns; create view work_order_custom_columns as select w.id as work_order_id%s '
           'from work_orders w left join work_order_custom_fields f '
           'on f.work_order_id = w.id and f.extracted_at >= w.extracted_at group by w.id',
           string_agg(
               format(', max(f.value) filter (where f.id = %s) as %I', id, left(name, 40) || ' ' || id),
               '' order by id
           )
       ) as statement
from custom_fields;
