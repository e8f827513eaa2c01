"""`/workorders/{id}/providers`: who requested a work order, each with the request, and whom it was routed to.

With the switch `marketplace` also others, who did neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import DAY, HOUR
from emulator.company.words import NOTES
from emulator.query import ParameterError
from emulator.work_order.facts import EMPTY_OBJECT, Facts
from emulator.work_order.sections.pay import pay
from emulator.work_order.sections.status import request_count

from .paging import json_array, metadata_page
from .work_orders import add_child_route

if TYPE_CHECKING:
    from emulator.company.people import Person
    from emulator.context import ApiContext
    from emulator.http import Request, Response
    from emulator.json import Json
    from emulator.switches import Switches

# The list that the older page names; it has requests and routes.
PENDING = "find_providers_pending_assignment"


def _requesters(f: Facts) -> list[Person]:
    people = f.directory.providers
    first = f.rng("askers").below(len(people))
    return [people[(first + 7 * number) % len(people)] for number in range(request_count(f))]


def _request(f: Facts, number: int, person: Person, form: str) -> dict[str, Json]:
    """One request; every third is a counter offer. `form` is the switch `counter_offer`."""
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
    row = {
        **row,
        "work_order": {"id": f.id},
        "user": person.brief(),
        "pay": pay(f),
        "expired": rng.chance(20),
        "type": int(is_counter_offer),
        "arrival": f.date(start),
    }
    hours = str(row["hour_estimate"])
    if form == "schedule":
        expenses = {"results": [expense], "total": 1, "pending": 1} if is_counter_offer else EMPTY_OBJECT
        return {**row, "schedule": {"schedule": window, "hour_estimate": hours}, "expenses": expenses}
    schedule = {"service_window": window} if form == "service_window" else {"eta": {**window, "hour_estimate": hours}}
    technician = {**person.brief(), "thumbnail": person.picture}
    return {**row, "schedule": schedule, "technician": technician, "expenses": [expense] if is_counter_offer else []}


def _other_row(person: Person, *, routed: bool) -> dict[str, Json]:
    flags = {"worked_with": False, "has_request": False}
    return {**person.brief(), **flags, **({"route": {"id": person.id, "assigned": False}} if routed else {})}


def provider_rows(f: Facts, switches: Switches) -> list[dict[str, Json]]:
    """Providers with their request, and others."""
    form = switches.counter_offer
    rows = [
        {**person.brief(), "request": _request(f, number, person, form)} for number, person in enumerate(_requesters(f))
    ]
    people = f.directory.providers
    if f.steps[2]:
        rows.append(_other_row(people[f.id % len(people)], routed=True))
    for number in range(switches.marketplace):
        other = {**_other_row(people[number % len(people)], routed=False), "id": 1_000_000 + number}
        rows.insert(number // 2, other)
    return rows


def register(api: ApiContext) -> None:
    """Add the route."""

    def providers(request: Request, f: Facts) -> Response:
        named = request.params.get("list", "")
        if api.switches.require_provider_list and named != PENDING:
            raise ParameterError("list", f"is required, for example {PENDING}")
        rows = provider_rows(f, api.switches)
        if not api.switches.provider_envelope:
            return json_array(rows)
        return metadata_page(request, rows, metadata={"view": "model", "list": named}, actions=[], params=[], lists=[])

    add_child_route(api, "providers", providers)
