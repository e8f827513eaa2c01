"""A model of the API for the reading plan: no sockets, no real time, and a company that changes between requests."""

from __future__ import annotations

import random
import typing as t
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from typing_extensions import override

from tap_fieldnation.api.work_orders import CREATED_NAMES, IDS, Page
from tap_fieldnation.reading import cursor as cursors
from tap_fieldnation.reading import steps
from tap_fieldnation.reading.cursor import Cursor
from tap_fieldnation.reading.prefetcher import Prefetcher
from tap_fieldnation.reading.sync_run import Batch, Options, Removal, SyncRun

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

START = datetime(2026, 6, 15, 12, 0, tzinfo=timezone.utc)
STATUSES = ("Draft", "Published", "Assigned", "Work Done", "Approved", "Paid", "Cancelled")
CLOSED = ("Paid", "Cancelled")


@dataclass
class Row:
    """One work order; its version grows with each change."""

    id: int
    created: datetime
    status: str
    visible_from: datetime
    touched: datetime
    archived: bool = False
    version: int = 1


@dataclass
class Rates:
    """How many of each happen between two requests, on average."""

    insert: float = 0.0
    archive: float = 0.0
    give_back: float = 0.0
    change: float = 0.0
    late: float = 0.0


@dataclass
class Model:
    """The account and its server."""

    seed: int
    rates: Rates = field(default_factory=Rates)
    filter_name: str | None = CREATED_NAMES[0]
    cap: int = 100
    repeat_last: bool = False
    hide_once: set[int] = field(default_factory=set)
    leave_out_once: set[int] = field(default_factory=set)
    ascending: bool = False
    seconds: float = 2.0

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.now = START
        self.rows: dict[int, Row] = {}
        self.next_id = 1000
        self.requests: list[dict[str, str]] = []
        self.ever_hidden: set[int] = set()

    def fill(self, count: int, days: int) -> None:
        moments = sorted(START - timedelta(seconds=self.random.randrange(days * 86400)) for _ in range(count))
        for moment in moments:
            self.add(moment, self.random.choice(STATUSES))

    def add(self, created: datetime, status: str, delay: timedelta = timedelta()) -> Row:
        self.next_id += self.random.randrange(1, 4)
        row = Row(self.next_id, created, status, created + delay, created)
        self.rows[row.id] = row
        return row

    def visible(self) -> list[Row]:
        return [row for row in self.rows.values() if not row.archived and row.visible_from <= self.now]

    # The server

    def page(self, number: int, filters: Mapping[str, str], order: str = "desc", per_page: int = 100) -> Page:
        self._move()
        self.requests.append(dict(filters))
        size = min(per_page, self.cap)
        rows = self.visible()
        echoes = set()
        for name, value in filters.items():
            if name == self.filter_name:
                first, last = (date.fromisoformat(day) for day in value.split(","))
                rows = [row for row in rows if first <= row.created.date() <= last]
                echoes.add(name)
            elif name == IDS:
                ids = {int(one) for one in value.split(",")}
                rows = [row for row in rows if row.id in ids and row.id not in self.hide_once]
                self.hide_once -= ids
                echoes.add(name)
        if self.ascending:
            order = "asc"
        rows.sort(key=lambda row: row.id, reverse=order == "desc")
        pages = -(-len(rows) // size)
        asked = min(number, max(1, pages)) if self.repeat_last else number
        shown = rows[(asked - 1) * size : asked * size]
        records = [_record(row) for row in shown if row.id not in self.leave_out_once]
        self.leave_out_once.difference_update(row.id for row in shown)
        return Page(records, number, pages, size, len(rows), frozenset(echoes), self.now)

    def total(self, filters: Mapping[str, str]) -> int:
        return self.page(1, filters, per_page=1).total

    # What changes

    def _move(self) -> None:
        self.now += timedelta(seconds=self.seconds * self.random.uniform(0.5, 1.5))
        for kind in ("insert", "archive", "give_back", "change", "late"):
            rate = getattr(self.rates, kind)
            while rate > 0 and self.random.random() < rate / (1 + rate):
                getattr(self, f"_{kind}")()

    def _insert(self) -> None:
        self.add(self.now, "Draft")

    def _late(self) -> None:
        self.add(self.now, "Draft", timedelta(minutes=self.random.uniform(1, 55)))

    def _archive(self) -> None:
        if rows := self.visible():
            row = self.random.choice(rows)
            row.archived = True
            self.ever_hidden.add(row.id)

    def _give_back(self) -> None:
        if rows := [row for row in self.rows.values() if row.archived]:
            row = self.random.choice(rows)
            row.archived = False
            row.version += 1

    def _change(self) -> None:
        if rows := [row for row in self.visible() if not self.closed(row)]:
            row = self.random.choice(rows)
            row.status = self.random.choice(STATUSES)
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
    }


class Shuffled(Prefetcher[t.Any, t.Any]):
    """Fetches ahead without threads: the server answers what is under way in any order."""

    model: Model

    @override
    def get(self, key: t.Any) -> t.Any:
        if key in self._wanted:
            while key not in self._answers:
                coming = self.model.random.choice(self._wanted)
                if coming not in self._answers:
                    self._answers[coming] = self._fetch(coming)
            self._wanted.remove(key)
            return self._answers.pop(key)
        return self._fetch(key)

    @override
    def prefetch(self, keys: t.Iterable[t.Any]) -> None:
        for key in keys:
            if len(self._wanted) >= self._threads or self._threads == 1:
                return
            if key not in self._wanted:
                self._wanted.append(key)

    @override
    def cancel(self) -> None:
        self._wanted.clear()
        self._answers.clear()

    def __init__(self, fetch: Callable[[t.Any], t.Any], threads: int) -> None:
        super().__init__(fetch, threads)
        self._wanted: list[t.Any] = []
        self._answers: dict[t.Any, t.Any] = {}


@dataclass
class Destination:
    """What a target holds, and the STATE that it was given last."""

    versions: dict[int, int] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    state: dict[str, t.Any] | None = None
    sent: list[int] = field(default_factory=list)

    def run(
        self,
        model: Model,
        options: Options | None = None,
        *,
        streams: tuple[str, ...] = ("work_orders",),
        until: int | None = None,
        anew: bool = False,
    ) -> SyncRun:
        """A run of the tap; killed after `until` messages, if that is given."""
        options = options or Options()
        known = (None if options.until else cursors.from_state(self.state)) or Cursor()
        cursor = steps.prepare(known, options, streams, model.now, anew=anew)
        reading = SyncRun(_Source(model, options.page_size), cursor, options, lambda: model.now, lambda: None)
        reading.ahead = type("Bound", (Shuffled,), {"model": model})
        if options.until is None:
            reading.checkpoint = lambda: setattr(self, "state", reading.cursor.to_state())
        for index, event in enumerate(self._events(reading)):
            if until is not None and index >= until:
                break
            if isinstance(event, Batch):
                for record in event.records:
                    self.versions[record["id"]] = record["version"]
                    self.removed.discard(record["id"])
                    self.sent.append(record["id"])
            elif isinstance(event, Removal):
                self.removed.update(event.ids)
        return reading

    @staticmethod
    def _events(reading: SyncRun) -> Iterator[Batch | Removal]:
        return steps.read(reading)


@dataclass(frozen=True)
class _Source:
    model: Model
    page_size: int

    def page(self, number: int, filters: Mapping[str, str], order: str = "desc") -> Page:
        return self.model.page(number, filters, order, self.page_size)

    def total(self, filters: Mapping[str, str]) -> int:
        return self.model.total(filters)
