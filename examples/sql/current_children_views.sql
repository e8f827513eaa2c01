-- For each table that hangs on work_orders a view current_…, which holds the rows that the API shows now.
-- Run it again after a new version of the tap has brought new columns or streams: a view keeps the columns it was made with.
do $$
declare
    child text;
begin
    for child in
        select table_name
        from information_schema.tables
        where table_schema = current_schema()
          and table_type = 'BASE TABLE'
          and table_name like 'work\_order\_%'
          -- for these, an earlier extracted_at does not mean that the row is gone
          and table_name not in (
              'work_order_removals', 'work_order_messages', 'work_order_requests', 'work_order_site_revisits'
          )
    loop
        execute format('drop view if exists current_%I', child);
        execute format(
            'create view current_%1$I as select child.* from %1$I child '
            'join work_orders w on w.id = child.work_order_id and w.extracted_at = child.extracted_at',
            child
        );
    end loop;
end
$$;
