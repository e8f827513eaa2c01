"""Company data: lists, read whole, a few requests each; and the lists that each row of another list has."""

from __future__ import annotations

import math
import typing as t
from datetime import datetime, timezone

from typing_extensions import override

from tap_fieldnation.api import paging
from tap_fieldnation.api.errors import Action, ApiError, DeadlineExceeded, StateError
from tap_fieldnation.reading.cursor import START_OVER
from tap_fieldnation.records import schema
from tap_fieldnation.streams.catalog import COMPANY
from tap_fieldnation.streams.rest import FieldNationStream
from tap_fieldnation.streams.rows import EXTRACTED_AT, RowBuilder, get_nested
from tap_fieldnation.streams.sdk import activate_version, start_version
from tap_fieldnation.timestamps import format_utc, parse_utc

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from singer_sdk.helpers.types import Context, Record

    from tap_fieldnation.api.paging import ListPage
    from tap_fieldnation.streams.catalog import Company
    from tap_fieldnation.tap import TapFieldNation

BY_NAME = {entry.name: entry for entry in COMPANY}
COMPANY_ID = "{company_id}"
NO_COMPANY = "no work order shows the id of the company; set company_id"

# A row of a list that shows this shows its other fields too.
DETAIL_MARK = "name"
ROUNDS = 2

# So many parents of which the API knows no list, and none of which it knows one: the account has no such resource.
MOST_MISSING = 10

# Multiples of it, without their whole part, lie evenly between 0 and 1.
GOLDEN = (math.sqrt(5) - 1) / 2
DAY = 86_400.0


class Lists:
    """The company's lists, each asked for once a run, whoever needs it first."""

    def __init__(self, tap: TapFieldNation) -> None:
        self._tap = tap
        self._pages: dict[str, list[ListPage]] = {}
        self._ids: dict[str, list[t.Any]] = {}
        self._refused: dict[str, ApiError] = {}

    def pages(self, entry: Company) -> Iterator[ListPage]:
        """The pages of a list, for the stream that writes them.

        Raises:
            ApiError: Also where the list was refused before.
        """
        if entry.name in self._refused:
            raise self._refused[entry.name]
        if entry.name in self._pages:
            yield from self._pages.pop(entry.name)
            return
        ids: list[t.Any] = []
        for page in self._ask(entry):
            ids += _ids(entry, page)
            yield page
        self._ids[entry.name] = ids

    def ids(self, name: str, key: str) -> list[t.Any]:
        """The ids of a list's rows, for a stream that asks for something of each."""
        entry = BY_NAME[name]
        if name not in self._ids:
            try:
                self._pages[name] = list(self.pages(entry))
            except ApiError as error:
                self._refused[name] = error
                raise
            self._ids[name] = [one for page in self._pages[name] for one in _ids(entry, page, key)]
        return self._ids[name]

    def _ask(self, entry: Company) -> Iterator[ListPage]:
        path = entry.path
        if COMPANY_ID in path:
            path = path.replace(COMPANY_ID, str(self._tap.company_id))
        params = dict(entry.params)
        if entry.detail:
            params["columns"] = ",".join(name for name in schema.load(entry.name)["properties"] if name != EXTRACTED_AT)
        return paging.pages(self._tap.client, path, params, stream=entry.name)


def _ids(entry: Company, page: ListPage, key: str = "") -> list[t.Any]:
    key = key or entry.keys[0]
    return [
        one for row in page.rows if type(row) is dict and (one := row.get(key, row.get(entry.fallback.get(key, ""))))
    ]


def is_bare(entry: Company, page: ListPage) -> bool:
    """Whether a list with details of its own sends ids and little else, so that its rows are read one by one."""
    return bool(entry.detail and page.rows) and not any(get_nested(row, DETAIL_MARK) for row in page.rows)


class CompanyStream(FieldNationStream):
    """A list of the company's, or of each row of another list."""

    entry: Company
    # The SDK would send the version message before the records; here it goes last, and only if all were sent.
    emit_activate_version_messages = False

    def __init__(self, tap: TapFieldNation) -> None:
        super().__init__(tap)
        self.row_builder = RowBuilder(self.name, self.primary_keys)
        self._complete = True

    @property
    def lacks_company(self) -> bool:
        """Whether the path needs the id of the company, and nothing says it."""
        return COMPANY_ID in self.entry.path and self._fieldnation.company_id is None

    @override
    def request_records(self, context: Context | None) -> Iterable[Record]:
        """Every row of the list."""
        if self.lacks_company:
            self.logger.warning("Not read: %s: %s.", self.name, NO_COMPANY)
            return
        versioned = bool(self.config.get("emit_activate_version_messages")) and not self.entry.parent
        if versioned:
            start_version(self)
        try:
            yield from (self._rows_of_parents() if self.entry.parent else self._rows())
        except DeadlineExceeded:
            self._fieldnation.out_of_time = True
            return
        except ApiError as error:
            if error.rule.action is not Action.SKIP or self.stream_state.get("read"):
                raise
            self.logger.warning("Not read: %s", error)
            return
        self.stream_state["read"] = True
        if versioned and self._complete:
            activate_version(self)

    def _rows(self) -> Iterator[Record]:
        seen: set[t.Any] = set()
        for number in range(ROUNDS):
            total: int | None = None
            bare: list[t.Any] = []
            for page in self._fieldnation.lists.pages(self.entry):
                total = page.total
                if is_bare(self.entry, page):
                    bare += _ids(self.entry, page)
                    seen.update(bare)
                    continue
                yield from self._written(page, seen)
            if bare:
                yield from self._details(bare)
            if total is None or len(seen) >= total:
                return
            if number + 1 < ROUNDS:
                self.logger.info("%s: %d of %d rows came; reading the list once more.", self.name, len(seen), total)
        self._complete = False
        text = "%s: the API counts %s rows but hands out %d; those were read."
        self.logger.warning(text, self.name, total, len(seen))

    def _written(self, page: ListPage, seen: set[t.Any], **columns: t.Any) -> Iterator[Record]:
        """The rows of a page that did not come before."""
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
        ids = self._fieldnation.lists.ids(entry.parent, entry.parent_key)
        for number, one in enumerate(ids):
            path = entry.path.format(id=one)
            try:
                for page in paging.pages(self._fieldnation.client, path, entry.params, stream=self.name):
                    yield from self._written(page, seen, **{entry.parent_column: one})
            except ApiError as error:
                if error.status != 404:  # noqa: PLR2004  (one that went away meanwhile)
                    raise
                missing.append(error)
                if len(missing) == number + 1 == min(len(ids), MOST_MISSING):
                    raise
                self.logger.debug("Left out: %s", error)

    def _details(self, ids: Iterable[t.Any]) -> Iterator[Record]:
        """Rows one by one, where the list sends bare ids: new ones, and of the others those whose turn it is."""
        state = self.stream_state.setdefault("details", {})
        if type(state) is not dict or type(state.get("highest", 0)) is not int:
            raise StateError(f"The STATE is damaged at bookmarks.{self.name}.details: {START_OVER}.")
        now = self._fieldnation.clock.utc_now()
        state.setdefault("read_at", format_utc(now))
        for one, came in self._due(sorted(map(int, ids)), state, now):
            try:
                body, received_at = self._fieldnation.client.get(self.entry.detail.format(id=one), {}, stream=self.name)
            except ApiError as error:
                if error.status != 404:  # noqa: PLR2004
                    raise
            else:
                self.received_at = received_at
                yield from self.row_builder.rows([body], **{EXTRACTED_AT: format_utc(received_at)})
            if came is None:
                state["highest"] = one
            else:
                state["read_at"] = format_utc(came)
        state["read_at"] = format_utc(now)

    def _due(self, ids: Sequence[int], state: dict[str, t.Any], now: datetime) -> Iterator[tuple[int, datetime | None]]:
        """The ids above the highest known; then those of the known ones whose turn has come, with the moment it came.

        The turns come once in `reconcile_days`, spread evenly, so that each row is at most this old.
        """
        highest, last = state.get("highest", 0), parse_utc(state["read_at"])
        known = [one for one in ids if one <= highest]
        yield from ((one, None) for one in ids if one > highest)
        days = float(self.config["reconcile_days"])
        turns = sorted((turn(one, days, now), one) for one in known) if days else []
        due = [(one, came) for came, one in turns if last is None or came > last]
        self._complete = self._complete and len(due) == len(known)
        yield from due


def turn(one: int, days: float, now: datetime) -> datetime:
    """The latest moment until now at which it was the turn of a row, which comes once in so many days."""
    every, phase = days * DAY, one * GOLDEN % 1
    return datetime.fromtimestamp((math.floor(now.timestamp() / every - phase) + phase) * every, timezone.utc)


def _with_fallback(row: t.Any, entry: Company) -> t.Any:
    for key, other in entry.fallback.items():
        if type(row) is dict and row.get(key) is None:
            row[key] = row.get(other)
    return row
