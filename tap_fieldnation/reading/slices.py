"""History, in slices of whole days of creation: resumable, provable one by one, and safe to read ahead.

Each work order has one creation day by the server's filter (in UTC or in the time of its site, whichever the server
uses), so slices that abut cover all of them.
"""

from __future__ import annotations

import typing as t
from datetime import date

from typing_extensions import Self

from tap_fieldnation.api.errors import ApiError
from tap_fieldnation.api.work_orders import CREATED_NAMES, PATH, created_between
from tap_fieldnation.reading.cursor import DAY, History, Slice
from tap_fieldnation.reading.lifecycle import facts
from tap_fieldnation.reading.scan import Scan

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_fieldnation.api.work_orders import Page
    from tap_fieldnation.reading.prefetcher import Prefetcher
    from tap_fieldnation.reading.sync_run import Batch, SyncRun

Days = tuple[date, date]
Keys = tuple[Days, int]

PAGES_A_SLICE = 40
GROWTH = 4

# Field Nation began in 2008; nothing of it is older.
EARLIEST_CREATION = date(2008, 1, 1)

# The last slice takes in two days after today: the filter may go by site time, which can be a day ahead of UTC, and
# the day may change while we read. Nor is yesterday over everywhere: only slices that end before it are at rest.
FUTURE_MARGIN = 2 * DAY
SETTLED_AFTER = 2 * DAY

NO_FILTER = ""


def day_filter(reading: SyncRun, first: date | None, last: date | None) -> dict[str, str]:
    """The filter for days of creation; none where the server understands no such filter."""
    name = reading.cursor.created_filter
    return created_between(first, last, (name,)) if name and first and last else {}


def everything(reading: SyncRun) -> dict[str, str]:
    """The filter for all that this run is to read; none where that is simply all."""
    if not reading.options.since and not reading.options.until:
        return {}
    return day_filter(reading, reading.options.since or EARLIEST_CREATION, horizon(reading))


def horizon(reading: SyncRun) -> date:
    """The last day of a slice that is open to the present."""
    return reading.options.until or reading.today() + FUTURE_MARGIN


def read_history(reading: SyncRun) -> Iterator[Batch]:
    """Read what the cursor's `history` names, oldest day first; it is None at the end."""
    cursor, history = reading.cursor, reading.cursor.history
    assert history is not None  # noqa: S101
    width = GROWTH
    if cursor.created_filter is None or history.next is None:
        width = _find_the_beginning(reading, history)
    reading.expected = history.total or 0
    reading.resumed = sum(piece.count or 0 for piece in cursor.slices) if cursor.started_at is None else 0
    reading.resumed += history.position.sent if history.position else 0
    if cursor.created_filter == NO_FILTER:
        yield from _read_without_days(reading, history)
    else:
        yield from _read_slices(reading, history, width)
    cursor.history = None
    reading.checkpoint()


def reread_slice(reading: SyncRun, piece: Slice) -> t.Generator[Batch, None, bool]:
    """Read a slice of history again.

    Returns:
        Whether it was proven to be read as a whole.
    """
    days = (piece.first, piece.last)
    with Pages(reading) as pages:
        scan = Scan(lambda number: pages.get(days, number))
        yield from _scanned(reading, scan, pages, days)
    keep(reading, days, scan.count)
    reading.checkpoint()
    return scan.is_complete


def keep(reading: SyncRun, days: Days, count: int) -> None:
    """Remember that a slice was read just now."""
    now = reading.now()
    first, last = days
    others = [piece for piece in reading.cursor.slices if piece.last < first or piece.first > last]
    due_at = now + (reading.options.reconcile or 0 * DAY)
    reading.cursor.slices = sorted([*others, Slice(first, last, count, now, due_at)], key=lambda piece: piece.first)


class Pages:
    """Pages of slices, read ahead where nothing can be inserted any more.

    Where rows can appear while several pages are under way, a page that was asked for early may miss what a later
    answer to an earlier page pushed over its edge. So only slices at rest are read ahead, and not even those once
    something vanished from them.

    Attributes:
        following: Given how many work orders the current slice holds, the days of the next one, or None.
    """

    def __init__(self, reading: SyncRun) -> None:
        self._reading = reading
        self._ahead: Prefetcher[Keys, Page] = reading.ahead(self._fetch, reading.options.threads)
        self._disturbed: Days | None = None
        self.following: Callable[[int], Days | None] = lambda _: None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ahead.cancel()

    def get(self, days: Days, number: int) -> Page:
        """A page of a slice."""
        page = self._ahead.get((days, number))
        if days != self._disturbed and self._at_rest(days):
            self._ahead.prefetch(self._next_keys(days, number, page))
        return page

    def disturbed(self, days: Days) -> None:
        """Read the rest of this slice one page at a time."""
        self._disturbed = days
        self._ahead.cancel()

    def _next_keys(self, days: Days, number: int, page: Page) -> Iterator[Keys]:
        yield from ((days, coming) for coming in range(number + 1, page.pages + 1))
        following = self.following(page.total)
        if following and self._at_rest(following):
            yield (following, 1)

    def _at_rest(self, days: Days) -> bool:
        return days[1] <= self._reading.today() - SETTLED_AFTER

    def _fetch(self, key: Keys) -> Page:
        (first, last), number = key
        wanted = day_filter(self._reading, first, last)
        page = self._reading.source.page(number, wanted)
        _check_echo(page, wanted)
        return page


def _find_the_beginning(reading: SyncRun, history: History) -> int:
    """Learn the filter's name and the oldest day by one request, which asks for the oldest work order by both names.

    Returns:
        How many days a slice takes at first.
    """
    cursor = reading.cursor
    names = (cursor.created_filter,) if cursor.created_filter else CREATED_NAMES
    last = history.last or horizon(reading)
    page = reading.source.page(1, created_between(reading.options.since or EARLIEST_CREATION, last, names), "asc")
    cursor.created_filter = _understood(names, page)
    history.total = page.total
    reading.inspect(page.records)
    oldest = [facts(record, reading.started_at).created for record in page.records[:1]]
    if not page.records:
        first = min(last, reading.today() - SETTLED_AFTER)
    else:
        first = oldest[0].date() - DAY if oldest[0] else EARLIEST_CREATION
    history.next = max(first, reading.options.since or EARLIEST_CREATION)
    days = max(1, (min(last, reading.today()) - history.next).days)
    return max(1, days * PAGES_A_SLICE * page.per_page // max(1, page.total))


def _understood(names: Sequence[str], page: Page) -> str:
    """The name of the filter that the server says it understood, or `NO_FILTER`."""
    return next((name for name in names if name in page.echoes), NO_FILTER)


def _check_echo(page: Page, wanted: Mapping[str, str]) -> None:
    if not page.echoes.issuperset(wanted):
        raise ApiError(PATH, 200, f"the filter {', '.join(wanted)}, understood until now, was ignored")


def _read_slices(reading: SyncRun, history: History, width: int) -> Iterator[Batch]:
    assert history.next is not None  # noqa: S101
    end = min(history.last, horizon(reading)) if history.last else horizon(reading)
    with Pages(reading) as pages:
        while history.next <= end:
            resume = history.position if history.position and history.position.last else None
            days = (history.next, (resume and resume.last) or _last_day(reading, history.next, end, width))
            following = _Following(reading, days, end)
            pages.following = following
            scan = Scan(lambda number, days=days: pages.get(days, number), resume)  # type: ignore[misc]
            yield from _scanned(reading, scan, pages, days, history)
            keep(reading, days, scan.count)
            width = following.width(scan.total or 0)
            history.next, history.position = days[1] + DAY, None
            reading.checkpoint()


class _Following:
    """The days of the slice after this one, by how full this one is; the same answer however often it is asked."""

    def __init__(self, reading: SyncRun, days: Days, end: date) -> None:
        self._reading, self._days, self._end = reading, days, end
        self._width: int | None = None

    def width(self, count: int) -> int:
        if self._width is None:
            days = (self._days[1] - self._days[0]).days + 1
            wanted = days * PAGES_A_SLICE * self._reading.options.page_size // max(1, count)
            self._width = max(1, min(wanted, GROWTH * days))
        return self._width

    def __call__(self, count: int) -> Days | None:
        first = self._days[1] + DAY
        if first > self._end:
            return None
        return first, _last_day(self._reading, first, self._end, self.width(count))


def _last_day(reading: SyncRun, first: date, end: date, width: int) -> date:
    """The last day of a slice; one with yesterday or later in it begins there, so that the rest can be read ahead."""
    at_rest = reading.today() - SETTLED_AFTER
    return end if first > at_rest else min(first + (width - 1) * DAY, at_rest, end)


def _scanned(reading: SyncRun, scan: Scan, pages: Pages, days: Days, history: History | None = None) -> Iterator[Batch]:
    for page, fresh in scan:
        if scan.shrank:
            pages.disturbed(days)
        yield from reading.emit(page, fresh)
        if history and (position := scan.position(days[1])):
            history.position = position
            reading.checkpoint()
    reading.removed += scan.removed_seen


def _read_without_days(reading: SyncRun, history: History) -> Iterator[Batch]:
    """All in one pass, one page at a time: for a server that understands no creation filter."""
    resume = history.position if history.position and not history.position.last else None
    scan = Scan(lambda number: reading.source.page(number, {}), resume)
    for page, fresh in scan:
        yield from reading.emit(page, fresh)
        if position := scan.position(None):
            history.position = position
            reading.checkpoint()
    reading.removed += scan.removed_seen
    reading.cursor.slices = []
    keep(reading, (EARLIEST_CREATION, date.max), scan.count)
