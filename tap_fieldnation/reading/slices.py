"""Work orders by days of creation: the filter, and the reading of some days as a whole.

Each work order has one creation day by the server's filter (in UTC or in the time of its site, whichever the server
uses), so slices without gaps between them cover all of them.
"""

from __future__ import annotations

import typing as t
from datetime import date, timedelta
from http import HTTPStatus

from typing_extensions import Self

from tap_fieldnation.api.errors import ApiError
from tap_fieldnation.api.work_orders import PATH, created_between
from tap_fieldnation.reading.cursor import EARLIEST, NO_FILTER, shifted
from tap_fieldnation.reading.lifecycle import facts
from tap_fieldnation.reading.scan import Scan
from tap_fieldnation.reading.sync_run import Outcome

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_fieldnation.api.work_orders import Page
    from tap_fieldnation.reading.cursor import Slice, Unread
    from tap_fieldnation.reading.prefetcher import Prefetcher
    from tap_fieldnation.reading.sync_run import Batch, SyncRun

Days = tuple[date, date]
Key = tuple[Days, int]

# The filter may use the time of the site, which can be a day ahead of UTC, and the day may end while we read. So the
# last days reach into the future, and only days that end before yesterday are over everywhere.
FUTURE_MARGIN = 2
SETTLED_AFTER = 2

# The time of a site is at most so far from UTC.
SITE_MARGIN = timedelta(days=1)

MAX_PASSES = 3


def day_filter(run: SyncRun, first: date, last: date) -> dict[str, str]:
    """The filter for creation days; none where the server does not support any."""
    name = run.cursor.created_filter
    return created_between(first, last, (name,)) if name else {}


def everything(run: SyncRun) -> dict[str, str]:
    """The filter for all that this run is to read; none where that is simply all."""
    if not run.options.since and not run.options.until:
        return {}
    return day_filter(run, run.options.since or EARLIEST, horizon(run))


def horizon(run: SyncRun) -> date:
    """The last creation day to ask for."""
    return run.options.until or shifted(run.today(), FUTURE_MARGIN)


def settled_until(run: SyncRun) -> date:
    """The last day in which no work order can be created any more, whatever the time zone of its site."""
    return shifted(run.today(), -SETTLED_AFTER)


def read_days(
    run: SyncRun, pages: Pages, days: Days, place: Slice | Unread, *, whole: bool = True, for_added: bool = False
) -> t.Generator[Batch, None, Outcome]:
    """Read all work orders of some days, more than once where fewer come than the API counts.

    Args:
        run: The run.
        pages: Where the pages come from.
        days: The first and the last day.
        place: Keeps the position of an interrupted reading.
        whole: Whether those that did not change are written too; an interrupted reading goes on as it began.
        for_added: Whether they are read for added streams.
    """
    settled = days[1] <= settled_until(run)
    previous: set[int] | None = None
    seen: set[int] = set()
    if place.position:
        whole = place.position.whole
    for _ in range(MAX_PASSES):
        scan = Scan(lambda number: pages.get(days, number), run.now(), place.position)
        for page, fresh in scan:
            if scan.shrank:
                pages.read_serially(days)
            if not settled:
                run.lower_floor(page)
            yield from run.emit(page, fresh, again=False, whole=whole, for_added=for_added)
            if position := scan.position(days[1], whole=whole):
                if whole:  # what this run had written before is not written again
                    position.began_at = min(position.began_at, run.started_at)
                place.position = position
                run.checkpoint(page=True)
        place.position = None
        run.removed += scan.removed_seen
        if scan.is_complete:
            return Outcome(scan.known, scan.began_at, whole)
        if scan.ids == previous:
            total = scan.total or 0
            run.warn(
                f"the API counts {total:,} work orders created from {days[0]} to {days[1]} but returned the same "
                f"{len(scan.ids):,} twice; its count is taken to be outdated"
            )
            return Outcome(total, scan.began_at, whole)
        previous = None if scan.resumed else scan.ids
        seen |= scan.ids
    # While the account changes with every request no pass adds up: what differs is compared again later.
    changes = scan.added_seen or scan.removed_seen or len(seen) >= (scan.total or 0)
    return Outcome(scan.known if changes else None, scan.began_at, whole)


class Pages:
    """Pages by creation days, prefetched where that is safe.

    While rows can be inserted in front, a page that was requested early may lack what a later response to an earlier
    page has pushed across its edge. So only settled days are prefetched, and not once a row was removed from them.

    Args:
        run: The run.

    Attributes:
        next_days: Given how many work orders the current days hold, the days that will be read after them, or None.
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
        check_filter(page, wanted, first, last)
        return page


class FilterIgnoredError(ApiError):
    """The server returned work orders that a filter excludes."""


def check_filter(page: Page, wanted: Mapping[str, str], first: date, last: date) -> None:
    """Whether the server applied a creation filter: it says so, or all that it returned is of these days.

    Raises:
        FilterIgnoredError: It did not.
    """
    if not wanted or page.echoes.issuperset(wanted) or created_within(page, first, last):
        return
    reason = f"the filter {', '.join(wanted)}, which this server supported until now, was ignored"
    raise FilterIgnoredError(PATH, HTTPStatus.OK, reason)


def created_within(page: Page, first: date, last: date) -> bool:
    """Whether all work orders on a page were created on some days, in the time of whatever site."""
    created = (facts(record, page.received_at).created for record in page.records)
    return all(shifted(first, -1) <= at.date() <= shifted(last, 1) for at in created if at)


def has_filter(run: SyncRun) -> bool:
    """Whether the server supports a creation filter."""
    return run.cursor.created_filter != NO_FILTER
