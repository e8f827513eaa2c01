-- Creates a view current_… for each table of child records, with only the current rows.
-- Run it again after a new version of the tap adds columns or streams: a view keeps the columns that it was created with.
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
          -- for these, an earlier extracted_at does not mean that the row was removed
          and table_name not in (
              'work_order_removals', 'work_order_coverage', 'work_order_messages', 'work_order_requests',
              'work_order_site_revisits'
          )
    loop
        execute format('drop view if exists current_%I', child);
        execute format(
            'create view current_%1$I as select child.* from %1$I child '
            'join work_orders w on w.id = child.work_order_id and child.extracted_at >= w.extracted_at '
            'where not exists (select 1 from work_order_removals r '
            'where r.work_order_id = w.id and r.detected_at >= w.extracted_at)',
            child
        );
    end loop;
end
$$;
