"""The short sections: ids, names, flags, texts, and references to company, client, project and template."""

from __future__ import annotations

import functools
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from emulator.company.cities import CITIES
from emulator.company.directory import COMPANY_NAME, TAGS
from emulator.company.words import NOTES, TYPES_OF_WORK
from emulator.work_order.facts import EMPTY_OBJECT, NO_ACTIONS, Facts

from .messages import message_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.json import Json

SITE = "https://app.fieldnation.example"


def title(f: Facts) -> str:
    """The activity, the device and the location."""
    location = f.location.name or CITIES[f.location.city][0]
    revision = f" (rev. {f.edits.title})" if f.edits.title else ""
    return f"{f.activity} {f.device} · {location}{revision}"


@lru_cache(maxsize=4_096)
def _rich(kind: str, first: int, second: int, extra: str) -> msgspec.Raw:
    lines = [NOTES[first], NOTES[second]]
    if extra:
        lines.append(extra)
    html = "<p>" + "</p><p>".join(line.replace("&", "&amp;") for line in lines) + "</p>"
    return msgspec.Raw(
        msgspec.json.encode({"html": f"<h3>{kind}</h3>{html}", "markdown": f"### {kind}\n\n" + "\n\n".join(lines)})
    )


_NO_TEXT = msgspec.Raw(b'{"html":"","markdown":""}')


def _text(section: str, kind: str) -> Callable[[Facts], Json]:
    def text(f: Facts) -> Json:
        rng = f.rng(section)
        if section != "description" and rng.chance(60):
            return _NO_TEXT
        extra = f"Edited {f.edits.notes} times." if section == "description" and f.edits.notes else ""
        return _rich(kind, rng.below(len(NOTES)), rng.below(len(NOTES)), extra)

    return text


def _reference(record: Json) -> Json:
    return {"id": record.id, "name": record.name} if record else {"id": 0, "name": ""}


@functools.cache
def _company(company_id: int) -> msgspec.Raw:
    return msgspec.Raw(
        msgspec.json.encode(
            {
                "id": company_id,
                "name": COMPANY_NAME,
                "photo": f"https://files.fieldnation.example/company/{company_id}.png",
                "check_in_instructions": "Call the bridge when you arrive.",
                "check_out_instructions": "Do not leave before the client has signed.",
                "provider_utilization_max_hours": 40,
                "provider_utilization_max_weekly": 5,
                "address": {
                    "address1": "400 Pier Ave",
                    "address2": "Floor 3",
                    "city": "Minneapolis",
                    "state": "MN",
                    "postalCode": "55401",
                    "country": "US",
                },
                "features": [{"id": 12, "name": "Client portal"}, {"id": 31, "name": "Smart audit"}],
            }
        )
    )


def current_tags(f: Facts) -> list[int]:
    """The current tags of the work order, as indexes into TAGS."""
    rng = f.rng("tags")
    base = rng.sample(range(len(TAGS)), (0, 0, 0, 1, 1, 2, 3)[rng.below(7)])
    return [index for index in dict.fromkeys([*base, *f.edits.tags_on]) if index not in f.edits.tags_off]


def tags(f: Facts) -> Json:
    """The tags of the work order; ids are those of the company's definitions."""
    rows = []
    for index in current_tags(f):
        ident, label, color = TAGS[index]
        rows.append(
            {
                "created": f.date(f.steps[0] + 60 + index * 3_700),
                "author": {"id": f.manager.id},
                "id": ident,
                "label": label,
                "hex_color": color,
                "types": ["custom_company"],
                "actions": ["delete"],
            }
        )
    return f.listing(rows, actions=["add"], correlation_id=f.digest("tags"))


def _types_of_work(f: Facts) -> Json:
    ident, name, _, _, _ = TYPES_OF_WORK[f.work_type]
    rows = [
        {
            "id": ident,
            "name": name,
            "level": 2,
            "isPrimary": True,
            "wasSelected": True,
            "source": "buyer",
            "legacyTypeOfWorkId": ident,
        }
    ]
    if f.id % 5 == 0:
        ident, name, _, _, _ = TYPES_OF_WORK[(f.work_type + 1) % len(TYPES_OF_WORK)]
        rows.append(
            {
                "id": ident,
                "name": name,
                "level": 3,
                "isPrimary": False,
                "wasSelected": False,
                "source": "ai",
                "legacyTypeOfWorkId": ident,
            }
        )
    return rows


def _type_of_work(f: Facts) -> Json:
    if f.id % 23 == 0:  # the newest accounts send `types_of_work` only
        return None
    return {"id": TYPES_OF_WORK[f.work_type][0], "name": TYPES_OF_WORK[f.work_type][1]}


def _service_types(f: Facts) -> Json:
    kinds = TYPES_OF_WORK[f.work_type][4]
    return [{"id": f.work_type * 10 + index, "name": kinds[index]} for index in range(1 + f.id % len(kinds))]


def _incident(f: Facts) -> Json:
    return f"INC{f.id % 9_999_991:07d}" if f.id % 4 == 0 else ""


def bundle(f: Facts) -> Json:
    """The bundle of work orders done in one trip; most work orders have none (id 0)."""
    if f.id % 17:
        return {
            "id": 0,
            "company_id": f.directory.company_id,
            "metadata": {"total": 0, "per_page": 0},
            "actions": NO_ACTIONS,
            "results": [],
        }
    rows = [{"id": f.id, "title": title(f)}]
    return {
        "id": 66_000 + f.id // 170,
        "company_id": f.directory.company_id,
        "metadata": {"total": 1, "per_page": 1},
        "actions": ["unbundle"],
        "results": rows,
    }


def _closing_notes(f: Facts) -> Json:
    return f.rng("closing").pick(NOTES) if f.done else ""


def _integration(f: Facts) -> dict[str, str]:
    return {"id": str(40 + f.id % 3), "name": "ServiceNow", "href": f"{SITE}/integrations/{40 + f.id % 3}"}


BASICS: dict[str, Callable[[Facts], Json]] = {
    "id": lambda f: f.id,
    "work_order_id": lambda f: f.id,
    "title": title,
    "href": lambda f: f"{SITE}/workorders/{f.id}",
    "company": lambda f: _company(f.directory.company_id),
    "client": lambda f: _reference(f.client),
    "project": lambda f: _reference(f.project),
    "template": lambda f: _reference(f.template) if f.template else EMPTY_OBJECT,
    "type_of_work": _type_of_work,
    "types_of_work": _types_of_work,
    "service_types": _service_types,
    "service_types_new": _service_types,
    "description": _text("description", "Scope of work"),
    "confidential": _text("confidential", "For the assigned provider"),
    "policy_and_procedures": _text("policy", "Policies"),
    "standard_instructions": _text("standard", "How we work"),
    "closing_notes": _closing_notes,
    "tags": tags,
    "messages": lambda f: {
        "actions": ["create"],
        "correlation_id": f.digest("messages"),
        "metadata": {"total": message_count(f), "page": 1, "pages": 1, "per_page": 0},
        "results": [],
    },
    "routes": lambda f: f.listing([], sum={"all": 1 if f.steps[2] else 0}, actions=["route"]),
    "bundle": bundle,
    "auto_dispatch_stats": lambda f: {"auto_assigned": f.id % 11 == 0},
    "incident_id": _incident,
    "import_id": lambda f: 3_300 + f.id // 5_000 if f.id % 6 == 0 else 0,
    "invoice": lambda f: {"id": str(f.id - 9_000_000)} if f.steps[5] else EMPTY_OBJECT,
    "integration": lambda f: _integration(f) if f.id % 4 == 0 else EMPTY_OBJECT,
    "integrations": lambda f: {"result": [_integration(f)] if f.id % 4 == 0 else []},
    "equipments": lambda f: ["Ladder", "Laptop"] if f.id % 3 == 0 else [],
    "site_device": lambda f: [f.device] if f.id % 2 == 0 else [],
    "tasks_enabled": lambda _: True,
    "allow_counter_offers": lambda f: f.id % 3 != 0,
    "is_user_declined": lambda _: False,
    "w2": lambda f: f.tech.employee,
    "printable": lambda _: True,
    "require_registered_service_companies": lambda f: f.id % 29 == 0,
    "advanced_qualifications": lambda f: f.id % 13 == 0,
    "require_gps": lambda f: f.id % 2 == 0,
}
