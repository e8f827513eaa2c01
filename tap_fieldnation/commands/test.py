"""`--test`: checks whether the credentials work, what the account may read, and whether the API behaves as expected."""

from __future__ import annotations

import sys
import typing as t
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import click
from typing_extensions import override

from tap_fieldnation.api import paging
from tap_fieldnation.api.errors import Action, ApiError, DeadlineExceeded, SettingsError, TapError
from tap_fieldnation.api.work_orders import (
    CREATED_NAMES,
    FIXED_PARAMS,
    IDS,
    PATH,
    WorkOrders,
    created_between,
    decode_full,
)
from tap_fieldnation.commands.differences import differences
from tap_fieldnation.commands.samples import Samples, identifier
from tap_fieldnation.commands.text import TOO_SHORT, count
from tap_fieldnation.reading import bookmarks
from tap_fieldnation.reading.cursor import EARLIEST, shifted
from tap_fieldnation.reading.lifecycle import facts
from tap_fieldnation.reading.slices import FUTURE_MARGIN, created_within
from tap_fieldnation.streams.by_request import ByRequestStream
from tap_fieldnation.streams.company import NO_COMPANY, REFUSED, CompanyStream
from tap_fieldnation.streams.embedded import EmbeddedStream
from tap_fieldnation.streams.lists import ids_on
from tap_fieldnation.streams.rows import get_nested
from tap_fieldnation.streams.work_orders import WorkOrdersStream, work_orders_of

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from singer_sdk.helpers.types import Record
    from singer_sdk.streams import Stream

    from tap_fieldnation.api.work_orders import Page
    from tap_fieldnation.context import RunContext

ISSUES = "https://github.com/tap-fieldnation/tap-fieldnation/issues"

# The documented statuses; a work order with another one counts as open.
STATUS_NAMES = frozenset(
    {
        "approved",
        "assigned",
        "canceled",
        "cancelled",
        "deleted",
        "draft",
        "paid",
        "postponed",
        "published",
        "routed",
        "work done",
    }
)

# This many work orders show which fields a section has.
SAMPLE = 20

# If all work orders of a page were created within this time, they cannot show whether the creation filter works.
FEW_DAYS = timedelta(days=3)

MARKS: t.Mapping[bool | None, str] = {True: "ok  ", False: "FAIL", None: "note"}


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes:
        good: Whether it is as it should be; None if it is only worth knowing.
        text: What was checked, and the result.
    """

    good: bool | None
    text: str

    @override
    def __str__(self) -> str:
        return f"{MARKS[self.good]}  {self.text}"


def print_checks(context: RunContext, streams: Mapping[str, Stream]) -> None:
    """Print the report; exit with 1 if a check failed.

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
    """Run one check after another; end early if the rest would fail for the same reason."""
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
    samples = Samples()
    samples.add_work_orders(work_orders, map(decode_full, page.records))
    samples.add_work_orders(work_orders, _with_other_sections(context, work_orders))
    for stream in streams.values():
        if stream.selected and isinstance(stream, (CompanyStream, ByRequestStream)):
            yield from _check_stream(context, stream, page, samples)
    yield from _check_fields(samples)


def _with_other_sections(context: RunContext, work_orders: WorkOrdersStream) -> list[Record]:
    """A few work orders with the sections that the API offers but no sync requests, which may be new."""
    params = {**FIXED_PARAMS, "columns": "id", "page": 1, "per_page": 1}
    body, _ = context.client.get(PATH, params, stream=work_orders.name)
    groups = get_nested(body, "metadata.available_columns")
    items = (get_nested(group, "items") or () for group in (groups if isinstance(groups, list) else ()))
    names = (get_nested(item, "id") for group in items for item in group)
    offered = {name for name in names if isinstance(name, str) and identifier(name) == name}
    others = sorted(offered.difference(work_orders.sections))
    if not others:
        return []
    return list(map(decode_full, WorkOrders(context.client, ["id", *others], SAMPLE).page(1, {}).records))


def _check_fields(samples: Samples) -> Iterator[Check]:
    """Report fields that this version does not know: names and types, without any value."""
    unknown, unfit = samples.unknown(), samples.unfit()
    if unknown:
        yield Check(good=None, text=f"fields unknown to this version: {', '.join(unknown)}")
    if unfit:
        yield Check(good=None, text=f"fields of another type than expected: {', '.join(unfit)}")
    if unknown or unfit:
        yield Check(good=None, text=f"please report these fields: {ISSUES} (names and types only, no values)")
    else:
        yield Check(good=True, text="fields: this version knows all of them")


def _check_assumptions(
    context: RunContext, work_orders: WorkOrdersStream, source: WorkOrders, page: Page
) -> Iterator[Check]:
    """Check the table in `docs/assumptions.md`, as far as a page of work orders and a few more requests allow."""
    page_size = context.config["page_size"]
    yield Check(
        good=True if page.per_page == page_size else None,
        text=f"page size: {page.per_page} work orders a page, {page_size} requested",
    )
    yield from _check_created_filter(context, source, page)
    if not page.records:
        yield Check(good=None, text=f"columns, sort, {IDS}, lists: there is no work order to check them with")
        return
    yield _check_columns(work_orders, page)
    ids = [record["id"] for record in page.records]
    yield Check(good=ids == sorted(ids, reverse=True), text="sort: by descending id")
    yield _check_order_of_creation(page)
    yield _check_id_filter(source, ids[:2])
    yield _check_total(source, page)
    yield _check_statuses(page)
    yield _check_lists(work_orders, page)
    yield _check_values(work_orders, source, page)


def _check_created_filter(context: RunContext, source: WorkOrders, page: Page) -> Iterator[Check]:
    """Find out which name of the filter the server supports, by what it returns for one day and what it echoes."""
    today = context.clock.utc_now().date()
    everything = created_between(EARLIEST, shifted(today, FUTURE_MARGIN), CREATED_NAMES)
    echoed = [name for name in CREATED_NAMES if name in source.page(1, everything).echoes]
    days = [at.date() for record in page.records if (at := facts(record, page.received_at).created)]
    if not days or max(days) - min(days) <= FEW_DAYS:
        text = f"{' and '.join(echoed)}, according to the echo" if echoed else "none is echoed"
        text = f"creation filter: {text}; too few days to check what it returns"
        yield Check(good=True if echoed else None, text=text)
        return
    obeyed = [name for name in CREATED_NAMES if _is_obeyed(source, name, min(days), page)]
    if not obeyed:
        yield Check(good=None, text="creation filter: not supported; work orders are read in one pass")
        return
    echo = "echoed" if echoed else "not echoed"
    text = f"creation filter: {' and '.join(obeyed)}, confirmed by the work orders returned; {echo}"
    yield Check(good=True, text=text)
    yield from _check_zone(source, obeyed[0], page)


def _is_obeyed(source: WorkOrders, name: str, day: date, page: Page) -> bool:
    """Whether a filter for the days around a day returns only work orders of these days, and not all that exist."""
    first, last = shifted(day, -1), shifted(day, 1)
    response = source.page(1, created_between(first, last, (name,)))
    return 0 < response.total < page.total and created_within(response, first, last)


def _check_zone(source: WorkOrders, name: str, page: Page) -> Iterator[Check]:
    """Find out the time zone of the filter, with a work order whose creation day differs between its site and UTC."""
    for record in page.records:
        created = record["milestones"].get("created") if isinstance(record.get("milestones"), dict) else None
        at = facts(record, page.received_at).created
        there = get_nested(created, "local.date")
        if at and isinstance(there, str) and there and there != at.date().isoformat():
            filters = {**created_between(at.date(), at.date(), (name,)), IDS: str(record["id"])}
            zone = "UTC" if source.page(1, filters).records else "the site's time"
            yield Check(good=True, text=f"days of the creation filter: {zone}; both are read in full")
            return


def _check_id_filter(source: WorkOrders, requested: Sequence[int]) -> Check:
    """Whether the filter by ids works, judging by the ids returned; an echo is additional evidence."""
    response = source.page(1, {IDS: ",".join(map(str, requested))})
    returned = {record["id"] for record in response.records}
    echo = "" if IDS in response.echoes else "; not echoed"
    others = ", and others too" if returned - set(requested) else ""
    text = f"{IDS}: returned {len(returned & set(requested))} of {len(requested)} requested{echo}{others}"
    return Check(good=returned == set(requested), text=text)


def _check_order_of_creation(page: Page) -> Check:
    """Whether newer work orders have higher ids."""
    created = [at for record in page.records if (at := facts(record, page.received_at).created)]
    earlier = sum(second > first for first, second in pairwise(created))
    if earlier:
        text = f"ids: {count(earlier, 'work order')} on this page created before one with a lower id"
        return Check(good=None, text=text)
    return Check(good=True, text="ids: newer work orders have higher ids")


def _check_total(source: WorkOrders, page: Page) -> Check:
    """Whether the total matches the number of work orders on the pages, as the last page shows it."""
    last = source.page(page.pages, {}) if page.pages > 1 else page
    held = (max(1, last.pages) - 1) * last.per_page + len(last.records)
    if held != last.total:
        return Check(good=None, text=f"total: the API counts {last.total:,} work orders, its pages have {held:,}")
    return Check(good=True, text="total: matches the number of work orders on the pages")


def _check_statuses(page: Page) -> Check:
    """Whether the tap can tell open work orders from closed ones."""
    statuses = [record.get("status") for record in page.records]
    names = Counter(str(get_nested(status, "name") or "(none)") for status in statuses)
    strange = sorted(name for name in names if name.lower() not in STATUS_NAMES)
    if strange:
        text = f"statuses: not known to this version, so they count as open: {', '.join(map(identifier, strange))}"
        return Check(good=None, text=text)
    return Check(good=True, text=f"statuses: {', '.join(sorted(names))}")


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
    hidden = sorted(child.name for child in children if any(map(child.has_hidden_rows, records)))
    more = f"; totals count rows hidden from this user in {', '.join(hidden)}" if hidden else ""
    return Check(good=True, text=f"lists within work orders: complete{more}")


def _check_values(work_orders: WorkOrdersStream, source: WorkOrders, page: Page) -> Check:
    """Whether a work order that nobody edits stays the same: otherwise each run would write it again."""
    changed = differences(work_orders, page.records, source.page(1, {}).records)
    if changed:
        text = (
            f"values: changed when a page was read twice: {', '.join(changed)}; if nobody edited these work orders "
            f"meanwhile, each run writes them again: please report these names: {ISSUES}"
        )
        return Check(good=None, text=text)
    return Check(good=True, text="values: unchanged when a page is read twice")


def _ids_listed(stream: CompanyStream, more: Mapping[str, object]) -> set[t.Any]:
    try:
        return {row_id for page in stream.fetch_pages(more) for row_id in ids_on(stream.entry, page)}
    except ApiError as error:
        if error.status not in REFUSED:
            raise
        return set()


def _check_clients(stream: CompanyStream, page: Page) -> Check:
    """Whether the list has the clients of the work orders; the API may list deactivated ones only on request."""
    found = {", ".join(more) or "default": _ids_listed(stream, more) for more in ({}, *stream.entry.more)}
    named = {get_nested(decode_full(record), "client.id") for record in page.records} - {None, 0}
    missing = len(named - set().union(*found.values()))
    listed = ", ".join(f"{name}: {len(ids):,}" for name, ids in found.items())
    text = f"clients: the list has {len(named) - missing} of {len(named)} that work orders name ({listed})"
    return Check(good=None if missing else True, text=text)


def _check_stream(
    context: RunContext, stream: CompanyStream | ByRequestStream, page: Page, samples: Samples
) -> Iterator[Check]:
    try:
        if isinstance(stream, ByRequestStream):
            missing = _try_by_request(context, stream, page, samples)
        else:
            missing = _try_company(context, stream, samples)
    except TapError as error:
        # As in a sync: a stream that the account may not read is an error only if an earlier run could read it.
        skipped = isinstance(error, ApiError) and error.rule.action is Action.SKIP
        good = None if skipped and not bookmarks.was_readable(stream.stream_state) else False
        yield Check(good=good, text=str(error))
        return
    if missing:
        yield Check(good=None, text=f"{stream.name}: {missing}")
        return
    yield Check(good=True, text=f"{stream.name}: can be read")
    if isinstance(stream, CompanyStream) and stream.entry.more:
        yield _check_clients(stream, page)


def _try_company(context: RunContext, stream: CompanyStream, samples: Samples) -> str:
    """Request the first page of a list; returns why that is not possible, or an empty string."""
    entry = stream.entry
    if stream.lacks_company():
        return NO_COMPANY
    if entry.parent:
        parent_ids = stream.lists.fetch_ids(entry.parent, entry.parent_key)
        if not parent_ids:
            return f"there are no {entry.parent} to check it with"
        path = entry.path.format(id=parent_ids[0])
        pages = paging.pages(context.client, path, entry.params, stream=stream.name)
    else:
        pages = stream.fetch_pages()
    for page in pages:
        samples.add(stream.name, stream.conformed_schema, page.rows)
        break
    return ""


def _try_by_request(context: RunContext, stream: ByRequestStream, page: Page, samples: Samples) -> str:
    """Make one request for a work order of the page; returns why that is not possible, or an empty string."""
    ids = (record_id for record in map(decode_full, page.records) for record_id in stream.ids_in(record, {}))
    record_id = next(ids, None)
    if record_id is None:
        return "no work order on the first page to check it with"
    result = stream.fetch(context.client, record_id)
    if not isinstance(result, list):
        raise result
    for part in result:
        samples.add(stream.name, stream.conformed_schema, stream.items_on(part))
    lacks = paging.shortfall(result[-1] if result else None, sum(len(part.rows) for part in result))
    return f"for one record the API {lacks}" if lacks else ""
