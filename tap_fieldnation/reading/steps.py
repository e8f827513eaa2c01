"""The steps of a run, in their order."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from tap_fieldnation.reading.changes import read_new, read_open, reconcile, schedule_reconcile
from tap_fieldnation.reading.completeness import check_slices, require_complete
from tap_fieldnation.reading.cursor import DAY, EARLIEST, NO_FILTER, Cursor, Unread
from tap_fieldnation.reading.history import read_added, read_history, read_unfiltered, settle_days
from tap_fieldnation.reading.slices import FilterIgnoredError

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from tap_fieldnation.reading.events import Event
    from tap_fieldnation.reading.sync_run import Options, SyncRun

WORK_ORDERS = "work_orders"

# After a longer pause, work orders created meanwhile are read as history: in slices, resumable, prefetched.
LONG_PAUSE = timedelta(days=3)


def prepare(
    cursor: Cursor, options: Options, streams: Sequence[str], now: datetime, *, full_refresh: bool = False
) -> str:
    """Decide which part of the history has to be read.

    Args:
        cursor: As the last run left it; changed in place.
        options: What the user asked for.
        streams: The selected streams.
        now: The current time, UTC.
        full_refresh: Whether everything has to be read again in any case.

    Returns:
        Why all of it is read again, as a clause; "" if it is not read, or for the first time.
    """
    since = options.since
    earlier = cursor.since is not None and (since is None or since < cursor.since)
    added = sorted(set(streams).difference(cursor.streams))
    is_first = cursor.is_new or _was_empty(cursor)
    reason = "" if is_first else _reason(cursor, added, full_refresh=full_refresh, earlier=earlier)
    if added and _is_complete(cursor) and WORK_ORDERS not in added and not full_refresh:
        cursor.read_for(added, cursor.since if earlier else since)
    elif reason or is_first:
        cursor.restart(now, since, options.until)
        earlier = False
    if earlier and cursor.since:
        cursor.unread = [Unread(since or EARLIEST, cursor.since - DAY)]
    elif since and since != cursor.since:
        cursor.forget_before(since)
    cursor.since = since
    if not cursor.unread and cursor.started_at and now - cursor.started_at > LONG_PAUSE:
        _read_pause_as_history(cursor)
    cursor.streams = sorted(streams)
    cursor.drop_added(streams)
    return reason


def read(run: SyncRun) -> Iterator[Event]:
    """Everything that a run emits, in order; the cursor is complete at the end.

    Raises:
        TapError: A request failed, what was read is incomplete, or most open work orders disappeared.
    """
    reads_history = run.is_first or bool(run.cursor.unread)
    try:
        yield from _read(run)
    except FilterIgnoredError:
        if not reads_history:
            raise
        # The server echoes whatever it is sent; or it echoes no filter, and what it returned at first was misleading.
        run.start_over()
        yield from _read(run)


def _read(run: SyncRun) -> Iterator[Event]:
    if run.cursor.unread:
        yield from read_history(run)
    if run.options.until is None:
        yield from read_added(run)
        for name, step in _in_turn(run.cursor.step):
            run.begin(name)
            yield from step(run)
    require_complete(run)
    if run.is_first:
        schedule_reconcile(run)
    run.finish()


def _check(run: SyncRun) -> Iterator[Event]:
    yield from settle_days(run)
    yield from check_slices(run)
    if run.is_first:
        yield from read_unfiltered(run)


Step = tuple[str, "Callable[[SyncRun], Iterator[Event]]"]

STEPS: Sequence[Step] = (("open", read_open), ("new", read_new), ("check", _check), ("reconcile", reconcile))


def _in_turn(interrupted: str | None) -> Iterator[Step]:
    """The steps, beginning after an interrupted one: a step that never fits the time limit would use up all of it."""
    names = [name for name, _ in STEPS]
    start = names.index(interrupted) + 1 if interrupted in names else 0
    yield from STEPS[start:]
    yield from STEPS[:start]


def _reason(cursor: Cursor, added: Sequence[str], *, full_refresh: bool, earlier: bool) -> str:
    if added:
        return f"the last run did not include {', '.join(added)}"
    if full_refresh and not cursor.unread:
        return "the catalog sets FULL_TABLE for work_orders"
    if earlier and (cursor.unread or cursor.created_filter == NO_FILTER):
        return "start_date is earlier than in the last run"
    return ""


def _is_complete(cursor: Cursor) -> bool:
    """Whether a run was complete after all of the history was read."""
    return cursor.started_at is not None and not cursor.unread


def _was_empty(cursor: Cursor) -> bool:
    """Whether the account had no work orders, so that everything in it now is history."""
    return not cursor.unread and not cursor.known and bool(cursor.marks) and cursor.marks[-1].highest == 0


def _read_pause_as_history(cursor: Cursor) -> None:
    if cursor.created_filter != NO_FILTER:
        cursor.unread = [Unread(cursor.frontier, None)]
