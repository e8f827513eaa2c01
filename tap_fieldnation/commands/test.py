"""`--test`: whether the credentials work, what the account may read, and whether its API answers as the tap expects."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from typing_extensions import override

from tap_fieldnation.api import paging
from tap_fieldnation.api.errors import Action, ApiError, TapError
from tap_fieldnation.api.work_orders import CREATED_NAMES, IDS, WorkOrders, created_between, decode_full
from tap_fieldnation.reading.slices import EARLIEST_CREATION, FUTURE_MARGIN
from tap_fieldnation.streams.by_request import ByRequestStream
from tap_fieldnation.streams.company import NO_COMPANY, CompanyStream
from tap_fieldnation.streams.embedded import EmbeddedStream

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_fieldnation.api.work_orders import Page
    from tap_fieldnation.tap import TapFieldNation


@dataclass(frozen=True)
class Check:
    """One line of the report.

    Attributes:
        good: Whether it is as it should be; None where it is worth knowing, but no fault.
        text: What was looked at, and what was found.
    """

    good: bool | None
    text: str

    @override
    def __str__(self) -> str:
        mark = {True: "ok  ", False: "FAIL", None: "note"}[self.good]
        return f"{mark}  {self.text}"


def checks(tap: TapFieldNation) -> Iterator[Check]:
    """One check after another; ends early where the rest would fail for the same reason."""
    try:
        tap.authenticator.token()
    except TapError as error:
        if isinstance(error, ApiError) and error.status is None:
            yield Check(good=False, text=f"{tap.origin} does not answer: {error}")
        else:
            yield Check(good=True, text=f"{tap.origin} answers")
            yield Check(good=False, text=str(error))
        return
    yield Check(good=True, text=f"{tap.origin} answers")
    yield Check(good=True, text=f"access token obtained, ends in {tap.authenticator.expires_in:,} s")
    source = WorkOrders(tap.client, tap.work_orders.sections, tap.config["page_size"])
    try:
        page = source.page(1, {})
    except TapError as error:
        yield Check(good=False, text=str(error))
        return
    yield Check(good=True, text=f"GET /workorders answers 200: the API counts {page.total:,} work orders")
    yield from _expectations(tap, source, page)
    for stream in tap.streams.values():
        if stream.selected and isinstance(stream, (CompanyStream, ByRequestStream)):
            yield _permission(tap, stream, page)


def _expectations(tap: TapFieldNation, source: WorkOrders, page: Page) -> Iterator[Check]:
    """The table of assumptions in `docs/how-it-reads.md`, as far as one page and two more requests can tell."""
    asked = tap.config["page_size"]
    yield Check(
        good=True if page.per_page == asked else None,
        text=f"page size: {page.per_page} work orders a page, {asked} asked for",
    )
    days = created_between(EARLIEST_CREATION, tap.clock.utc_now().date() + FUTURE_MARGIN, CREATED_NAMES)
    understood = [name for name in CREATED_NAMES if name in source.page(1, days).echoes]
    yield Check(
        good=True if understood else None,
        text=f"creation filter: {' and '.join(understood) or 'none is understood; work orders are read in one pass'}",
    )
    if not page.records:
        yield Check(good=None, text=f"columns, sort, {IDS}, lists: there is no work order to see them by")
        return
    yield _columns(tap, page)
    ids = [record["id"] for record in page.records]
    yield Check(good=ids == sorted(ids, reverse=True), text="sort: by descending id")
    some = ids[:2]
    answer = source.page(1, {IDS: ",".join(map(str, some))})
    good = IDS in answer.echoes and {record["id"] for record in answer.records} == set(some)
    yield Check(good=good, text=f"{IDS}: {len(answer.records)} of {len(some)} asked for came")
    yield _lists_within(tap, page)


def _columns(tap: TapFieldNation, page: Page) -> Check:
    sections = tap.work_orders.sections
    came = {name for record in map(decode_full, page.records) for name in record}
    if absent := [name for name in sections if name not in came]:
        text = f"columns: of {len(sections)} asked for, these came in no work order: {', '.join(absent)}"
        return Check(good=None, text=text)
    return Check(good=True, text=f"columns: all {len(sections)} asked for came")


def _lists_within(tap: TapFieldNation, page: Page) -> Check:
    embedded = [child for child in tap.work_orders.child_streams if isinstance(child, EmbeddedStream)]
    selected = [child for child in embedded if child.selected]
    records = map(decode_full, page.records)
    cut = sorted({child.name for record in records for child in selected if child.is_truncated(record)})
    if cut:
        return Check(good=None, text=f"lists within work orders: completed by further requests for {', '.join(cut)}")
    return Check(good=True, text="lists within work orders: whole")


def _permission(tap: TapFieldNation, stream: CompanyStream | ByRequestStream, page: Page) -> Check:
    try:
        if isinstance(stream, ByRequestStream):
            missing = _ask_by_request(tap, stream, page)
        else:
            missing = _ask_company(tap, stream)
    except TapError as error:
        # as in a run: there, too, a stream that this account may not read is an error only if it once could
        skipped = isinstance(error, ApiError) and error.rule.action is Action.SKIP
        return Check(good=None if skipped and not stream.stream_state.get("read") else False, text=str(error))
    if missing:
        return Check(good=None, text=f"{stream.name}: {missing}")
    return Check(good=True, text=f"{stream.name}: may be read")


def _ask_company(tap: TapFieldNation, stream: CompanyStream) -> str:
    """Ask for the first page of a list; what is missing to do so, if anything is."""
    entry = stream.entry
    if stream.lacks_company:
        return NO_COMPANY
    if not entry.parent:
        next(iter(tap.lists.pages(entry)), None)
        return ""
    parents = tap.lists.ids(entry.parent, entry.parent_key)
    if not parents:
        return f"there are no {entry.parent} to try it with"
    next(iter(paging.pages(tap.client, entry.path.format(id=parents[0]), entry.params, stream=stream.name)), None)
    return ""


def _ask_by_request(tap: TapFieldNation, stream: ByRequestStream, page: Page) -> str:
    """Ask for one work order of a page, or for what it names; what is missing to do so, if anything is."""
    one = next((one for record in map(decode_full, page.records) for one in stream.ids_in(record, {})), None)
    if one is None:
        return "no work order on the first page to try it with"
    answer = stream.fetch(tap.client, one)
    if not isinstance(answer, list):
        raise answer
    return ""
