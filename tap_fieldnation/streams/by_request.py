"""Streams that take a request for each work order that the run read, or for what these name.

Their requests belong to the page of these work orders: the cursor moves after them, and what they were not served for
joins the open work orders, which the next run reads again.
"""

from __future__ import annotations

import typing as t

from tap_fieldnation.api import paging
from tap_fieldnation.api.errors import Action, ApiError, DeadlineExceeded, TokenRefusedError
from tap_fieldnation.reading.prefetcher import Prefetcher
from tap_fieldnation.streams.embedded import ChildStream
from tap_fieldnation.streams.rows import EXTRACTED_AT, WORK_ORDER_ID, add_lifted_columns, get_nested
from tap_fieldnation.timestamps import format_utc

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from singer_sdk.helpers.types import Record

    from tap_fieldnation.api.client import Client
    from tap_fieldnation.api.paging import ListPage
    from tap_fieldnation.reading.sync_run import SyncRun
    from tap_fieldnation.streams.catalog import ByRequest

Ask = tuple["ByRequestStream", int]

# So many refusals in a row, of records one by one, and the stream itself is what the account may not read.
MOST_REFUSALS = 10


class ByRequestStream(ChildStream):
    """Rows that are asked for one work order, or one thing that it names, at a time."""

    entry: ByRequest

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self.closed = False
        self.refused = 0
        self._refused_in_a_row = 0
        self._can_be_read = False
        self._asked: set[int] = set()

    def ids_in(self, record: Record, known: dict[int, int]) -> list[int]:
        """The ids to ask for because of a work order as the API sends it.

        Args:
            record: The work order.
            known: The counts that earlier readings of open work orders showed, by id.
        """
        if self.closed:
            return []
        if self.entry.count_path:
            count = get_nested(record, self.entry.count_path)
            if count == 0 or (count is not None and known.get(record["id"]) == count):
                return []
            return [record["id"]]
        found = (get_nested(record, place) for place in self.entry.id_paths)
        ids = [one for one in found if type(one) is int and one]
        if self.entry.id_paths == ("id",):
            return ids
        new = [one for one in dict.fromkeys(ids) if one not in self._asked]
        self._asked.update(new)
        return new

    def forget(self, one: int) -> None:
        """Take it that this id was not asked for."""
        self._asked.discard(one)

    def fetch(self, client: Client, one: int) -> list[ListPage] | ApiError | TokenRefusedError:
        """All pages for one id; an error that concerns this record alone is handed back."""
        path = self.entry.path.format(id=one)
        try:
            return list(paging.pages(client, path, self.entry.params, rows=self.entry.rows, stream=self.name))
        except ApiError as error:
            if error.rule.action is not Action.SKIP:
                raise
            return error
        except TokenRefusedError as error:
            return error

    def take(self, one: int, answer: list[ListPage] | ApiError | TokenRefusedError) -> None:
        """Write the rows of an answer, or do without them.

        Raises:
            ApiError: The stream could be read by an earlier run.
            TokenRefusedError: It is the token that is refused.
        """
        if isinstance(answer, list):
            self._write(one, answer)
        else:
            self._refuse(answer)

    def _write(self, one: int, pages: Sequence[ListPage]) -> None:
        self._refused_in_a_row = 0
        self._can_be_read = self.stream_state["read"] = True
        owner = {WORK_ORDER_ID: one} if WORK_ORDER_ID in self.primary_keys else {}
        for page in pages:
            self.received_at = page.received_at
            beside = {key: page.envelope.get(key) for key in self.entry.envelope}
            items = add_lifted_columns(_beside(_unnested(page.rows, self.entry.nested), beside), self.entry.lift)
            self.write_rows(self.row_builder.rows(items, **owner, **{EXTRACTED_AT: format_utc(page.received_at)}))

    def _refuse(self, error: ApiError | TokenRefusedError) -> None:
        """Go on without a record, or without the whole stream, where it is this that the account may not read."""
        self.refused += 1
        self._refused_in_a_row += 1
        forbidden = isinstance(error, ApiError) and error.status == 403  # noqa: PLR2004
        if self._refused_in_a_row < MOST_REFUSALS and (self._can_be_read or not forbidden):
            self.logger.debug("Left out: %s", error)
            return
        if self.stream_state.get("read") or isinstance(error, TokenRefusedError):
            raise error
        self.closed = True
        self.logger.warning("Not read: %s", error)


class ChildRequests:
    """What to ask for because of some work orders, and the work orders that are the cause of it.

    Args:
        streams: The selected streams of this kind.
        reading: Whose cursor knows the counts of earlier readings.
    """

    def __init__(self, streams: Sequence[ByRequestStream], reading: SyncRun) -> None:
        self._streams = streams
        self._reading = reading
        self._causes: dict[Ask, list[tuple[int, int | None]]] = {}

    def add(self, record: Record) -> None:
        """Take in a work order, as the API sends it."""
        for stream in self._streams:
            count = get_nested(record, stream.entry.count_path) if stream.entry.count_path else None
            for one in stream.ids_in(record, self._reading.cursor.counts.get(stream.name, {})):
                self._causes.setdefault((stream, one), []).append((record["id"], count))

    def execute(self, client: Client, *, without: set[int]) -> None:
        """Make the requests, and write what they bring; what there was no time for is left to the next run.

        Each request stands alone, so nothing can move from one to another: they are made ahead.

        Args:
            client: Makes the requests.
            without: Work orders that a stream map filters out: they give no cause.
        """
        for ask, causes in list(self._causes.items()):
            if without.issuperset(work_order for work_order, _ in causes):
                del self._causes[ask]
                ask[0].forget(ask[1])
        asks = list(self._causes)
        ahead: Prefetcher[Ask, t.Any] = Prefetcher(
            lambda ask: ask[0].fetch(client, ask[1]), self._reading.options.threads
        )
        try:
            for number, (stream, one) in enumerate(asks):
                ahead.prefetch(ask for ask in asks[number:] if not ask[0].closed)
                if not stream.closed:
                    stream.take(one, ahead.get((stream, one)))
                self._settle(stream, self._causes.pop((stream, one)))
        except DeadlineExceeded:
            self._reading.unfinished.update(one for causes in self._causes.values() for one, _ in causes)
        finally:
            ahead.cancel()

    def _settle(self, stream: ByRequestStream, causes: list[tuple[int, int | None]]) -> None:
        counts = self._reading.cursor.counts.setdefault(stream.name, {})
        counts.update((work_order, count) for work_order, count in causes if type(count) is int)


def _unnested(rows: Iterable[t.Any], nested: str) -> Iterator[t.Any]:
    for row in rows:
        within = row.pop(nested, None) if nested and type(row) is dict else None
        yield row
        if isinstance(within, list):
            yield from _unnested(within, nested)


def _beside(rows: Iterable[t.Any], beside: dict[str, t.Any]) -> Iterator[t.Any]:
    for row in rows:
        yield {**row, **beside} if type(row) is dict and beside else row
