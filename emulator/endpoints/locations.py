"""Saved locations: `zip` is a number in this list, and a string everywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dice import digest
from emulator.company.directory import COMPANY_ID, COMPANY_NAME
from emulator.company.places import GROUPS, KINDS
from emulator.messages import json_reply
from emulator.work_order.facts import Facts
from emulator.work_order.sections import SECTIONS

from .clients import small_list
from .paging import no_such, resource_page

if TYPE_CHECKING:
    from emulator.app import App
    from emulator.company.company import Company
    from emulator.company.places import Place
    from emulator.json import Json
    from emulator.messages import Reply, Request

_SHOWN = (
    "id", "work_order_id", "title", "problems", "bundle", "schedule", "eta", "project", "status", "assignee", "w2",
    "require_gps", "role", "actions", "correlation_id", "workflow_cancel", "stalled",
)  # fmt: skip


def _address(place: Place) -> dict[str, Json]:
    address = place.address()
    if address["zip"].isdecimal():
        address["zip"] = int(address["zip"])
    return address


def _notes(place: Place) -> list[Json]:
    return [{"id": ident, "text": text, "private": private} for ident, text, private in place.notes]


def location_row(company: Company, at: int) -> dict[str, Json]:
    """One row of the list."""
    book = company.directory
    place = book.places[at]
    client = book.clients[place.client]
    return {
        **_address(place),
        "id": place.id,
        "location_id": place.id,
        "client_id": client.id,
        "client_name": client.name,
        "name": place.name,
        "group_id": GROUPS[place.group][0],
        "group_name": GROUPS[place.group][1],
        "type": KINDS[place.kind][1],
        "type_id": KINDS[place.kind][0],
        "notes": _notes(place),
        "workorders": at % 40,
        "providers": at % 9,
        "status": int(place.active),
    }


def _detail(company: Company, at: int) -> dict[str, Json]:
    book = company.directory
    place = book.places[at]
    client = book.clients[place.client]
    zone = place.time_zone()
    recent = []
    for number in list(company.visible())[-400:]:
        facts = Facts(book, company.state(number))
        if facts.saved and facts.place.id == place.id:
            recent.append({name: SECTIONS[name](facts) for name in _SHOWN})
    return {
        **_address(place),
        "id": place.id,
        "name": place.name,
        "company": {"id": COMPANY_ID, "name": COMPANY_NAME},
        "display_name": f"{place.name} · {place.line1}",
        "type": {"id": KINDS[place.kind][0], "name": KINDS[place.kind][1]},
        "contact": {
            "name": place.contact,
            "phone": place.phone,
            "phone_ext": place.ext,
            "email": "site@client.example",
        },
        "group": {"id": GROUPS[place.group][0], "name": GROUPS[place.group][1]},
        "active": place.active,
        "location_notes": "Use the back door" if at % 3 == 0 else "",
        "client": {"id": client.id, "name": client.name},
        "geo": {"latitude": place.latitude, "longitude": place.longitude},
        "time_zone": {"name": zone["name"], "id": zone["id"], "offset": zone["offset"]},
        "notes": _notes(place),
        "actions": ["edit"],
        "workorders": small_list(recent[:3], correlation_id=digest(f"location/{place.id}")),
    }


def register(app: App) -> None:
    """Add locations."""
    company = app.company
    places = company.directory.places

    @app.router.get("/locations")
    def _locations(request: Request, _: str) -> Reply:
        text = request.params.get("location_search", "").lower()
        rows = [location_row(company, at) for at, place in enumerate(places) if text in place.name.lower()]
        return resource_page(request, rows, tabs=False)

    @app.router.get("/locations/countries")
    def _countries(request: Request, _: str) -> Reply:
        rows = [{"code": "US", "name": "United States"}, {"code": "CA", "name": "Canada"}]
        return resource_page(request, rows, tabs=False)

    @app.router.get("/locations/{location_id}")
    def _location(_: Request, __: str, location_id: str) -> Reply:
        at = next((at for at, place in enumerate(places) if str(place.id) == location_id), None)
        with company.lock:
            return no_such("Location") if at is None else json_reply(_detail(company, at))

    @app.router.get("/locations/{location_id}/providers")
    def _near(_: Request, __: str, location_id: str) -> Reply:
        place = next((place for place in places if str(place.id) == location_id), None)
        if place is None:
            return no_such("Location")
        people = [person.brief() for person in company.directory.providers if person.city == place.city]
        return json_reply({"results": people})
