"""Definitions of the company: types of work, tags, custom fields, charges, categories, reasons, networks, managers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.directory import (
    EXPENSE_CATEGORIES,
    INCOMPLETE_REASONS,
    NETWORKS,
    TAGS,
)
from emulator.company.words import TYPES_OF_WORK
from emulator.errors import error
from emulator.http import json_response
from emulator.query import ParameterError

from .paging import json_array, metadata_page, not_found, resource_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.company.directory import Charge, Field
    from emulator.context import ApiContext
    from emulator.http import Request, Response
    from emulator.json import Json

_STATUSES = ("created", "published", "routed", "assigned", "workdone", "approved", "paid", "canceled")
_TAG_TYPES = ("custom_company", "hide_from_provider", "provider_can_edit", "for_providers_only", "show_in_dashboard")


def _types_of_work() -> list[Json]:
    return [
        {"id": id_, "industry_id": industry_id, "industry": industry, "name": name}
        for id_, name, industry_id, industry, _ in TYPES_OF_WORK
    ]


def _tags() -> list[Json]:
    return [
        {
            "id": id_,
            "label": label,
            "hex_color": color,
            "valid_statuses": _STATUSES[: 1 + index % len(_STATUSES)],
            "types": [_TAG_TYPES[index % len(_TAG_TYPES)]],
            "actions": ["edit", "delete"],
        }
        for index, (id_, label, color) in enumerate(TAGS)
    ]


def _expense_categories() -> list[Json]:
    return [
        {
            "uid": uid,
            "id": id_,
            "company_expense_id": own,
            "label": label,
            "description": description,
            "amount": 12.5 * (uid % 5),
            "type": kind,
            "actions": ["edit"] if own else [],
            "is_travel": travel,
            "hide_pre_assign": uid % 2 == 0,
        }
        for uid, id_, own, label, description, kind, travel in EXPENSE_CATEGORIES
    ]


def field_definition(field: Field) -> dict[str, Json]:
    """The definition of a custom field; booleans are 1 and 0 here."""
    return {
        "id": field.id,
        "name": field.name,
        "tip": field.tip,
        "type": field.kind,
        "required": int("required" in field.flags),
        "internal": int("internal_id" in field.flags),
        "unique": int("unique" in field.flags),
        "for_tech": int(field.role == "assigned_provider"),
        "actions": ["edit"],
        "admin_edit_only": int(field.finance),
        "template": 0,
        "flags": field.flags,
        "dependency": {"id": field.depends_on, "value": "x", "operator": "equals"} if field.depends_on else [],
    }


def charge_definition(charge: Charge) -> dict[str, Json]:
    """The definition of a bonus or a penalty; `modifier` is a numeric string."""
    return {
        "id": charge.id,
        "name": charge.name,
        "type": charge.kind,
        "modifier": charge.modifier,
        "description": charge.description,
    }


def _reason(reason_id: int, parent: int, name: str, children: list[Json] | None) -> dict[str, Json]:
    row: dict[str, Json] = {
        "reason_id": reason_id,
        "parent_reason_id": parent,
        "name": name,
        "is_custom_reason": reason_id % 2 == 0,
        "is_archived": reason_id % 5 == 0,
        "cloned_from_reason_id": reason_id - 1 if reason_id % 4 == 0 else 0,
    }
    if children is not None:
        row["sub_reasons"] = children
    return row


def _revisit_reasons() -> list[Json]:
    rows = []
    for index, name in enumerate(("Site", "Parts", "Provider", "Client", "Weather")):
        top = 100 + index * 20
        subs = [
            _reason(
                top + 1 + number,
                top,
                f"{name}: {label}",
                [_reason(top + 11 + number, top + 1 + number, f"{label}!", None)],
            )
            for number, label in enumerate(("not ready", "wrong"))
        ]
        rows.append(_reason(top, 0, name, subs if index else []))
    return rows


def _networks() -> list[Json]:
    return [{"network_id": str(id_), "type": kind, "network_name": name} for id_, kind, name in NETWORKS]


def _service_types(type_of_work_id: str) -> Response:
    for index, (id_, _name, _industry_id, _industry, kinds) in enumerate(TYPES_OF_WORK):
        if str(id_) == type_of_work_id:
            return json_array([{"id": str(index * 10 + number), "text": kind} for number, kind in enumerate(kinds)])
    return not_found("Type of work")


def register(api: ApiContext) -> None:
    """Add the lists of definitions."""
    add, directory = api.router.add, api.company.directory
    pages: dict[str, Callable[[], list[Json]]] = {
        "/custom-fields": lambda: [field_definition(field) for field in directory.fields],
        "/bonuses": lambda: [charge_definition(charge) for charge in directory.bonuses],
        "/penalties": lambda: [charge_definition(charge) for charge in directory.penalties],
    }
    arrays: dict[str, Callable[[], list[Json]]] = {
        "/company/managers": lambda: [person.brief() for person in directory.managers],
        "/company/incomplete-reasons": lambda: [{"id": id_, "label": label} for id_, label in INCOMPLETE_REASONS],
    }
    for path, rows in pages.items():
        add(path, lambda request, _, rows=rows: resource_page(request, rows()))
    for path, rows in arrays.items():
        add(path, lambda *_, rows=rows: json_array(rows()))
    add("/types-of-work", lambda request, _: resource_page(request, _types_of_work(), tabs=False))
    add("/types-of-work/{type_of_work_id}/service-types", lambda *_, type_of_work_id: _service_types(type_of_work_id))
    add("/company/tags", lambda request, _: metadata_page(request, _tags(), actions=["create"], params=[]))
    add("/company/expenses", lambda request, _: metadata_page(request, _expense_categories(), actions=["create"]))
    _add_company_route(api, "/networks", lambda _: json_array(_networks()))
    _add_company_route(api, "/site-revisit-reasons", _site_revisit_reasons)


def _add_company_route(api: ApiContext, path: str, respond: Callable[[Request], Response]) -> None:
    """Add a route with a company id in its path: 403 for any other company."""

    def handler(request: Request, _: str, company_id: str) -> Response:
        if company_id != str(api.company.id):
            return error(403, "This company is not yours.", "status")
        return respond(request)

    api.router.add(f"/company/{{company_id}}{path}", handler)


def _site_revisit_reasons(request: Request) -> Response:
    if request.params.get("action_type") not in ("all", "job_status", "revisit"):
        raise ParameterError("action_type", "is required: all, job_status or revisit")
    return json_response({"results": _revisit_reasons()})
