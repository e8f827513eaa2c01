"""`/users/{id}`: managers and providers one by one, and which groups a provider has in a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.cities import CITIES
from emulator.company.dice import digest, uuid
from emulator.messages import json_reply

from .clients import small_list
from .paging import no_such

if TYPE_CHECKING:
    from emulator.app import App
    from emulator.company.people import Person
    from emulator.json import Json
    from emulator.messages import Reply, Request


def user_row(person: Person) -> dict[str, Json]:
    """A user with all keys."""
    fields = [
        {
            "id": 88 + at,
            "name": name,
            "type": "predefined",
            "flags": ["shown_in_header"],
            "actions": ["edit"],
            "value": [str(person.id % 7 + at)],
        }
        for at, name in enumerate(("Badge", "Shirt size"))
    ]
    return {
        **person.brief(),
        "email": person.email,
        "w2": person.employee,
        "thumbnail": person.picture,
        "zip": CITIES[person.city][2],
        "custom_fields": small_list(fields, correlation_id=digest(f"user/{person.id}/fields")),
    }


def register(app: App) -> None:
    """Add users."""
    book = app.company.directory

    @app.router.get("/users/{user_id}")
    def _user(_: Request, __: str, user_id: str) -> Reply:
        person = book.people.get(int(user_id)) if user_id.isdecimal() else None
        return no_such("User") if person is None else json_reply(user_row(person))

    @app.router.get("/projects/{project_id}/providers/{provider_id}")
    def _groups(_: Request, __: str, project_id: str, provider_id: str) -> Reply:
        number = int(provider_id) if provider_id.isdecimal() else 0
        project = next((project for project in book.projects if str(project.id) == project_id), None)
        if project is None or number not in book.people:
            return no_such("Provider")
        group = {
            "talent_pool_group_id": uuid(f"{book.seed}/group/0"),
            "talent_pool_group_name": project.name,
            "tier_id": 1,
            "tier_name": "Tier 1",
        }
        return json_reply({"project_id": project.id, "provider_id": number, "talent_pool_groups": [group]})
