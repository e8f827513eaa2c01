"""One run: what its steps share, and the only place that changes what is known about work orders."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tap_fieldnation.reading.cursor import DAY, Mark, following
from tap_fieldnation.reading.events import Batch, Scope, Write
from tap_fieldnation.reading.lifecycle import Facts, check_company, companies_of, facts
from tap_fieldnation.reading.prefetcher import Prefetcher

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tap_fieldnation.api.work_orders import Page, Record
    from tap_fieldnation.reading.cursor import Cursor, Slice
    from tap_fieldnation.reading.events import Outcome

# Rows may become visible late: each run looks back this far before the start of the last complete one.
OVERLAP = timedelta(hours=1)

# Whatever is checked in turn is checked once in this period.
ROTATION = timedelta(hours=24)

# Ids inserted within this period are known one by one, and read again once per ROTATION.
KNOWN_FOR = timedelta(hours=72)

# A slice of history has about this many pages.
PAGES_A_SLICE = 40

# Marks closer together than this serve no purpose.
MARK_INTERVALS = ((timedelta(hours=4), timedelta(hours=1)), (KNOWN_FOR, timedelta(hours=12)))

# This many removed work orders are requested again in each run, because some come back.
MAX_REMOVED = 100

# With n times this many open work orders, STATE is written once every n + 1 pages, because it grows with them.
OPEN_PER_PAGE = 5_000


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
        threads: The number of requests in flight when prefetching is safe.
        page_size: Work orders per page.
        reconcile: The maximum age of the last reading of a closed work order; None for no limit.
        accept_mass_removals: Whether removals are recorded however many there are.
    """

    since: date | None = None
    until: date | None = None
    threads: int = 4
    page_size: int = 100
    reconcile: timedelta | None = timedelta(days=30)
    accept_mass_removals: bool = False


@dataclass
class SyncRun:
    """One run of the work orders.

    Attributes:
        source: Where pages come from.
        cursor: What is known from earlier runs and from this one.
        options: What the user asked for.
        clock: The current time, UTC.
        save: Called with this run when the cursor is to be written to STATE.
        warn: Called with a sentence that the user should see.
        prefetcher: Creates the prefetchers.
        is_reread: Whether it reads all work orders again that earlier runs have read.
        clock_ahead: By how much `clock` is ahead of the server's.
        started_at: When the run began.
        is_first: Whether no earlier run was complete.
        trusts_echoes: Whether an echo of a filter shows that the server applies it.
        knows_company: Whether a work order of this run has shown whose it is.
        complete: Whether everything was read and checked.
        unread_open: Open work orders that this run has not read yet.
        read: Work orders read.
        written: Work orders written: those that are new, changed, or due.
        new: How many of the work orders read were not read by an earlier run, as far as the cursor shows.
        expected: The number of work orders to read, as far as it is known at the start; 0 for unknown.
        resumed: Work orders of the history that earlier runs have read.
        unsettled: Work orders of the days that are not settled, as far as this run has read them.
        counted: What the API counted when it was last asked for the total.
        created: How many work orders were created since the run began.
        removed: How many were removed since the last run, as far as the run noticed.
    """

    source: Source
    cursor: Cursor
    options: Options
    clock: Callable[[], datetime]
    save: Callable[[SyncRun], None]
    warn: Callable[[str], None] = lambda _: None
    prefetcher: type[Prefetcher[t.Any, Page]] = Prefetcher
    clock_ahead: Callable[[], timedelta] = timedelta
    is_reread: bool = False
    trusts_echoes: bool = True
    knows_company: bool = False
    complete: bool = False
    read: int = 0
    written: int = 0
    new: int = 0
    expected: int = 0
    resumed: int = 0
    unsettled: int = 0
    counted: int | None = None
    created: int = 0
    removed: int = 0
    started_at: datetime = field(init=False)
    is_first: bool = field(init=False)
    unread_open: set[int] = field(init=False)
    _unfinished: set[int] = field(init=False, default_factory=set)
    _already_read: set[int] = field(init=False, default_factory=set)
    _already_written: set[int] = field(init=False, default_factory=set)
    _pages_since_save: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.started_at = self.now()
        self.is_first = self.cursor.started_at is None
        self.unread_open = set(self.cursor.open)
        ran_at = self.cursor.ran_at or self.started_at
        self._interval = min(ROTATION, max(timedelta(), self.started_at - ran_at))
        self.cursor.ran_at = self.started_at

    # Queries

    @property
    def done(self) -> int:
        """Work orders read so far, including those of an interrupted history."""
        return self.resumed + self.read

    @property
    def due(self) -> int:
        """The total number of work orders to read; 0 for unknown."""
        return max(self.expected, self.done) if self.expected else 0

    @property
    def share_of_day(self) -> float:
        """The time since the last run, as the share of a day: how much of the daily checks is due."""
        return self._interval / ROTATION

    def now(self) -> datetime:
        """The current time, UTC, in whole seconds as in STATE."""
        return self.clock().replace(microsecond=0)

    def today(self) -> date:
        """The current day by the server's clock, UTC."""
        return (self.now() - self.clock_ahead()).date()

    def is_due(self, last: datetime | None) -> bool:
        """Whether something that was last checked at this time would be over a day old in the next run."""
        return last is None or self.started_at + self._interval - last > ROTATION

    def known_counts(self, stream: str) -> Mapping[int, int]:
        """The number of rows of a stream that each open work order showed when it was last read."""
        return self.cursor.counts.get(stream, {})

    def is_requested(self, work_order: Facts) -> bool:
        """Whether a work order is within the requested days, which the server may count in the time of its site."""
        if work_order.created is None:
            return True
        day = work_order.created.date()
        if self.options.since and day < self.options.since - DAY:
            return False
        return not (self.options.until and day > self.options.until + DAY)

    def compares(self, batch: Batch, work_order: int) -> bool:
        """Whether a work order of a batch needs a fingerprint, for a comparison now or in the next run."""
        return work_order in batch.read_again or work_order in self.cursor.fingerprints

    def what_to_write(
        self, batch: Batch, work_order: int, fingerprint: int | None, without_added: int | None = None
    ) -> Write:
        """Decide what to write for a work order.

        Args:
            batch: The batch that contains it.
            work_order: Its id.
            fingerprint: The fingerprint of everything that can be written; None if none was calculated.
            without_added: The same without the added streams, if there are any.
        """
        if batch.scope is Scope.ALL or work_order in self.cursor.removed:
            return Write.ALL
        if fingerprint is None:
            return Write.ADDED_STREAMS if batch.scope is Scope.ADDED_STREAMS else Write.ALL
        written = self.cursor.fingerprints.get(work_order)
        if written == fingerprint:
            return Write.NOTHING
        return Write.ADDED_STREAMS if written is not None and written == without_added else Write.ALL

    def inspect(self, records: Sequence[Record]) -> list[Facts]:
        """What the steps have to know about some records. Must be called before they are emitted, which changes them.

        Raises:
            StateError: They belong to a different company than the cursor.
        """
        self._check_company(records)
        now = self.now()
        return [facts(record, now) for record in records]

    # Changes

    def emit(
        self,
        page: Page,
        records: Sequence[Record],
        *,
        again: bool = True,
        scope: Scope = Scope.CHANGED,
    ) -> Iterator[Batch]:
        """Emit records of a page, and remember them once they were written.

        Args:
            page: The page.
            records: The records of the page to emit.
            again: Whether records that this run has emitted before are emitted again.
            scope: Which of them are written.
        """
        seen = self.inspect(records)
        outside = {work_order.id for work_order in seen if not self.is_requested(work_order)}
        if outside:
            # Needed not with a creation filter, but with one by id, or if the server supports none.
            self._forget(outside)
        emitted = self._already_written if scope is Scope.ALL else self._already_read
        skipped = outside if again else outside | emitted
        chosen = [record for record in records if record["id"] not in skipped]
        self.new += sum(self._is_new(record["id"]) for record in chosen)
        if chosen:
            yield Batch(chosen, page.received_at, scope, self._read_again(seen))
        self._remember([work_order for work_order in seen if work_order.id not in skipped])

    def announce(self, work_orders: Iterable[int]) -> None:
        """Drop the fingerprints of work orders that are about to be written, or recorded as removed, and write STATE.

        Otherwise a run that is killed before the next STATE would leave a fingerprint of content that is no longer in
        the warehouse, and a work order that is then changed back would not be written.
        """
        known = [work_order for work_order in work_orders if self.cursor.fingerprints.pop(work_order, None)]
        if known:
            self.checkpoint()

    def remember_written(self, work_order: int, fingerprint: int | None, write: Write = Write.ALL) -> None:
        """Record that a work order is being written with its child records, or only the rows of added streams."""
        self.written += write is Write.ALL
        if fingerprint is not None:
            self.cursor.fingerprints[work_order] = fingerprint
            if write is Write.ALL:
                self._already_written.add(work_order)

    def add_new(self, work_orders: Iterable[Facts]) -> None:
        """Count work orders that no run has seen before."""
        for work_order in work_orders:
            self.cursor.recent.add(work_order.id)
            if work_order.created is not None:
                self.cursor.change_count(work_order.created.date(), 1)

    def remove(self, ids: Sequence[int]) -> None:
        """Record that open work orders were removed."""
        for work_order in ids:
            self.cursor.change_count(self.cursor.open.pop(work_order, None), -1)
            self.cursor.fingerprints.pop(work_order, None)
        self.cursor.removed = set(sorted({*self.cursor.removed, *ids})[-MAX_REMOVED:])
        self.cursor.recent.difference_update(ids)
        self.unread_open.difference_update(ids)
        self.removed += len(ids)

    def keep_open(self, ids: Iterable[int]) -> None:
        """Let the next run read and write work orders again, even closed ones: requests for them were not made."""
        for work_order in ids:
            self._unfinished.add(work_order)
            self.cursor.fingerprints.pop(work_order, None)

    def record_counts(self, stream: str, shown: Iterable[tuple[int, t.Any]]) -> None:
        """Remember how many rows of a stream these work orders showed, now that the rows were read."""
        counts = self.cursor.counts.setdefault(stream, {})
        counts.update((work_order, count) for work_order, count in shown if type(count) is int)

    def count(self, total: int, removed: int = 0) -> None:
        """Record the total that the API counts, and how many removed work orders a pass noticed."""
        self.counted = total
        self.removed += removed

    def start_marks(self, page: Page) -> None:
        """Remember, from the newest page, which ids exist before the history is read."""
        ids = [record["id"] for record in page.records]
        highest = max(ids, default=0)
        floor = min(ids) - 1 if ids and page.pages > 1 else 0
        self.cursor.marks = [Mark(self.started_at - KNOWN_FOR, floor), Mark(self.started_at, highest)]
        self.cursor.known_from = highest
        self.cursor.looked_at = self.started_at

    def lower_floor(self, page: Page) -> None:
        """While the first history is read, keep the first mark below the ids of a page of unsettled days."""
        if self.is_first and self.cursor.marks and page.records:
            first = self.cursor.marks[0]
            first.highest = min(first.highest, *(record["id"] - 1 for record in page.records))

    def add_mark(self, highest: int, looked_at: datetime | None) -> None:
        """Remember the highest id of this run, and drop older marks that serve no purpose.

        Args:
            highest: The highest id when the reading of new work orders began.
            looked_at: When that began, if everything from the first mark on was read; otherwise None.
        """
        cursor = self.cursor
        cursor.new_position = None
        cursor.looked_at = looked_at or cursor.looked_at
        marks = [mark for mark in cursor.marks if mark.at <= self.started_at]
        cursor.marks = _thinned([*marks, Mark(self.started_at, max(highest, marks[-1].highest if marks else 0))])
        floor = cursor.marks[0].highest
        cursor.recent = {work_order for work_order in cursor.recent if work_order > floor}

    def settle(self, piece: Slice, outcome: Outcome, *, join: bool) -> None:
        """Remember that a slice was read as a whole.

        Args:
            piece: The slice.
            outcome: The outcome of reading it.
            join: Whether it may become part of the slice before it, if that has room.
        """
        cursor, (count, read_at, scope) = self.cursor, outcome
        piece.written_at = piece.written_since
        piece.count, piece.read_at, piece.checked_at, piece.position = count, read_at, self.now(), None
        if scope is Scope.ALL:
            piece.written_at = read_at
            piece.due_at = piece.written_at + (self.options.reconcile or timedelta())
        before = next((other for other in cursor.slices if following(other.last) == piece.first), None)
        most = PAGES_A_SLICE * self.options.page_size
        if join and before and before.count is not None and count is not None and before.count + count <= most:
            piece.first, piece.count, piece.position = before.first, before.count + count, before.position
            piece.written_at = min(piece.written_since, before.written_since)
            piece.read_at = min(piece.read_at, before.read_at)
            piece.due_at = min(piece.due_at, before.due_at)
            piece.checked_at = min(piece.checked_at, before.checked_at)
        cursor.put_slice(piece)

    def correct_count(self, piece: Slice, total: int) -> None:
        """Record that the API counts this many in a slice, no more than were known: closed ones were removed."""
        total = max(0, total)
        if piece.count is not None:
            self.removed += piece.count - total
        piece.count, piece.checked_at = total, self.now()

    def start_over(self) -> None:
        """Read the history again, because the creation filter with which it was read is not applied."""
        self.trusts_echoes = False
        self._already_read.clear()
        self._already_written.clear()
        self.cursor.created_filter = None
        self.cursor.restart(self.started_at, self.options.since, self.options.until)

    def begin(self, step: str) -> None:
        """Remember which step is running, so that the run after an interruption begins with another one."""
        self.cursor.step = step

    def finish(self) -> None:
        """Remember that the run is complete."""
        cursor = self.cursor
        cursor.started_at, cursor.history_at, cursor.step = self.started_at, None, None
        self.complete = True
        self.checkpoint()

    def checkpoint(self, *, page: bool = False) -> None:
        """Write STATE.

        Args:
            page: Whether this is only the end of a page: a large STATE is then not written every time.
        """
        if page:
            self._pages_since_save += 1
            if self._pages_since_save <= len(self.cursor.open) // OPEN_PER_PAGE:
                return
        self._pages_since_save = 0
        self.save(self)

    def _forget(self, ids: set[int]) -> None:
        self.unread_open -= ids
        for work_order in ids:
            self.cursor.open.pop(work_order, None)
            self.cursor.fingerprints.pop(work_order, None)

    def _read_again(self, seen: Sequence[Facts]) -> frozenset[int]:
        """Those of some work orders that the next run reads again."""
        if self.cursor.is_small:
            return frozenset(work_order.id for work_order in seen)
        floor = self.cursor.floor
        return frozenset(
            work_order.id
            for work_order in seen
            if not work_order.closed or (floor is not None and work_order.id > floor)
        )

    def _remember(self, seen: Sequence[Facts]) -> None:
        cursor, floor = self.cursor, self.cursor.floor
        self.read += len(seen)
        for work_order in seen:
            day = work_order.created.date() if work_order.created else None
            self.unread_open.discard(work_order.id)
            if work_order.id in cursor.removed:
                cursor.removed.discard(work_order.id)
                cursor.change_count(day, 1)
            if work_order.closed and work_order.id not in self._unfinished:
                cursor.open.pop(work_order.id, None)
            else:
                cursor.open[work_order.id] = day
                self._already_read.add(work_order.id)
            if floor is not None and work_order.id > floor:
                cursor.recent.add(work_order.id)
                self._already_read.add(work_order.id)
            if work_order.created and work_order.created >= self.started_at:
                self.created += 1

    def _is_new(self, work_order: int) -> bool:
        """Whether no run has read a work order before, as far as the cursor shows."""
        cursor = self.cursor
        if any(
            work_order in known
            for known in (cursor.open, cursor.removed, cursor.recent, cursor.fingerprints, self._already_read)
        ):
            return False
        floor = cursor.floor or 0
        return (self.is_first and not self.is_reread) or work_order > max(floor, cursor.known_from)

    def _check_company(self, records: Sequence[Record]) -> None:
        companies = companies_of(records)
        self.knows_company = self.knows_company or bool(companies)
        if self.cursor.company_id is None:
            self.cursor.company_id = min(companies, default=None)
        elif self.read == 0:
            check_company(self.cursor.company_id, companies)


def _thinned(marks: Sequence[Mark]) -> list[Mark]:
    """Marks at useful intervals, back to the first one that is old enough."""
    newest = marks[-1]
    kept = [newest]
    for mark in reversed(marks[:-1]):
        if newest.at - kept[0].at >= KNOWN_FOR:
            break
        age = newest.at - mark.at
        interval = next((interval for within, interval in MARK_INTERVALS if age <= within), timedelta())
        if kept[0].at - mark.at >= interval or mark is marks[0]:
            kept.insert(0, mark)
    return kept
