"""Company data: full tables that take a few requests each, and lists that belong to each row of another list."""

from __future__ import annotations

import functools
import math
import typing as t
from datetime import datetime, timedelta, timezone
from http import HTTPStatus

from typing_extensions import override

from tap_fieldnation.api import paging
from tap_fieldnation.api.errors import Action, ApiError, DeadlineExceeded
from tap_fieldnation.reading import bookmarks
from tap_fieldnation.records import lifted, schema
from tap_fieldnation.streams.fingerprint import Fingerprints
from tap_fieldnation.streams.lists import has_ids_only, ids_on
from tap_fieldnation.streams.rest import FieldNationStream
from tap_fieldnation.streams.rows import COMPANY_ID, EXTRACTED_AT, RowBuilder
from tap_fieldnation.streams.sdk import activate_version, start_version
from tap_fieldnation.timestamps import format_utc

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_fieldnation.api.paging import ListPage
    from tap_fieldnation.context import RunContext
    from tap_fieldnation.streams.catalog import Company
    from tap_fieldnation.streams.lists import Lists

NO_COMPANY = "no work order or template shows the company's id; set company_id"

# How often a list with fewer rows than its total is read before that is reported.
MAX_PASSES = 2

# With these the API refuses further parameters of a list, which not every server knows.
REFUSED = {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY}

# If none of this many parents has such a list, the account does not have the resource.
MAX_MISSING = 10

# A list with at most this many rows is held back until it is known whether it changed.
MAX_HELD = 5_000

# The fractional parts of its multiples are spread evenly between 0 and 1.
GOLDEN_RATIO = (math.sqrt(5) - 1) / 2


class CompanyStream(FieldNationStream):
    """A company list, or a list for each row of another one.

    Args:
        tap: The SDK's tap.
        context: The run.
        lists: The run's lists.

    Attributes:
        already_read: Whether it was read by the interrupted sync that this run continues.
        preferred: Whether it comes before work orders in this run.
        without_company: Whether it was not read, because the company's id is unknown.
    """

    entry: Company
    # The SDK would write the version message before the records; here it comes last, and only if all rows were written.
    emit_activate_version_messages = False

    def __init__(self, tap: Tap, context: RunContext, lists: Lists) -> None:
        super().__init__(tap, context)
        self.lists = lists
        self.already_read = self.preferred = self.without_company = False
        self._complete = True
        self._holds_back = False

    @functools.cached_property
    def conformed_schema(self) -> schema.JsonSchema:
        """The schema that rows are made to fit, the properties that a user added to the catalog included."""
        return schema.extended(schema.load(self.name), self.effective_schema)

    @functools.cached_property
    def row_builder(self) -> RowBuilder:
        """Makes the rows fit the schema."""
        return RowBuilder(self.name, self.conformed_schema, self.primary_keys)

    def lacks_company(self) -> bool:
        """Whether the rows need the company's id but it is unknown; may make a request to find it out."""
        return not self.entry.common and self.run_context.find_company_id() is None

    @override
    def request_records(self, context: Context | None) -> Iterable[Record]:
        """Every row of the list; none if the sync that this run continues has already read it."""
        if self.already_read:
            return
        try:
            complete = yield from self._changed()
        except DeadlineExceeded:
            self.run_context.stop_at_deadline(self.name)
            bookmarks.mark_pending(self.stream_state, preferred=self.preferred)
            return
        except ApiError as error:
            if error.rule.action is not Action.SKIP or bookmarks.was_readable(self.stream_state):
                raise
            self.logger.warning("Not read: %s", error)
            complete = False
        bookmarks.mark_finished(self.stream_state, self.run_context.clock.utc_now())
        if complete and not self._left_out:
            activate_version(self)

    @property
    def _left_out(self) -> bool:
        """Whether rows were left out: where the API calls their key otherwise, the older ones must not be deleted."""
        return bool(self.row_builder.rows_without_key or self.row_builder.mismatches.invalid_values["(row)"])

    def _changed(self) -> t.Generator[Record, None, bool]:
        """Every row, or none if the list is unchanged and was written less than `reconcile_days` ago."""
        state, now = self.stream_state, self.run_context.clock.utc_now()
        versions = bool(self.config.get("emit_activate_version_messages"))
        self._holds_back = not bookmarks.is_pending(state) and not versions
        if versions:
            self._drop_fingerprint()  # a version message deletes rows even if none come before it
        held: list[Record] = []
        rows = self._read()
        try:
            while True:
                row = next(rows)
                held.append(row)
                if not self._holds_back or len(held) > MAX_HELD:
                    self._holds_back = False
                    yield from self._write_held(held)
        except StopIteration as end:
            complete = bool(end.value)
        except (ApiError, DeadlineExceeded):
            yield from self._write_held(held)
            raise
        if not self._holds_back or not complete:
            yield from self._write_held(held)
            return complete
        days = float(self.config["reconcile_days"])
        fingerprint = self._fingerprints.of([(self, held)])
        if not bookmarks.is_written(state, fingerprint, now, timedelta(days=days) if days else None):
            yield from self._write_held(held)
            bookmarks.mark_written(state, fingerprint, now)
        return complete

    def _write_held(self, held: list[Record]) -> Iterator[Record]:
        """The rows that were held back; the fingerprint is dropped from STATE before the first of them."""
        if held:
            self._drop_fingerprint()
        yield from held
        held.clear()

    def _drop_fingerprint(self) -> None:
        if bookmarks.has_fingerprint(self.stream_state):
            bookmarks.mark_written(self.stream_state, None, None)
            self._tap.state_writer.write_state(self.tap_state)

    @functools.cached_property
    def _fingerprints(self) -> Fingerprints:
        return Fingerprints([self], self.config, self._tap.plugin_version)

    def _read(self) -> t.Generator[Record, None, bool]:
        """Every row; returns whether the list is complete, so that older rows can be deleted."""
        if self.lacks_company():
            self.without_company = True  # the summary says it once for all lists
            return False
        if bool(self.config.get("emit_activate_version_messages")) and not self.entry.parent:
            start_version(self)
        yield from (self._rows_of_parents() if self.entry.parent else self._rows())
        bookmarks.mark_readable(self.stream_state)
        return self._complete

    def fetch_pages(self, more: t.Mapping[str, object] | None = None) -> Iterator[ListPage]:
        """The pages of the list; the stream's columns are requested if the list sends only requested ones.

        Args:
            more: One of the entry's additional parameters, or those of a page.
        """
        params = dict(more or {})
        if self.entry.detail:
            properties = self.conformed_schema["properties"]
            added = {EXTRACTED_AT, *lifted.columns(self.name)}
            keys = [key for name, node in properties.items() for key in (name, *node.get(schema.ALIASES, ()))]
            params["columns"] = ",".join(key for key in keys if key not in added)
        fetch = self.lists.request_pages if more else self.lists.fetch_pages
        return fetch(self.entry, params)

    def _rows(self) -> Iterator[Record]:
        seen: set[t.Any] = set()
        ids: list[t.Any] = []
        variants: list[t.Mapping[str, object]] = [{}, *self.entry.more]
        place = bookmarks.position(self.stream_state)
        first, start = (place[0], {place[1]: place[2]}) if _is_page(place, len(variants)) else (0, {})
        for number in range(first, len(variants)):
            yield from self._rows_of_variant(number, {**variants[number], **start}, seen, ids)
            start = {}
        if ids:
            yield from self._details(dict.fromkeys(ids))

    def _rows_of_variant(
        self, number: int, params: t.Mapping[str, object], seen: set[t.Any], ids: list[t.Any]
    ) -> Iterator[Record]:
        """The rows of the list; with additional parameters, the API may reject the request."""
        try:
            yield from self._rows_of_list(number, params, seen, ids)
        except ApiError as error:
            if not number or error.status not in REFUSED:
                raise
            self.logger.debug("Not read: %s", error)

    def _rows_of_list(
        self, variant: int, params: t.Mapping[str, object], seen: set[t.Any], ids: list[t.Any]
    ) -> Iterator[Record]:
        """The rows of the list that were not seen before; if it sends bare ids, these are added to `ids`."""
        received: set[t.Any] = set()
        resumed = bool(bookmarks.position(self.stream_state)) and not seen and not ids
        lacks = ""
        for number in range(1, MAX_PASSES + 1):
            page: ListPage | None = None
            for page in self.fetch_pages(params):
                if has_ids_only(self.entry, page):
                    ids += ids_on(self.entry, page)
                    received.update(ids_on(self.entry, page))
                else:
                    yield from self._rows_on(page, seen, received)
                    if page.following:
                        bookmarks.save_position(self.stream_state, variant, *page.following)
            if resumed:  # the rest of a list says nothing about its beginning
                self._complete = False
                return
            lacks = paging.shortfall(page, len(received))
            if not lacks:
                return
            if number < MAX_PASSES:
                self.logger.info("%s: the API %s; reading the list again.", self.name, lacks)
        self._complete = False
        self.logger.warning("%s: the API %s, also when asked again.", self.name, lacks)

    def _rows_on(self, page: ListPage, seen: set[t.Any], received: set[t.Any], **columns: t.Any) -> Iterator[Record]:
        """The rows of a page that were not seen before."""
        self.received_at = page.received_at
        items = (_with_fallback(row, self.entry) for row in page.rows)
        for row in self.row_builder.rows(items, **columns, **self._own_columns(page.received_at)):
            key = tuple(row[name] for name in self.primary_keys)
            received.add(key)
            if key not in seen:
                seen.add(key)
                yield row

    def _own_columns(self, received_at: datetime) -> Record:
        """The columns that the API does not send."""
        columns: Record = {EXTRACTED_AT: format_utc(received_at)}
        if not self.entry.common:
            columns[COMPANY_ID] = self.run_context.find_company_id()
        return columns

    def _rows_of_parents(self) -> Iterator[Record]:
        entry = self.entry
        seen: set[t.Any] = set()
        missing: list[ApiError] = []
        short: list[str] = []
        parent_ids = self.lists.fetch_ids(entry.parent, entry.parent_key)
        place = bookmarks.position(self.stream_state)
        if place and place[0] in parent_ids:
            parent_ids = parent_ids[parent_ids.index(place[0]) + 1 :]
        for number, parent_id in enumerate(parent_ids, start=1):
            path = entry.path.format(id=parent_id)
            try:
                received = 0
                page: ListPage | None = None
                for page in paging.pages(self.run_context.client, path, entry.params, stream=self.name):
                    received += len(page.rows)
                    yield from self._rows_on(page, seen, set(), **{entry.parent_column: parent_id})
                if lacks := paging.shortfall(page, received):
                    short.append(f"for {path} the API {lacks}")
            except ApiError as error:
                if error.status != HTTPStatus.NOT_FOUND:  # the parent was deleted meanwhile
                    raise
                missing.append(error)
                if len(missing) == number == min(len(parent_ids), MAX_MISSING):
                    raise
                self.logger.debug("Skipped: %s", error)
            bookmarks.save_position(self.stream_state, parent_id)
        if short:
            text = "%s: rows are missing in %d of %d lists: %s"
            self.logger.warning(text, self.name, len(short), len(parent_ids), short[0])

    def _details(self, ids: Iterable[t.Any]) -> Iterator[Record]:
        """Rows one by one, if the list sends bare ids: new ones, and known ones that are due."""
        self._holds_back = False  # the progress in STATE must not be ahead of the rows
        now = self.run_context.clock.utc_now()
        progress = bookmarks.Details.load(self.stream_state, self.name)
        last = progress.read_at = progress.read_at or now
        for row_id, turn in self._due(sorted(map(int, ids)), progress.highest, last, now):
            progress.save(self.stream_state)
            try:
                body, received_at = self.run_context.client.get(
                    self.entry.detail.format(id=row_id), {}, stream=self.name
                )
            except ApiError as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
            else:
                self.received_at = received_at
                yield from self.row_builder.rows([body], **self._own_columns(received_at))
            if turn is None:
                progress.highest = row_id
            else:
                progress.read_at = turn
        progress.read_at = now
        progress.save(self.stream_state)

    def _due(
        self, ids: Sequence[int], highest: int, last: datetime, now: datetime
    ) -> Iterator[tuple[int, datetime | None]]:
        """The ids above the highest known one, then the known ones that are due, with their due times.

        Each is due once in `reconcile_days`, evenly spread, so that no row is older than that.
        """
        known = [row_id for row_id in ids if row_id <= highest]
        yield from ((row_id, None) for row_id in ids if row_id > highest)
        days = float(self.config["reconcile_days"])
        turns = sorted((latest_turn(row_id, days, now), row_id) for row_id in known) if days else []
        due = [(row_id, turn) for turn, row_id in turns if turn > last]
        self._complete = self._complete and len(due) == len(known)
        yield from due


def _is_page(place: Sequence[t.Any], variants: int) -> bool:
    """Whether a position in STATE consists of the number of a variant and a parameter that selects a page."""
    if len(place) != 3 or type(place[0]) is not int or not 0 <= place[0] < variants:  # noqa: PLR2004
        return False
    name, value = place[1:]
    return (type(value) is int and value > 0) if name == "page" else name == "after" and type(value) in {int, str}


def latest_turn(row_id: int, days: float, now: datetime) -> datetime:
    """The latest time, not after now, at which a row was due, if it is due once in this many days."""
    every, phase = timedelta(days=days).total_seconds(), row_id * GOLDEN_RATIO % 1
    return datetime.fromtimestamp((math.floor(now.timestamp() / every - phase) + phase) * every, timezone.utc)


def _with_fallback(row: t.Any, entry: Company) -> t.Any:
    for key, other in entry.fallback.items():
        if type(row) is dict and row.get(key) is None:
            row[key] = row.get(other)
    return row
