"""Visits: when the provider checked in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import DAY, HOUR
from emulator.company.state import Status
from emulator.work_order.facts import NOTHING, Facts

if TYPE_CHECKING:
    from emulator.json import Json


#: Visits added by hand are numbered from here on.
ADDED = 10


def log_numbers(f: Facts) -> list[int]:
    """Numbers of the visits there are: drawn at first or added since, and not removed."""
    first = f.dice("logs").pick((1, 1, 1, 1, 1, 1, 1, 2, 3)) if f.state.started else 0
    numbers = [*range(first), *range(ADDED, ADDED + len(f.edits.logs_on))]
    return [number for number in numbers if number not in f.edits.logs_off]


def time_log(f: Facts, number: int) -> dict[str, Json]:
    """One visit; still open where the work is not done and it is the last one drawn at first."""
    dice = f.dice(f"log/{number}")
    changed = f.edits.logs_changed.get(number, 0)
    begin = (f.edits.logs_on[number - ADDED] if number >= ADDED else f.state.service + number * DAY) + dice.between(
        -20, 40
    ) * 60
    open_still = number < ADDED and not f.done and dice.chance(50)
    end = 0 if open_still else begin + dice.between(20, 420) * 60 + changed * 900
    tech = f.tech
    zone = f.place.time_zone()
    return {
        "id": f.base + number,
        "devices": dice.below(6),
        "in": {
            "created": f.date(begin),
            "coords": {"latitude": f.place.latitude, "longitude": f.place.longitude},
            "verified": dice.chance(80),
            "distance": dice.below(400) / 100,
            "actions": ["edit"] if f.state.status == Status.ASSIGNED or dice.chance(10) else [],
            "requires_verification": f.id % 2 == 0,
        },
        "out": NOTHING
        if open_still
        else {
            "created": f.date(end),
            "coords": {"latitude": f.place.latitude, "longitude": f.place.longitude},
            "verified": dice.chance(60),
            "distance": dice.below(900) / 100,
            "actions": ["edit"] if f.state.status == Status.ASSIGNED or dice.chance(10) else [],
            "requires_verification": f.id % 2 == 0,
            "distance_from_in": dice.below(50) / 100,
        },
        "time_zone": {
            "name": zone["name"],
            "short": zone["short"],
            "id": zone["id"],
            "offset": zone["offset"],
        },
        "verified": dice.chance(70),
        "edited": changed > 0,
        "should_verify": f.id % 2 == 0,
        "was_late": dice.chance(10),
        "status": "" if open_still else "complete",
        "hours": 0 if open_still else round((end - begin) / HOUR, 2),
        "logged_by": {**tech.brief(), "created": f.date(begin), "out": f.date(end)},
        "actions": ["edit", "delete"],
        "first_check_in": number == 0,
        "timeliness": {"on_time": dice.chance(85), "was_early": dice.chance(30)},
    }


def time_logs(f: Facts) -> Json:
    """All visits, with the hours in total."""
    rows = [time_log(f, number) for number in log_numbers(f)]
    listing = f.listing(rows, correlation_id=f.digest("time_logs"), actions=["add"])
    listing["metadata"].update(columns="id,in,out,hours", view="list", sort="in", order="asc")
    listing["hours"] = round(sum(row["hours"] for row in rows), 2)
    return listing
