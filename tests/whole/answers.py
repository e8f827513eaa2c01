"""The answers to the questions of docs/analytics.md, from the data of the emulator.

Each takes the rows of `fieldnation__work_orders` and the work orders as the API sends them.
"""

from __future__ import annotations

import typing as t
from collections import defaultdict
from datetime import datetime, timezone
from decimal import Decimal

from tests.whole import analytics

if t.TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, t.Any]


def grouped(rows: Iterable[Row], *keys: str) -> dict[tuple[t.Any, ...], list[Row]]:
    """Rows by some of their values."""
    found: dict[tuple[t.Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(row[key] for key in keys)].append(row)
    return found


def average(values: Iterable[t.Any]) -> Decimal:
    """The average of numbers or of true and false."""
    numbers = [Decimal(value) for value in values]
    return sum(numbers, Decimal(0)) / len(numbers)


def total(rows: Iterable[Row], column: str) -> Decimal:
    """The sum of a column."""
    return sum((row[column] or Decimal(0) for row in rows), Decimal(0))


Answer = t.Callable[[list[Row], list[Row]], list[Row]]


def spend_by_month(orders: list[Row], _: list[Row]) -> list[Row]:
    names_of = {(row["client_id"], row["project_id"]): row for row in orders}
    return [
        {
            "client_name": names_of[row["client_id"], row["project_id"]]["client_name"],
            "project_name": names_of[row["client_id"], row["project_id"]]["project_name"],
            **{name: row[name] for name in ("spend_month", "pay_total", "fees_amount", "total_amount")},
        }
        for row in analytics.spend_by_month(orders)
    ]


def margin(orders: list[Row], _: list[Row]) -> list[Row]:
    billed = [
        row for row in orders if row["approved_at"] and not row["is_cancelled"] and row["bill_amount"] is not None
    ]
    found = []
    for (client,), rows in grouped(billed, "client_name").items():
        cost = total(rows, "pay_total") + total(rows, "fees_amount")
        bill = total(rows, "bill_amount")
        found.append({"client_name": client, "billed": bill, "cost": cost, "margin": bill - cost})
    return found


def on_time_arrival(_: list[Row], api: list[Row]) -> list[Row]:
    visits = [visit for one in api for visit in analytics.visits(one) if visit["is_on_time"] is not None]
    return [
        {
            "visit_month": month,
            "client_name": client,
            "arrivals": len(rows),
            "on_time_rate": average(row["is_on_time"] for row in rows),
        }
        for (month, client), rows in grouped(visits, "visit_month", "client_name").items()
    ]


def first_visit_fix_rate(orders: list[Row], _: list[Row]) -> list[Row]:
    done = grouped((row for row in orders if row["work_done_at"]), "type_of_work_name")
    return [
        {
            "type_of_work_name": kind,
            "done": len(rows),
            "fix_rate": average(row["is_fixed_on_first_visit"] for row in rows),
        }
        for (kind,), rows in done.items()
    ]


def cancelled_after_assignment(orders: list[Row], _: list[Row]) -> list[Row]:
    names = ("work_order_id", "client_name", "provider_name", "assigned_at", "cancelled_at", "cancellation_fee_amount")
    return [{name: row[name] for name in names} for row in orders if row["is_cancelled"] and row["assigned_at"]]


def ageing(orders: list[Row], _: list[Row]) -> list[Row]:
    # their ages are compared in `test_open_work_orders`
    return [
        {"status_name": status, "work_orders": len(rows), "pay": total(rows, "pay_total")}
        for (status,), rows in grouped((row for row in orders if row["is_open"]), "status_name").items()
    ]


def hours_by_provider(_: list[Row], api: list[Row]) -> list[Row]:
    visits = [
        {**visit, "provider_name": analytics.name_of(one["assignee"]["user"])}
        for one in api
        for visit in analytics.visits(one)
    ]
    return [
        {"visit_month": month, "provider_name": name, "visits": len(rows), "hours": total(rows, "hours")}
        for (month, _, name), rows in grouped(visits, "visit_month", "provider_id", "provider_name").items()
    ]


def late_shipments(_: list[Row], api: list[Row]) -> list[Row]:
    return [
        {"work_order_id": one["id"], "name": shipment["name"], "tracking_number": shipment["carrier"]["tracking"]}
        for one in api
        for shipment in one["shipments"]["results"]
        if analytics.arrived_late(shipment) or is_overdue(shipment)
    ]


def is_overdue(shipment: Row) -> bool:
    arrival, arrived = (analytics.moment(shipment["carrier"][name]) for name in ("arrival", "arrived"))
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    return arrived is None and arrival is not None and arrival < now


def task_completion(_: list[Row], api: list[Row]) -> list[Row]:
    tasks = [
        {"type": task["type"]["name"], "status": task["status"]} for one in api for task in one["tasks"]["results"]
    ]
    return [
        {"type_name": kind, "tasks": len(rows), "completed": sum(row["status"] == "complete" for row in rows)}
        for (kind,), rows in grouped(tasks, "type").items()
    ]


def problems(_: list[Row], api: list[Row]) -> list[Row]:
    found = [{**problem, "kind": problem["type"]["name"]} for one in api for problem in one["problems"]["results"]]
    return [
        {
            "type_name": kind,
            "problems": len(rows),
            "still_open": sum(row["resolution"]["status"] == "open" for row in rows),
        }
        for (kind,), rows in grouped(found, "kind").items()
    ]


def revisits(orders: list[Row], _: list[Row]) -> list[Row]:
    again = grouped((row for row in orders if row["is_revisit"]), "incomplete_reason")
    return [
        {"incomplete_reason": reason, "revisits": len(rows), "pay": total(rows, "pay_total")}
        for (reason,), rows in again.items()
    ]


def requests_and_fill_rate(orders: list[Row], _: list[Row]) -> list[Row]:
    published = grouped((row for row in orders if row["published_at"]), "type_of_work_name")
    return [
        {
            "type_of_work_name": kind,
            "published": len(rows),
            "requests": sum(row["all_requests_count"] for row in rows),
            "declines": sum(row["declines_count"] for row in rows),
            "fill_rate": average(row["assigned_at"] is not None for row in rows),
        }
        for (kind,), rows in published.items()
    ]


def pay_increases(_: list[Row], api: list[Row]) -> list[Row]:
    found = [
        {
            "month": analytics.month(analytics.moment(increase["created"])),
            "requested": analytics.money(increase["pay"]["sum"]),
            "granted": analytics.money(increase["pay"]["sum"] if increase["status"] == "accepted" else 0),
        }
        for one in api
        for increase in one["pay"]["increases"]["results"]
    ]
    return [
        {
            "month": month,
            "requests": len(rows),
            "requested": total(rows, "requested"),
            "granted": total(rows, "granted"),
        }
        for (month,), rows in grouped(found, "month").items()
    ]


AGEING = 11
# Number of a question -> its answer; those of the others come straight from a column that is compared above.
ANSWERS: dict[int, Answer] = {
    1: spend_by_month,
    2: margin,
    3: on_time_arrival,
    5: first_visit_fix_rate,
    8: cancelled_after_assignment,
    AGEING: ageing,
    12: hours_by_provider,
    14: late_shipments,
    15: task_completion,
    16: problems,
    18: revisits,
    20: requests_and_fill_rate,
    22: pay_increases,
}
