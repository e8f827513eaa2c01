"""Saved locations: `zip` is a number in this list, and a string everywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.locations import GROUPS, KINDS

from .paging import resource_page

if TYPE_CHECKING:
    from emulator.company.company import Company
    from emulator.context import ApiContext
    from emulator.http import Request, Response
    from emulator.json import Json


def location_row(company: Company, index: int) -> dict[str, Json]:
    """One location."""
    location = company.directory.locations[index]
    client = company.directory.clients[location.client]
    address = location.address()
    if address["zip"].isdecimal():
        address["zip"] = int(address["zip"])
    return {
        **address,
        "id": location.id,
        "location_id": location.id,
        "client_id": client.id,
        "client_name": client.name,
        "name": location.name,
        "group_id": GROUPS[location.group][0],
        "group_name": GROUPS[location.group][1],
        "type": KINDS[location.kind][1],
        "type_id": KINDS[location.kind][0],
        "notes": [{"id": note_id, "text": text, "private": private} for note_id, text, private in location.notes],
        "workorders": index % 40,
        "providers": index % 9,
        "status": int(location.active),
    }


def register(api: ApiContext) -> None:
    """Add the route."""
    company = api.company

    @api.router.get("/locations")
    def _locations(request: Request, _: str) -> Response:
        rows = [location_row(company, index) for index in range(len(company.directory.locations))]
        return resource_page(request, rows, tabs=False)
