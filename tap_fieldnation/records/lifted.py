"""Lifted columns: values within a work order that `work_orders` has as columns too, so that SQL needs no JSON.

Their names are a contract with users. They are taken from the conformed record, so types, dates and placeholders are
already dealt with.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_fieldnation.records.conformer import Record

Path = tuple[str, ...]

# Column -> path of its value.
PATHS: t.Mapping[str, Path] = {
    column: tuple(path.split("."))
    for column, path in {
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
        "pay_type": "pay.type",
        "pay_total": "pay.total",
    }.items()
}

# Column -> key in `milestones`; `last_milestone_at` is the latest of them.
MILESTONES: t.Mapping[str, str] = {
    "created_at": "created",
    "published_at": "published",
    "routed_at": "routed",
    "assigned_at": "assigned",
    "work_done_at": "workdone",
    "approved_at": "approved",
    "paid_at": "paid",
    "cancelled_at": "canceled",
}

COLUMNS = (*PATHS, *MILESTONES, "last_milestone_at")


def sections(columns: Iterable[str]) -> set[str]:
    """The sections of a work order from which these columns are taken."""
    needed = {PATHS[column][0] for column in columns if column in PATHS}
    if "type_of_work" in needed:
        needed.add("types_of_work")
    if any(column in MILESTONES or column == COLUMNS[-1] for column in columns):
        needed.add("milestones")
    return needed


def lift(record: Record) -> None:
    """Add the columns to a conformed work order."""
    for column, path in PATHS.items():
        value: t.Any = record
        for key in path:
            if value is None:
                break
            value = value.get(key)
        record[column] = value
    if record["type_of_work_id"] is None:
        record["type_of_work_id"], record["type_of_work_name"] = _primary_type(record)
    milestones = record.get("milestones") or {}
    latest: str | None = None
    for column, key in MILESTONES.items():
        milestone = milestones.get(key)
        timestamp = milestone.get("utc") if milestone else None
        record[column] = timestamp
        # Compared without the Z: a timestamp with a fraction of a second is later than the same one without.
        if timestamp is not None and (latest is None or timestamp[:-1] > latest[:-1]):
            latest = timestamp
    record["last_milestone_at"] = latest


def _primary_type(record: Record) -> tuple[int | None, str | None]:
    """Id and name of the primary one of `types_of_work`, which replaces the deprecated `type_of_work`."""
    types = (item for item in record.get("types_of_work") or () if item and item.get("isPrimary"))
    primary: Record = next(types, {})
    return primary.get("id"), primary.get("name")
