"""Swaps: a provider passes the work order to another one. Rare; each of the four people is a complete user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.cities import CITIES
from emulator.company.dates import DAY, day_name, day_of
from emulator.company.state import ASSIGNED
from emulator.company.words import TYPES_OF_WORK

if TYPE_CHECKING:
    from emulator.company.people import Person
    from emulator.json import Json
    from emulator.work_order.facts import Facts


def _user(f: Facts, person: Person) -> dict[str, Json]:
    city, state, code, *_, country = CITIES[person.city]
    return {
        "actions": ["view"],
        **person.brief(),
        "address": person.street,
        "city": city,
        "state": state,
        "zip": code,
        "country": country,
        "thumbnail": person.picture,
        "w2": person.employee,
        "available": True,
        "worker_compensation": False,
        "website": "https://tech.example",
        "protec": True,
        "marketplace": True,
        "routable": True,
        "assigned": False,
        "assignable": True,
        "unassignable": False,
        "upcoming_schedule": [{"date": day_name(day_of(f.state.service)), "from": "08:00", "to": "12:00"}],
        "worked_with": True,
        "jobs": {
            "marketplace": person.id % 900,
            "company": person.id % 90,
            "type_of_work": {"name": TYPES_OF_WORK[f.work_type][1], "count": person.id % 40},
        },
        "managed": False,
        "email": person.email,
        "phone": person.phone,
        "phone_ext": person.ext,
        "about": "Twenty years of low voltage.",
        "tagline": "On time, every time",
        "correlation_id": f.digest(f"user/{person.id}"),
        "group": {"id": 4, "name": "Gold"},
        "is_end_client": False,
        "home": "/home",
        "email_verification": True,
        "is_screening_administrator": False,
        "tax": {"w8ben": 0, "valid": True},
        "permissions": ["work_orders"],
        "user_ghost_company": 0,
        "company": {"id": f.directory.company_id},
    }


def swaps(f: Facts) -> Json:
    """One swap in every 37th assigned work order."""
    rows = []
    if f.steps[ASSIGNED] and f.id % 37 == 0:
        people = f.directory.providers
        other = people[(f.id // 37) % len(people)]
        status = ("pending", "accepted", "denied")[f.id // 37 % 3]
        at = f.steps[ASSIGNED] + DAY // 4
        rows.append(
            {
                "actions": ["accept", "deny"] if status == "pending" else [],
                "id": f.base + 90,
                "description": "My van broke down",
                "status": status,
                "ignored_missing_qualifications": False,
                "from": _user(f, f.tech),
                "to": _user(f, other),
                "requestor": _user(f, f.tech),
                "actor": _user(f, f.manager),
                "created": f.date(at),
                "accepted": f.date(at + 3_600 if status == "accepted" else 0),
                "denied": f.date(at + 3_600 if status == "denied" else 0),
            }
        )
    return f.listing(rows, actions=["create"] if f.provider else [], correlation_id=f.digest("swaps"))
