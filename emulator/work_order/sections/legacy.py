"""Keys that only older models or production payloads have, and three undocumented ones.

The last three stand for keys that the API may add in the future.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.state import APPROVED, ASSIGNED, PAID, Status
from emulator.work_order.facts import EMPTY_OBJECT, Facts

from .status import request_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.json import Json


def _count_only(total: int, **more: Json) -> dict[str, Json]:
    """An embedded list that only has a count."""
    return {
        "metadata": {"total": total, "page": 1, "pages": 1, "per_page": 0},
        "results": [],
        "actions": [],
        **more,
    }


def holds(f: Facts) -> Json:
    """Reasons why the work order is on hold."""
    rows = []
    if f.state.status == Status.ASSIGNED and f.id % 9 == 0:
        rows.append(
            {
                "id": f.base + 95,
                "reason": "Waiting for a part",
                "type": {"id": 2, "name": "Parts"},
                "acknowledgment": {
                    "author": f.tech.brief(),
                    "created": f.date(f.steps[ASSIGNED] + 900),
                    "status": "acknowledged",
                },
                "actions": ["release"],
            }
        )
    return f.listing(rows, actions=[], categories=[{"id": 2, "name": "Parts"}], correlation_id=f.digest("holds"))


def ratings(f: Facts) -> Json:
    """Ratings of buyer and provider."""
    return {
        "correlation_id": f.digest("ratings"),
        "buyer": {
            "actions": [],
            "overall": {
                "approval_period": 3,
                "ratings": 812,
                "stars": 4.7,
                "jobs": 12_345,
                "percent_clear_expectations": 96,
                "percent_respectful": 98,
                "approval_days": 3,
                "approval_days_suffix": "days",
            },
            "work_order": {
                "remaining_approval_period": not f.steps[APPROVED],
                "stars": 5 if f.steps[PAID] else None,
            },
            "company": {"id": f.directory.company_id},
            "manager": {"id": f.manager.id},
        },
        "assigned_provider": {
            "actions": [],
            "blocks": {"blocked": False, "actions": []},
            "user": {"id": f.provider.id if f.provider else 0},
        },
    }


def _role(f: Facts) -> Json:
    return {
        "role": "buyer",
        "role_context": 1,
        "network_id": 0,
        "status_id": f.state.status,
        "assigned_user_id": f.provider.id if f.provider else 0,
        "manager_id": f.manager.id,
        "service_company_id": 0,
        "sub_roles": ["manager"],
        "active_managed_provider": 0,
        "work_order_company_id": f.directory.company_id,
        "managed_work_order": False,
        "company_id": f.directory.company_id,
        "client_id": f.client.id if f.client else 0,
        "project_id": f.project.id if f.project else 0,
    }


def _workflow(rows: list[str]) -> Json:
    return {
        "metadata": {"total": len(rows), "page": 1, "pages": 1, "per_page": len(rows)},
        "status": "ready",
        "results": rows,
    }


def _actions(f: Facts) -> list[str]:
    by_status = {
        1: ["publish", "route", "edit"],
        2: ["assign", "edit"],
        9: ["assign", "edit"],
        3: ["unassign", "message"],
    }
    after = {4: ["approve", "mark_incomplete"], 5: ["unapprove"], 6: ["unpaid"], 7: ["revert"]}
    return {**by_status, **after}[f.state.status]


LEGACY: dict[str, Callable[[Facts], Json]] = {
    "requests": lambda f: _count_only(request_count(f), sum={"all": request_count(f)}),
    "declines": lambda f: _count_only(request_count(f) // 4, sum={"all": request_count(f) // 4}),
    "holds": holds,
    "ratings": ratings,
    "role": _role,
    "network_settings": lambda _: {"show_provider_network_ratings": True},
    "workflow_completion": lambda f: _workflow([] if f.done else ["time_log", "closing_notes"]),
    "workflow_cancel": lambda _: _workflow([]),
    "workflow_publish_or_route": lambda f: _workflow(["schedule"] if f.state.status == Status.DRAFT else []),
    "conflicts": lambda _: [],
    "coords": lambda f: {"latitude": f.location.latitude, "longitude": f.location.longitude},
    "attributes": lambda _: [],
    "segments": lambda _: [],
    "has_onsite_custom_field": lambda f: f.id % 2 == 0,
    "has_version_change": lambda f: f.state.version > 0,
    "require_ein": lambda _: False,
    "require_ontime": lambda f: f.id % 3 == 0,
    "smart_matched": lambda f: f.id % 10 == 0,
    "stalled": lambda _: "",
    "pending_routing_provider": lambda _: EMPTY_OBJECT,
    "pay_old": lambda _: EMPTY_OBJECT,
    "pay_service": lambda _: "v2",
    "client_request": lambda f: (
        {"id": f.base + 99, "name": "Portal", "source": "email"} if f.id % 21 == 0 else EMPTY_OBJECT
    ),
    "selection_rule": lambda _: EMPTY_OBJECT,
    "service_contract": lambda f: {"id": 14, "name": "Gold SLA"} if f.id % 8 == 0 else EMPTY_OBJECT,
    "team": lambda f: {"id": 3, "name": "Équipe nord"} if f.id % 5 == 0 else EMPTY_OBJECT,
    "actions": _actions,
    "timings": lambda _: [{"name": "load", "time": 0.01}],
    "correlation_id": lambda f: f.digest("work_order"),
    "dispatch_score": lambda f: {"value": f.id % 1_000 / 10, "model": "2027-01"},
    "carbon_grams": lambda _: None,
    "smart_summary": lambda _: "Routine visit ✓",
}
