"""Time logs: check-ins and check-outs of the provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import DAY, HOUR
from emulator.company.state import Status
from emulator.work_order.facts import EMPTY_OBJECT, Facts

if TYPE_CHECKING:
    from emulator.json import Json


#: Number of the first time log that was added later.
FIRST_ADDED = 10


def log_numbers(f: Facts) -> list[int]:
    """Numbers of the time logs: the initial and the added ones, without removed ones."""
    first = f.rng("logs").pick((1, 1, 1, 1, 1, 1, 1, 2, 3)) if f.state.started else 0
    numbers = [*range(first), *range(FIRST_ADDED, FIRST_ADDED + len(f.edits.logs_on))]
    return [number for number in numbers if number not in f.edits.logs_off]


def time_log(f: Facts, number: int) -> dict[str, Json]:
    """One time log; an initial one may be open while the work is not done."""
    rng = f.rng(f"log/{number}")
    changed = f.edits.logs_changed.get(number, 0)
    begin = (
        f.edits.logs_on[number - FIRST_ADDED] if number >= FIRST_ADDED else f.state.service + number * DAY
    ) + rng.between(-20, 40) * 60
    is_open = number < FIRST_ADDED and not f.done and rng.chance(50)
    end = 0 if is_open else begin + rng.between(20, 420) * 60 + changed * 900
    tech = f.tech
    zone = f.location.time_zone()
    return {
        "id": f.base + number,
        "devices": rng.below(6),
        "in": {
            "created": f.date(begin),
            "coords": {"latitude": f.location.latitude, "longitude": f.location.longitude},
            "verified": rng.chance(80),
            "distance": rng.below(400) / 100,
            "actions": ["edit"] if f.state.status == Status.ASSIGNED or rng.chance(10) else [],
            "requires_verification": f.id % 2 == 0,
        },
        "out": EMPTY_OBJECT
        if is_open
        else {
            "created": f.date(end),
            "coords": {"latitude": f.location.latitude, "longitude": f.location.longitude},
            "verified": rng.chance(60),
            "distance": rng.below(900) / 100,
            "actions": ["edit"] if f.state.status == Status.ASSIGNED or rng.chance(10) else [],
            "requires_verification": f.id % 2 == 0,
            "distance_from_in": rng.below(50) / 100,
        },
        "time_zone": {
            "name": zone["name"],
            "short": zone["short"],
            "id": zone["id"],
            "offset": zone["offset"],
        },
        "verified": rng.chance(70),
        "edited": changed > 0,
        "should_verify": f.id % 2 == 0,
        "was_late": rng.chance(10),
        "status": "" if is_open else "complete",
        "hours": 0 if is_open else round((end - begin) / HOUR, 2),
        "logged_by": {**tech.brief(), "created": f.date(begin), "out": f.date(end)},
        "actions": ["edit", "delete"],
        "first_check_in": number == 0,
        "timeliness": {"on_time": rng.chance(85), "was_early": rng.chance(30)},
    }


def time_logs(f: Facts) -> Json:
    """All time logs, with the total hours."""
    rows = [time_log(f, number) for number in log_numbers(f)]
    listing = f.listing(rows, correlation_id=f.digest("time_logs"), actions=["add"])
    listing["metadata"].update(columns="id,in,out,hours", view="list", sort="in", order="asc")
    listing["hours"] = round(sum(row["hours"] for row in rows), 2)
    return listing
