"""Custom fields, grouped by role; the `id` of a group is its number, that of a field is its definition's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import day_name, day_of, utc_text
from emulator.work_order.facts import EMPTY_OBJECT, Facts

if TYPE_CHECKING:
    from emulator.company.directory import Field
    from emulator.json import Json

_GROUPS = (("assigned_provider", "Provider fields"), ("buyer", "Buyer fields"))


def _value(f: Facts, field: Field) -> str:
    rng = f.rng(f"field/{field.id}/{f.edits.fields}")
    if field.role == "assigned_provider" and not f.state.started:
        return ""
    if rng.chance(12):
        return ""
    at = f.state.service + rng.below(90) * 60
    values = {
        "text": f"{field.name[:2].upper()}-{rng.below(10**7):07d}",
        "numeric": f"{rng.cents(10, 900):.2f}",
        "date": day_name(day_of(at)),
        "date_time": utc_text(at),
        "time": utc_text(at)[11:16],
        "phone": f"555-{rng.below(10_000):04d}",
    }
    return rng.pick(field.options) if field.kind == "predefined" else values[field.kind]


def field_row(f: Facts, field: Field, order: int) -> dict[str, Json]:
    """One field with its value in this work order."""
    return {
        "id": field.id,
        "name": field.name,
        "tip": field.tip,
        "type": field.kind,
        "role": field.role,
        "dependency": {"id": field.depends_on, "value": "x", "operator": "equals"}
        if field.depends_on
        else EMPTY_OBJECT,
        "used_in_finance": field.finance,
        "options": field.options,
        "flags": field.flags,
        "value": _value(f, field),
        "category": field.category,
        "order": order,
        "actions": ["edit"],
    }


def custom_fields(f: Facts) -> Json:
    """Up to two groups, with some of the company's fields."""
    groups = []
    for number, (role, name) in enumerate(_GROUPS, 1):
        if (f.id + number) % 5 == 0:
            continue
        fields = [field for field in f.directory.fields if field.role == role]
        shown = f.rng(f"fields/{role}").sample(fields, (1, 1, 1, 4)[f.id % 4])
        rows = [field_row(f, field, order) for order, field in enumerate(shown, 1)]
        groups.append({"id": number, "name": name, "order": number, "role": role, **f.listing(rows)})
    ticket = f.directory.fields[6]
    total = len(groups) + f.payload.hidden
    return {
        "metadata": {"total": total, "page": 1, "pages": 1, "per_page": total},
        "internal": {"id": ticket.id, "name": ticket.name, "value": _value(f, ticket), "role": "buyer"},
        "actions": ["edit"],
        "correlation_id": f.digest("custom_fields"),
        "results": groups,
    }
