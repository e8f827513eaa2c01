"""The stream that reads the pages of `GET /workorders` and writes each work order with its child records.

The path of a page: `reading.steps.read` yields it as a `Batch` -> for each work order, the rows of the selected
embedded streams are built and written, then the work order itself is yielded to the SDK, which writes it -> the
requests of the by-request streams are made -> `reading` moves the cursor, and STATE is written. All of this happens in
`request_records` and `_write_batch`; the SDK starts no child sync.
"""

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
from tap_fieldnation.reading import bookmarks, cursor_state, steps
from tap_fieldnation.reading.cursor import Cursor
from tap_fieldnation.reading.events import Batch, Write
from tap_fieldnation.reading.sync_run import Options, SyncRun
from tap_fieldnation.records import lifted, schema
from tap_fieldnation.records.conformer import Mismatches, Places, compile_conformer
from tap_fieldnation.streams.by_request import ByRequestStream, ChildRequests
from tap_fieldnation.streams.catalog import COVERAGE, REMOVALS, embedded_paths
from tap_fieldnation.streams.embedded import ChildStream, EmbeddedStream
from tap_fieldnation.streams.fingerprint import Fingerprints
from tap_fieldnation.streams.input_catalog import FULL_TABLE
from tap_fieldnation.streams.maps import passes
from tap_fieldnation.streams.rest import FieldNationStream
from tap_fieldnation.streams.rows import COMPANY_ID, EXTRACTED_AT
from tap_fieldnation.streams.sdk import ConformedStream, write_schema
from tap_fieldnation.timestamps import format_utc

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from singer_sdk import Tap, metrics
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog
    from singer_sdk.streams import Stream

    from tap_fieldnation.context import RunContext
    from tap_fieldnation.reading.cursor import Span
    from tap_fieldnation.reading.events import Removal
    from tap_fieldnation.streams.by_request import Need
    from tap_fieldnation.streams.writer import Writer

C = t.TypeVar("C", bound=ChildStream)


class _Family(t.NamedTuple):
    """A work order and its child records.

    Attributes:
        id: The id of the work order.
        record: The work order, conformed.
        rows: Its child records, by stream.
        needs: The requests to make for it.
        fingerprint: The fingerprint of all of it; None if nothing compares it.
        write: What to write of it.
        passes: Whether it passes the filter of its stream map, and its child records with it.
    """

    id: int
    record: Record
    rows: list[tuple[EmbeddedStream, list[Record]]]
    needs: list[Need]
    fingerprint: int | None
    write: Write
    passes: bool


# If none of the work orders on a page of this size has a section, the API does not send it.
ENOUGH_TO_TELL = 100

# Requested whatever is selected: the id, the company, the status and the dates.
CONTROL_SECTIONS = frozenset({"id", "company", "milestones", "status"})


class WorkOrdersStream(FieldNationStream):
    """Work orders.

    Args:
        tap: The SDK's tap.
        context: The run.

    Attributes:
        mismatches: What did not fit the schema.
        left_out: Invalid ids, whose work orders were skipped.
        run: The sync run, once it has started.
        reread_because: Why it reads all work orders again; "" if it does not.
    """

    name = "work_orders"
    path = PATH
    primary_keys = ("id",)
    replication_key = EXTRACTED_AT
    is_sorted = True
    check_sorted = False
    emit_activate_version_messages = False

    def __init__(self, tap: Tap, context: RunContext) -> None:
        super().__init__(tap, context)
        self.mismatches = Mismatches()
        self.left_out = Places()
        self._lift = lifted.compile_lift(self.name)
        self.run: SyncRun | None = None
        self.reread_because = ""
        self._sections_checked = False
        self._coverage: dict[date, Span] = {}
        self._fingerprints_before: dict[int, int] = {}

    @functools.cached_property
    def _conformed_schema(self) -> schema.JsonSchema:
        # A list that is a stream is not a column: its rows are objects in the record, and must not be conformed twice.
        return schema.without(schema.load(self.name), embedded_paths())

    @functools.cached_property
    def extended_schema(self) -> schema.JsonSchema:
        """The schema that records are made to fit, the properties that a user added to the catalog included."""
        extended = schema.extended(self._conformed_schema, self.effective_schema)
        return schema.without(extended, embedded_paths())

    @functools.cached_property
    @override
    def schema(self) -> schema.JsonSchema:
        """The columns."""
        return t.cast("schema.JsonSchema", schema.public(self._conformed_schema))

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Apply what a catalog may decide; one without `work_orders` may still select its child streams."""
        super().apply_catalog(catalog)
        if not catalog.get_stream(self.name):
            catalog.add_stream(self._singer_catalog_entry)

    def selected_children(self, kind: type[C]) -> list[C]:
        """The selected child streams of one kind."""
        return [child for child in self.child_streams if isinstance(child, kind) and child.selected]

    @functools.cached_property
    def sections(self) -> list[str]:
        """The sections of a work order to request from the API: those that a selected stream needs."""
        needed = set(CONTROL_SECTIONS).union(child.entry.section for child in self.selected_children(EmbeddedStream))
        needed = needed.union(*(child.entry.sections for child in self.selected_children(ByRequestStream)))
        if self.selected:
            columns = {name for name in self.extended_schema["properties"] if self.mask[("properties", name)]}
            needed |= lifted.sections(columns)
            needed |= columns.difference(lifted.columns(self.name), {EXTRACTED_AT})
        return sorted(needed)

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """None: the cursor decides what is read, not the bookmark."""
        return

    @override
    def request_records(self, context: Context | None) -> Iterable[Record]:
        """The work orders of the run, one page after another; their child records are written before each of them."""
        children = self.selected_children(ChildStream)
        coverage = self._tap.streams[COVERAGE]
        if not coverage.selected:
            coverage.stream_state.clear()  # once it is selected again, all slices are written
        self.run = run = self.new_run()
        if self.reread_because:
            self.logger.info("%s: all are read again, because %s.", self.name, self.reread_because)
        with contextlib.ExitStack() as stack:
            counters = {child: stack.enter_context(child.get_record_counter()) for child in children}
            for child in children:
                stack.enter_context(child.get_sync_timer())
                stack.callback(_count, child, counters[child])
            if not self.selected:
                for child in children:
                    write_schema(child)
            try:
                for event in steps.read(run):
                    if isinstance(event, Batch):
                        yield from self._write_batch(event, run)
                    else:
                        self._write_removals(event)
            except DeadlineExceeded:
                self.run_context.stop_at_deadline(self.name)
                run.checkpoint()

    @override
    def _write_schema_message(self) -> None:
        """Write the SCHEMA messages: of the child streams first, of `work_order_coverage` last.

        Targets load streams in the order of their SCHEMA messages. A work order that is loaded before its children
        makes them look outdated until they are loaded too; a span that is loaded before its work orders makes these
        look archived.
        """
        children = self.selected_children(ChildStream)
        for child in children:
            if child.name != COVERAGE:
                write_schema(child)
        super()._write_schema_message()
        for child in children:
            if child.name == COVERAGE:
                write_schema(child)

    @override
    def generate_child_contexts(self, record: Record, context: Context | None) -> Iterable[Context | None]:
        """None, so that the SDK syncs no child stream: `_write_batch` writes the child records."""
        return ()

    def _write_batch(self, batch: Batch, run: SyncRun) -> Iterator[Record]:
        """Write the child records of each work order that changed, and yield the work order for the SDK to write.

        If streams were only added, and the work order did not change, only their rows are written.
        """
        for stream in (self, *self._embedded):
            stream.received_at = batch.received_at
        self._check_sections(batch.records)
        requests = ChildRequests(self.selected_children(ByRequestStream), run)
        extracted_at = format_utc(batch.received_at)
        families: Iterable[_Family] = (
            self._family(decode_full(record), batch, extracted_at, requests, run) for record in batch.records
        )
        if not run.cursor.fingerprints.keys().isdisjoint(record["id"] for record in batch.records):
            families = list(families)
            run.announce(family.id for family in families if family.write is not Write.NOTHING)
        try:
            for family in families:
                if family.passes:
                    requests.add(family.id, family.needs, family.write)
                    self._write_rows(_to_write(family, run))
                if family.write is not Write.NOTHING:
                    run.remember_written(family.id, family.fingerprint, family.write)
                if family.write is Write.ALL:
                    yield family.record
        except DeadlineExceeded:  # while a list that is truncated was read
            requests.postpone()
            raise
        requests.execute(self.run_context.client)

    def _family(
        self, record: Record, batch: Batch, extracted_at: str, requests: ChildRequests, run: SyncRun
    ) -> _Family:
        """Conform a work order of a batch, and build its child records."""
        work_order = record["id"]
        compare = run.compares(batch, work_order)
        lists = [(child, child.embedded_list(record, self._fetch_list)) for child in self._embedded]
        rows = [(child, child.build_rows(items, work_order, extracted_at)) for child, items in lists if items]
        needs = requests.needed_for(record)
        counts = requests.counts_in(record) if compare else {}
        if self.selected or not self.writes_unchanged:
            self._lift(self._conform(record))
            record[EXTRACTED_AT] = extracted_at
        passing = passes(self.stream_maps[0], record)
        fingerprint = without_added = None
        if compare:
            own = [(self, [record])] if self.selected else []
            written, counted = ([*own, *rows], counts) if passing else (own, {})
            fingerprint = self._fingerprints.of(written, counted)
            if run.cursor.added:
                without_added = self._fingerprints_without_added.of(written, counted)
        write = run.what_to_write(batch, work_order, fingerprint, without_added)
        return _Family(work_order, record, rows, needs, fingerprint, write, passes=passing)

    @functools.cached_property
    def _embedded(self) -> list[EmbeddedStream]:
        return self.selected_children(EmbeddedStream)

    @functools.cached_property
    def _conform(self) -> Callable[[Record], Record]:
        return compile_conformer(self.extended_schema, self.mismatches)

    @functools.cached_property
    def _fingerprints(self) -> Fingerprints:
        return self._fingerprints_of(())

    @functools.cached_property
    def _fingerprints_without_added(self) -> Fingerprints:
        """The fingerprints of an earlier run, which did not include the added streams."""
        return self._fingerprints_of(self.run.cursor.added if self.run else ())

    def _fingerprints_of(self, left_out: Sequence[str]) -> Fingerprints:
        own: list[ConformedStream] = [self] if self.selected else []
        streams = (*own, *self._embedded, *self.selected_children(ByRequestStream))
        included = [stream for stream in streams if stream.name not in left_out]
        return Fingerprints(included, self.config, self._tap.plugin_version)

    def _write_rows(self, rows: Sequence[tuple[EmbeddedStream, list[Record]]]) -> None:
        if any(some for _, some in rows):
            with t.cast("Writer", self._tap.message_writer).buffered():
                for child, some in rows:
                    child.write_rows(some)

    def _check_sections(self, records: Sequence[Record]) -> None:
        """Warn once if a section that was requested is missing from every work order on a full page."""
        if self._sections_checked or len(records) < ENOUGH_TO_TELL:
            return
        self._sections_checked = True
        received = {section for record in records for section in decode_full(record)}
        names = {child.entry.section: child.name for child in self._embedded}
        missing = {names.get(name, f"{self.name}.{name}") for name in self.sections if name not in received}
        if missing:
            text = "The API did not return these, so they stay empty in this run: %s"
            self.logger.warning(text, ", ".join(sorted(missing)))

    def _fetch_list(self, path: str) -> list[t.Any]:
        """Read a list that is truncated on the page from its own endpoint."""
        try:
            pages = list(paging.pages(self.run_context.client, path, paging.PAGE_NUMBERS, stream=self.name))
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            self.logger.warning("A work order was removed while one of its lists was read: %s", error)
            return []
        return [row for page in pages for row in page.rows]

    def _write_removals(self, removal: Removal) -> None:
        at = format_utc(removal.detected_at)
        rows = [{"work_order_id": removed, "detected_at": at, EXTRACTED_AT: at} for removed in removal.ids]
        self._write_found(REMOVALS, rows, removal.detected_at)

    def _write_coverage(self, run: SyncRun) -> None:
        """Write rows for the slices that were written as a whole since the last call, and void those that are gone.

        No row is written before the company's id, which is part of their key, is known.
        """
        company_id = self.run_context.known_company_id
        if company_id is None:
            return
        before, now = self._coverage, run.now()
        self._coverage = after = run.cursor.coverage()
        changed = {first: span for first, span in after.items() if first not in before or before[first][:2] != span[:2]}
        gone: dict[date, Span] = dict.fromkeys(before.keys() - after.keys(), (None, now, 0))
        rows = [
            {
                COMPANY_ID: company_id,
                "first_day": first.isoformat(),
                "last_day": last and last.isoformat(),
                "read_at": format_utc(read_at),
                "work_orders": count,
                EXTRACTED_AT: format_utc(now),
            }
            for first, (last, read_at, count) in sorted({**gone, **changed}.items())
        ]
        self._write_found(COVERAGE, rows, now)

    def _write_found(self, stream: str, rows: Sequence[Record], at: datetime) -> None:
        for child in self.selected_children(ChildStream):
            if child.name == stream:
                child.received_at = at
                child.write_rows(rows)

    def new_run(self) -> SyncRun:
        """A sync run with this tap's settings, selection and STATE."""
        context = self.run_context
        since, until = context.date_range
        days = float(self.config["reconcile_days"])
        options = Options(
            since=since,
            until=until,
            threads=self.config["max_concurrent_requests"],
            page_size=self.config["page_size"],
            reconcile=timedelta(days=days) if days else None,
            accept_mass_removals=self.config["accept_mass_removals"],
        )
        now = context.clock.utc_now()
        known = self._saved_cursor() if until is None else Cursor()
        self._coverage = known.coverage() if self._tap.streams[COVERAGE].stream_state else {}
        if known.corrected:
            self.logger.warning("STATE holds times in the future: they were corrected; check this machine's clock.")
        found = {REMOVALS, COVERAGE}
        streams = [
            stream.name for stream in (self, *self.child_streams) if stream.selected and stream.name not in found
        ]
        full_refresh = self.replication_method == FULL_TABLE
        self.reread_because = steps.prepare(known, options, streams, now, full_refresh=full_refresh)
        if until is not None:
            self._fingerprints_before = self._saved_cursor().fingerprints
            known.fingerprints = dict(self._fingerprints_before)
        return SyncRun(
            WorkOrders(context.client, self.sections, options.page_size, self._leave_out),
            known,
            options,
            context.clock.utc_now,
            self._checkpoint,
            warn=lambda sentence: self.logger.warning("%s: %s.", self.name, sentence),
            clock_ahead=lambda: context.requester.clock_ahead,
            is_reread=bool(self.reread_because),
        )

    def _leave_out(self, value: object) -> None:
        self.left_out[repr(value)] += 1

    def _saved_cursor(self) -> Cursor:
        now = self.run_context.clock.utc_now()
        return cursor_state.from_state(self.stream_state.get(bookmarks.CURSOR), now) or Cursor()

    def _checkpoint(self, run: SyncRun) -> None:
        """Write STATE for what was emitted so far; after a bounded backfill, only open work orders that it found."""
        if run.knows_company:
            self.run_context.remember_company(run.cursor.company_id)
        saved = run.cursor
        if run.options.until is None:
            self._write_coverage(run)
        else:
            saved = self._saved_cursor()
            before = dict(saved.fingerprints)
            saved.fingerprints = run.cursor.confirmed(self._fingerprints_before)
            if saved.is_new or not (saved.follow(run.cursor.open) or saved.fingerprints != before):
                return
        self.stream_state[bookmarks.CURSOR] = cursor_state.to_state(saved)
        self._tap.state_writer.write_state(self.tap_state)

    @override
    def _increment_stream_state(self, latest_record: Record, *, context: Context | None = None) -> None:
        if self.run_context.date_range[1] is None:
            super()._increment_stream_state(latest_record, context=context)


def _to_write(family: _Family, run: SyncRun) -> Sequence[tuple[EmbeddedStream, list[Record]]]:
    """The child records to write for a work order."""
    if family.write is Write.ADDED_STREAMS:
        return [(child, rows) for child, rows in family.rows if child.name in run.cursor.added]
    return family.rows if family.write is Write.ALL else ()


def _count(child: ChildStream, counter: metrics.Counter) -> None:
    counter.increment(child.take_count())


def work_orders_of(streams: Mapping[str, Stream]) -> WorkOrdersStream:
    """The stream of work orders among a tap's streams, selected or not."""
    return t.cast("WorkOrdersStream", streams[WorkOrdersStream.name])
