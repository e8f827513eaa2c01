"""`/workorders/{id}/site-revisits`: visits that had to be repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import DAY, HOUR
from emulator.company.directory import INCOMPLETE_REASONS
from emulator.http import json_response
from emulator.work_order.facts import EMPTY_OBJECT, Facts
from emulator.work_order.sections.basics import title
from emulator.work_order.sections.status import site_revisit

from .work_orders import add_child_route

if TYPE_CHECKING:
    from emulator.context import ApiContext
    from emulator.json import Json


def revisits(f: Facts) -> dict[str, Json]:
    """Each repeated visit with its history, and the status of the job."""
    current = site_revisit(f)
    person = f.manager.brief()
    zone = str(f.location.time_zone()["short"])
    rows = []
    for number in range(current["revisit_count"]):
        reason_id, label = INCOMPLETE_REASONS[(f.id + number) % len(INCOMPLETE_REASONS)]
        revisit_id = f.base + number
        requested = f.state.service + number * DAY + HOUR
        rows.append(
            {
                "revisit_id": revisit_id,
                "reason": {"id": reason_id, "label": label if number % 2 == 0 else None},
                "is_billable": (True, False, None)[(f.id + number) % 3],
                "history": [
                    {
                        "label": step,
                        "author": person,
                        "created_at": {**f.date(requested + hours * HOUR), "time_zone": zone},
                        "revisit_id": revisit_id,
                    }
                    for hours, step in enumerate(("Requested", "Scheduled"))
                ],
            }
        )
    reason_id, label = INCOMPLETE_REASONS[f.id % len(INCOMPLETE_REASONS)]
    return {
        "revisits": rows,
        "job_status": {
            "status": current["job_status"],
            "reason": {"id": reason_id, "label": label} if rows else EMPTY_OBJECT,
            "history": [
                {
                    "label": "Set",
                    "author": person,
                    "created_at": {**f.date(f.state.last_step), "time_zone": zone},
                }
            ],
        },
        "incident_id": f"INC{f.id % 9_999_991:07d}" if f.id % 4 == 0 else "",
        "related_work_orders": [{"id": f.id, "title": title(f)}] if rows else [],
    }


def register(api: ApiContext) -> None:
    """Add the route."""
    add_child_route(api, "site-revisits", lambda _, f: json_response(revisits(f)))
