"""Company data: full tables of a few requests each, and the lists that belong to each row of another list."""

from __future__ import annotations

import math
import typing as t
from datetime import datetime, timedelta, timezone
from http import HTTPStatus

from typing_extensions import override

from tap_fieldnation.api import paging
from tap_fieldnation.api.errors import Action, ApiError, DeadlineExceeded
from tap_fieldnation.reading import bookmarks
from tap_fieldnation.streams.lists import COMPANY_ID, has_ids_only, ids_on
from tap_fieldnation.streams.rest import FieldNationStream
from tap_fieldnation.streams.rows import EXTRACTED_AT, RowBuilder
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

NO_COMPANY = "no work order shows the company's id; set company_id"

# A list whose rows are fewer than its total is read so many times before that is reported.
MAX_PASSES = 2

# After so many parents without such a list, and none with one, the account does not have the resource.
MAX_MISSING = 10

# Multiples of it, without their whole part, lie evenly between 0 and 1.
GOLDEN_RATIO = (math.sqrt(5) - 1) / 2


class CompanyStream(FieldNationStream):
    """A list of the company, or one of each row of another list.

    Args:
        tap: The SDK's tap.
        context: The run.
        lists: The run's lists.

    Attributes:
        already_read: Whether the interrupted sync that this run continues has read it.
    """

    entry: Company
    # The SDK would write the version message before the records; here it comes last, and only if all were written.
    emit_activate_version_messages = False

    def __init__(self, tap: Tap, context: RunContext, lists: Lists) -> None:
        super().__init__(tap, context)
        self.lists = lists
        self.row_builder = RowBuilder(self.name, self.primary_keys)
        self.already_read = False
        self._complete = True

    def lacks_company(self) -> bool:
        """Whether the path needs the company's id and nothing provides it; may make a request to find out."""
        return COMPANY_ID in self.entry.path and self.run_context.find_company_id() is None

    @override
    def request_records(self, context: Context | None) -> Iterable[Record]:
        """Every row of the list; none if the sync that this run continues has read it."""
        if self.already_read:
            return
        try:
            complete = yield from self._read()
        except DeadlineExceeded:
            self.run_context.stop_at_deadline(self.name)
            bookmarks.mark_pending(self.stream_state, pending=True)
            return
        except ApiError as error:
            if error.rule.action is not Action.SKIP or bookmarks.was_readable(self.stream_state):
                raise
            self.logger.warning("Not read: %s", error)
            complete = False
        bookmarks.mark_pending(self.stream_state, pending=False)
        if complete:
            activate_version(self)

    def _read(self) -> t.Generator[Record, None, bool]:
        """Every row; returns whether these are all that there are, so that older ones can be deleted."""
        if self.lacks_company():
            self.logger.warning("Not read: %s: %s.", self.name, NO_COMPANY)
            return False
        if bool(self.config.get("emit_activate_version_messages")) and not self.entry.parent:
            start_version(self)
        yield from (self._rows_of_parents() if self.entry.parent else self._rows())
        bookmarks.mark_readable(self.stream_state)
        return self._complete

    def _rows(self) -> Iterator[Record]:
        seen: set[t.Any] = set()
        for number in range(1, MAX_PASSES + 1):
            total: int | None = None
            ids: list[t.Any] = []
            for page in self.lists.fetch_pages(self.entry):
                total = page.total
                if has_ids_only(self.entry, page):
                    ids += ids_on(self.entry, page)
                    seen.update(ids)
                else:
                    yield from self._rows_on(page, seen)
            if ids:
                yield from self._details(ids)
            if total is None or len(seen) >= total:
                return
            if number < MAX_PASSES:
                self.logger.info("%s: received %d of %d rows; reading the list again.", self.name, len(seen), total)
        self._complete = False
        text = "%s: the API counts %s rows but returns only %d; those were read."
        self.logger.warning(text, self.name, total, len(seen))

    def _rows_on(self, page: ListPage, seen: set[t.Any], **columns: t.Any) -> Iterator[Record]:
        """The rows of a page that were not on an earlier one."""
        self.received_at = page.received_at
        items = (_with_fallback(row, self.entry) for row in page.rows)
        for row in self.row_builder.rows(items, **columns, **{EXTRACTED_AT: format_utc(page.received_at)}):
            key = tuple(row[name] for name in self.primary_keys)
            if key not in seen:
                seen.add(key)
                yield row

    def _rows_of_parents(self) -> Iterator[Record]:
        entry = self.entry
        seen: set[t.Any] = set()
        missing: list[ApiError] = []
        parent_ids = self.lists.fetch_ids(entry.parent, entry.parent_key)
        for number, parent_id in enumerate(parent_ids, start=1):
            path = entry.path.format(id=parent_id)
            try:
                for page in paging.pages(self.run_context.client, path, entry.params, stream=self.name):
                    yield from self._rows_on(page, seen, **{entry.parent_column: parent_id})
            except ApiError as error:
                if error.status != HTTPStatus.NOT_FOUND:  # the parent was deleted meanwhile
                    raise
                missing.append(error)
                if len(missing) == number == min(len(parent_ids), MAX_MISSING):
                    raise
                self.logger.debug("Skipped: %s", error)

    def _details(self, ids: Iterable[t.Any]) -> Iterator[Record]:
        """Rows one by one, where the list sends bare ids: new ones, and those of the known ones whose turn it is."""
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
                yield from self.row_builder.rows([body], **{EXTRACTED_AT: format_utc(received_at)})
            if turn is None:
                progress.highest = row_id
            else:
                progress.read_at = turn
        progress.read_at = now
        progress.save(self.stream_state)

    def _due(
        self, ids: Sequence[int], highest: int, last: datetime, now: datetime
    ) -> Iterator[tuple[int, datetime | None]]:
        """The ids above the highest known one, then the known ones whose turn has come, with the moment it came.

        A turn comes once in `reconcile_days`, evenly spread, so that no row is older than that.
        """
        known = [row_id for row_id in ids if row_id <= highest]
        yield from ((row_id, None) for row_id in ids if row_id > highest)
        days = float(self.config["reconcile_days"])
        turns = sorted((latest_turn(row_id, days, now), row_id) for row_id in known) if days else []
        due = [(row_id, turn) for turn, row_id in turns if turn > last]
        self._complete = self._complete and len(due) == len(known)
        yield from due


def latest_turn(row_id: int, days: float, now: datetime) -> datetime:
    """The latest moment until now at which a row's turn came, which comes once in so many days."""
    every, phase = timedelta(days=days).total_seconds(), row_id * GOLDEN_RATIO % 1
    return datetime.fromtimestamp((math.floor(now.timestamp() / every - phase) + phase) * every, timezone.utc)


def _with_fallback(row: t.Any, entry: Company) -> t.Any:
    for key, other in entry.fallback.items():
        if type(row) is dict and row.get(key) is None:
            row[key] = row.get(other)
    return row
