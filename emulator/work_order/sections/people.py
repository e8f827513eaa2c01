"""The people of a work order: manager, provider, contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from emulator.company.cities import CITIES
from emulator.company.people import PLACEHOLDER_PICTURE
from emulator.company.state import Status
from emulator.company.words import FIRST_NAMES, LAST_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.json import Json
    from emulator.work_order.facts import Facts

#: What the API sends if no provider is assigned: a user with id 0 and a placeholder picture.
_NO_USER = msgspec.Raw(
    msgspec.json.encode(
        {
            "id": 0,
            "first_name": "",
            "last_name": "",
            "country": "",
            "cell": "",
            "phone": "",
            "phone_ext": "",
            "thumbnail": PLACEHOLDER_PICTURE,
        }
    )
)


def manager(f: Facts) -> Json:
    """The buyer's manager of the work order."""
    person = f.manager
    return {
        "thumbnail": person.picture,
        "id": person.id,
        "username": f"{person.first.lower()}.{person.id}",
        "first_name": person.first,
        "last_name": person.last,
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
    }


def assignee(f: Facts) -> Json:
    """The assigned provider, or a placeholder."""
    person = f.provider
    user: Json = _NO_USER
    if person:
        city, state, code, latitude, longitude, *_, country = CITIES[person.city]
        user = {
            **person.brief(),
            "email": person.email,
            "address1": person.street,
            "address2": "Apt 4" if person.id % 3 == 0 else "",
            "city": city,
            "state": state,
            "zip": code,
            "country": country,
            "coords": {"latitude": latitude, "longitude": longitude},
            "cell": person.cell,
            "phone": person.phone,
            "phone_ext": person.ext,
            "thumbnail": person.picture,
            "contract_company_id": 0,
        }
    return {
        "user": user,
        "status_id": f.state.status,
        "work_order_id": f.id,
        "in_confirmation_window": f.state.status == Status.ASSIGNED and f.id % 3 == 0,
        "actions": ["unassign"] if person else [],
    }


def contacts(f: Facts) -> Json:
    """Contacts; the built-in ones (manager, location) have the same negative ids in every work order."""
    rng = f.rng("contacts")
    rows: list[dict[str, Json]] = [
        {
            "id": -1,
            "name": f.manager.name,
            "role": "Work Order Manager",
            "phone": f.manager.phone,
            "ext": f.manager.ext,
            "email": f.manager.email,
            "notes": "",
            "actions": [],
        }
    ]
    if f.saved:
        rows.append(
            {
                "id": -2,
                "name": f.location.contact,
                "role": "Location Contact",
                "phone": f.location.phone,
                "ext": f.location.ext,
                "email": "",
                "notes": "",
                "actions": [],
            }
        )
    rows += [_contact(f, index) for index in range((0, 0, 1, 1, 2)[rng.below(5)])]
    return f.listing(rows, correlation_id=f.digest("contacts"), actions=["add"])


def _contact(f: Facts, index: int) -> dict[str, Json]:
    rng = f.rng(f"contact/{index}")
    return {
        "id": f.base + index,
        "name": f"{rng.pick(FIRST_NAMES)} {rng.pick(LAST_NAMES)}",
        "role": rng.pick(("Project Manager", "Help Desk", "Resource Coordinator")),
        "phone": f"({rng.between(201, 989)}) 555-{rng.below(10_000):04d}",
        "ext": str(rng.below(500)) if rng.chance(40) else "",
        "email": f"desk{rng.below(90)}@client.example",
        "notes": "Call first" if rng.chance(30) else "",
        "userId": f.manager.id if index else None,
        "actions": ["edit", "delete"],
    }


PEOPLE: dict[str, Callable[[Facts], Json]] = {"manager": manager, "assignee": assignee, "contacts": contacts}
