"""What is said at the end of a run: what did not fit, and what was read of what there is."""

from __future__ import annotations

import typing as t

from tap_fieldnation.commands.progress import duration
from tap_fieldnation.streams.by_request import ByRequestStream
from tap_fieldnation.streams.company import CompanyStream
from tap_fieldnation.streams.embedded import ChildStream
from tap_fieldnation.streams.sdk import ConformedStream
from tap_fieldnation.streams.work_orders import WorkOrdersStream

if t.TYPE_CHECKING:
    from collections import Counter

    from singer_sdk.streams import Stream

    from tap_fieldnation.reading.sync_run import SyncRun
    from tap_fieldnation.records.conformer import Mismatches
    from tap_fieldnation.tap import TapFieldNation

MOST_NAMES = 10


def report(tap: TapFieldNation) -> None:
    """Log the findings of each stream, what it took, and as the last line how complete the reading was."""
    for stream in tap.streams.values():
        if isinstance(stream, WorkOrdersStream):
            _tell_findings(stream, stream.mismatches)
        elif isinstance(stream, (ChildStream, CompanyStream)):
            _tell_findings(stream, stream.row_builder.mismatches)
            if stream.row_builder.rows_without_key:
                keys = ", ".join(stream.primary_keys)
                _warn(stream, f"{stream.row_builder.rows_without_key} rows without a key ({keys}) were left out")
        if isinstance(stream, ByRequestStream) and stream.refused and not stream.closed:
            _warn(stream, f"{stream.refused} records could not be read (gone, or not visible to this account)")
    _tell_costs(tap)
    if reading := tap.work_orders.reading:
        if tap.out_of_time:
            tap.logger.warning(
                "work_orders: stopped by max_minutes after %s were read; the next run goes on there.",
                f"{reading.read:,}",
            )
        elif reading.counted is not None:
            tap.logger.info("work_orders: %s", _coverage(reading, reading.counted))


def _coverage(reading: SyncRun, counted: int) -> str:
    meanwhile = f"{reading.created:,} created and {reading.removed:,} removed meanwhile"
    if not reading.is_first:
        return f"{reading.read:,} read, which can have changed, of the {counted:,} that the API counts; {meanwhile}"
    earlier = f" after {reading.resumed:,} by earlier runs" if reading.resumed else ""
    return f"{reading.read:,} read{earlier}; the API counts {counted:,}; {meanwhile}"


def _tell_costs(tap: TapFieldNation) -> None:
    rows = {stream.name: stream.rows_written for stream in tap.streams.values() if isinstance(stream, ConformedStream)}
    sent = ", ".join(f"{name} {count:,}" for name, count in rows.items() if count)
    tap.logger.info("Records: %s", sent or "none")
    tap.logger.info(
        "Requests: %s, %s of them tried again; waited %s in all, to keep to %g a minute and before trying again",
        f"{tap.client.requests:,}",
        f"{tap.client.retries:,}",
        duration(tap.clock.waited / 60),
        tap.client.budget.per_minute,
    )


def _tell_findings(stream: Stream, mismatches: Mismatches) -> None:
    if unknown := mismatches.unknown_keys:
        text = "%s: %s that this version does not know: %s"
        stream.logger.info(text, stream.name, _fields(unknown), _names(unknown))
    if nulled := mismatches.invalid_values:
        what = f"{_fields(nulled)} with values that did not fit their type and were set to null: {_names(nulled)}"
        _warn(stream, what)


def _warn(stream: Stream, text: str) -> None:
    """Say of which stream it is, too: Meltano does not show the name of a stream's logger."""
    stream.logger.warning("%s: %s", stream.name, text)


def _fields(places: Counter[str]) -> str:
    return "1 field" if len(places) == 1 else f"{len(places)} fields"


def _names(places: Counter[str]) -> str:
    named = [f"{place} ({count}x)" for place, count in places.most_common(MOST_NAMES)]
    more = len(places) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")
