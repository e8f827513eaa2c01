"""What can have changed since the last complete run: work orders created since, and those that are not closed."""

from __future__ import annotations

import typing as t
from datetime import timedelta
from http import HTTPStatus

from tap_fieldnation.api.client import API_ROOT
from tap_fieldnation.api.errors import ApiError
from tap_fieldnation.api.work_orders import IDS, PATH
from tap_fieldnation.reading.cursor import Slice
from tap_fieldnation.reading.scan import Scan
from tap_fieldnation.reading.slices import PAGES_A_SLICE, everything, horizon
from tap_fieldnation.reading.sync_run import OVERLAP, Batch, Event, Removal

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from tap_fieldnation.api.work_orders import Page
    from tap_fieldnation.reading.prefetcher import Prefetcher
    from tap_fieldnation.reading.sync_run import SyncRun

MOST_IDS = 100


def read_new(reading: SyncRun) -> t.Generator[Batch, None, int]:
    """Read from the newest back to one that was created an hour before the last complete run began.

    The hour is for rows that become visible late; stopping at the highest known id would lose them.

    Returns:
        How many work orders there are that neither this run found nor any before it knew of.
    """
    cursor = reading.cursor
    assert cursor.started_at is not None  # noqa: S101
    cutoff = cursor.started_at - OVERLAP
    known = frozenset(cursor.recent)
    wanted = everything(reading)
    scan = Scan(lambda number: reading.source.page(number, wanted))
    counted: int | None = None
    found: list[datetime] = []
    for page, fresh in scan:
        counted = page.total if counted is None else counted
        seen = reading.inspect(fresh)
        yield from reading.emit(page, fresh)
        new = [one.created for one in seen if one.created and one.created >= cutoff and one.id not in known]
        found += new
        _count(reading, [created.date() for created in new])
        reading.checkpoint()
        if not scan.shrank and any(one.created and one.created < cutoff for one in seen):
            break
    reading.removed += scan.removed_seen
    return 0 if cursor.total is None or counted is None else counted - len(found) - cursor.total


def read_open(reading: SyncRun) -> Iterator[Event]:
    """Read every open work order again that this run has not read yet, by id; what does not come back is gone.

    An id that is not answered is asked for once more before it counts as gone.
    """
    yield from _read_ids(reading, _rotated(sorted(reading.unread_open), reading.cursor.reached))
    yield from _confirm(reading)
    gone = sorted(reading.unread_open)
    if gone:
        yield Removal(gone, reading.now())
        reading.unread_open.clear()
        reading.cursor.open.difference_update(gone)
        reading.removed += len(gone)
    reading.cursor.reached = None
    reading.checkpoint()


def _confirm(reading: SyncRun) -> Iterator[Batch]:
    return _read_ids(reading, sorted(reading.unread_open))


def due_slices(reading: SyncRun) -> list[Slice]:
    """The slices of history whose turn it is to be read again, the longest unread first."""
    oldest = reading.options.reconcile
    if oldest is None:
        return []
    now = reading.started_at
    due = [piece for piece in reading.cursor.slices if piece.due_at <= now or piece.read_at + oldest <= now]
    return sorted(due, key=lambda piece: piece.read_at)


def schedule_reconcile(reading: SyncRun) -> None:
    """Give each slice of a history just read its turn, so that the cost of reading it again is spread evenly."""
    total = max(1, sum(piece.count or 0 for piece in reading.cursor.slices))
    behind = 0
    for piece in reading.cursor.slices:
        behind += piece.count or 0
        share = timedelta(seconds=int((reading.options.reconcile or timedelta()).total_seconds() * behind / total))
        piece.due_at = piece.read_at + share


def _rotated(ids: list[int], reached: int | None) -> list[int]:
    """Begin where an interrupted run stopped, so that runs too short for all of them get round all the same."""
    if reached is None:
        return ids
    return [one for one in ids if one > reached] + [one for one in ids if one <= reached]


def _read_ids(reading: SyncRun, ids: Sequence[int]) -> Iterator[Batch]:
    """Requests for some ids each. They fit one page, so nothing can move between pages: they are read ahead."""
    size = min(MOST_IDS, reading.options.page_size)
    at = 0
    threads = reading.options.threads
    ahead: Prefetcher[tuple[Sequence[int], int], Page] = reading.ahead(lambda key: _fetch(reading, *key), threads)
    try:
        while at < len(ids):
            chunk = tuple(ids[at : at + size])
            scan = Scan(lambda number, chunk=chunk: ahead.get((chunk, number)))  # type: ignore[misc]
            ahead.prefetch(
                (tuple(ids[start : start + size]), 1) for start in range(at, min(len(ids), at + size * threads), size)
            )
            try:
                for page, fresh in scan:
                    if page.per_page < size:
                        size = page.per_page
                        ahead.cancel()
                    yield from reading.emit(page, fresh)
            except ApiError as error:
                if error.status != HTTPStatus.REQUEST_URI_TOO_LONG or size == 1:
                    raise
                size //= 2
                ahead.cancel()
                continue
            at += len(chunk)
            reading.cursor.reached = chunk[-1]
            reading.checkpoint()
    finally:
        ahead.cancel()


def _fetch(reading: SyncRun, ids: Sequence[int], number: int) -> Page:
    page = reading.source.page(number, {IDS: ",".join(map(str, ids))})
    if IDS not in page.echoes:
        raise ApiError(f"{API_ROOT}{PATH}", HTTPStatus.OK, f"the filter {IDS} was ignored")
    return page


def _count(reading: SyncRun, days: Sequence[date]) -> None:
    """Count new work orders in the slices of their days; a full last slice gets a successor."""
    slices = reading.cursor.slices
    for day in sorted(days):
        piece = next((piece for piece in slices if piece.first <= day <= piece.last), None)
        if piece is None:
            piece = _slice_for(reading, day)
        if piece.count is not None:
            piece.count += 1


def _slice_for(reading: SyncRun, day: date) -> Slice:
    slices = reading.cursor.slices
    last = slices[-1] if slices else None
    end = max(day, horizon(reading))
    if last and last.last < day and (last.count or 0) < PAGES_A_SLICE * reading.options.page_size:
        last.last = end
        return last
    now = reading.now()
    first = last.last + timedelta(days=1) if last and last.last < day else day
    due_at = now + (reading.options.reconcile or timedelta())
    piece = Slice(first, end if first > day or not last or last.last < day else day, 0, now, due_at)
    slices.append(piece)
    slices.sort(key=lambda one: one.first)
    return piece
