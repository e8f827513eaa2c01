"""`--plan`: what a run would read and cost, for a handful of requests."""

from __future__ import annotations

import json
import math
import typing as t
from dataclasses import asdict, dataclass

from tap_fieldnation.api.errors import Action, ApiError
from tap_fieldnation.api.work_orders import CREATED_NAMES, WorkOrders, created_between, decode_full
from tap_fieldnation.commands.progress import duration
from tap_fieldnation.reading.changes import due_slices
from tap_fieldnation.reading.slices import EARLIEST_CREATION, horizon
from tap_fieldnation.streams.by_request import ByRequestStream
from tap_fieldnation.streams.company import CompanyStream, is_bare

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_fieldnation.api.work_orders import Record
    from tap_fieldnation.reading.sync_run import SyncRun
    from tap_fieldnation.streams.work_orders import WorkOrdersStream
    from tap_fieldnation.tap import TapFieldNation

SAMPLE = 100


@dataclass(frozen=True)
class Cost:
    """One line of the plan.

    Attributes:
        what: A stream, or what is read of one.
        rows: Work orders, or what there is one request for; None where that is not known beforehand.
        requests: How many it takes, at least.
    """

    what: str
    rows: int | None
    requests: int


def estimate(tap: TapFieldNation) -> list[Cost]:
    """What a run with this config, catalog and state would cost.

    Raises:
        TapError: As a run would.
    """
    costs = [Cost("access token", None, 1)]
    work_orders = tap.work_orders
    if work_orders.selected or work_orders.has_selected_descendents:
        costs += _work_orders(work_orders)
    company = [stream for stream in tap.streams.values() if isinstance(stream, CompanyStream)]
    return [*costs, *(_company(tap, stream) for stream in company if stream.selected)]


def _work_orders(stream: WorkOrdersStream) -> list[Cost]:
    reading = stream.new_run()
    source, size = t.cast("WorkOrders", reading.source), reading.options.page_size
    pages = [_history(reading, size)] if reading.cursor.history else _changes(reading, size)
    read = sum(cost.rows or 0 for cost in pages)
    asked = [child for child in stream.child_streams if isinstance(child, ByRequestStream) and child.selected]
    sample = [decode_full(record) for record in source.page(1, {}).records[:SAMPLE]] if asked else []
    return [*pages, Cost("work_orders: proof", None, 1), *(_by_request(child, sample, read) for child in asked)]


def _history(reading: SyncRun, size: int) -> Cost:
    history = reading.cursor.history
    assert history is not None  # noqa: S101
    first = history.next or reading.options.since or EARLIEST_CREATION
    names = (reading.cursor.created_filter,) if reading.cursor.created_filter else CREATED_NAMES
    rows = reading.source.total(created_between(first, history.last or horizon(reading), names))
    return Cost("work_orders: history", rows, math.ceil(rows / size) + 2)


def _changes(reading: SyncRun, size: int) -> list[Cost]:
    cursor = reading.cursor
    assert cursor.started_at is not None  # noqa: S101
    new = 0
    if cursor.created_filter:
        days = created_between(cursor.started_at.date(), horizon(reading), (cursor.created_filter,))
        new = reading.source.total(days)
    due = sum(piece.count or 0 for piece in due_slices(reading))
    is_open = len(reading.unread_open)
    return [
        Cost("work_orders: created since", new, max(1, math.ceil(new / size))),
        Cost("work_orders: open", is_open, math.ceil(is_open / size)),
        Cost("work_orders: reconcile", due, math.ceil(due / size)),
    ]


def _by_request(stream: ByRequestStream, sample: Sequence[Record], read: int) -> Cost:
    """By what a page of work orders shows; people are named again and again, so those count by how many there are."""
    asks = {one for record in sample for one in stream.ids_in(record, {})}
    if stream.entry.id_paths != ("id",):
        return Cost(stream.name, len(asks), len(asks))
    share = len(asks) / len(sample) if sample else 0
    many = math.ceil(share * read)
    return Cost(stream.name, many, many)


def _company(tap: TapFieldNation, stream: CompanyStream) -> Cost:
    """One request for a list, at least; one for each parent, or for each row where the list sends bare ids."""
    entry = stream.entry
    try:
        if entry.parent:
            parents = len(tap.lists.ids(entry.parent, entry.parent_key))
            return Cost(stream.name, parents, parents)
        # In a first run; later on few come one by one: new ones, and those whose turn it is.
        if entry.detail and not stream.stream_state.get("details"):
            page = next(iter(tap.lists.pages(entry)), None)
            if page and is_bare(entry, page):
                rows = page.total or len(page.rows)
                return Cost(stream.name, rows, rows + math.ceil(rows / len(page.rows)))
    except ApiError as error:
        if error.rule.action is not Action.SKIP:
            raise
    return Cost(stream.name, None, 1)


def as_json(tap: TapFieldNation, costs: Sequence[Cost]) -> str:
    """The plan for programs."""
    total = sum(cost.requests for cost in costs)
    return json.dumps(
        {
            "plan": [asdict(cost) for cost in costs],
            "requests": total,
            "requests_per_minute": float(tap.config["requests_per_minute"]),
            "minutes": round(total / float(tap.config["requests_per_minute"]), 2),
        },
        indent=2,
    )


def as_table(tap: TapFieldNation, costs: Sequence[Cost]) -> str:
    """The plan for people."""
    width = max(len(cost.what) for cost in costs)
    lines = [f"{'':{width}}  {'rows':>10}  {'requests':>10}"]
    lines += [
        f"{cost.what:{width}}  {'' if cost.rows is None else f'{cost.rows:,}':>10}  {cost.requests:>10,}"
        for cost in costs
    ]
    total = sum(cost.requests for cost in costs)
    minutes = total / float(tap.config["requests_per_minute"])
    lines += [
        f"{'in all, at least':{width}}  {'':>10}  {total:>10,}",
        "",
        f"At {float(tap.config['requests_per_minute']):g} requests a minute: about {duration(minutes)}.",
    ]
    return "\n".join(lines)
