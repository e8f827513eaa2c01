"""What every part of a reading shares: where work orders come from, what is known, and what is handed on."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tap_fieldnation.api.errors import StateError
from tap_fieldnation.reading.cursor import DAY
from tap_fieldnation.reading.lifecycle import Facts, company_of, facts
from tap_fieldnation.reading.prefetcher import Prefetcher

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_fieldnation.api.work_orders import Page, Record
    from tap_fieldnation.reading.cursor import Cursor

# Rows may become visible late: each run looks so far back before the start of the last complete one.
OVERLAP = timedelta(hours=1)


class Source(t.Protocol):
    """Where pages come from: `api.work_orders.WorkOrders`, or a model of it."""

    def page(self, number: int, filters: Mapping[str, str], order: str = "desc") -> Page:
        """One page, sorted by id."""
        ...

    def total(self, filters: Mapping[str, str]) -> int:
        """How many work orders a filter matches."""
        ...


@dataclass(frozen=True)
class Options:
    """What the user asked for.

    Attributes:
        since: The first day of creation to read, or None.
        until: The last one, for a bounded backfill, or None.
        threads: Requests in flight where reading ahead is safe.
        page_size: Work orders a page.
        reconcile: How old the reading of a closed work order may become; None for any age.
    """

    since: date | None = None
    until: date | None = None
    threads: int = 4
    page_size: int = 100
    reconcile: timedelta | None = timedelta(days=30)


@dataclass(frozen=True)
class Batch:
    """Work orders to hand on, as they came in one page."""

    records: Sequence[Record]
    received_at: datetime


@dataclass(frozen=True)
class Removal:
    """Open work orders that the API no longer returns."""

    ids: Sequence[int]
    detected_at: datetime


Event = Batch | Removal


@dataclass
class SyncRun:
    """One run's reading of the work orders.

    Attributes:
        source: Where pages come from.
        cursor: What is known, from earlier runs and by now.
        options: What the user asked for.
        now: The time of day, UTC.
        checkpoint: Called each time the cursor has moved; what it speaks of was handed on.
        ahead: Makes what fetches ahead.
        clock_ahead: By how much `now` is ahead of the server's clock.
        started_at: When the run began.
        from_scratch: Whether no earlier run was complete.
        stale: Open work orders that this run has not read yet.
        read: Work orders handed on.
        expected: Work orders that are to be read, as far as that is known at the start; 0 for unknown.
        resumed: Work orders of a history that an earlier run has read already.
        counted: What the API counted when it was last asked.
        created: How many of them were created since the run began.
        removed: How many went away since then, as far as it showed.
        unserved: Work orders that something asked for because of them was left to the next run for.
        recent: Ids of work orders created since an hour before the run began.
    """

    source: Source
    cursor: Cursor
    options: Options
    now: Callable[[], datetime]
    checkpoint: Callable[[], None]
    ahead: type[Prefetcher[t.Any, Page]] = Prefetcher
    clock_ahead: Callable[[], timedelta] = timedelta
    read: int = 0
    expected: int = 0
    resumed: int = 0
    counted: int | None = None
    created: int = 0
    removed: int = 0
    unfinished: set[int] = field(default_factory=set)
    recent: set[int] = field(default_factory=set)
    started_at: datetime = field(init=False)
    is_first: bool = field(init=False)
    stale: set[int] = field(init=False)

    def __post_init__(self) -> None:
        self.started_at = self.now()
        self.is_first = self.cursor.started_at is None
        self.unread_open = set(self.cursor.open)

    @property
    def done(self) -> int:
        """Work orders read by now, those of an interrupted history included."""
        return self.resumed + self.read

    @property
    def due(self) -> int:
        """Work orders to read in all; 0 for unknown."""
        return max(self.expected, self.done) if self.expected else 0

    def today(self) -> date:
        """The current day, UTC."""
        return self.now().date()

    def inspect(self, records: Sequence[Record]) -> list[Facts]:
        """What the plan has to know of these; before they are handed on, as they are changed from then on.

        Raises:
            StateError: They are another company's than the cursor's.
        """
        self._check_company(records)
        now = self.now()
        return [facts(record, now) for record in records]

    def emit(self, page: Page, records: Sequence[Record]) -> Iterator[Batch]:
        """A page's records, remembered once whoever takes them comes back for more."""
        seen = self.inspect(records)
        if any(not self._asked_for(one) for one in seen):
            # Not for a filter by creation day, but for one by id, or where the server understands none.
            outside = {one.id for one in seen if not self._asked_for(one)}
            self._forget(outside)
            records = [record for record in records if record["id"] not in outside]
            seen = [one for one in seen if one.id not in outside]
        if records:
            yield Batch(records, page.received_at)
        self._note(seen)

    def _asked_for(self, work_order: Facts) -> bool:
        if work_order.created is None:
            return True
        day = work_order.created.date()
        if self.options.since and day < self.options.since - DAY:
            return False
        return not (self.options.until and day > self.options.until + DAY)

    def _forget(self, ids: set[int]) -> None:
        self.unread_open -= ids
        self.cursor.open -= ids

    def _note(self, seen: Sequence[Facts]) -> None:
        self.read += len(seen)
        recent_from = self.started_at - OVERLAP
        began = (self.cursor.started_at, self.cursor.history and self.cursor.history.started_at, self.started_at)
        known_from = min(at for at in began if at) - OVERLAP
        for work_order in seen:
            self.unread_open.discard(work_order.id)
            if work_order.closed and work_order.id not in self.unfinished:
                self.cursor.open.discard(work_order.id)
            else:
                self.cursor.open.add(work_order.id)
            if work_order.created is None:
                continue
            if work_order.created >= known_from:
                self.cursor.recent.add(work_order.id)
            if work_order.created >= recent_from:
                self.recent.add(work_order.id)
            if work_order.created >= self.started_at:
                self.created += 1

    def _check_company(self, records: Sequence[Record]) -> None:
        companies = {company for record in records if (company := company_of(record))}
        if not companies:
            return
        if self.cursor.company_id is None:
            self.cursor.company_id = min(companies)
        elif self.read == 0 and self.cursor.company_id not in companies:
            raise StateError(
                f"The STATE is of another company (id {self.cursor.company_id}) than the one that these credentials "
                f"read (id {min(companies)}): check the credentials and the environment, or give each company a STATE "
                "of its own."
            )
