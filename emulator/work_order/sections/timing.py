"""Milestones, schedule, and the provider's estimated time of arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import DAY, HOUR
from emulator.company.state import ASSIGNED, MILESTONES, WORK_DONE
from emulator.company.words import NOTES
from emulator.work_order.facts import EMPTY_OBJECT, Facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.json import Json


def milestones(f: Facts) -> Json:
    """Eight dates, and four durations in seconds.

    `time_to_work_done` is set while `workdone` is still empty, as in production payloads.
    """
    steps = f.steps
    dates: dict[str, Json] = {name: f.date(index) for name, index in zip(MILESTONES, steps, strict=False)}
    dates["published"] = f.precise(steps[1]) if f.id % 7 == 0 else dates["published"]
    dates["time_to_dispatch"] = max(0, steps[ASSIGNED] - steps[0]) if steps[ASSIGNED] else 0
    dates["time_to_work_done"] = max(0, (steps[WORK_DONE] or f.state.service) - steps[0])
    dates["time_alive"] = f.state.last_step - steps[0] + f.state.version
    dates["time_to_approve"] = max(0, steps[5] - steps[WORK_DONE]) if steps[5] and steps[WORK_DONE] else 0
    return dates


def _window(f: Facts) -> dict[str, Json]:
    start = f.state.service
    mode = ("exact", "hours", "between")[f.id % 3]
    # An exact appointment has no end.
    return {"mode": mode, "start": f.date(start), "end": f.date(0 if mode == "exact" else f.service_end)}


def _updated(f: Facts, at: int) -> dict[str, Json]:
    """Date and author of a change; the author's id is a numeric string."""
    return {**f.date(at), "by": {"id": str(f.manager.id), "name": f.manager.name}}


def schedule(f: Facts) -> Json:
    """The service window."""
    rng = f.rng("schedule")
    return {
        "work_order_id": f.id,
        "service_window": _window(f),
        "schedule_note": rng.pick(NOTES) if rng.chance(25) else "",
        "schedule_option": rng.below(3),
        "time_zone": f.location.time_zone(),
        "status_id": f.state.status,
        "company_id": f.directory.company_id,
        "today_tomorrow": rng.pick(("", "", "today", "tomorrow")),
        "correlation_id": f.digest("schedule"),
        "est_labor_hours": rng.between(1, 16) / 2,
        "updated": _updated(f, f.steps[0] + HOUR + f.edits.schedule * DAY)
        if f.id % 2 or f.edits.schedule
        else EMPTY_OBJECT,
        "requests": {
            "metadata": {"total": 0, "page": 1, "pages": 1, "per_page": 0},
            "results": [],
            "actions": [],
        },
        "actions": ["edit"],
    }


def eta(f: Facts, task: int = 0) -> Json:
    """The estimated time of arrival; empty while no provider is assigned."""
    rng = f.rng("eta")
    is_set = bool(f.steps[ASSIGNED])
    at = f.steps[ASSIGNED] + HOUR if is_set else 0
    start = f.state.service if is_set else 0
    status = ("confirmed", "onmyway", "checkedin")[rng.below(3)] if is_set else "unconfirmed"
    return {
        "user": {"id": f.tech.id if is_set else 0},
        "task": {"id": task or (f.base + 1 if is_set else 0)},
        "start": f.date(start),
        "end": f.date(start + 2 * HOUR if is_set else 0),
        "hour_estimate": rng.between(1, 16) / 2 if is_set else 0,
        "notes": rng.pick(NOTES) if is_set and rng.chance(20) else "",
        "status": {"name": status, "updated": f.date(at)},
        "mode": ("exact", "hours", "between")[f.id % 3],
        "updated": _updated(f, at) if is_set else EMPTY_OBJECT,
        "condition": {
            "status": "on_time",
            "estimated_delay": rng.below(30),
            "drive_time": rng.between(5, 90),
            "distance": rng.between(10, 900) / 10,
            "coords": {"latitude": f.location.latitude, "longitude": f.location.longitude},
            "created": f.precise(at),
            "route": EMPTY_OBJECT,
        }
        if is_set and rng.chance(15)
        else EMPTY_OBJECT,
        "window_duration": 7_200 if is_set else 0,
        "actions": ["edit"] if is_set else [],
    }


TIMING: dict[str, Callable[[Facts], Json]] = {"milestones": milestones, "schedule": schedule, "eta": eta}
