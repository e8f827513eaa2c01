"""`--plan`: shows what a sync would read and cost; makes only a handful of requests."""

from __future__ import annotations

import json
import math
import typing as t
from dataclasses import asdict, dataclass

import click

from tap_fieldnation.api.errors import Action, ApiError, DeadlineExceeded, SettingsError
from tap_fieldnation.api.work_orders import decode_full
from tap_fieldnation.commands.text import TOO_SHORT, duration
from tap_fieldnation.reading import bookmarks, forecast
from tap_fieldnation.streams.by_request import ByRequestStream
from tap_fieldnation.streams.company import CompanyStream
from tap_fieldnation.streams.lists import has_ids_only
from tap_fieldnation.streams.work_orders import WorkOrdersStream, work_orders_of

if t.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_sdk.streams import Stream

    from tap_fieldnation.api.work_orders import Record
    from tap_fieldnation.context import RunContext

SAMPLE = 100


@dataclass(frozen=True)
class Cost:
    """One line of the plan.

    Attributes:
        what: A stream, or a part of one.
        rows: The number of work orders, or of rows that cost a request each; None if it is not known beforehand.
        requests: The minimum number of requests.
    """

    what: str
    rows: int | None
    requests: int


def print_plan(context: RunContext, streams: Mapping[str, Stream], *, as_json: bool) -> None:
    """Print the plan as a table, or as JSON.

    Raises:
        SettingsError: The time limit was reached before the end.
        TapError: As in a sync.
    """
    context.requester.retries_connections = False
    try:
        costs = estimate(streams)
    except DeadlineExceeded:
        raise SettingsError(TOO_SHORT) from None
    because = work_orders_of(streams).reread_because
    click.echo((to_json if as_json else to_table)(costs, float(context.config["requests_per_minute"]), because))


def estimate(streams: Mapping[str, Stream]) -> list[Cost]:
    """What a sync with this config, catalog and state would cost.

    Raises:
        TapError: As in a sync.
    """
    costs = [Cost("access token", None, 1)]
    work_orders = work_orders_of(streams)
    if work_orders.selected or work_orders.has_selected_descendents:
        costs += _work_orders(work_orders)
    company = [stream for stream in streams.values() if isinstance(stream, CompanyStream)]
    return [*costs, *(_company(stream) for stream in company if stream.selected)]


def _work_orders(stream: WorkOrdersStream) -> list[Cost]:
    run = stream.new_run()
    pages = [Cost(f"work_orders: {part.name}", part.work_orders, part.requests) for part in forecast.parts(run)]
    read = sum(cost.rows or 0 for cost in pages)
    children = stream.selected_children(ByRequestStream)
    sample = [decode_full(record) for record in run.source.page(1, {}).records[:SAMPLE]] if children else []
    return [*pages, *(_by_request(child, sample, read) for child in children)]


def _by_request(stream: ByRequestStream, sample: Sequence[Record], read: int) -> Cost:
    """Estimate the requests from a sample: by the share of work orders that need one, or by the distinct users."""
    ids = {record_id for record in sample for record_id in stream.ids_in(record, {})}
    if not stream.is_per_work_order:
        return Cost(stream.name, len(ids), len(ids))
    expected = math.ceil(read * len(ids) / len(sample)) if sample else 0
    return Cost(stream.name, expected, expected)


def _company(stream: CompanyStream) -> Cost:
    """At least one request for a list; one for each parent, or for each row if the list sends bare ids."""
    entry = stream.entry
    try:
        if entry.parent:
            parents = len(stream.lists.fetch_ids(entry.parent, entry.parent_key))
            return Cost(stream.name, parents, parents)
        # Only in a first sync: later ones request the details of new rows, and of those that are due.
        if entry.detail and not bookmarks.has_details(stream.stream_state):
            page = next(iter(stream.fetch_pages()), None)
            if page and has_ids_only(entry, page):
                rows = page.total or len(page.rows)
                return Cost(stream.name, rows, rows + math.ceil(rows / len(page.rows)) + len(entry.more))
    except ApiError as error:
        if error.rule.action is not Action.SKIP:
            raise
    return Cost(stream.name, None, 1 + len(entry.more))


def to_json(costs: Sequence[Cost], per_minute: float, because: str) -> str:
    """The plan for programs.

    Args:
        costs: The lines of the plan.
        per_minute: The rate limit.
        because: Why all work orders are read again, or "".
    """
    total = sum(cost.requests for cost in costs)
    return json.dumps(
        {
            "plan": [asdict(cost) for cost in costs],
            "requests": total,
            "requests_per_minute": per_minute,
            "minutes": round(total / per_minute, 2),
            "reread_because": because or None,
        },
        indent=2,
    )


def to_table(costs: Sequence[Cost], per_minute: float, because: str) -> str:
    """The plan for people; the arguments are those of `to_json`."""
    total = sum(cost.requests for cost in costs)
    width = max(len(cost.what) for cost in costs)
    rows = [("", "rows", "requests")]
    rows += [(cost.what, "" if cost.rows is None else f"{cost.rows:,}", f"{cost.requests:,}") for cost in costs]
    rows.append(("total, at least", "", f"{total:,}"))
    lines = [f"{what:{width}}  {number:>10}  {requests:>10}" for what, number, requests in rows]
    lines += ["", f"At {per_minute:g} requests a minute: about {duration(total / per_minute)}."]
    if because:
        lines.append(f"All work orders are read again, because {because}.")
    return "\n".join(lines)
