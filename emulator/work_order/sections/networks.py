"""Networks and qualifications: mostly the same for all work orders."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import msgspec

from emulator.company.directory import COMPANY_NAME, NETWORKS

if TYPE_CHECKING:
    from emulator.json import Json
    from emulator.work_order.facts import Facts


def _network(company_id: int, ident: int, kind: str, name: str, *, options: bool) -> dict[str, Json]:
    def option(number: int, label: str) -> dict[str, Json]:
        return {
            "id": ident * 10 + number,
            "name": label,
            "type": "boolean",
            "description": f"{label} for {name}",
            "category": "visibility",
            "visibility": "all",
            "editable": "yes",
            "value": "1",
            "default_value": "0",
            "network_option_role": "buyer",
            "actions": ["edit"],
        }

    return {
        "id": ident,
        "name": name,
        "type": kind,
        "options": [option(1, "Show rates")] if options else [],
        "company_options": [
            {
                "company_id": str(company_id),
                "company_name": COMPANY_NAME,
                "buyer_feature": True,
                "options": [option(2, "Require insurance")],
            }
        ]
        if options
        else [],
        "sourced_providers": [str(640_000)] if kind == "contractor" else [],
        "actions": ["select"],
    }


@functools.cache
def _networks(company_id: int, active: int, shown: int) -> msgspec.Raw:
    networks_shown = [NETWORKS[(active + index) % len(NETWORKS)] for index in range(shown)]
    rows = [_network(company_id, *network, options=shown > 1) for network in networks_shown]
    return msgspec.Raw(
        msgspec.json.encode(
            {
                "metadata": {"total": len(rows), "page": 1, "pages": 1, "per_page": len(rows)},
                "actions": ["edit"],
                "results": rows,
                "active": rows[0],
            }
        )
    )


def networks(f: Facts) -> Json:
    """The networks that the work order is offered in; `active` repeats the first."""
    return _networks(f.directory.company_id, f.id % len(NETWORKS), 2 if f.id % 23 == 0 else 1)


def qualifications(f: Facts) -> Json:
    """The selection rule, and how the provider matches it."""
    rng = f.rng("qualifications")
    rows = [
        {
            "id": 50 + index,
            "name": name,
            "service": "background" if index == 0 else "license",
            "description": f"{name}, not older than a year",
            "custom_field": {"id": f.directory.fields[index].id},
            "operation": "equals",
            "order": index + 1,
            "extra": "US only",
            "required": index == 0,
            "status": "match" if rng.chance(80) else "no_match",
            "value": "clear",
            "weight": 10 * (index + 1),
        }
        for index, name in enumerate(
            ("Background check", "Driver license", "Drug test")[: (0, 0, 0, 1, 3)[rng.below(5)]]
        )
    ]
    matches = sum(row["status"] == "match" for row in rows)
    return {
        "ignored_missing_qualifications": rng.chance(5),
        "actions": ["edit"],
        "correlation_id": f.digest("qualifications"),
        "selection_rule": {
            "id": 700 + f.id % 4,
            "name": ("Nobody", "Standard", "Bank sites", "Schools")[f.id % 4],
            "status": "match" if matches == len(rows) else "no_match",
            "total_selection_rule": str(len(rows)),
            "weight": 100,
            "sum": {
                "total": len(rows),
                "match": matches,
                "no_match_optional": len(rows) - matches,
                "no_match_required": 0,
            },
            **f.listing(rows, actions=["edit"]),
        },
    }
