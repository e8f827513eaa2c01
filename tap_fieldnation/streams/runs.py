"""The stream `sync_runs`, which has a row for the run itself and comes last."""

from __future__ import annotations

import typing as t

from singer_sdk.streams import Stream
from typing_extensions import override

from tap_fieldnation.streams.catalog import RUNS
from tap_fieldnation.streams.rows import EXTRACTED_AT
from tap_fieldnation.streams.sdk import ConformedStream, write_schema
from tap_fieldnation.timestamps import format_utc

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_fieldnation.context import RunContext
    from tap_fieldnation.streams.work_orders import WorkOrdersStream

STARTED_AT = "started_at"


class RunsStream(ConformedStream, Stream):
    """A stream with one row, which describes this run.

    Args:
        tap: The SDK's tap.
        context: The run.
        work_orders: The stream that reads work orders.
    """

    name = RUNS
    primary_keys = (STARTED_AT,)
    replication_key = STARTED_AT
    is_sorted = True
    check_sorted = False
    emit_activate_version_messages = False

    def __init__(self, tap: Tap, context: RunContext, work_orders: WorkOrdersStream) -> None:
        super().__init__(tap, context)
        self._work_orders = work_orders

    @override
    def _increment_stream_state(self, latest_record: Record, *, context: Context | None = None) -> None:
        if self.run_context.date_range[1] is None:
            super()._increment_stream_state(latest_record, context=context)

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """The row of a run that was not ended by an error."""
        stopped = self.run_context.stopped_stream
        yield self._row(f"max_minutes was reached while {stopped} was read" if stopped else None)

    def write_failure(self, reason: str) -> None:
        """Write the row of a run that ends before the streams are read.

        Args:
            reason: A sentence that may be shown to users.
        """
        if self.selected and not self.rows_written:
            write_schema(self)
            self._write_record_message(self._row(reason))

    def _row(self, reason: str | None) -> Record:
        context, run = self.run_context, self._work_orders.run
        now = context.clock.utc_now()
        requester = context.requester
        self.received_at = now
        return {
            STARTED_AT: format_utc(context.started_at or now),
            "finished_at": format_utc(now),
            "company_id": context.known_company_id,
            "mode": self._mode(),
            "complete": reason is None,
            "reason": reason,
            "work_orders_read": run.read if run else None,
            "work_orders_written": run.written if run else None,
            "work_orders_counted": run.counted if run else None,
            "work_orders_created": run.created if run else None,
            "work_orders_removed": run.removed if run else None,
            "requests": requester.requests,
            "retries": requester.retries,
            "seconds_waited": round(requester.rate_limiter.waiting.seconds + requester.backoff.seconds, 1),
            "tap_version": self._tap.plugin_version,
            EXTRACTED_AT: format_utc(now),
        }

    def _mode(self) -> str:
        if self.run_context.date_range[1] is not None:
            return "backfill"
        run = self._work_orders.run
        is_first = run.is_first if run else "replication_key_value" not in self.stream_state
        return "first" if is_first else "incremental"


def runs_of(streams: Mapping[str, Stream]) -> RunsStream:
    """The stream `sync_runs` of a tap, selected or not."""
    return t.cast("RunsStream", streams[RunsStream.name])
