"""What the marts of the dbt package should have, calculated from the data of the emulator."""

from __future__ import annotations

import itertools
import typing as t
from collections import defaultdict
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Row = dict[str, t.Any]
WorkOrder = dict[str, t.Any]

CLOSED = {"Paid", "Cancelled"}
FINISHED = {"Approved", *CLOSED}
STAGES = {
    "Draft": "created_at",
    "Published": "published_at",
    "Routed": "routed_at",
    "Assigned": "assigned_at",
    "Work Done": "work_done_at",
}
ZERO = Decimal(0)
MINUTE, HOUR = 60, 3600


def moment(value: t.Any) -> datetime | None:
    """A time of the API, without zone: all of them are UTC."""
    if not value or not value["utc"]:
        return None
    return datetime.fromisoformat(value["utc"].replace("Z", "+00:00")).replace(tzinfo=None)


def money(value: object) -> Decimal:
    """An amount, to the cent."""
    return Decimal(str(value or 0)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def between(first: datetime | None, last: datetime | None, unit: int) -> Decimal | None:
    """How many units, of so many seconds, lie between two times."""
    if first is None or last is None:
        return None
    return money(Decimal(int((last - first).total_seconds())) / unit)


def later(first: datetime | None, last: datetime | None) -> Decimal | None:
    """Hours from one time to another, unless the order is wrong."""
    hours = between(first, last, HOUR)
    return hours if first and last and last >= first else None


def ratio(part: int, whole: int) -> Decimal | None:
    """A part of a whole, with four digits."""
    return (Decimal(part) / whole).quantize(Decimal("0.0001"), ROUND_HALF_UP) if whole else None


def month(at: datetime | None) -> date | None:
    """The first day of the month."""
    return at.date().replace(day=1) if at else None


def name_of(person: Row) -> str | None:
    """First and last name."""
    return f"{person['first_name']} {person['last_name']}".strip() or None if person["id"] else None


def listed(section: t.Any) -> list[Row]:
    """The rows of a section."""
    rows: list[Row] = section["results"]
    return rows


def fields(one: WorkOrder) -> dict[str, str]:
    """The custom fields of a work order that are filled in, by name."""
    groups = itertools.chain(*(listed(group) for group in listed(one["custom_fields"])))
    return {field["name"]: field["value"] for field in groups if field["value"]}


def due(one: WorkOrder) -> datetime | None:
    """When the provider has to arrive at the latest."""
    window = one["schedule"]["service_window"]
    start, end = moment(window["start"]), moment(window["end"])
    return start if window["mode"] == "exact" else end or start


def visits(one: WorkOrder) -> list[Row]:
    """The rows of `fieldnation__visits` for a work order."""
    logs = sorted(listed(one["time_logs"]), key=lambda log: (log["in"]["created"]["utc"], log["id"]))
    found = []
    for number, log in enumerate(logs, 1):
        due_at = due(one) if number == 1 else None
        checked_in = moment(log["in"]["created"])
        late = between(due_at, checked_in, MINUTE)
        found.append(
            {
                "visit_id": log["id"],
                "work_order_id": one["id"],
                "visit_number": number,
                "is_first_visit": number == 1,
                "provider_id": one["assignee"]["user"]["id"] or None,
                "company_id": one["company"]["id"],
                "client_name": one["client"]["name"] or None,
                "checked_in_at": checked_in,
                "checked_out_at": moment(log["out"] and log["out"]["created"]),
                "visit_month": month(checked_in),
                "hours": Decimal(str(log["hours"])),
                "due_at": due_at,
                "minutes_late": late,
                "is_on_time": None if late is None else late <= 0,
                "is_reported_on_time": log["timeliness"]["on_time"],
                "was_reported_late": log["was_late"],
                "was_reported_early": log["timeliness"]["was_early"],
                "devices": log["devices"],
                "is_verified": log["verified"],
                "is_edited": log["edited"],
            }
        )
    return found


def charged(rows: Iterable[Row]) -> Decimal:
    """The sum of what is charged."""
    return sum((money(row["amount"]) for row in rows if row["charged"]), ZERO)


def parts(one: WorkOrder) -> dict[str, Decimal]:
    """The parts of the pay, and the fees."""
    pay = one["pay"]
    increases, expenses = listed(pay["increases"]), listed(pay["expenses"])
    found = {
        "labor_amount": money(pay["labor_sum"]),
        "bonuses_amount": charged(listed(pay["bonuses"])),
        "pay_increases_amount": sum((money(i["pay"]["sum"]) for i in increases if i["status"] == "accepted"), ZERO),
        "expenses_amount": sum((money(e["amount"]) for e in expenses if e["status"] == "approved"), ZERO),
        "penalties_amount": charged(listed(pay["penalties"])),
        "discounts_amount": charged(listed(pay["discounts"])),
        "fees_amount": charged(pay["fees"]),
        "fees_pending_amount": sum((money(fee["amount"]) for fee in pay["fees"] if not fee["charged"]), ZERO),
        "cancellation_fee_amount": sum((money(f["amount"]) for f in pay["fees"] if f["name"] == "cancellation"), ZERO),
        "pay_increases_requested_amount": sum((money(i["pay"]["sum"]) for i in increases), ZERO),
        "expenses_requested_amount": sum((money(expense["amount"]) for expense in expenses), ZERO),
    }
    explained = sum(found[f"{name}_amount"] for name in ("labor", "bonuses", "pay_increases", "expenses"))
    explained -= found["penalties_amount"] + found["discounts_amount"]
    return {**found, "other_pay_amount": money(pay["total"]) - explained}


def times(one: WorkOrder) -> dict[str, datetime | None]:
    """The milestones of a work order, by their columns."""
    names = {"workdone": "work_done", "canceled": "cancelled"}
    milestones = ("created", "published", "routed", "assigned", "workdone", "approved", "paid", "canceled")
    return {f"{names.get(name, name)}_at": moment(one["milestones"][name]) for name in milestones}


def work_order(one: WorkOrder) -> Row:
    """The row of `fieldnation__work_orders` for a work order that is visible."""
    own_visits = visits(one)
    first = own_visits[0] if own_visits else {}
    window, revisit = one["schedule"]["service_window"], one["site_revisit"]
    at = times(one)
    zone = ZoneInfo(one["schedule"]["time_zone"]["name"])
    local = {
        f"scheduled_{end}_local": when and when.replace(tzinfo=timezone.utc).astimezone(zone).replace(tzinfo=None)
        for end in ("start", "end")
        for when in [moment(window[end])]
    }
    kind = one["type_of_work"] or next(kind for kind in one["types_of_work"] if kind["isPrimary"])
    status, custom = one["status"]["name"], fields(one)
    problems, tasks, shipments = listed(one["problems"]), listed(one["tasks"]), listed(one["shipments"])
    invoice = one["pay"]["invoice"] or {}
    return {
        "work_order_id": one["id"],
        "title": one["title"],
        "status_id": one["status"]["id"],
        "status_name": status,
        "is_open": status not in FINISHED,
        "is_cancelled": status == "Cancelled",
        "is_removed": False,
        "removed_at": None,
        "company_id": one["company"]["id"],
        "client_id": one["client"]["id"] or None,
        "client_name": one["client"]["name"] or None,
        "project_id": one["project"]["id"] or None,
        "project_name": one["project"]["name"] or None,
        "template_id": one["template"]["id"] if one["template"] else None,
        "template_name": one["template"]["name"] if one["template"] else None,
        "manager_id": one["manager"]["id"],
        "manager_name": name_of(one["manager"]),
        "provider_id": one["assignee"]["user"]["id"] or None,
        "provider_name": name_of(one["assignee"]["user"]),
        "type_of_work_id": kind["id"],
        "type_of_work_name": kind["name"],
        "tags": ", ".join(sorted(tag["label"] for tag in listed(one["tags"]))) or None,
        "location_id": one["location"]["saved_location"]["id"] or None,
        "location_city": one["location"]["city"] or None,
        "location_state": one["location"]["state"] or None,
        "location_zip": str(one["location"]["zip"]) or None,
        "location_country": one["location"]["country"] or None,
        "time_zone": zone.key,
        **at,
        "scheduled_start_at": moment(window["start"]),
        "scheduled_end_at": moment(window["end"]),
        **local,
        "last_milestone_at": max(filter(None, at.values())),
        "hours_to_publish": later(at["created_at"], at["published_at"]),
        "hours_to_assign": later(at["published_at"], at["assigned_at"]),
        "hours_to_dispatch": later(at["created_at"], at["assigned_at"]),
        "hours_to_complete": later(at["assigned_at"], at["work_done_at"]),
        "hours_to_approve": later(at["work_done_at"], at["approved_at"]),
        "visits_count": len(own_visits),
        "hours_on_site": sum((visit["hours"] for visit in own_visits), ZERO),
        "first_checked_in_at": first.get("checked_in_at"),
        "last_checked_out_at": max((v["checked_out_at"] for v in own_visits if v["checked_out_at"]), default=None),
        "due_at": due(one),
        "minutes_late": first.get("minutes_late"),
        "is_on_time": first.get("is_on_time"),
        "job_status": revisit["job_status"],
        "incomplete_reason": revisit["incomplete_reason"]["reason_name"] if revisit["incomplete_reason"] else None,
        "is_revisit": revisit["is_revisit"],
        "incident_id": one["incident_id"] or None,
        "is_fixed_on_first_visit": bool(at["work_done_at"])
        and len(own_visits) == 1
        and revisit["job_status"] == "complete"
        and not revisit["is_revisit"],
        "pay_type": one["pay"]["type"] or None,
        "pay_base_amount": money(one["pay"]["base"]["amount"]),
        "pay_base_units": Decimal(one["pay"]["base"]["units"]),
        "pay_total": money(one["pay"]["total"]),
        **parts(one),
        "invoice_id": invoice.get("id"),
        "invoice_sent_at": moment(invoice.get("sent")),
        "invoice_paid_at": moment(invoice.get("paid")),
        "requests_count": one["publish_stats"]["requests"],
        "counter_offers_count": one["publish_stats"]["counter_offers"],
        "all_requests_count": one["publish_stats"]["all_requests"],
        "declines_count": one["publish_stats"]["declines"],
        "routes_count": one["publish_stats"]["routes"],
        "problems_count": len(problems),
        "open_problems_count": sum(problem["resolution"]["status"] == "open" for problem in problems),
        "tasks_count": len(tasks),
        "completed_tasks_count": sum(task["status"] == "complete" for task in tasks),
        "shipments_count": len(shipments),
        "late_shipments_count": sum(map(arrived_late, shipments)),
        "bill_amount": money(custom["Bill amount"]) if "Bill amount" in custom else None,
        "ticket": custom.get("Ticket"),
        "due_on": date.fromisoformat(custom["Due"]) if "Due" in custom else None,
    }


def arrived_late(shipment: Row) -> bool:
    """Whether a shipment arrived later than expected."""
    arrival, arrived = moment(shipment["carrier"]["arrival"]), moment(shipment["carrier"]["arrived"])
    return bool(arrival and arrived and arrived > arrival)


COST_TYPES = {
    "labor": ("labor_amount", 1),
    "bonus": ("bonuses_amount", 1),
    "pay increase": ("pay_increases_amount", 1),
    "expense": ("expenses_amount", 1),
    "penalty": ("penalties_amount", -1),
    "discount": ("discounts_amount", -1),
    "other pay": ("other_pay_amount", 1),
    "fee": ("fees_amount", 1),
}


def spend(row: Row) -> Iterator[Row]:
    """The rows of `fieldnation__spend` for a row of `fieldnation__work_orders`."""
    is_approved = row["approved_at"] is not None and not row["is_cancelled"]
    at = row["approved_at"] or row["cancelled_at"]
    for cost_type, (column, sign) in COST_TYPES.items():
        if row[column] and (is_approved or cost_type == "fee"):
            yield {
                "work_order_id": row["work_order_id"],
                "cost_type": cost_type,
                "amount": sign * row[column],
                "is_pay": cost_type != "fee",
                "spent_at": at,
                "spend_month": month(at),
                "company_id": row["company_id"],
                "client_id": row["client_id"],
                "project_id": row["project_id"],
                "provider_id": row["provider_id"],
            }


def spend_by_month(rows: Iterable[Row]) -> list[Row]:
    """The rows of `fieldnation__spend_by_month`."""
    groups: dict[tuple[t.Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        for part in spend(row):
            groups[part["spend_month"], part["company_id"], part["client_id"], part["project_id"]].append(part)
    return [
        {
            "spend_month": key[0],
            "company_id": key[1],
            "client_id": key[2],
            "project_id": key[3],
            "work_orders_count": len({part["work_order_id"] for part in group}),
            **{
                column: sum((part["amount"] for part in group if part["cost_type"] == cost_type), ZERO)
                for cost_type, (column, _) in COST_TYPES.items()
            },
            "pay_total": sum((part["amount"] for part in group if part["is_pay"]), ZERO),
            "total_amount": sum((part["amount"] for part in group), ZERO),
        }
        for key, group in groups.items()
    ]


def providers(rows: Iterable[Row]) -> list[Row]:
    """The rows of `fieldnation__providers`."""
    groups: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if row["provider_id"]:
            groups[row["provider_id"]].append(row)
    return [_provider(provider_id, group) for provider_id, group in groups.items()]


def _provider(provider_id: int, group: list[Row]) -> Row:
    approved = [row for row in group if row["approved_at"] and not row["is_cancelled"]]
    arrivals = [row["is_on_time"] for row in group if row["is_on_time"] is not None]
    done = [row for row in group if row["work_done_at"]]
    cancelled = sum(row["is_cancelled"] for row in group)
    fixed = sum(row["is_fixed_on_first_visit"] for row in group)
    return {
        "provider_id": provider_id,
        "provider_name": group[0]["provider_name"],
        "first_assigned_at": min(row["assigned_at"] for row in group),
        "last_assigned_at": max(row["assigned_at"] for row in group),
        "work_orders_count": len(group),
        "open_work_orders_count": sum(row["is_open"] for row in group),
        "done_work_orders_count": len(done),
        "cancelled_work_orders_count": cancelled,
        "arrivals_count": len(arrivals),
        "on_time_arrivals_count": sum(arrivals),
        "fixed_on_first_visit_count": fixed,
        "visits_count": sum(row["visits_count"] for row in group),
        "hours_on_site": sum(row["hours_on_site"] for row in group),
        "problems_count": sum(row["problems_count"] for row in group),
        "pay_total": sum((row["pay_total"] for row in approved), ZERO),
        "expenses_amount": sum((row["expenses_amount"] for row in approved), ZERO),
        "bonuses_amount": sum((row["bonuses_amount"] for row in approved), ZERO),
        "penalties_amount": sum((row["penalties_amount"] for row in approved), ZERO),
        "on_time_rate": ratio(sum(arrivals), len(arrivals)),
        "first_visit_fix_rate": ratio(fixed, len(done)),
        "cancellation_rate": ratio(cancelled, len(group)),
    }


def status_at_end_of(day: date, row: Row, removed_on: date | None = None) -> str | None:
    """The status of a work order at the end of a day, by the milestones that it has now; None if it was not open."""
    end = datetime.combine(day + timedelta(days=1), datetime.min.time())
    if row["status_name"] in FINISHED:
        if (row["cancelled_at"] or row["approved_at"]) < end:
            return None
    elif removed_on and removed_on <= day:
        return None
    reached = [stage for stage, column in STAGES.items() if row[column] and row[column] < end]
    return reached[-1] if reached else None


def backlog(days: Iterable[date], rows: list[Row], removed_on: dict[int, date]) -> dict[tuple[date, str], Row]:
    """The rows of `fieldnation__daily_backlog` for these days, by their keys."""
    found = {}
    for day in days:
        by_stage: dict[str | None, list[Row]] = defaultdict(list)
        for row in rows:
            by_stage[status_at_end_of(day, row, removed_on.get(row["work_order_id"]))].append(row)
        for stage in STAGES:
            found[day, stage] = {
                "work_orders_count": len(by_stage[stage]),
                "pay_total": sum((row["pay_total"] for row in by_stage[stage]), ZERO),
            }
    return found


def removed(row: Row) -> Row:
    """The row of a work order that the API no longer returns. If it was open, its child records are not current."""
    found = {**row, "is_removed": True, "is_open": False}
    if not loses_children(found):
        return found
    for column in ("first_checked_in_at", "last_checked_out_at", "minutes_late", "is_on_time", "tags"):
        found[column] = None
    for column in ("bill_amount", "ticket", "due_on"):
        found[column] = None
    for column in parts_of_children():
        found[column] = ZERO
    other = row["pay_total"] - row["labor_amount"]
    return {**found, "is_fixed_on_first_visit": False, "other_pay_amount": other}


def loses_children(row: Row) -> bool:
    """Whether a work order was removed before it was closed. One that is approved is not closed yet."""
    return row["is_removed"] and row["status_name"] not in CLOSED


def parts_of_children() -> list[str]:
    """Columns of `fieldnation__work_orders` that add up or count child records."""
    amounts = ["bonuses", "pay_increases", "expenses", "penalties", "discounts", "fees", "fees_pending"]
    amounts += ["cancellation_fee", "pay_increases_requested", "expenses_requested"]
    counts = ["visits", "problems", "open_problems", "tasks", "completed_tasks", "shipments", "late_shipments"]
    return [*(f"{name}_amount" for name in amounts), *(f"{name}_count" for name in counts), "hours_on_site"]
