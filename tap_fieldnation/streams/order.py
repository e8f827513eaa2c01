"""Determines the order in which streams are synced, and which of them an interrupted sync has already read.

Work orders come first, as open ones must be current; the row of the run itself comes last. If `max_minutes` stops a
run, the company lists that it did not read are *pending*. The next run reads only those, and does so before the work
orders; if it does not finish them either, the work orders come first again, and so on in turns. Until the work orders
are complete, lists that were read in between are not read again, for a day at most. So every stream gets its turn, and
the sync completes, however short the runs are.
"""

from __future__ import annotations

import typing as t
from datetime import timedelta

from tap_fieldnation.reading import bookmarks
from tap_fieldnation.streams.company import CompanyStream
from tap_fieldnation.streams.runs import RunsStream, runs_of
from tap_fieldnation.streams.work_orders import WorkOrdersStream

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from singer_sdk.streams import Stream

# How long a list that was read is not read again while the work orders are incomplete.
VALID_FOR = timedelta(hours=24)


def in_sync_order(
    streams: Mapping[str, Stream], saved: Mapping[str, dict[str, t.Any]], now: datetime
) -> dict[str, Stream]:
    """The streams in the order in which to sync them; sets `already_read` and `preferred` of company streams.

    Args:
        streams: All streams by name; their selection must be known.
        saved: The bookmarks of the last run, by stream.
        now: The current time, UTC.
    """
    work_orders = streams[WorkOrdersStream.name]
    interrupted = bookmarks.was_interrupted(saved.get(work_orders.name, {}))
    company = [stream for stream in streams.values() if isinstance(stream, CompanyStream) and stream.selected]
    states = {stream: saved.get(stream.name, {}) for stream in company}
    pending = [stream for stream, state in states.items() if bookmarks.is_pending(state)]
    first = [] if any(bookmarks.was_preferred(states[stream]) for stream in pending) else pending
    for stream, state in states.items():
        finished_at = bookmarks.finished_at(state)
        valid = interrupted and finished_at is not None and timedelta() <= now - finished_at < VALID_FOR
        stream.already_read = stream not in pending and (bool(pending) or valid)
        stream.preferred = stream in first
    others = {name: stream for name, stream in streams.items() if name != RunsStream.name}
    return {stream.name: stream for stream in (*first, work_orders, *others.values(), runs_of(streams))}
