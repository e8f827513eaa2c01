"""Reads work orders by creation day: the filter, and complete passes over a range of days.

By the server's filter, each work order has one creation day (in UTC or in the time of its site, whichever the server
uses), so slices without gaps between them cover all work orders.
"""

from __future__ import annotations

import typing as t
from datetime import date, timedelta
from http import HTTPStatus

from typing_extensions import Self

from tap_fieldnation.api.errors import ApiError
from tap_fieldnation.api.work_orders import PATH, created_between
from tap_fieldnation.reading.cursor import EARLIEST, NO_FILTER, shifted
from tap_fieldnation.reading.events import Outcome, Scope
from tap_fieldnation.reading.lifecycle import facts
from tap_fieldnation.reading.scan import Scan

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_fieldnation.api.work_orders import Page
    from tap_fieldnation.reading.cursor import Slice, Unread
    from tap_fieldnation.reading.events import Batch
    from tap_fieldnation.reading.prefetcher import Prefetcher
    from tap_fieldnation.reading.sync_run import SyncRun

Days = tuple[date, date]
Key = tuple[Days, int]

# The filter may use the time of the site, which can be a day ahead of UTC, and the day may end during the run. So the
# last days extend into the future, and only days that end before yesterday are over everywhere.
FUTURE_MARGIN = 2
SETTLED_AFTER = 2

# The time of a site differs from UTC by no more than this.
SITE_MARGIN = timedelta(days=1)

MAX_PASSES = 3


def day_filter(run: SyncRun, first: date, last: date) -> dict[str, str]:
    """The filter for creation days; empty if the server supports none."""
    name = run.cursor.created_filter
    return created_between(first, last, (name,)) if name else {}


def everything(run: SyncRun) -> dict[str, str]:
    """The filter for everything that this run has to read; empty if there are no date limits."""
    if not run.options.since and not run.options.until:
        return {}
    return day_filter(run, run.options.since or EARLIEST, horizon(run))


def horizon(run: SyncRun) -> date:
    """The last creation day to request."""
    return run.options.until or shifted(run.today(), FUTURE_MARGIN)


def settled_until(run: SyncRun) -> date:
    """The last day on which no more work orders can be created, whatever the time zone of the site."""
    return shifted(run.today(), -SETTLED_AFTER)


def read_days(
    run: SyncRun, pages: Pages, days: Days, place: Slice | Unread, scope: Scope
) -> t.Generator[Batch, None, Outcome]:
    """Read all work orders of some days, more than once if fewer are returned than the API counts.

    Args:
        run: The run.
        pages: Where the pages come from.
        days: The first and the last day.
        place: Keeps the position of an interrupted reading.
        scope: Which of them are written; an interrupted reading continues as it began.
    """
    settled = days[1] <= settled_until(run)
    previous: set[int] | None = None
    seen: set[int] = set()
    if place.position and scope is not Scope.ADDED_STREAMS:
        scope = Scope.ALL if place.position.whole else Scope.CHANGED
    for _ in range(MAX_PASSES):
        # What this run wrote before the pass is not written again; a later run that resumes the pass has to know that.
        began_at = run.started_at if scope is Scope.ALL else run.now()
        scan = Scan(lambda number: pages.get(days, number), began_at, place.position)
        for page, fresh in scan:
            if scan.shrank:
                pages.read_serially(days)
            if not settled:
                run.lower_floor(page)
            yield from run.emit(page, fresh, again=False, scope=scope)
            if position := scan.position(days[1], whole=scope is Scope.ALL):
                place.position = position
                run.checkpoint(page=True)
        place.position = None
        run.removed += scan.removed_seen
        if scan.is_complete:
            return Outcome(scan.known, scan.began_at, scope)
        if scan.ids == previous:
            total = scan.total or 0
            run.warn(
                f"the API counts {total:,} work orders created from {days[0]} to {days[1]} but returned the same "
                f"{len(scan.ids):,} twice; its count is taken to be outdated"
            )
            return Outcome(total, scan.began_at, scope)
        previous = None if scan.resumed else scan.ids
        seen |= scan.ids
    # If the account changes with every request, no pass matches the count: it is compared again later.
    changes = scan.added_seen or scan.removed_seen or len(seen) >= (scan.total or 0)
    return Outcome(scan.known if changes else None, scan.began_at, scope)


class Pages:
    """Pages by creation days, prefetched where that is safe.

    If rows can be inserted in front, a page that was requested in advance may lack rows that were pushed onto it later.
    So only settled days are prefetched, and no longer once a row was removed from them.

    Args:
        run: The run.

    Attributes:
        next_days: Takes the number of work orders in the current days; returns the days to read after them, or None.
    """

    def __init__(self, run: SyncRun) -> None:
        self._run = run
        self._prefetcher: Prefetcher[Key, Page] = run.prefetcher(self._fetch, run.options.threads)
        self._serial: Days | None = None
        self.next_days: Callable[[int], Days | None] = lambda _: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._prefetcher.cancel()

    def get(self, days: Days, number: int) -> Page:
        """A page of the work orders of some days."""
        page = self._prefetcher.get((days, number))
        if days != self._serial and self._is_settled(days):
            self._prefetcher.prefetch(self._next_keys(days, number, page))
        return page

    def read_serially(self, days: Days) -> None:
        """Read the rest of these days one page at a time."""
        self._serial = days
        self._prefetcher.cancel()

    def _next_keys(self, days: Days, number: int, page: Page) -> Iterator[Key]:
        yield from ((days, coming) for coming in range(number + 1, page.pages + 1))
        following = self.next_days(page.total)
        if following and self._is_settled(following):
            yield (following, 1)

    def _is_settled(self, days: Days) -> bool:
        return days[1] <= settled_until(self._run)

    def _fetch(self, key: Key) -> Page:
        (first, last), number = key
        wanted = day_filter(self._run, first, last)
        page = self._run.source.page(number, wanted)
        check_filter(page, wanted, first, last, self._run.cursor.total if self._run.is_first else None)
        return page


class FilterIgnoredError(ApiError):
    """The server returned work orders that a filter excludes."""


def check_filter(page: Page, wanted: Mapping[str, str], first: date, last: date, whole: int | None) -> None:
    """Check that the server applied a creation filter: it echoes it, or all work orders returned are from these days.

    An echo counts for nothing if the server counts as many work orders in these days as in the whole history, and some
    of them are from other days: it may echo whatever it is sent.

    Args:
        page: The page.
        wanted: The filter.
        first: The first day.
        last: The last day.
        whole: The number of work orders in the whole history, if it is being read.

    Raises:
        FilterIgnoredError: It did not.
    """
    is_echoed = page.echoes.issuperset(wanted) and (whole is None or page.total < whole)
    if not wanted or is_echoed or created_within(page, first, last):
        return
    reason = f"the filter {', '.join(wanted)}, which this server supported until now, was ignored"
    raise FilterIgnoredError(PATH, HTTPStatus.OK, reason)


def created_within(page: Page, first: date, last: date) -> bool:
    """Whether all work orders on a page were created on some days, in the time zone of any site."""
    created = (facts(record, page.received_at).created for record in page.records)
    return all(shifted(first, -1) <= at.date() <= shifted(last, 1) for at in created if at)


def has_filter(run: SyncRun) -> bool:
    """Whether the server supports a creation filter."""
    return run.cursor.created_filter != NO_FILTER
