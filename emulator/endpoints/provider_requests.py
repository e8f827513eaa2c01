"""`/workorders/{id}/providers`: the providers who requested a work order, each with the request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import DAY, HOUR
from emulator.company.words import NOTES
from emulator.work_order.facts import EMPTY_OBJECT, Facts
from emulator.work_order.sections.pay import pay
from emulator.work_order.sections.status import request_count

from .paging import json_array
from .work_orders import add_child_route

if TYPE_CHECKING:
    from emulator.company.people import Person
    from emulator.context import ApiContext
    from emulator.json import Json


def _requesters(f: Facts) -> list[Person]:
    people = f.directory.providers
    first = f.rng("askers").below(len(people))
    return [people[(first + 7 * number) % len(people)] for number in range(request_count(f))]


def _request(f: Facts, number: int, person: Person) -> dict[str, Json]:
    """One request; every third is a counter offer."""
    rng = f.rng(f"request/{number}")
    is_counter_offer = number % 3 == 1
    created = f.steps[1] + (number + 1) * 1_100
    row: dict[str, Json] = {
        "id": f.base + number,
        "counter": is_counter_offer,
        "counter_notes": rng.pick(NOTES) if is_counter_offer else "",
        "notes": rng.pick(NOTES) if rng.chance(40) else "",
        "hour_estimate": rng.between(1, 16) / 2,
        "created": f.date(created),
        "expires": f.date(created + 2 * DAY if rng.chance(70) else 0),
        "active": not f.steps[3],
    }
    rng = f.rng(f"ask/{number}")
    start = f.state.service + rng.below(3) * DAY
    window = {"mode": "between", "start": f.date(start), "end": f.date(start + 4 * HOUR)}
    expense = {"id": f.base + 60 + number, "amount": rng.cents(5, 60), "reason": "Parking", "quantity": 1}
    return {
        **row,
        "schedule": {"schedule": window, "hour_estimate": str(row["hour_estimate"])},
        "work_order": {"id": f.id},
        "user": person.brief(),
        "pay": pay(f),
        "expired": rng.chance(20),
        "type": int(is_counter_offer),
        "arrival": f.date(start),
        "expenses": {"results": [expense], "total": 1, "pending": 1} if is_counter_offer else EMPTY_OBJECT,
    }


def provider_rows(f: Facts) -> list[dict[str, Json]]:
    """Providers with their request."""
    return [{**person.brief(), "request": _request(f, number, person)} for number, person in enumerate(_requesters(f))]


def register(api: ApiContext) -> None:
    """Add the route."""
    add_child_route(api, "providers", lambda _, f: json_array(provider_rows(f)))
