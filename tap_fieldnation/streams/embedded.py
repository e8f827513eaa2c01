"""Streams whose rows come with the work orders."""

from __future__ import annotations

import typing as t

from singer_sdk.streams import Stream
from typing_extensions import override

from tap_fieldnation.streams.rows import EXTRACTED_AT, WORK_ORDER_ID, RowBuilder, at_path
from tap_fieldnation.streams.sdk import ConformedStream

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from singer_sdk.helpers.types import Context, Record

    from tap_fieldnation.streams.catalog import Embedded


# In the envelope of a list: how many rows there are, shown or not.
TOTAL = "metadata.total"


class ChildStream(ConformedStream, Stream):
    """A stream that `work_orders` writes while it reads; a child of it for the SDK.

    The SDK's own way, a sync of each child for each parent, costs 12 times as much and writes STATE that grows with
    the square of the work orders.
    """

    replication_key = EXTRACTED_AT
    is_sorted = True
    check_sorted = False
    # A version message would make a target delete the rows of all work orders that this run did not read.
    emit_activate_version_messages = False

    # Rows written in all, and how many of them the metrics know of.
    written = 0
    counted = 0

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self.maker = RowBuilder(self.name, self.primary_keys)

    @override
    def _increment_stream_state(self, latest_record: Record, *, context: Context | None = None) -> None:
        if not self._tap.config.get("end_date"):
            super()._increment_stream_state(latest_record, context=context)

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """None: `work_orders` has them."""
        return ()

    def write_rows(self, rows: Iterable[Record]) -> None:
        """Write rows as the SDK writes records; in a dry run no more than its limit, without ending the run."""
        row: Record | None = None
        for row in rows:
            if self.ABORT_AT_RECORD_COUNT is not None and self.written >= self.ABORT_AT_RECORD_COUNT:
                return
            self._write_record_message(row)
            self.written += 1
        if row is not None:
            self._increment_stream_state(row)

    def take_count(self) -> int:
        """Rows written since this was last called."""
        new, self.counted = self.written - self.counted, self.written
        return new


class EmbeddedStream(ChildStream):
    """Rows of a list within the work order."""

    entry: Embedded

    def rows_of(self, found: t.Any, work_order_id: int, extracted_at: str) -> list[Record]:
        """The rows of the list that a work order holds."""
        items = _items(found)
        if self.entry.inner:
            items = self._ungrouped(items)
        return list(self.maker.rows(items, **{WORK_ORDER_ID: work_order_id, EXTRACTED_AT: extracted_at}))

    def found_in(self, record: Record, whole: Callable[[str], list[t.Any]]) -> t.Any:
        """The list within a work order as the API sends it.

        Args:
            record: The work order.
            whole: Reads the list from its own endpoint, for one that was cut short.
        """
        found = at_path(record, self.entry.place)
        if self.entry.endpoint and self._shows_less(found):
            return [self._as_embedded(row) for row in whole(f"/workorders/{record['id']}/{self.entry.endpoint}")]
        return found

    def is_cut_short(self, record: Record) -> bool:
        """Whether the list in a work order, or one within it, says that it holds more than it shows."""
        return self._shows_less(at_path(record, self.entry.place))

    def _shows_less(self, found: t.Any) -> bool:
        if not found:
            return False
        items = _items(found)
        total = at_path(found, TOTAL)
        if type(total) is int and total > len(items):
            return True
        return bool(self.entry.inner) and any(
            type(inner := at_path(item, TOTAL)) is int and inner > len(_items(item.get(self.entry.inner)))
            for item in items
        )

    def _as_embedded(self, row: t.Any) -> t.Any:
        """A row from the list's own endpoint, in the form that it has within the work order."""
        for column, key in self.entry.plain.items():
            items = at_path(row, column)
            if type(items) is list:
                row[column] = [at_path(item, key) if type(item) is dict else item for item in items]
        return row

    def _ungrouped(self, items: t.Any) -> Iterator[t.Any]:
        for group in items:
            lifted = {column: at_path(group, key) for column, key in self.entry.lift.items()}
            for row in _items(at_path(group, self.entry.inner)):
                yield {**row, **lifted} if type(row) is dict else row


def _items(found: t.Any) -> t.Any:
    """The items of a list, bare or in an envelope."""
    if type(found) is dict:
        found = found.get("results")
    return found if type(found) is list else ()
