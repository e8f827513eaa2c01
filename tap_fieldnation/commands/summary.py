"""Logs the summary at the end of a sync: schema mismatches, costs, completeness, and the result."""

from __future__ import annotations

import typing as t

from tap_fieldnation.commands.text import count, duration
from tap_fieldnation.streams.by_request import ByRequestStream
from tap_fieldnation.streams.company import NO_COMPANY, CompanyStream
from tap_fieldnation.streams.embedded import ChildStream, EmbeddedStream
from tap_fieldnation.streams.sdk import ConformedStream
from tap_fieldnation.streams.work_orders import WorkOrdersStream, work_orders_of

if t.TYPE_CHECKING:
    import logging
    from collections import Counter
    from collections.abc import Mapping

    from singer_sdk.streams import Stream

    from tap_fieldnation.context import RunContext
    from tap_fieldnation.reading.sync_run import SyncRun
    from tap_fieldnation.records.conformer import Mismatches

MAX_NAMES = 10


def log_summary(context: RunContext, streams: Mapping[str, Stream], logger: logging.Logger) -> None:
    """Log the mismatches of each stream, the costs, and how completely work orders were read."""
    for stream in streams.values():
        _log_findings(stream)
    skipped = [name for name, stream in streams.items() if isinstance(stream, CompanyStream) and stream.without_company]
    if skipped:
        logger.warning("Not read: %s: %s.", ", ".join(skipped), NO_COMPANY)
    _log_costs(context, streams, logger)
    run = work_orders_of(streams).run
    if context.stopped_stream:
        read = f" after {count(run.read, 'work order')}" if run else ""
        logger.warning(
            "%s: max_minutes was reached%s; the next run continues from there.", context.stopped_stream, read
        )
    elif run and run.counted is not None:
        logger.info("work_orders: %s", _coverage(run, run.counted))


def log_result(
    context: RunContext, streams: Mapping[str, Stream], logger: logging.Logger, seconds: float, *, failed: bool
) -> None:
    """Log the result in one line, for people and monitoring; it is the last line of a run that does not fail."""
    reached = ", max_minutes was reached" if context.stopped_stream else ""
    parts = [f"incomplete{reached}" if failed or reached else "complete"]
    if run := work_orders_of(streams).run:
        updated = run.written - run.new
        parts.append(f"work orders: {run.new:,} new, {updated:,} updated, {run.removed:,} removed")
    parts.append(f"{count(context.requester.requests, 'request')} in {seconds:,.0f} s")
    logger.info("Result: %s", "; ".join(parts))


def _coverage(run: SyncRun, counted: int) -> str:
    meanwhile = f"{run.created:,} created and {run.removed:,} removed meanwhile"
    if not run.is_first:
        return f"{run.read:,} of {counted:,} read (those that are new or can have changed); {meanwhile}"
    earlier = f" after {run.resumed:,} by earlier runs" if run.resumed else ""
    return f"{run.read:,} read{earlier}; the API counts {counted:,}; {meanwhile}"


def _log_costs(context: RunContext, streams: Mapping[str, Stream], logger: logging.Logger) -> None:
    rows = {stream.name: stream.rows_written for stream in streams.values() if isinstance(stream, ConformedStream)}
    written = ", ".join(f"{name} {number:,}" for name, number in rows.items() if number)
    logger.info("Records: %s", written or "none")
    requester = context.requester
    logger.info(
        "Requests: %s (%s); waited %s for the rate limit (%g/min), %s for backoff",
        f"{requester.requests:,}",
        count(requester.retries, "retry", "retries"),
        duration(requester.rate_limiter.waiting.seconds / 60),
        requester.rate_limiter.per_minute,
        duration(requester.backoff.seconds / 60),
    )


def _log_findings(stream: Stream) -> None:
    """Log mismatches, with the stream's name, because Meltano does not show the name of a logger."""
    if isinstance(stream, WorkOrdersStream):
        _log_misfits(stream, stream.mismatches)
        if stream.left_out:
            text = "%s: left out %s whose id is not a whole number from 1 to 2^63 - 1: %s"
            stream.logger.warning(text, stream.name, count(len(stream.left_out), "row"), _names(stream.left_out))
    elif isinstance(stream, (ChildStream, CompanyStream)):
        _log_misfits(stream, stream.row_builder.mismatches)
        if stream.row_builder.rows_without_key:
            keys = ", ".join(stream.primary_keys)
            stream.logger.warning(
                "%s: left out %s without a key (%s)",
                stream.name,
                count(stream.row_builder.rows_without_key, "row"),
                keys,
            )
    if isinstance(stream, EmbeddedStream) and stream.hidden_rows:
        text = "%s: the API counts %s more than it shows to this API user"
        stream.logger.info(text, stream.name, count(stream.hidden_rows, "row"))
    if isinstance(stream, ByRequestStream):
        _log_requests(stream)


def _log_requests(stream: ByRequestStream) -> None:
    if stream.other_rows:
        text = "%s: left out %s without a %s"
        stream.logger.info(text, stream.name, count(stream.other_rows, "row"), stream.entry.required)
    if stream.truncated:
        text = "%s: rows are missing in %s: %s"
        stream.logger.warning(text, stream.name, count(stream.truncated, "list"), stream.missing)
    if stream.refused and not stream.closed:
        text = "%s: %s could not be read (deleted, or not visible to this API user)"
        stream.logger.warning(text, stream.name, count(stream.refused, "record"))


def _log_misfits(stream: Stream, mismatches: Mismatches) -> None:
    if unknown := mismatches.unknown_keys:
        text = "%s: %s unknown to this version: %s"
        stream.logger.info(text, stream.name, count(len(unknown), "field"), _names(unknown))
    if nulled := mismatches.invalid_values:
        text = "%s: %s with values of the wrong type, set to null: %s"
        stream.logger.warning(text, stream.name, count(len(nulled), "field"), _names(nulled))


def _names(places: Counter[str]) -> str:
    named = [f"{place} ({number}x)" for place, number in places.most_common(MAX_NAMES)]
    more = len(places) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")
