"""One run: what is read, in which order."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from tap_fieldnation.reading.changes import due_slices, read_new, read_open, schedule_reconcile
from tap_fieldnation.reading.completeness import find_missing, verify
from tap_fieldnation.reading.cursor import DAY, Cursor, History
from tap_fieldnation.reading.slices import EARLIEST_CREATION, NO_FILTER, everything, horizon, read_history, reread_slice
from tap_fieldnation.reading.sync_run import OVERLAP

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from tap_fieldnation.reading.sync_run import Event, Options, SyncRun

# After a longer pause what was created meanwhile is read as history: in slices, resumable, ahead where that is safe.
LONGEST_PAUSE = timedelta(days=3)


def prepare(cursor: Cursor, options: Options, streams: Sequence[str], now: datetime, *, anew: bool = False) -> Cursor:
    """Settle what of the history is to be read.

    Args:
        cursor: As the last run left it.
        options: What the user asked for.
        streams: The selected streams that this reading serves.
        now: The time of day, UTC.
        anew: Whether all is to be read again in any case.

    Returns:
        The cursor to read by: a new one where it starts from the beginning.
    """
    unfinished = not set(streams) <= set(cursor.streams)
    new = cursor.started_at is None and cursor.history is None
    earlier = _is_earlier(options.since, cursor.since)
    if new or unfinished or (anew and cursor.history is None) or (earlier and cursor.history is not None):
        known = Cursor(company_id=cursor.company_id, open=cursor.open, created_filter=cursor.created_filter)
        known.history = History(now, next=None, last=None)
        cursor = known
    elif earlier and cursor.created_filter != NO_FILTER:
        assert cursor.since is not None  # noqa: S101
        cursor.history = History(now, next=options.since, last=cursor.since - DAY)
    elif cursor.history is None and cursor.started_at and now - cursor.started_at > LONGEST_PAUSE:
        _read_pause_as_history(cursor, now)
    _forget_before(cursor, options.since)
    if cursor.since != options.since:
        cursor.since, cursor.total = options.since, None  # counted under another filter
    cursor.streams = sorted(streams)
    return cursor


def read(reading: SyncRun) -> Iterator[Event]:
    """Everything that a run hands on, in order; the cursor is complete at the end."""
    history = reading.cursor.history
    backfill = reading.options.until is not None
    started_at = history.started_at if history else reading.started_at
    covers_new = history is not None and history.last is None
    if history:
        first, last = None, None
        if not reading.is_first:
            first, last = history.next or EARLIEST_CREATION, history.last or horizon(reading)
        yield from read_history(reading)
        yield from verify(reading, first, last)
        if reading.is_first:
            schedule_reconcile(reading)
    due = [] if reading.is_first else due_slices(reading)
    reading.expected += sum(piece.count or 0 for piece in due) + len(reading.unread_open)
    if not covers_new:
        missing = yield from read_new(reading)
        if missing > 0:
            yield from find_missing(reading, missing)
    for piece in due:
        yield from reread_slice(reading, piece)
    if not backfill:
        yield from read_open(reading)
        if not reading.is_first:
            reading.counted = reading.source.total(everything(reading))
    _finish(reading, started_at)


def _finish(reading: SyncRun, started_at: datetime) -> None:
    cursor = reading.cursor
    # Creation times are by the server's clock; if ours is ahead of it, the next run has to look further back.
    cursor.started_at = started_at - reading.clock_ahead()
    cursor.total = reading.counted
    cursor.recent = reading.recent
    reading.checkpoint()


def _is_earlier(since: date | None, before: date | None) -> bool:
    """Whether days are asked for that lie before those read so far."""
    return before is not None and (since is None or since < before)


def _read_pause_as_history(cursor: Cursor, now: datetime) -> None:
    if cursor.created_filter == NO_FILTER or cursor.started_at is None:
        return
    first = (cursor.started_at - OVERLAP).date() - DAY
    cursor.history = History(now, next=first, last=None)
    cursor.slices = [piece for piece in cursor.slices if piece.first < first]
    if cursor.slices and cursor.slices[-1].last >= first:
        cursor.slices[-1].last, cursor.slices[-1].count = first - DAY, None


def _forget_before(cursor: Cursor, since: date | None) -> None:
    """Drop what lies before the first day asked for; a slice across it holds an unknown number from then on."""
    if since is None:
        return
    cursor.slices = [piece for piece in cursor.slices if piece.last >= since]
    for piece in cursor.slices[:1]:
        if piece.first < since:
            piece.first, piece.count = since, None
    if cursor.history and cursor.history.next and cursor.history.next < since:
        cursor.history.next, cursor.history.position = since, None
