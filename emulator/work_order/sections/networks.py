"""Networks and qualifications: mostly the same for all work orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from emulator.company.directory import COMPANY_ID, COMPANY_NAME, NETWORKS

if TYPE_CHECKING:
    from emulator.json import Json
    from emulator.work_order.facts import Facts


def _network(ident: int, kind: str, name: str, *, options: bool) -> dict[str, Json]:
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
                "company_id": str(COMPANY_ID),
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


def _networks(active: int, shown: int) -> msgspec.Raw:
    rows = [_network(*NETWORKS[(active + index) % len(NETWORKS)], options=shown > 1) for index in range(shown)]
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


_ONE = [_networks(active, 1) for active in range(len(NETWORKS))]
_TWO = [_networks(active, 2) for active in range(len(NETWORKS))]


def networks(f: Facts) -> Json:
    """The networks that the work order is offered in; `active` repeats the first."""
    return (_TWO if f.id % 23 == 0 else _ONE)[f.id % len(NETWORKS)]


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
