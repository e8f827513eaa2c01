"""Child streams that take a request for each work order that the run writes, or for each user that it refers to.

Their requests are made together with the page of these work orders: the cursor moves only after them. Work orders whose
requests were not made because the time limit was reached stay open in the cursor, so the next run reads them again.
"""

from __future__ import annotations

import functools
import hashlib
import typing as t
from http import HTTPStatus

from tap_fieldnation.api import paging
from tap_fieldnation.api.errors import Action, ApiError, DeadlineExceeded, TokenRefusedError
from tap_fieldnation.reading import bookmarks
from tap_fieldnation.reading.events import Write
from tap_fieldnation.reading.prefetcher import Prefetcher
from tap_fieldnation.streams.embedded import ChildStream
from tap_fieldnation.streams.rows import EXTRACTED_AT, WORK_ORDER_ID, get_nested
from tap_fieldnation.timestamps import format_utc

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from singer_sdk.helpers.types import Record

    from tap_fieldnation.api.client import Client
    from tap_fieldnation.api.paging import ListPage
    from tap_fieldnation.reading.sync_run import SyncRun
    from tap_fieldnation.streams.catalog import ByRequest

# The result of a request: its pages, or an error that concerns only this record.
Result = t.Union["list[ListPage]", ApiError, TokenRefusedError]

# After this many rejected records in a row, the stream itself counts as rejected.
MAX_REFUSALS = 10


class ByRequestStream(ChildStream):
    """Rows that are requested for one work order, or one user, at a time.

    Attributes:
        closed: Whether the account may not read the stream.
        refused: Records that could not be read.
        other_rows: Rows of the responses that do not belong to this stream.
        truncated: Records for which not all rows were received.
        missing: What the API said about the rows of the first of these.
    """

    entry: ByRequest

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self.closed = False
        self.refused = 0
        self._refused_in_a_row = 0
        self._can_be_read = False
        self._requested: set[int] = set()
        self.other_rows = 0
        self.truncated = 0
        self.missing = ""

    @property
    def is_per_work_order(self) -> bool:
        """Whether the requests are for work orders themselves, not for users that these refer to."""
        return self.entry.id_paths == ("id",)

    @functools.cached_property
    def is_new(self) -> bool:
        """Whether no earlier run could read the stream, so that it is requested for unchanged work orders too."""
        return not bookmarks.was_readable(self.stream_state)

    def ids_in(self, record: Record, known_counts: Mapping[int, int]) -> list[int]:
        """The ids to request for a work order as the API sends it.

        Args:
            record: The work order.
            known_counts: The counts that earlier readings of open work orders showed, by id.
        """
        if self.entry.count_paths:
            count = self.count_in(record)
            if count == 0 or (count is not None and known_counts.get(record["id"]) == count):
                return []
            return [record["id"]]
        ids = (get_nested(record, place) for place in self.entry.id_paths)
        return list(dict.fromkeys(record_id for record_id in ids if type(record_id) is int and record_id))

    def count_in(self, record: Record) -> int | None:
        """The counts of a work order as one number; None if it has no counts.

        Returns:
            0 if all of them are 0. A single count as it is. Several as one number below 2^31, a hash that changes with
            each of them.
        """
        counts = [paging.whole_number(get_nested(record, path)) for path in self.entry.count_paths]
        if counts.count(None) == len(counts):
            return None
        if not any(count != 0 for count in counts):
            return 0
        if len(counts) == 1:
            return counts[0]
        return int.from_bytes(hashlib.blake2b(repr(counts).encode(), digest_size=4).digest(), "big") >> 1 or 1

    def was_requested(self, record_id: int) -> bool:
        """Whether this run has made the request already; always False for work orders, which can change."""
        return record_id in self._requested

    def fetch(self, client: Client, record_id: int) -> Result:
        """All pages for one id; an error that concerns only this record is returned, not raised."""
        path = self.entry.path.format(id=record_id)
        try:
            pages = paging.pages(
                client,
                path,
                self.entry.params,
                rows=self.entry.rows,
                stream=self.name,
                max_pages=self.entry.max_pages,
            )
            return list(pages)
        except ApiError as error:
            if error.rule.action is not Action.SKIP:
                raise
            return error
        except TokenRefusedError as error:
            return error

    def handle(self, record_id: int, result: Result) -> bool:
        """Write the rows of a result, or continue without them; returns whether there were pages.

        Raises:
            ApiError: The account may not read the stream, although an earlier run could.
            TokenRefusedError: The token is rejected, not the record.
        """
        if not self.is_per_work_order:
            self._requested.add(record_id)
        if isinstance(result, list):
            self._write(record_id, result)
            return True
        self._refuse(result)
        return False

    def _write(self, record_id: int, pages: Sequence[ListPage]) -> None:
        self._refused_in_a_row = 0
        self._can_be_read = True
        bookmarks.mark_readable(self.stream_state)
        parent = {WORK_ORDER_ID: record_id} if WORK_ORDER_ID in self.primary_keys else {}
        if lacks := paging.shortfall(pages[-1] if pages else None, sum(len(page.rows) for page in pages)):
            self.truncated += 1
            self.missing = self.missing or f"for {self.entry.path.format(id=record_id)} the API {lacks}"
        for page in pages:
            self.received_at = page.received_at
            items = self.items_on(page)
            self.write_rows(self.row_builder.rows(items, **parent, **{EXTRACTED_AT: format_utc(page.received_at)}))

    def items_on(self, page: ListPage) -> Iterator[t.Any]:
        """The rows of this stream on a page, as the API sends them, with the columns from the envelope."""
        shared = {key: page.envelope.get(key) for key in self.entry.envelope}
        rows = self._own(_unnested(page.rows, self.entry.nested))
        return _with_columns(rows, shared)

    def _own(self, rows: Iterable[t.Any]) -> Iterator[t.Any]:
        """The rows of a response that belong to this stream; the others are counted."""
        for row in rows:
            if self.entry.required and type(row) is dict and _is_empty(row.get(self.entry.required)):
                self.other_rows += 1
            else:
                yield row

    def _refuse(self, error: ApiError | TokenRefusedError) -> None:
        """Continue without one record, or close the stream if the account may not read it at all."""
        self.refused += 1
        self._refused_in_a_row += 1
        forbidden = isinstance(error, ApiError) and error.status == HTTPStatus.FORBIDDEN
        if self._refused_in_a_row < MAX_REFUSALS and (self._can_be_read or not forbidden):
            self.logger.debug("Skipped: %s", error)
            return
        if bookmarks.was_readable(self.stream_state) or isinstance(error, TokenRefusedError):
            raise error
        self.closed = True
        self.logger.warning("Not read: %s", error)


Request = tuple[ByRequestStream, int]
# A request, and the count of its rows that the work order shows, if it shows one. A count of 0 is only remembered.
Need = tuple[Request, t.Any]


class ChildRequests:
    """The requests to make for the work orders of one page.

    Args:
        streams: The selected by-request streams.
        run: The run, whose cursor has the counts of earlier readings.
    """

    def __init__(self, streams: Sequence[ByRequestStream], run: SyncRun) -> None:
        self._streams = streams
        self._new = {stream for stream in streams if stream.is_new}  # known before the first request
        self._run = run
        self._work_orders: dict[Request, list[tuple[int, t.Any]]] = {}

    def needed_for(self, record: Record) -> list[Need]:
        """The requests to make for a work order as the API sends it, and the streams whose last row is gone."""
        needs: list[Need] = []
        for stream in self._streams:
            if stream.closed:
                continue
            known, count = self._run.known_counts(stream.name), stream.count_in(record)
            ids = [record_id for record_id in stream.ids_in(record, known) if not stream.was_requested(record_id)]
            if count == 0 and known.get(record["id"]):
                ids = [record["id"]]
            needs += [((stream, record_id), count) for record_id in ids]
        return needs

    def counts_in(self, record: Record) -> dict[str, t.Any]:
        """The row counts that a work order shows, by stream."""
        return {stream.name: stream.count_in(record) for stream in self._streams if stream.entry.count_paths}

    def add(self, work_order_id: int, needs: Sequence[Need], write: Write = Write.ALL) -> None:
        """Plan the requests for a work order; for an unchanged one, only those of new and added streams."""
        added = self._run.cursor.added if write is Write.ADDED_STREAMS else ()
        for request, count in needs:
            stream = request[0]
            if count == 0:
                self._run.record_counts(stream.name, [(work_order_id, count)])
                continue
            if write is not Write.ALL and stream not in self._new and stream.name not in added:
                continue
            self._work_orders.setdefault(request, []).append((work_order_id, count))

    def execute(self, client: Client) -> None:
        """Make the requests and write their rows; requests that the time limit prevents are left to the next run.

        The requests are independent of each other, so they are prefetched.
        """
        requests = list(self._work_orders)
        prefetcher: Prefetcher[Request, Result] = Prefetcher(
            lambda request: request[0].fetch(client, request[1]), self._run.options.threads
        )
        try:
            for number, (stream, record_id) in enumerate(requests):
                prefetcher.prefetch(request for request in requests[number:] if not request[0].closed)
                done = not stream.closed and stream.handle(record_id, prefetcher.get((stream, record_id)))
                causes = self._work_orders.pop((stream, record_id))
                if done:
                    self._run.record_counts(stream.name, causes)
        except DeadlineExceeded:
            self.postpone()
        finally:
            prefetcher.cancel()

    def postpone(self) -> None:
        """Leave the requests that were planned but not made to the next run."""
        self._run.keep_open(work_order for causes in self._work_orders.values() for work_order, _ in causes)


def _is_empty(value: t.Any) -> bool:
    """Whether an object is missing, or a placeholder (PHP's `[]`, or an object with the id 0) stands for it."""
    return not value or (type(value) is dict and value.get("id") == 0)


def _unnested(rows: Iterable[t.Any], nested: str) -> Iterator[t.Any]:
    for row in rows:
        inner = row.pop(nested, None) if nested and type(row) is dict else None
        yield row
        if isinstance(inner, list):
            yield from _unnested(inner, nested)


def _with_columns(rows: Iterable[t.Any], columns: dict[str, t.Any]) -> Iterator[t.Any]:
    for row in rows:
        yield {**row, **columns} if type(row) is dict and columns else row
