-- Returns the statement that creates a view with a column for each custom field of the company. In psql, end this query
-- with \gexec instead of the semicolon to execute that statement. Run it again after a custom field is added or renamed.
-- (Where several companies share the tables, their fields with the same id and name are one column.)
select format(
           'drop view if exists work_order_custom_columns; create view work_order_custom_columns as select w.id as work_order_id%s '
           'from work_orders w left join work_order_custom_fields f '
           'on f.work_order_id = w.id and f.extracted_at >= w.extracted_at group by w.id',
           string_agg(
               format(
                   ', max(f.value) filter (where f.id = %s and w.company_id in (%s)) as %I',
                   id, companies, concat_ws(' ', left(name, 40), id)
               ),
               '' order by id, name
           )
       ) as statement
from (
    select id, name, string_agg(company_id::text, ', ' order by company_id) as companies from custom_fields group by id, name
) as fields;
