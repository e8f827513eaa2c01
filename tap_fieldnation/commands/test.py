"""`--test`: whether the credentials work, what the account may read, and whether its API behaves as the tap expects."""

from __future__ import annotations

import sys
import typing as t
from dataclasses import dataclass

import click
from typing_extensions import override

from tap_fieldnation.api import paging
from tap_fieldnation.api.errors import Action, ApiError, DeadlineExceeded, SettingsError, TapError
from tap_fieldnation.api.work_orders import CREATED_NAMES, IDS, WorkOrders, created_between, decode_full
from tap_fieldnation.commands.text import TOO_SHORT
from tap_fieldnation.reading import bookmarks
from tap_fieldnation.reading.cursor import EARLIEST, shifted
from tap_fieldnation.reading.slices import FUTURE_MARGIN
from tap_fieldnation.streams.by_request import ByRequestStream
from tap_fieldnation.streams.company import NO_COMPANY, CompanyStream
from tap_fieldnation.streams.embedded import EmbeddedStream
from tap_fieldnation.streams.work_orders import WorkOrdersStream, work_orders_of

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk.streams import Stream

    from tap_fieldnation.api.work_orders import Page
    from tap_fieldnation.context import RunContext

MARKS: t.Mapping[bool | None, str] = {True: "ok  ", False: "FAIL", None: "note"}


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes:
        good: Whether it is as it should be; None where it is worth knowing, but no error.
        text: What was checked, and the result.
    """

    good: bool | None
    text: str

    @override
    def __str__(self) -> str:
        return f"{MARKS[self.good]}  {self.text}"


def print_checks(context: RunContext, streams: Mapping[str, Stream]) -> None:
    """Print the report; exit with 1 where a check failed.

    Raises:
        SettingsError: The time limit was reached before the end.
    """
    context.requester.retries_connections = False
    failed = False
    try:
        for check in run_checks(context, streams):
            click.echo(str(check))
            failed = failed or check.good is False
    except DeadlineExceeded:
        raise SettingsError(TOO_SHORT) from None
    if failed:
        sys.exit(1)


def run_checks(context: RunContext, streams: Mapping[str, Stream]) -> Iterator[Check]:
    """One check after another; ends early where the rest would fail for the same reason."""
    try:
        context.authenticator.token()
    except TapError as error:
        if isinstance(error, ApiError) and error.status is None:
            yield Check(good=False, text=f"{context.origin} does not respond: {error}")
        else:
            yield Check(good=True, text=f"{context.origin} responds")
            yield Check(good=False, text=str(error))
        return
    yield Check(good=True, text=f"{context.origin} responds")
    yield Check(good=True, text=f"access token obtained, expires in {context.authenticator.expires_in:,} s")
    work_orders = work_orders_of(streams)
    source = WorkOrders(context.client, work_orders.sections, context.config["page_size"])
    try:
        page = source.page(1, {})
    except TapError as error:
        yield Check(good=False, text=str(error))
        return
    yield Check(good=True, text=f"GET /workorders responds with 200: the API counts {page.total:,} work orders")
    yield from _check_assumptions(context, work_orders, source, page)
    for stream in streams.values():
        if stream.selected and isinstance(stream, (CompanyStream, ByRequestStream)):
            yield _check_permission(context, stream, page)


def _check_assumptions(
    context: RunContext, work_orders: WorkOrdersStream, source: WorkOrders, page: Page
) -> Iterator[Check]:
    """The table of assumptions in `docs/how-it-reads.md`, as far as one page and two more requests can check them."""
    page_size = context.config["page_size"]
    yield Check(
        good=True if page.per_page == page_size else None,
        text=f"page size: {page.per_page} work orders a page, {page_size} requested",
    )
    days = created_between(EARLIEST, shifted(context.clock.utc_now().date(), FUTURE_MARGIN), CREATED_NAMES)
    echoed = [name for name in CREATED_NAMES if name in source.page(1, days).echoes]
    yield Check(
        good=True if echoed else None,
        text=f"creation filter: {' and '.join(echoed) or 'none is echoed; work orders are read in one pass'}",
    )
    if not page.records:
        yield Check(good=None, text=f"columns, sort, {IDS}, lists: there is no work order to check them with")
        return
    yield _check_columns(work_orders, page)
    ids = [record["id"] for record in page.records]
    yield Check(good=ids == sorted(ids, reverse=True), text="sort: by descending id")
    requested = ids[:2]
    response = source.page(1, {IDS: ",".join(map(str, requested))})
    good = IDS in response.echoes and {record["id"] for record in response.records} == set(requested)
    yield Check(good=good, text=f"{IDS}: returned {len(response.records)} of {len(requested)} requested")
    yield _check_lists(work_orders, page)


def _check_columns(work_orders: WorkOrdersStream, page: Page) -> Check:
    sections = work_orders.sections
    received = {name for record in map(decode_full, page.records) for name in record}
    if missing := [name for name in sections if name not in received]:
        text = f"columns: of {len(sections)} requested, no work order has {', '.join(missing)}"
        return Check(good=None, text=text)
    return Check(good=True, text=f"columns: all {len(sections)} requested were returned")


def _check_lists(work_orders: WorkOrdersStream, page: Page) -> Check:
    children = work_orders.selected_children(EmbeddedStream)
    records = list(map(decode_full, page.records))
    cut = sorted(child.name for child in children if any(map(child.is_truncated, records)))
    if cut:
        return Check(good=None, text=f"lists within work orders: completed by further requests for {', '.join(cut)}")
    return Check(good=True, text="lists within work orders: complete")


def _check_permission(context: RunContext, stream: CompanyStream | ByRequestStream, page: Page) -> Check:
    try:
        if isinstance(stream, ByRequestStream):
            missing = _try_by_request(context, stream, page)
        else:
            missing = _try_company(context, stream)
    except TapError as error:
        # As in a sync: a stream that the account may not read is an error only if an earlier run could read it.
        skipped = isinstance(error, ApiError) and error.rule.action is Action.SKIP
        good = None if skipped and not bookmarks.was_readable(stream.stream_state) else False
        return Check(good=good, text=str(error))
    if missing:
        return Check(good=None, text=f"{stream.name}: {missing}")
    return Check(good=True, text=f"{stream.name}: can be read")


def _try_company(context: RunContext, stream: CompanyStream) -> str:
    """Request the first page of a list; returns what is missing to do so, or an empty text."""
    entry = stream.entry
    if stream.lacks_company():
        return NO_COMPANY
    if not entry.parent:
        next(iter(stream.fetch_pages()), None)
        return ""
    parent_ids = stream.lists.fetch_ids(entry.parent, entry.parent_key)
    if not parent_ids:
        return f"there are no {entry.parent} to check it with"
    path = entry.path.format(id=parent_ids[0])
    next(iter(paging.pages(context.client, path, entry.params, stream=stream.name)), None)
    return ""


def _try_by_request(context: RunContext, stream: ByRequestStream, page: Page) -> str:
    """Make one request because of a work order of the page; returns what is missing to do so, or an empty text."""
    ids = (record_id for record in map(decode_full, page.records) for record_id in stream.ids_in(record, {}))
    record_id = next(ids, None)
    if record_id is None:
        return "no work order on the first page to check it with"
    result = stream.fetch(context.client, record_id)
    if not isinstance(result, list):
        raise result
    return ""
