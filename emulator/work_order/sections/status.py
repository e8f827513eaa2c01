"""Status, progress, site revisits, and the number of provider requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.directory import INCOMPLETE_REASONS
from emulator.company.state import STATUS_NAMES, Status
from emulator.work_order.facts import EMPTY_OBJECT, Facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.json import Json

#: status id -> (sub-statuses: display, code)
_SUB_STATUSES: dict[int, tuple[tuple[str, str], ...]] = {
    1: (("Draft", "draft"),),
    2: (("Published", "published"), ("Counter offer", "counter_offer")),
    9: (("Routed", "routed"),),
    3: (
        ("Confirmed", "confirmed"),
        ("On hold", "on_hold"),
        ("At risk", "at_risk"),
        ("Unconfirmed", "unconfirmed"),
    ),
    4: (("Pending review", "pending_review"),),
    5: (("Payment processing", "approved"),),
    6: (("Paid", "paid"),),
    7: (("Cancelled", "cancelled"), ("Cancellation fee pending", "cancelled_fee")),
}


def status(f: Facts) -> Json:
    """The status; `id` 9 is the routed variant of 2."""
    rng = f.rng("status")
    display, code = rng.pick(_SUB_STATUSES[f.state.status])
    if f.state.status == Status.ASSIGNED and f.state.started:
        display, code = ("Checked out", "checked_out") if rng.chance(50) else ("Checked in", "checked_in")
    return {
        "id": f.state.status,
        "name": STATUS_NAMES[f.state.status],
        "display": display,
        "is_routed": bool(f.steps[2]) and f.state.status in (Status.PUBLISHED, Status.ROUTED),
        "code": code,
        "delay": rng.below(5_400) if rng.chance(10) else 0,
        "ncns": rng.chance(1),
        "sub_status": "" if display == STATUS_NAMES[f.state.status] else display,
        "confirmed": f.state.status == Status.ASSIGNED and code != "unconfirmed",
        "correlation_id": f.digest("status"),
    }


def _progress(f: Facts) -> Json:
    share = {1: 0, 2: 1, 9: 1, 3: 3, 4: 6, 5: 7, 6: 8, 7: 8}[f.state.status]
    return {"sum": {"all": 8, "complete": share, "incomplete": 8 - share}, "label": f"{share} of 8"}


def site_revisit(f: Facts) -> Json:
    """The current state; a route of its own has the history."""
    rng = f.rng("revisit")
    is_revisit = f.done and rng.chance(12)
    reason = rng.pick(INCOMPLETE_REASONS)
    return {
        "job_status": ("incomplete" if is_revisit else "complete") if f.done else "pending",
        "revisit_count": rng.between(1, 3) if is_revisit else 0,
        "is_revisit": is_revisit,
        "incomplete_reason": {"reason_id": reason[0], "reason_name": reason[1]} if is_revisit else EMPTY_OBJECT,
    }


def publish_stats(f: Facts) -> Json:
    """Statistics of provider requests."""
    count = request_count(f)
    if f.payload.publish_stats == "requests":
        return {"requests": count}
    stats = _publish_stats(f, count)
    return {**stats, "requests": 0, "counter_offers": 0} if f.payload.publish_stats == "total-only" else stats


def _publish_stats(f: Facts, count: int) -> dict[str, Json]:
    return {
        "requests": count,
        "counter_offers": count // 3,
        "routes": 1 if f.steps[2] else 0,
        "declines": count // 4,
        "all_requests": count,
        "has_preferred_requests": bool(count // 3),
        "has_preferred_counters": False,
        "provider_metadata": EMPTY_OBJECT,
        "correlation_id": f.digest("publish_stats"),
    }


def request_count(f: Facts) -> int:
    """The number of provider requests; none before publication."""
    return (f.rng("requests").below(5) if f.steps[1] else 0) + f.edits.requests


STATUS: dict[str, Callable[[Facts], Json]] = {
    "status": status,
    "progress": _progress,
    "site_revisit": site_revisit,
    "publish_stats": publish_stats,
}
