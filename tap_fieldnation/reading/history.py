"""Reads the history in slices of whole creation days: resumable, checked one by one, and safe to prefetch."""

from __future__ import annotations

import typing as t
from datetime import date, datetime, time, timedelta, timezone

from tap_fieldnation.api.work_orders import CREATED_NAMES, created_between
from tap_fieldnation.reading.completeness import check_not_emptied
from tap_fieldnation.reading.cursor import EARLIEST, LATEST, NO_FILTER, Slice, Unread, following, shifted
from tap_fieldnation.reading.events import Scope
from tap_fieldnation.reading.lifecycle import facts
from tap_fieldnation.reading.slices import Pages, has_filter, horizon, read_days, settled_until
from tap_fieldnation.reading.sync_run import PAGES_A_SLICE

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_fieldnation.reading.events import Batch
    from tap_fieldnation.reading.slices import Days
    from tap_fieldnation.reading.sync_run import SyncRun

# From one slice to the next, the number of days grows by this factor at most.
GROWTH = 4

# For so few days it is not worth a request to learn where work orders begin.
SHORT = 14

# No work order is that old.
BEFORE_ALL = date(1970, 12, 31)


def read_history(run: SyncRun, scope: Scope = Scope.ALL) -> Iterator[Batch]:
    """Read the unread history in the cursor, oldest day first.

    Args:
        run: The run.
        scope: Which of the work orders are written.
    """
    cursor = run.cursor
    if run.is_first:
        run.resumed = cursor.known + sum(part.position.sent for part in cursor.unread if part.position)
        if not cursor.marks and run.options.until is None:
            yield from _read_newest(run)
    yield from _read_parts(run, cursor.unread, scope)


def read_added(run: SyncRun) -> Iterator[Batch]:
    """Read the history for added streams, oldest day first; the slices in the cursor stay as they are."""
    yield from _read_parts(run, run.cursor.unread_added, Scope.ADDED_STREAMS)
    run.cursor.added = []


def settle_days(run: SyncRun) -> Iterator[Batch]:
    """Read the days that have become settled since the last run, as a slice of history."""
    first, last = run.cursor.frontier, settled_until(run)
    if has_filter(run) and first <= last:
        run.cursor.unread = [Unread(first, last)]
        yield from read_history(run, Scope.CHANGED)


def read_unfiltered(run: SyncRun) -> Iterator[Batch]:
    """Read everything in one pass, now and in later runs, if the creation filter does not match all work orders."""
    cursor = run.cursor
    if run.options.since or not has_filter(run) or cursor.known + run.unsettled >= (run.counted or 0):
        return
    if all(run.source.total({}) > run.source.total(_all_days(run)) for _ in range(2)):
        run.warn("some work orders have no creation day; they are found by reading all of them in one pass")
        cursor.created_filter, cursor.slices, cursor.unread = NO_FILTER, [], [Unread(EARLIEST, None)]
        yield from read_history(run)


def _all_days(run: SyncRun) -> dict[str, str]:
    return created_between(EARLIEST, horizon(run), (run.cursor.created_filter or CREATED_NAMES[0],))


def _read_newest(run: SyncRun) -> Iterator[Batch]:
    """Read the newest page, and remember its highest id: work orders inserted from now on have a higher one."""
    page = run.source.page(1, {})
    check_not_emptied(run, page.total)
    run.start_marks(page)
    yield from run.emit(page, page.records)


def _find_oldest(run: SyncRun, part: Unread) -> tuple[date, int]:
    """Request the oldest work order, to learn the oldest day and which creation filter the server supports.

    Returns:
        The oldest day, and how many days the first slice takes.
    """
    cursor = run.cursor
    last = part.last or horizon(run)
    names = (cursor.created_filter,) if cursor.created_filter else CREATED_NAMES
    page = run.source.page(1, created_between(part.first, max(part.first, last), names), "asc")
    run.inspect(page.records)
    echoed = next((name for name in names if name in page.echoes), None) if run.trusts_echoes else None
    cursor.created_filter = echoed or _try_filters(run, page.total)
    if run.is_first and cursor.total is None:
        cursor.total = page.total
        run.checkpoint()
    created = [facts(record, run.started_at).created for record in page.records[:1]]
    if not created:
        return EARLIEST, LATEST.toordinal()
    oldest = max(part.first, shifted(created[0].date(), -1) if created[0] else EARLIEST)
    days = max(1, (min(last, run.today()) - oldest).days)
    return oldest, max(1, days * PAGES_A_SLICE * page.per_page // max(1, page.total))


def _try_filters(run: SyncRun, counted: int) -> str:
    """The creation filter of a server that echoes none: the one with which days before all work orders are empty."""
    if run.cursor.created_filter:
        return run.cursor.created_filter  # found that way before, and each page is checked
    for name in CREATED_NAMES if counted else ():
        none = created_between(EARLIEST, BEFORE_ALL, (name,))
        if all(run.source.total(none) == 0 < run.source.total({}) for _ in range(2)):  # twice: rows come and go
            return name
    return NO_FILTER


def _read_parts(run: SyncRun, unread: list[Unread], scope: Scope) -> Iterator[Batch]:
    """Read some parts of the history; each is removed from the cursor's list once it has been read."""
    with Pages(run) as pages:
        while unread:
            yield from _read_part(run, pages, unread[0], scope)
            del unread[0]
            run.checkpoint()


def _read_part(run: SyncRun, pages: Pages, part: Unread, scope: Scope) -> Iterator[Batch]:
    last_settled = min(part.last or LATEST, settled_until(run))
    if part.first <= last_settled and part.position and part.position.last and part.position.last > last_settled:
        part.position = None  # of days that were not settled then
    oldest, width = part.first, GROWTH
    span = ((part.last or run.today()) - part.first).days
    if run.cursor.created_filter is None or span > SHORT:
        oldest, width = _find_oldest(run, part)
    run.expected = max(run.expected, run.cursor.total or 0)
    if not has_filter(run):
        yield from _read_in_one_pass(run, pages, part, scope)
        return
    while part.first <= last_settled:
        end = part.position.last if part.position else None
        days = (part.first, end or min(shifted(max(part.first, oldest), width - 1), last_settled))
        widths = _Widths((max(part.first, oldest), days[1]), last_settled, PAGES_A_SLICE * run.options.page_size)
        pages.next_days = widths.next_days
        outcome = yield from read_days(run, pages, days, part, scope)
        width = widths.after(outcome.total or 0)
        if scope is not Scope.ADDED_STREAMS:
            run.settle(_slice(run, days), outcome, join=True)
        part.first, part.position = following(days[1]), None
        if not part.is_read:  # otherwise it is removed first
            run.checkpoint()
    if not part.is_read:
        days = (part.first, max(part.first, part.last or horizon(run)))
        outcome = yield from read_days(run, pages, days, part, scope)
        run.unsettled = outcome.total or 0


def _read_in_one_pass(run: SyncRun, pages: Pages, part: Unread, scope: Scope) -> Iterator[Batch]:
    days = (EARLIEST, LATEST)
    outcome = yield from read_days(run, pages, days, part, scope)
    if scope is not Scope.ADDED_STREAMS:
        run.settle(_slice(run, days), outcome, join=False)


def _slice(run: SyncRun, days: Days) -> Slice:
    """A slice of days that are read for the first time: its work orders cannot have been written before these days."""
    written_at = datetime.combine(shifted(days[0], -1), time(), timezone.utc)
    return Slice(
        *days, None, run.now(), written_at + (run.options.reconcile or timedelta()), run.now(), None, written_at
    )


class _Widths:
    """How many days the next slice has, depending on how full this one is; always the same for the same slice."""

    def __init__(self, days: Days, last: date, most: int) -> None:
        self._days, self._last, self._most = days, last, most
        self._width: int | None = None

    def after(self, count: int) -> int:
        if self._width is None:
            days = (self._days[1] - self._days[0]).days + 1
            self._width = max(1, min(days * self._most // max(1, count), GROWTH * days))
        return self._width

    def next_days(self, count: int) -> Days | None:
        first = following(self._days[1])
        if first > self._last:
            return None
        return first, min(shifted(first, self.after(count) - 1), self._last)
