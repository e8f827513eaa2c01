"""The stream that reads the pages of `GET /workorders`, and hands each page to the streams embedded in it."""

from __future__ import annotations

import contextlib
import functools
import typing as t
from datetime import timedelta
from http import HTTPStatus

from typing_extensions import override

from tap_fieldnation.api import paging
from tap_fieldnation.api.errors import ApiError, DeadlineExceeded
from tap_fieldnation.api.work_orders import PATH, WorkOrders, decode_full
from tap_fieldnation.reading import cursor as cursors
from tap_fieldnation.reading import steps
from tap_fieldnation.reading.sync_run import Batch, Options, SyncRun
from tap_fieldnation.records import lifted, schema
from tap_fieldnation.records.conformer import Mismatches, compile_conformer
from tap_fieldnation.streams.by_request import ByRequestStream, ChildRequests
from tap_fieldnation.streams.catalog import REMOVALS, embedded_paths
from tap_fieldnation.streams.embedded import ChildStream, EmbeddedStream
from tap_fieldnation.streams.rest import FieldNationStream
from tap_fieldnation.streams.rows import EXTRACTED_AT
from tap_fieldnation.timestamps import format_utc

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog

    from tap_fieldnation.reading.sync_run import Removal
    from tap_fieldnation.streams.sdk import Writer
    from tap_fieldnation.tap import TapFieldNation

C = t.TypeVar("C", bound=ChildStream)

# Work orders on a page without which a section that none of them has is no cause for a warning.
ENOUGH_TO_TELL = 100

# Asked for whatever is selected: they say which work order it is, whose, how far it has come and since when.
CONTROL_SECTIONS = frozenset({"id", "company", "milestones", "status"})


class WorkOrdersStream(FieldNationStream):
    """Work orders."""

    name = "work_orders"
    path = PATH
    primary_keys = ("id",)
    replication_key = EXTRACTED_AT
    is_sorted = True
    check_sorted = False
    emit_activate_version_messages = False

    def __init__(self, tap: TapFieldNation) -> None:
        super().__init__(tap)
        self.mismatches = Mismatches()
        self.reading: SyncRun | None = None
        self._absent: list[str] | None = None
        self._filtered: set[int] = set()
        self._rows: list[tuple[EmbeddedStream, list[Record]]] = []

    @functools.cached_property
    def _conformed_schema(self) -> schema.JsonSchema:
        # A list that is a stream is no column: its rows are objects within the record, and must not be conformed twice.
        return schema.without(schema.load(self.name), embedded_paths())

    @functools.cached_property
    @override
    def schema(self) -> schema.JsonSchema:
        """The columns."""
        return t.cast("schema.JsonSchema", schema.public(self._conformed_schema))

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take from a catalog what it may decide; one without work orders still may select what hangs on them."""
        super().apply_catalog(catalog)
        if not catalog.get_stream(self.name):
            catalog.add_stream(self._singer_catalog_entry)

    def _selected(self, kind: type[C]) -> list[C]:
        return [child for child in self.child_streams if isinstance(child, kind) and child.selected]

    @functools.cached_property
    def sections(self) -> list[str]:
        """The keys of a work order that the API is asked for: those that something selected needs."""
        wanted = set(CONTROL_SECTIONS).union(child.entry.section for child in self._selected(EmbeddedStream))
        wanted = wanted.union(*(child.entry.sections for child in self._selected(ByRequestStream)))
        if self.selected:
            columns = {name for name in self.schema["properties"] if self.mask[("properties", name)]}
            wanted |= lifted.sections(columns)
            wanted |= columns.difference(lifted.COLUMNS, {EXTRACTED_AT})
        return sorted(wanted)

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """None: the cursor decides what is read, not the bookmark."""
        return

    @override
    def request_records(self, context: Context | None) -> Iterable[Record]:
        """Every work order that the reading plan finds; meanwhile the rows of the other streams are written."""
        children = self._selected(ChildStream)
        conform = compile_conformer(self._conformed_schema, self.mismatches)
        self.reading = reading = self.new_run()
        with contextlib.ExitStack() as stack:
            counters = {child: stack.enter_context(child.get_record_counter()) for child in children}
            for child in children:
                stack.enter_context(child.get_sync_timer())
                child._write_schema_message()  # noqa: SLF001
            try:
                for event in steps.read(reading):
                    if isinstance(event, Batch):
                        yield from self._records_of(event, conform)
                    else:
                        self._write_removals(event)
                    for child in children:
                        counters[child].increment(child.take_count())
            except DeadlineExceeded:
                self._fieldnation.out_of_time = True

    @override
    def generate_child_contexts(self, record: Record, context: Context | None) -> Iterable[Context | None]:
        """Write the rows that stand in this work order, unless a stream map filters it out; no child sync."""
        if not self.stream_maps[0].get_filter_result(record):
            self._filtered.add(record["id"])
        elif self._rows:
            with t.cast("Writer", self._tap.message_writer).together():
                for child, rows in self._rows:
                    child.write_rows(rows)
        return ()

    def _records_of(self, batch: Batch, conform: t.Callable[[Record], Record]) -> Iterator[Record]:
        assert self.reading is not None  # noqa: S101
        extracted_at = format_utc(batch.received_at)
        embedded = self._selected(EmbeddedStream)
        for stream in (self, *embedded):
            stream.received_at = batch.received_at
        self._look_for_sections(batch.records)
        self._filtered = set()
        asks = ChildRequests(self._selected(ByRequestStream), self.reading)
        for record in map(decode_full, batch.records):
            asks.add(record)
            found = ((child, child.embedded_list(record, self._whole_list)) for child in embedded)
            rows = ((child, child.build_rows(items, record["id"], extracted_at)) for child, items in found if items)
            self._rows = [(child, some) for child, some in rows if some]
            if self.selected or self._is_mapped:
                conform(record)
                lifted.lift(record)
                record[EXTRACTED_AT] = extracted_at
            yield record
        asks.execute(self._fieldnation.client, without=self._filtered)

    def _look_for_sections(self, records: Sequence[Record]) -> None:
        """Warn once of a section that was asked for and comes in no work order of a full page."""
        if self._absent is None and len(records) >= ENOUGH_TO_TELL:
            came = {section for record in records for section in decode_full(record)}
            self._absent = [section for section in self.sections if section not in came]
            named = {child.entry.section: child.name for child in self._selected(EmbeddedStream)}
            if empty := sorted({named.get(section, f"{self.name}.{section}") for section in self._absent}):
                self.logger.warning("The API sends nothing of what these hold, they stay empty: %s", ", ".join(empty))

    def _whole_list(self, path: str) -> list[t.Any]:
        """A list that the page holds only in part, from its own endpoint."""
        try:
            pages = list(paging.pages(self._fieldnation.client, path, paging.NUMBERED, stream=self.name))
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            self.logger.warning("The work order went away while a list of it was read: %s", error)
            return []
        return [row for page in pages for row in page.rows]

    @functools.cached_property
    def _is_mapped(self) -> bool:
        return not self._written_as_is

    def _write_removals(self, removal: Removal) -> None:
        at = format_utc(removal.detected_at)
        rows = ({"work_order_id": one, "detected_at": at, EXTRACTED_AT: at} for one in removal.ids)
        for child in self.child_streams:
            if child.name == REMOVALS and child.selected and isinstance(child, ChildStream):
                child.received_at = removal.detected_at
                child.write_rows(rows)

    def new_run(self) -> SyncRun:
        """A reading by this run's settings, selection and STATE."""
        tap = self._fieldnation
        since, until = tap.days
        days = float(self.config["reconcile_days"])
        options = Options(
            since=since,
            until=until,
            threads=self.config["max_concurrent_requests"],
            page_size=self.config["page_size"],
            reconcile=timedelta(days=days) if days else None,
        )
        known = None if until else cursors.from_state(self.stream_state.get(cursors.KEY))
        serves = [stream.name for stream in (self, *self.child_streams) if stream.selected and stream.name != REMOVALS]
        cursor = steps.prepare(
            known or cursors.Cursor(),
            options,
            serves,
            tap.clock.utc_now(),
            anew=self.replication_method == "FULL_TABLE",
        )
        source = WorkOrders(tap.client, self.sections, options.page_size)
        return SyncRun(
            source,
            cursor,
            options,
            tap.clock.utc_now,
            self._checkpoint,
            clock_ahead=lambda: tap.client.ahead_of_server,
        )

    def _checkpoint(self) -> None:
        """Write what was handed on so far into STATE; a bounded backfill leaves it as it was."""
        assert self.reading is not None  # noqa: S101
        if self.reading.options.until is None:
            self.stream_state[cursors.KEY] = self.reading.cursor.to_state()
            self._tap.state_writer.write_state(self.tap_state)

    @override
    def _increment_stream_state(self, latest_record: Record, *, context: Context | None = None) -> None:
        if self._fieldnation.days[1] is None:
            super()._increment_stream_state(latest_record, context=context)
