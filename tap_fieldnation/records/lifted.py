"""Lifted columns: nested values of a record that are columns too, so that SQL needs no JSON functions.

Their names are a contract with users. They are taken from the conformed record, so types, dates and placeholders have
already been handled.
"""

from __future__ import annotations

import functools
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tap_fieldnation.records.conformer import Record

WORK_ORDERS = "work_orders"

# Stream -> column -> dotted path of its value; `label|name` is the first of these keys that has a value.
PATHS: t.Mapping[str, t.Mapping[str, str]] = {
    WORK_ORDERS: {
        "status_id": "status.id",
        "status_name": "status.name",
        "company_id": "company.id",
        "client_id": "client.id",
        "client_name": "client.name",
        "project_id": "project.id",
        "project_name": "project.name",
        "template_id": "template.id",
        "manager_id": "manager.id",
        "provider_id": "assignee.user.id",
        "type_of_work_id": "type_of_work.id",
        "type_of_work_name": "type_of_work.name",
        "location_id": "location.saved_location.id",
        "location_city": "location.city",
        "location_state": "location.state",
        "location_zip": "location.zip",
        "location_country": "location.country",
        "time_zone": "schedule.time_zone.name",
        "scheduled_start_at": "schedule.service_window.start.utc",
        "scheduled_end_at": "schedule.service_window.end.utc",
        "created_at": "milestones.created.utc",
        "published_at": "milestones.published.utc",
        "routed_at": "milestones.routed.utc",
        "assigned_at": "milestones.assigned.utc",
        "work_done_at": "milestones.workdone.utc",
        "approved_at": "milestones.approved.utc",
        "paid_at": "milestones.paid.utc",
        "cancelled_at": "milestones.canceled.utc",
        "pay_type": "pay.type",
        "pay_total": "pay.total",
        "pay_base_amount": "pay.base.amount",
        "pay_base_units": "pay.base.units",
        "invoice_id": "pay.invoice.id",
        "invoice_sent_at": "pay.invoice.sent.utc",
        "invoice_paid_at": "pay.invoice.paid.utc",
        "finance_id": "pay.finance.id",
        "is_revisit": "site_revisit.is_revisit",
        "job_status": "site_revisit.job_status",
        "incomplete_reason": "site_revisit.incomplete_reason.reason_name",
        "requests_count": "publish_stats.requests",
        "counter_offers_count": "publish_stats.counter_offers",
        "routes_count": "publish_stats.routes",
    },
    "work_order_attachments": {
        "author_id": "author.id",
        "created_at": "created.utc",
        "expense_id": "expense.id",
        "file_name": "file.name",
        "reviewed_at": "reviewed.utc",
        "reviewer_id": "reviewer.id",
        "task_id": "task.id",
    },
    "work_order_expenses": {
        "added_at": "added.utc",
        "approved_at": "approved.utc",
        "author_id": "author.id",
        "category_id": "category.id",
        "category_name": "category.label|name",
        "category_type": "category.type",
    },
    "work_order_messages": {
        "created_at": "created.utc",
        "from_id": "from.id",
        "from_role": "from.role",
        "to_id": "to.id",
        "to_role": "to.role",
    },
    "work_order_pay_increases": {"author_id": "author.id", "created_at": "created.utc", "pay_sum": "pay.sum"},
    # The date object is itself called updated_at.
    "work_order_penalties": {"changed_at": "updated_at.utc"},
    "work_order_problems": {
        "author_id": "author.id",
        "created_at": "created.utc",
        "resolution_status": "resolution.status",
        "resolved_at": "resolution.at.utc",
        "resolved_by_id": "resolution.by.id",
        "type_id": "type.id",
        "type_name": "type.name",
    },
    "work_order_requests": {
        "arrival_at": "request.arrival.utc",
        "created_at": "request.created.utc",
        "expires_at": "request.expires.utc",
        "is_active": "request.active",
        "is_counter_offer": "request.counter",
        "pay_total": "request.pay.total",
        "pay_type": "request.pay.type",
        "request_id": "request.id",
    },
    "work_order_shipments": {
        "arrival_at": "carrier.arrival.utc",
        "arrived_at": "carrier.arrived.utc",
        "carrier_name": "carrier.name",
        "created_at": "created.utc",
        "tracking_number": "carrier.tracking",
        "user_id": "user.id",
    },
    "work_order_signatures": {"author_id": "author.id", "created_at": "created.utc", "task_id": "task.id"},
    "work_order_site_revisits": {
        "job_status_name": "job_status.status",
        "reason_id": "reason.id",
        "reason_label": "reason.label",
    },
    "work_order_tags": {"author_id": "author.id", "created_at": "created.utc"},
    "work_order_tasks": {
        "author_id": "author.id",
        "completed_at": "completed.utc",
        "completed_by_id": "completed.by.id",
        "created_at": "created.utc",
        "eta_end_at": "eta.end.utc",
        "eta_start_at": "eta.start.utc",
        "eta_updated_at": "eta.updated.utc",
        "type_id": "type.id",
        "type_name": "type.name",
    },
    # `in` and `out` are reserved words in SQL.
    "work_order_time_logs": {
        "check_in_logged_at": "logged_by.created.utc",
        "check_out_logged_at": "logged_by.out.utc",
        "checked_in_at": "in.created.utc",
        "checked_out_at": "out.created.utc",
        "logged_by_id": "logged_by.id",
        "on_time": "timeliness.on_time",
        "was_early": "timeliness.was_early",
    },
    "clients": {"created_at": "created.utc", "manager_id": "manager.id"},
    "projects": {
        "created_at": "created.utc",
        "end_at": "end.utc",
        "manager_id": "manager.id",
        "start_at": "start.utc",
    },
    "service_territories": {"created_at": "created.utc"},
    "service_territory_providers": {"tier_name": "tier.name"},
    "talent_pool_group_providers": {"tier_name": "tier.name"},
    "templates": {
        "author_id": "author.id",
        "client_id": "client.id",
        "created_at": "created.utc",
        "project_id": "project.id",
        "updated_at": "updated.utc",
    },
}

# Stream -> object that may be missing -> list whose primary item then replaces it.
PRIMARY: t.Mapping[str, t.Mapping[str, str]] = {WORK_ORDERS: {"type_of_work": "types_of_work"}}

# Stream -> column -> columns whose latest value it has.
LATEST: t.Mapping[str, t.Mapping[str, tuple[str, ...]]] = {
    WORK_ORDERS: {
        "last_milestone_at": tuple(
            column for column, path in PATHS[WORK_ORDERS].items() if path.startswith("milestones.")
        )
    }
}


def columns(stream: str) -> list[str]:
    """The lifted columns of a stream."""
    return [*PATHS.get(stream, ()), *LATEST.get(stream, ())]


def sections(names: Iterable[str]) -> set[str]:
    """The sections of a work order from which these columns are taken."""
    latest, primary = LATEST[WORK_ORDERS], PRIMARY[WORK_ORDERS]
    sources = {source for name in names for source in latest.get(name, (name,))}
    found = {path.partition(".")[0] for column, path in PATHS[WORK_ORDERS].items() if column in sources}
    return found.union(items for section, items in primary.items() if section in found)


@functools.cache
def compile_lift(stream: str) -> Callable[[Record], None]:
    """A function that adds a stream's lifted columns to a conformed record, in place."""
    primary, latest = PRIMARY.get(stream, {}), LATEST.get(stream, {})
    objects = [(keys, primary.get(".".join(keys)), leaves) for keys, leaves in _by_object(PATHS.get(stream, {}))]
    nothing = dict.fromkeys(columns(stream))

    def lift(record: Record) -> None:
        record.update(nothing)
        for keys, items, leaves in objects:
            holder: t.Any = record
            for key in keys:
                holder = holder.get(key)
                if holder is None:
                    break
            if items and (holder is None or holder.get("id") is None):
                holder = next((item for item in record.get(items) or () if item and item.get("isPrimary")), None)
            if holder is not None:
                for column, leaf in leaves:
                    if (value := holder.get(leaf)) is not None:
                        record[column] = value
        for column, others in latest.items():
            # Compared without the Z: a timestamp with a fraction of a second is later than the same one without.
            moments = (record[other] for other in others if record[other] is not None)
            record[column] = max(moments, key=lambda moment: moment[:-1], default=None)

    return lift


def _by_object(paths: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], list[tuple[str, str]]]]:
    """The path of each object that has lifted values, with their columns and keys: each object is looked up once."""
    found: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for column, path in paths.items():
        *keys, leaves = path.split(".")
        found.setdefault(tuple(keys), []).extend((column, leaf) for leaf in reversed(leaves.split("|")))
    yield from found.items()
