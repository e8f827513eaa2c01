"""Streams that `work_orders` writes: a base class for all of them, and the streams of lists within a work order."""

from __future__ import annotations

import functools
import itertools
import typing as t

from singer_sdk.streams import Stream
from typing_extensions import override

from tap_fieldnation.api.paging import whole_number
from tap_fieldnation.records import schema
from tap_fieldnation.records.conformer import RESULTS
from tap_fieldnation.streams.rows import EXTRACTED_AT, WORK_ORDER_ID, RowBuilder, get_nested
from tap_fieldnation.streams.sdk import ConformedStream

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from singer_sdk.helpers.types import Context, Record

    from tap_fieldnation.streams.catalog import Embedded


# If the endpoint had no more rows than the work order for this many lists of a stream, and never had more, the totals
# count rows that this API user may not see: a request for each work order would find nothing.
MAX_FUTILE = 10


class ChildStream(ConformedStream, Stream):
    """A stream that `work_orders` writes while it reads; for the SDK, a child of `work_orders`.

    The SDK would sync each child stream for each parent record. That takes 12 times as long, and writes STATE messages
    whose total size grows with the square of the number of work orders.
    """

    replication_key = EXTRACTED_AT
    is_sorted = True
    check_sorted = False
    # A version message would make a target delete the rows of all work orders that this run did not read.
    emit_activate_version_messages = False

    # How many of `rows_written` are already in the metrics.
    _rows_counted = 0
    # The `extracted_at` in the bookmark; all rows of a page have the same one.
    _bookmarked_at = ""

    @functools.cached_property
    def conformed_schema(self) -> schema.JsonSchema:
        """The schema that rows are made to fit, the properties that a user added to the catalog included."""
        return schema.extended(schema.load(self.name), self.effective_schema)

    @functools.cached_property
    def row_builder(self) -> RowBuilder:
        """Makes the rows fit the schema."""
        return RowBuilder(self.name, self.conformed_schema, self.primary_keys)

    @override
    def _increment_stream_state(self, latest_record: Record, *, context: Context | None = None) -> None:
        if not self._tap.config.get("end_date"):
            super()._increment_stream_state(latest_record, context=context)

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        """No records: `work_orders` writes the rows."""
        return ()

    def write_rows(self, rows: Iterable[Record]) -> None:
        """Write rows as the SDK writes records; a dry run writes no more than its limit, and does not end there."""
        if self.ABORT_AT_RECORD_COUNT is not None:
            rows = itertools.islice(rows, max(0, self.ABORT_AT_RECORD_COUNT - self.rows_written))
        last = self.write_records(rows)
        if last is not None and last[EXTRACTED_AT] != self._bookmarked_at:
            self._bookmarked_at = last[EXTRACTED_AT]
            self._increment_stream_state(last)

    def take_count(self) -> int:
        """Rows written since this was last called."""
        new, self._rows_counted = self.rows_written - self._rows_counted, self.rows_written
        return new


class EmbeddedStream(ChildStream):
    """Rows of a list within the work order.

    Attributes:
        hidden_rows: How many more rows the lists count than the API shows, in total.
    """

    entry: Embedded
    hidden_rows = 0
    # Number of requests for truncated lists that found no more rows; None once one did.
    _futile: int | None = 0

    def build_rows(self, embedded_list: t.Any, work_order_id: int, extracted_at: str) -> list[Record]:
        """The rows of a work order's list, conformed in place."""
        items = self._rows_of(embedded_list)
        if not items:
            return []
        return list(self.row_builder.rows(items, **{WORK_ORDER_ID: work_order_id, EXTRACTED_AT: extracted_at}))

    def embedded_list(self, record: Record, fetch_list: Callable[[str], list[t.Any]]) -> t.Any:
        """The complete list of a work order as the API sends it.

        Args:
            record: The work order.
            fetch_list: Reads the list from a path, if the work order has only a part of it.
        """
        embedded = get_nested(record, self.entry.list_path)
        if not embedded or (not self.entry.group_key and _is_complete(embedded, RESULTS)):  # nearly all of them
            return embedded
        doubtful = [place for place in self._envelopes(embedded) if not _is_complete(*place)]
        if not doubtful:
            return embedded
        hidden = sum(_excess(*place) for place in doubtful)
        if self.entry.endpoint and self._may_complete() and any(_is_cut(*place) for place in doubtful):
            fetched = fetch_list(f"/workorders/{record['id']}/{self.entry.endpoint}")
            if self._row_count(fetched) > self._row_count(embedded):
                self._futile = None
                return [self._to_embedded_form(row) for row in fetched]
            if self._futile is not None:
                self._futile += 1
        self.hidden_rows += hidden
        return embedded

    def is_truncated(self, record: Record) -> bool:
        """Whether a work order has only a part of the list, or of one of its groups."""
        return self._is_truncated(get_nested(record, self.entry.list_path))

    def has_hidden_rows(self, record: Record) -> bool:
        """Whether the list in a work order, or one of its groups, counts more rows than it has."""
        envelopes = self._envelopes(get_nested(record, self.entry.list_path))
        return any(_excess(envelope, key) for envelope, key in envelopes)

    def items_in(self, record: Record) -> list[t.Any]:
        """The rows of the list in a work order, as the API sends them."""
        return list(self._rows_of(get_nested(record, self.entry.list_path)))

    def _rows_of(self, embedded_list: t.Any) -> Iterable[t.Any]:
        items = _items(embedded_list)
        return self._ungroup(items) if self.entry.group_key else items

    def _may_complete(self) -> bool:
        return self._futile is None or self._futile < MAX_FUTILE

    def _is_truncated(self, embedded_list: t.Any) -> bool:
        return any(_is_cut(envelope, key) for envelope, key in self._envelopes(embedded_list))

    def _envelopes(self, embedded_list: t.Any) -> Iterator[tuple[t.Any, str]]:
        """The envelopes of the list and of its groups, each with the key of its rows."""
        yield embedded_list, RESULTS
        if self.entry.group_key:
            yield from ((group, self.entry.group_key) for group in _items(embedded_list))

    def _row_count(self, embedded_list: t.Any) -> int:
        items = _items(embedded_list)
        return len(items) + sum(len(_items(get_nested(group, self.entry.group_key))) for group in items)

    def _to_embedded_form(self, row: t.Any) -> t.Any:
        """A row from the list's own endpoint, in the form that it has within the work order."""
        for column, key in self.entry.plain.items():
            items = get_nested(row, column)
            if type(items) is list:
                row[column] = [get_nested(item, key) if type(item) is dict else item for item in items]
        return row

    def _ungroup(self, groups: t.Any) -> Iterator[t.Any]:
        for group in groups:
            lifted = {column: get_nested(group, key) for column, key in self.entry.lift.items()}
            for row in _items(get_nested(group, self.entry.group_key)):
                yield {**row, **lifted} if type(row) is dict else row


def _items(embedded_list: t.Any) -> t.Any:
    """The items of a list, with or without an envelope."""
    if type(embedded_list) is dict and RESULTS in embedded_list:
        embedded_list = embedded_list[RESULTS]
    if type(embedded_list) is dict and embedded_list and all(map(str.isdecimal, embedded_list)):
        embedded_list = list(embedded_list.values())  # PHP encodes a list with a gap as an object
    return embedded_list if type(embedded_list) is list else ()


def _is_complete(envelope: t.Any, key: str) -> bool:
    """A fast test whether an envelope of the usual form has all rows that it counts, as nearly all lists do."""
    if type(envelope) is not dict:
        return False
    rows, metadata = envelope.get(key), envelope.get("metadata")
    total = metadata.get("total") if type(metadata) is dict else None
    return type(rows) is list and type(total) is int and total <= len(rows)


def _excess(envelope: t.Any, key: str) -> int:
    """How many more rows an envelope counts than it has."""
    total = whole_number(get_nested(envelope, "metadata.total"))
    return max(0, (total or 0) - len(_items(get_nested(envelope, key))))


def _is_cut(envelope: t.Any, key: str) -> bool:
    """Whether an envelope has further pages; a total alone may count rows that are hidden from this API user."""
    metadata = (get_nested(envelope, f"metadata.{name}") for name in ("total", "pages", "per_page"))
    total, pages, size = map(whole_number, metadata)
    if total is None:
        return pages is not None and pages > 1
    if not _excess(envelope, key):
        return False
    if size is None:
        return pages != 1
    return size < total or (pages is not None and pages > 1)
