"""Custom fields by who fills them in; a group's `id` is a running number, a field's its definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import day_name, day_of, stamp
from emulator.work_order.facts import NOTHING, Facts

if TYPE_CHECKING:
    from emulator.company.directory import Field
    from emulator.json import Json

_GROUPS = (("assigned_provider", "Provider fields"), ("buyer", "Buyer fields"))


def _value(f: Facts, field: Field) -> str:
    dice = f.dice(f"field/{field.id}/{f.edits.fields}")
    if field.role == "assigned_provider" and not f.state.started:
        return ""
    if dice.chance(12):
        return ""
    at = f.state.service + dice.below(90) * 60
    values = {
        "text": f"{field.name[:2].upper()}-{dice.below(10**7):07d}",
        "numeric": f"{dice.cents(10, 900):.2f}",
        "date": day_name(day_of(at)),
        "date_time": stamp(at),
        "time": stamp(at)[11:16],
        "phone": f"555-{dice.below(10_000):04d}",
    }
    return dice.pick(field.options) if field.kind == "predefined" else values[field.kind]


def field_row(f: Facts, field: Field, order: int) -> dict[str, Json]:
    """One field with its value on this work order."""
    return {
        "id": field.id,
        "name": field.name,
        "tip": field.tip,
        "type": field.kind,
        "role": field.role,
        "dependency": {"id": field.depends_on, "value": "x", "operator": "equals"} if field.depends_on else NOTHING,
        "used_in_finance": field.finance,
        "options": field.options,
        "flags": field.flags,
        "value": _value(f, field),
        "category": field.category,
        "order": order,
        "actions": ["edit"],
    }


def custom_fields(f: Facts) -> Json:
    """Two groups; a work order shows some of the company's fields."""
    groups = []
    for number, (role, name) in enumerate(_GROUPS, 1):
        if (f.id + number) % 5 == 0:
            continue
        fields = [field for field in f.directory.fields if field.role == role]
        shown = f.dice(f"fields/{role}").some(fields, (1, 1, 1, 4)[f.id % 4])
        rows = [field_row(f, field, order) for order, field in enumerate(shown, 1)]
        groups.append({"id": number, "name": name, "order": number, "role": role, **f.listing(rows)})
    ticket = f.directory.fields[6]
    return {
        "metadata": {"total": len(groups), "page": 1, "pages": 1, "per_page": len(groups)},
        "internal": {"id": ticket.id, "name": ticket.name, "value": _value(f, ticket), "role": "buyer"},
        "actions": ["edit"],
        "correlation_id": f.digest("custom_fields"),
        "results": groups,
    }
