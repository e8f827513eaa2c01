"""In which order streams are synced, and which of them an interrupted sync has read already.

Work orders come first: open ones must be current. If `max_minutes` stops a run, the company lists that it did not read
are *pending*. The next run reads only those, and does so before the work orders if it was these that used up the time.
So every stream gets its turn, however short the runs are.
"""

from __future__ import annotations

import typing as t

from tap_fieldnation.reading import bookmarks
from tap_fieldnation.streams.company import CompanyStream
from tap_fieldnation.streams.work_orders import WorkOrdersStream

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk.streams import Stream


def in_sync_order(streams: Mapping[str, Stream], saved: Mapping[str, dict[str, t.Any]]) -> dict[str, Stream]:
    """The streams in the order in which to sync them; sets `already_read` of company streams.

    Args:
        streams: All streams by name, their selection known.
        saved: The bookmarks of the last run, by stream.
    """
    company = [stream for stream in streams.values() if isinstance(stream, CompanyStream) and stream.selected]
    pending = [stream for stream in company if bookmarks.is_pending(saved.get(stream.name, {}))]
    for stream in company:
        stream.already_read = bool(pending) and stream not in pending
    work_orders = streams[WorkOrdersStream.name]
    first = pending if bookmarks.was_interrupted(saved.get(work_orders.name, {})) else []
    ordered = [*first, work_orders, *streams.values()]
    return {stream.name: stream for stream in ordered}
