"""What the company has defined: types of work, tags, fields, charges, categories, reasons, networks, managers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.cities import CITIES
from emulator.company.dice import digest
from emulator.company.directory import (
    COMPANY_ID,
    COMPANY_NAME,
    EXPENSE_CATEGORIES,
    INCOMPLETE_REASONS,
    NETWORKS,
    TAGS,
)
from emulator.company.words import TRADES_OF_WORK
from emulator.errors import error
from emulator.messages import json_reply
from emulator.query import ParameterError

from .paging import bare, metadata_page, no_such, resource_page

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.app import App
    from emulator.company.directory import Charge, Field
    from emulator.json import Json
    from emulator.messages import Reply, Request

_STATUSES = ("created", "published", "routed", "assigned", "workdone", "approved", "paid", "canceled")
_TAG_TYPES = ("custom_company", "hide_from_provider", "provider_can_edit", "for_providers_only", "show_in_dashboard")


def _types_of_work() -> list[Json]:
    return [
        {"id": ident, "industry_id": industry_id, "industry": industry, "name": name}
        for ident, name, industry_id, industry, _ in TRADES_OF_WORK
    ]


def _tags() -> list[Json]:
    return [
        {
            "id": ident,
            "label": label,
            "hex_color": color,
            "valid_statuses": _STATUSES[: 1 + at % len(_STATUSES)],
            "types": [_TAG_TYPES[at % len(_TAG_TYPES)]],
            "actions": ["edit", "delete"],
        }
        for at, (ident, label, color) in enumerate(TAGS)
    ]


def _expense_categories() -> list[Json]:
    return [
        {
            "uid": uid,
            "id": ident,
            "company_expense_id": own,
            "label": label,
            "description": description,
            "amount": 12.5 * (uid % 5),
            "type": kind,
            "actions": ["edit"] if own else [],
            "is_travel": travel,
            "hide_pre_assign": uid % 2 == 0,
        }
        for uid, ident, own, label, description, kind, travel in EXPENSE_CATEGORIES
    ]


def field_definition(field: Field) -> dict[str, Json]:
    """A custom field's definition: yes and no are 1 and 0 here."""
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
    """A bonus or a penalty; `modifier` is a number as text."""
    return {
        "id": charge.id,
        "name": charge.name,
        "type": charge.kind,
        "modifier": charge.modifier,
        "description": charge.description,
    }


def _reason(ident: int, parent: int, name: str, children: list[Json] | None) -> dict[str, Json]:
    row: dict[str, Json] = {
        "reason_id": ident,
        "parent_reason_id": parent,
        "name": name,
        "is_custom_reason": ident % 2 == 0,
        "is_archived": ident % 5 == 0,
        "cloned_from_reason_id": ident - 1 if ident % 4 == 0 else 0,
    }
    if children is not None:
        row["sub_reasons"] = children
    return row


def _revisit_reasons() -> list[Json]:
    rows = []
    for at, name in enumerate(("Site", "Parts", "Provider", "Client", "Weather")):
        top = 100 + at * 20
        subs = [
            _reason(
                top + 1 + number,
                top,
                f"{name}: {label}",
                [_reason(top + 11 + number, top + 1 + number, f"{label}!", None)],
            )
            for number, label in enumerate(("not ready", "wrong"))
        ]
        rows.append(_reason(top, 0, name, subs if at else []))
    return rows


def _company_profile() -> dict[str, Json]:
    city, state, code, *_ = CITIES[6]
    return {
        "id": COMPANY_ID,
        "name": COMPANY_NAME,
        "about": "Field services since 1998",
        "blocked": False,
        "features": ["client_portal"],
        "jobs": {"total": 12_345},
        "photo": f"https://files.fieldnation.example/company/{COMPANY_ID}.png",
        "provider_count": 180,
        "rating": {"stars": 4.7},
        "location_address1": "400 Pier Ave",
        "location_city": city,
        "location_state": state,
        "location_zip": code,
        "location_country": "US",
    }


def _networks() -> list[Json]:
    return [{"network_id": str(ident), "type": kind, "network_name": name} for ident, kind, name in NETWORKS]


def _service_types(type_of_work_id: str) -> Reply:
    for at, (ident, _name, _industry_id, _industry, kinds) in enumerate(TRADES_OF_WORK):
        if str(ident) == type_of_work_id:
            return bare([{"id": str(at * 10 + number), "text": kind} for number, kind in enumerate(kinds)])
    return no_such("Type of work")


def register(app: App) -> None:
    """Add all of them."""
    add, book = app.router.add, app.company.directory
    pages: dict[str, Callable[[], list[Json]]] = {
        "/custom-fields": lambda: [field_definition(field) for field in book.fields],
        "/bonuses": lambda: [charge_definition(charge) for charge in book.bonuses],
        "/penalties": lambda: [charge_definition(charge) for charge in book.penalties],
    }
    lists: dict[str, Callable[[], list[Json]]] = {
        "/company/managers": lambda: [person.brief() for person in book.managers],
        "/company/incomplete-reasons": lambda: [{"id": ident, "label": label} for ident, label in INCOMPLETE_REASONS],
    }
    for path, rows in pages.items():
        add(path, lambda request, _, rows=rows: resource_page(request, rows()))
    for path, rows in lists.items():
        add(path, lambda *_, rows=rows: bare(rows()))
    add("/types-of-work", lambda request, _: resource_page(request, _types_of_work(), tabs=False))
    add("/types-of-work/{type_of_work_id}/service-types", lambda *_, type_of_work_id: _service_types(type_of_work_id))
    add("/company/tags", lambda request, _: metadata_page(request, _tags(), actions=["create"], params=[]))
    add("/company/expenses", lambda request, _: metadata_page(request, _expense_categories(), actions=["create"]))
    _register_own(app)


def _register_own(app: App) -> None:
    """The endpoints with the company's id in their path: 403 for any other company."""

    def add(path: str, answer: Callable[[Request], Reply]) -> None:
        def handler(request: Request, _: str, company_id: str) -> Reply:
            if company_id != str(COMPANY_ID):
                return error(403, "This company is not yours.", "status")
            return answer(request)

        app.router.add(f"/company/{{company_id}}{path}", handler)

    def reasons(request: Request) -> Reply:
        if request.params.get("action_type") not in ("all", "job_status", "revisit"):
            raise ParameterError("action_type", "is required: all, job_status or revisit")
        return json_reply({"results": _revisit_reasons()})

    def integrations(request: Request) -> Reply:
        # Nobody should read this: the real endpoint shows API keys.
        rows = [{"company_integration_id": 40, "name": "ServiceNow", "api_key": digest("never read this")}]
        return metadata_page(request, rows)

    add("", lambda _: json_reply(_company_profile()))
    add("/networks", lambda _: bare(_networks()))
    add("/site-revisit-reasons", reasons)
    add("/integrations", integrations)
