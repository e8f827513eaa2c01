"""Reads what may have changed since the last run: new and open work orders, and the slices that are due."""

from __future__ import annotations

import typing as t
from datetime import timedelta
from http import HTTPStatus

from tap_fieldnation.api.client import API_ROOT
from tap_fieldnation.api.errors import ApiError
from tap_fieldnation.api.work_orders import IDS, PATH
from tap_fieldnation.reading.completeness import check_not_emptied, check_removals, reread
from tap_fieldnation.reading.events import Batch, Event, Removal, Scope
from tap_fieldnation.reading.scan import Scan
from tap_fieldnation.reading.slices import everything
from tap_fieldnation.reading.sync_run import OVERLAP

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_fieldnation.api.work_orders import Page
    from tap_fieldnation.reading.cursor import Slice
    from tap_fieldnation.reading.prefetcher import Prefetcher
    from tap_fieldnation.reading.sync_run import SyncRun

MAX_IDS = 100


def read_new(run: SyncRun) -> Iterator[Batch]:
    """Read from the highest id back to those that an earlier run knew.

    This goes by id and not by creation time, which can be back-dated: ids are assigned in the order in which work
    orders are inserted. Each run goes back to an hour before the last one, and once a day three days back, for work
    orders that became visible late.
    """
    cursor = run.cursor
    look = run.is_due(cursor.looked_at)
    floor = _floor(run, look=look)
    wanted = everything(run)
    while True:
        scan = Scan(lambda number: run.source.page(number, wanted), run.now(), cursor.new_position)
        for page, fresh in scan:
            check_not_emptied(run, page.total)
            run.count(page.total)
            yield from _read_new_page(run, page, fresh)
            cursor.new_position = scan.position(None)
            run.checkpoint(page=True)
            if not scan.shrank and min((record["id"] for record in page.records), default=0) <= floor + 1:
                break
        run.count(scan.total or 0, scan.removed_seen)
        run.add_mark(scan.highest, scan.began_at if look else None)
        run.checkpoint()
        if not scan.resumed:
            return
        floor, look = scan.highest, False  # what was inserted since the interrupted pass began


def read_open(run: SyncRun) -> Iterator[Event]:
    """Read all open work orders that this run has not read yet, by id; those that are not returned were removed.

    An id that is not returned is requested once more before it counts as removed. Recently removed ones are requested
    too, because some come back.
    """
    cursor = run.cursor
    ids = _rotated(sorted(run.unread_open), cursor.reached)
    yield from _read_ids(run, [*ids, *sorted(cursor.removed.difference(ids))])
    yield from _confirm(run)
    removed = sorted(run.unread_open)
    if removed and not run.knows_company:
        run.inspect(run.source.page(1, {}).records)  # other credentials may be the reason: any work order shows whose
    if removed:
        check_removals(run, removed)
        run.announce(removed)
        yield Removal(removed, run.now())
        run.remove(removed)
    cursor.reached = None
    run.checkpoint()


def reconcile(run: SyncRun) -> Iterator[Batch]:
    """Read the slices that are due; those of a small account are read once a day, and then only changes are written."""
    for piece in due_slices(run):
        yield from reread(run, piece, Scope.ALL if _is_old(run, piece) else Scope.CHANGED)


def due_slices(run: SyncRun) -> list[Slice]:
    """The slices of history that are due to be read again: an interrupted one first, then the least recently read."""
    if run.options.reconcile is None:
        return []
    small = run.cursor.is_small
    due = [
        piece
        for piece in run.cursor.slices
        if _is_old(run, piece) or piece.position or (small and run.is_due(piece.read_at))
    ]
    return sorted(due, key=lambda piece: (piece.position is None, piece.read_at))


def _is_old(run: SyncRun, piece: Slice) -> bool:
    """Whether a slice is due to be written again as a whole."""
    oldest = run.options.reconcile
    return oldest is not None and (piece.due_at <= run.started_at or piece.written_since + oldest <= run.started_at)


def schedule_reconcile(run: SyncRun) -> None:
    """Give each slice of a newly read history its own due date, to spread the cost of reading them again."""
    total = max(1, run.cursor.known)
    before = 0
    for piece in run.cursor.slices:
        before += piece.count or 0
        share = timedelta(seconds=int((run.options.reconcile or timedelta()).total_seconds() * before / total))
        piece.due_at = piece.read_at + share


def _floor(run: SyncRun, *, look: bool) -> int:
    """The id down to which new work orders are read."""
    cursor, marks = run.cursor, run.cursor.marks
    if not marks:
        return 0
    if run.is_first and not look:
        return max(cursor.known_from, marks[0].highest)
    older = [mark for mark in marks if cursor.started_at and mark.at <= cursor.started_at - OVERLAP]
    return marks[0].highest if look or not older else older[-1].highest


def _read_new_page(run: SyncRun, page: Page, fresh: Sequence[t.Any]) -> Iterator[Batch]:
    """Emit the new and the open work orders of a page; known closed ones are left to `reconcile`."""
    cursor = run.cursor
    floor = cursor.floor or 0
    seen = run.inspect(fresh)
    unknown = {work_order.id for work_order in seen if work_order.id > floor and work_order.id not in cursor.recent}
    counted_from = max(cursor.known_from, floor)
    new = [
        work_order
        for work_order in seen
        if work_order.id in unknown.difference(cursor.removed)
        and work_order.id > counted_from
        and run.is_requested(work_order)
    ]
    chosen = unknown.union(work_order.id for work_order in seen if not work_order.closed)
    yield from run.emit(page, [record for record in fresh if record["id"] in chosen], again=False)
    run.add_new(new)


def _confirm(run: SyncRun) -> Iterator[Batch]:
    return _read_ids(run, sorted(run.unread_open))


def _rotated(ids: list[int], reached: int | None) -> list[int]:
    """The ids, beginning where an interrupted run stopped, so that even short runs reach each of them in turn."""
    if reached is None:
        return ids
    return [number for number in ids if number > reached] + [number for number in ids if number <= reached]


def _read_ids(run: SyncRun, ids: Sequence[int]) -> Iterator[Batch]:
    """Read work orders by id. Each request fits one page, so nothing can move between pages: pages are prefetched."""
    size = min(MAX_IDS, run.options.page_size)
    start = 0
    threads = run.options.threads
    prefetcher: Prefetcher[tuple[Sequence[int], int], Page] = run.prefetcher(lambda key: _fetch(run, *key), threads)
    try:
        while start < len(ids):
            chunk = tuple(ids[start : start + size])
            scan = Scan(lambda number, chunk=chunk: prefetcher.get((chunk, number)), run.now())  # type: ignore[misc]
            prefetcher.prefetch(
                (tuple(ids[at : at + size]), 1) for at in range(start, min(len(ids), start + size * threads), size)
            )
            try:
                for page, fresh in scan:
                    if page.pages > 1 and page.per_page < size:
                        size = page.per_page
                        prefetcher.cancel()
                    yield from run.emit(page, fresh)
            except ApiError as error:
                if error.status != HTTPStatus.REQUEST_URI_TOO_LONG or size == 1:
                    raise
                size //= 2
                prefetcher.cancel()
                continue
            start += len(chunk)
            run.cursor.reached = chunk[-1]
            run.checkpoint(page=True)
    finally:
        prefetcher.cancel()


def _fetch(run: SyncRun, ids: Sequence[int], number: int) -> Page:
    page = run.source.page(number, {IDS: ",".join(map(str, ids))})
    if not {record["id"] for record in page.records}.issubset(ids):  # even if it is echoed
        raise ApiError(f"{API_ROOT}{PATH}", HTTPStatus.OK, f"the filter {IDS} was ignored")
    return page
