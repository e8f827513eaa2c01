"""A model of the API and of a target: no sockets, no real time, and an account that changes between requests."""

from __future__ import annotations

import hashlib
import random
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from typing_extensions import override

from tap_fieldnation.api.errors import DeadlineExceeded
from tap_fieldnation.api.work_orders import CREATED_NAMES, IDS, Page
from tap_fieldnation.reading import cursor_state, steps
from tap_fieldnation.reading.cursor import Cursor
from tap_fieldnation.reading.events import Batch, Removal, Scope, Write
from tap_fieldnation.reading.prefetcher import Prefetcher
from tap_fieldnation.reading.sync_run import Options, SyncRun

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

START = datetime(2026, 6, 15, 12, 0, tzinfo=timezone.utc)
STATUSES = ("Draft", "Published", "Assigned", "Work Done", "Approved", "Paid", "Cancelled")
CLOSED = ("Paid", "Cancelled")


@dataclass
class Row:
    """One work order; its version grows with each change.

    Attributes:
        content: What it says besides its status; a change may bring back what it was before.
        irregular: Whether it became visible otherwise than in the order of the ids.
        appeared: When it last became visible.
        changed: When it was last changed.
    """

    id: int
    created: datetime
    status: str
    visible_from: datetime
    touched: datetime
    archived: bool = False
    version: int = 1
    irregular: bool = False
    archived_at: datetime | None = None
    content: int = 0

    @property
    def changed(self) -> datetime:
        return max(self.touched, self.visible_from)

    @property
    def appeared(self) -> datetime:
        return self.visible_from


@dataclass
class Rates:
    """How many of each happen between two requests, on average."""

    insert: float = 0.0
    archive: float = 0.0
    give_back: float = 0.0
    change: float = 0.0
    late: float = 0.0
    back_date: float = 0.0


@dataclass
class Model:
    """The account and its server.

    Attributes:
        seed: What the account and its changes are made from.
        rates: What changes between two requests.
        filter_name: The creation filter that the server supports, or None.
        cap: The server's largest page.
        repeat_last: Whether pages after the last one repeat it.
        hide_once: Ids that the filter by ids misses once.
        leave_out_once: Ids that a page lacks once.
        ascending: Whether the server ignores the order asked for.
        seconds: How long a request takes, on average.
        site_hours: By how much the time of the sites, which the creation filter uses, is ahead of UTC.
        echo: Whether the server echoes the filters that it supports.
        echo_all: Whether it echoes also those that it does not support.
        has_ids: Whether it supports the filter by ids.
        lag: How many seconds ago a total was right.
        excess: By how much each total is too high.
        wavers_by: By how much every other total is too low, as that of a second server with an older cache.
        rows_as_size: Whether the server gives the number of rows on a page as its size.
        hidden: Whether the API user sees no work order at all.
        late_hours: How late a work order becomes visible, at most.
        requests_left: After so many requests the time limit is reached, or None.
    """

    seed: int
    rates: Rates = field(default_factory=Rates)
    filter_name: str | None = CREATED_NAMES[0]
    cap: int = 100
    repeat_last: bool = False
    hide_once: set[int] = field(default_factory=set)
    leave_out_once: set[int] = field(default_factory=set)
    ascending: bool = False
    seconds: float = 2.0
    site_hours: float = 0.0
    echo: bool = True
    echo_all: bool = False
    has_ids: bool = True
    lag: float = 0
    excess: int = 0
    wavers_by: int = 0
    rows_as_size: bool = False
    hidden: bool = False
    late_hours: float = 0.9
    requests_left: int | None = None

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.now = START
        self.rows: dict[int, Row] = {}
        self.next_id = 1000
        self.requests: list[dict[str, str]] = []
        self.ever_hidden: set[int] = set()

    def fill(self, count: int, days: float) -> None:
        moments = sorted(self.now - timedelta(seconds=self.random.random() * days * 86400) for _ in range(count))
        for moment in moments:
            row = self.add(moment, self.random.choice(STATUSES))
            row.visible_from, row.irregular = moment, False

    def add(self, created: datetime, status: str, delay: timedelta = timedelta()) -> Row:
        self.next_id += self.random.randrange(1, 4)
        row = Row(self.next_id, created, status, self.now + delay, created)
        row.irregular = bool(delay) or created.date() != self.now.date()
        self.rows[row.id] = row
        return row

    def visible(self, at: datetime | None = None, *, among: list[Row] | None = None) -> list[Row]:
        """The rows that can be seen, now or at another time, in the order of their ids."""
        if self.hidden:
            return []
        rows = self.rows.values() if among is None else among
        if at is None:
            return [row for row in rows if not row.archived and row.visible_from <= self.now]
        return [row for row in rows if row.visible_from <= at and (not row.archived or (row.archived_at or at) > at)]

    # The server

    def page(self, number: int, filters: Mapping[str, str], order: str = "desc", per_page: int = 100) -> Page:
        if self.requests_left is not None:
            if self.requests_left <= 0:
                raise DeadlineExceeded
            self.requests_left -= 1
        self._change_account()
        self.requests.append(dict(filters))
        size = min(per_page, self.cap)
        among = list(self.rows.values())
        missed: set[int] = set()
        echoes = set()
        for name, value in filters.items():
            if name == self.filter_name:
                begin, end = self._moments(value)
                among = [row for row in among if begin <= row.created < end]
                echoes.add(name)
            elif name == IDS and self.has_ids:
                ids = {int(number) for number in value.split(",")}
                among = [row for row in map(self.rows.get, sorted(ids)) if row]
                missed = ids & self.hide_once
                self.hide_once -= ids
                echoes.add(name)
        rows = [row for row in self.visible(among=among) if row.id not in missed]
        rows_then = self.visible(self.now - timedelta(seconds=self.lag), among=among) if self.lag else rows
        if order == "desc" and not self.ascending:
            rows.reverse()  # they are in the order of their ids
        pages = -(-len(rows) // size)
        shown_number = min(number, max(1, pages)) if self.repeat_last else number
        shown = rows[(shown_number - 1) * size : shown_number * size]
        records = [_record(row) for row in shown if row.id not in self.leave_out_once]
        self.leave_out_once.difference_update(row.id for row in shown)
        total = len(rows_then) + self.excess
        echoes = set(filters) if self.echo_all else echoes
        total = max(0, total - self.wavers_by * (len(self.requests) % 2))
        size = len(records) or size if self.rows_as_size else size
        return Page(records, number, pages, size, total, frozenset(echoes if self.echo else ()), self.now)

    def _moments(self, days: str) -> tuple[datetime, datetime]:
        """What a filter by days means: from when on, and up to when."""
        first, last = (datetime.fromisoformat(day).replace(tzinfo=timezone.utc) for day in days.split(","))
        ahead = timedelta(hours=self.site_hours)
        return first - ahead, last - ahead + timedelta(days=1)

    def total(self, filters: Mapping[str, str]) -> int:
        return self.page(1, filters, per_page=1).total

    # What changes

    def _change_account(self) -> None:
        self.now += timedelta(seconds=self.seconds * self.random.uniform(0.5, 1.5))
        for kind in ("insert", "archive", "give_back", "change", "late", "back_date"):
            rate = getattr(self.rates, kind)
            while rate > 0 and self.random.random() < rate / (1 + rate):
                getattr(self, f"_{kind}")()

    def _insert(self) -> None:
        self.add(self.now, "Draft")

    def _late(self) -> None:
        self.add(self.now, self.random.choice(STATUSES), timedelta(hours=self.random.uniform(0.01, self.late_hours)))

    def _back_date(self) -> None:
        self.add(self.now - timedelta(days=self.random.uniform(0, 400)), self.random.choice(STATUSES))

    def _archive(self) -> None:
        if rows := self.visible():
            row = self.random.choice(rows)
            row.archived, row.archived_at = True, self.now
            self.ever_hidden.add(row.id)

    def _give_back(self) -> None:
        if rows := [row for row in self.rows.values() if row.archived]:
            row = self.random.choice(rows)
            self._show(row)

    def _show(self, row: Row) -> None:
        row.archived, row.irregular = False, True
        row.visible_from = row.touched = self.now
        row.version += 1
        self.ever_hidden.add(row.id)

    def hide_some(self) -> None:
        """The API user loses sight of some older work orders, or gains sight of them."""
        if hidden := [row for row in self.rows.values() if row.archived]:
            for row in hidden:
                self._show(row)
        else:
            rows = self.visible()
            for row in rows[: len(rows) // self.random.choice((2, 4))]:
                row.archived = True
                self.ever_hidden.add(row.id)

    def _change(self) -> None:
        if rows := [row for row in self.visible() if not self.closed(row)]:
            row = self.random.choice(rows)
            row.status = self.random.choice(STATUSES)
            row.content = self.random.randrange(3)
            row.touched = self.now
            row.version += 1

    def closed(self, row: Row) -> bool:
        """By the contract's words."""
        old = self.now - row.touched > timedelta(days=90)
        return row.status in CLOSED or (row.status == "Approved" and old)


def _record(row: Row) -> dict[str, t.Any]:
    return {
        "id": row.id,
        "status": {"name": row.status},
        "company": {"id": 7},
        "milestones": {
            "created": {"utc": f"{row.created:%Y-%m-%d %H:%M:%S}"},
            "approved": {"utc": f"{row.touched:%Y-%m-%d %H:%M:%S}" if row.status == "Approved" else ""},
        },
        "version": row.version,
        "content": row.content,
    }


class Shuffled(Prefetcher[t.Any, t.Any]):
    """Fetches ahead without threads: the server responds to what is in flight in any order."""

    model: Model

    @override
    def get(self, key: t.Any) -> t.Any:
        if key in self._in_flight:
            while key not in self._responses:
                coming = self.model.random.choice(self._in_flight)
                if coming not in self._responses:
                    self._responses[coming] = self._fetch(coming)
            self._in_flight.remove(key)
            return self._responses.pop(key)
        return self._fetch(key)

    @override
    def prefetch(self, keys: t.Iterable[t.Any]) -> None:
        for key in keys:
            if len(self._in_flight) >= self._threads or self._threads == 1:
                return
            if key not in self._in_flight:
                self._in_flight.append(key)

    @override
    def cancel(self) -> None:
        self._in_flight.clear()
        self._responses.clear()

    def __init__(self, fetch: Callable[[t.Any], t.Any], threads: int) -> None:
        super().__init__(fetch, threads)
        self._in_flight: list[t.Any] = []
        self._responses: dict[t.Any, t.Any] = {}


class _KilledError(Exception):
    """The process was killed."""


@dataclass
class Destination:
    """What a target holds, and the STATE that it was given last.

    Attributes:
        versions: Of each work order, the latest version whose content it holds.
        contents: What it holds of each.
        rows: What it holds of each in the tables of child streams.
        written: The ids written, in their order.
        written_at: When the pages were received from which each was last written.
        needless: Those of them that were written as they were before, though nothing was due.
        sent: The ids of which it holds what was read, written or not.
    """

    versions: dict[int, int] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    removals: list[int] = field(default_factory=list)
    state: dict[str, t.Any] | None = None
    sent: list[int] = field(default_factory=list)
    contents: dict[int, t.Any] = field(default_factory=dict)
    rows: dict[str, dict[int, t.Any]] = field(default_factory=dict)
    written: list[int] = field(default_factory=list)
    written_at: dict[int, datetime] = field(default_factory=dict)
    needless: list[int] = field(default_factory=list)
    closed: dict[int, bool] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    reread_because: str = ""
    _saves_left: int | None = None

    def run(
        self,
        model: Model,
        options: Options | None = None,
        *,
        streams: tuple[str, ...] = ("work_orders",),
        until: int | None = None,
        until_state: int | None = None,
        max_requests: int | None = None,
        full_refresh: bool = False,
    ) -> SyncRun:
        """A run of the tap.

        Args:
            model: What it reads.
            options: Its settings.
            streams: The selected streams.
            until: Killed after so many messages.
            until_state: Killed after so many STATE messages.
            max_requests: Stopped by its time limit after so many requests.
            full_refresh: Whether everything is read again.
        """
        options = options or Options()
        known = (None if options.until else cursor_state.from_state(self.state, model.now)) or Cursor()
        self.reread_because = steps.prepare(known, options, streams, model.now, full_refresh=full_refresh)
        run = SyncRun(
            _Source(model, options.page_size),
            known,
            options,
            lambda: model.now,
            self._save,
            warn=self.warnings.append,
            is_reread=bool(self.reread_because),
        )
        run.prefetcher = type("Bound", (Shuffled,), {"model": model})
        model.requests_left, self._saves_left = max_requests, until_state
        try:
            for index, event in enumerate(steps.read(run)):
                killed = until is not None and index >= until
                self._load(event, model, run, killed=killed)
                if killed:
                    break
        except DeadlineExceeded:
            self._saves_left = None
            run.checkpoint()
        except _KilledError:
            run.complete = False
        finally:
            model.requests_left = self._saves_left = None
        return run

    def _save(self, run: SyncRun) -> None:
        if run.options.until is None:
            self.state = cursor_state.to_state(run.cursor)
        if self._saves_left is not None:
            self._saves_left -= 1
            if self._saves_left <= 0:
                raise _KilledError

    def _load(self, event: Batch | Removal, model: Model, run: SyncRun, *, killed: bool) -> None:
        """Load what the streams would write of an event; of one at which the run is killed only a part."""
        if isinstance(event, Removal):
            self.removed.update(event.ids)
            self.removals += event.ids
            return
        cursor, children = run.cursor, [name for name in run.cursor.streams if name != "work_orders"]
        earlier = [name for name in cursor.streams if name not in cursor.added]
        chosen = []
        for record in event.records:
            work_order, fingerprint, without_added = record["id"], None, None
            if run.compares(event, work_order):
                fingerprint, without_added = (_fingerprint(record, names) for names in (cursor.streams, earlier))
            chosen.append((record, fingerprint, run.what_to_write(event, work_order, fingerprint, without_added)))
        chosen = [one for one in chosen if one[2] is not Write.NOTHING]
        run.announce(record["id"] for record, *_ in chosen)
        for record, fingerprint, write in chosen[: model.random.randrange(len(chosen) + 1) if killed else None]:
            work_order = record["id"]
            run.remember_written(work_order, fingerprint, write)
            for name in children if write is Write.ALL else cursor.added:
                self.rows.setdefault(name, {})[work_order] = _content(record)
            if write is Write.ADDED_STREAMS:
                continue
            same = self.contents.get(work_order) == _content(record) and work_order not in self.removed
            self.needless += [work_order] if same and event.scope is not Scope.ALL else []
            self.contents[work_order] = _content(record)
            self.removed.discard(work_order)
            self.written.append(work_order)
            self.written_at[work_order] = event.received_at
        for record in event.records:
            tables = [self.contents, *(self.rows.get(name, {}) for name in children)]
            held = [table.get(record["id"]) for table in tables]
            if held == [_content(record)] * len(held) and record["id"] not in self.removed:
                self.versions[record["id"]] = record["version"]
                self.sent.append(record["id"])
                self.closed[record["id"]] = model.closed(model.rows[record["id"]])


def _content(record: dict[str, t.Any]) -> tuple[t.Any, ...]:
    return record["status"]["name"], record["milestones"]["approved"]["utc"], record["content"]


def fingerprint_of(row: Row, streams: Sequence[str]) -> int:
    """Of what is written of a work order where some streams are selected."""
    return _fingerprint(_record(row), list(streams))


def _fingerprint(record: dict[str, t.Any], streams: Sequence[str]) -> int:
    """Of what some streams would write, as the streams calculate it."""
    digest = hashlib.blake2b(repr((_content(record), streams)).encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") or 1


@dataclass(frozen=True)
class _Source:
    model: Model
    page_size: int

    def page(self, number: int, filters: Mapping[str, str], order: str = "desc") -> Page:
        return self.model.page(number, filters, order, self.page_size)

    def total(self, filters: Mapping[str, str]) -> int:
        return self.model.total(filters)
