"""`/users/{id}`: one manager or provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.cities import CITIES
from emulator.company.rng import digest
from emulator.http import json_response

from .clients import nested_list
from .paging import not_found

if TYPE_CHECKING:
    from emulator.company.people import Person
    from emulator.context import ApiContext
    from emulator.http import Request, Response
    from emulator.json import Json


def user_row(person: Person) -> dict[str, Json]:
    """A user with all keys."""
    fields = [
        {
            "id": 88 + index,
            "name": name,
            "type": "predefined",
            "flags": ["shown_in_header"],
            "actions": ["edit"],
            "value": [str(person.id % 7 + index)],
        }
        for index, name in enumerate(("Badge", "Shirt size"))
    ]
    return {
        **person.brief(),
        "email": person.email,
        "w2": person.employee,
        "thumbnail": person.picture,
        "zip": CITIES[person.city][2],
        "custom_fields": nested_list(fields, correlation_id=digest(f"user/{person.id}/fields")),
    }


def register(api: ApiContext) -> None:
    """Add the route."""
    people = api.company.directory.people

    @api.router.get("/users/{user_id}")
    def _user(_: Request, __: str, user_id: str) -> Response:
        person = people.get(int(user_id)) if user_id.isdecimal() else None
        return not_found("User") if person is None else json_response(user_row(person))
