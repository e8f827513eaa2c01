"""Templates: ids in the list, all fields in the detail. The only resource with a real `updated`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import DAY, midnight, utc_text
from emulator.company.directory import NETWORKS
from emulator.company.rng import digest
from emulator.company.words import NOTES, TYPES_OF_WORK
from emulator.http import json_response

from . import template_parts as parts
from .clients import catalog_created, nested_list
from .paging import not_found, resource_page, with_columns

if TYPE_CHECKING:
    from emulator.company.company import Company
    from emulator.company.directory import Template
    from emulator.context import ApiContext
    from emulator.http import Request, Response
    from emulator.json import Json


def _ids(company: Company, template: Template) -> dict[str, Json]:
    project = company.directory.projects[template.project]
    client = company.directory.clients[project.client]
    return {
        "client": {"id": client.id, "name": client.name},
        "project": {"id": project.id, "name": project.name},
        "company": {"id": company.id, "name": company.name},
    }


def _shared(company: Company, template: Template) -> dict[str, Json]:
    """The keys that `data` and `v2` have in common."""
    type_id, _name, _industry_id, _industry, kinds = TYPES_OF_WORK[template.work_type]
    author = company.directory.managers[template.author]
    other = TYPES_OF_WORK[(template.work_type + 1) % len(TYPES_OF_WORK)]
    return {
        **_ids(company, template),
        "title": f"{template.name} at {{location}}",
        "additional_type_of_works": [{"id": str(other[0]), "label": other[1], "legacyTypeOfWorkId": other[0]}],
        "site_device": ["register"],
        "equipments": ["Ladder"],
        "team": {"id": 3},
        "printable": True,
        "require_gps": template.id % 2 == 0,
        "allow_counter_offers": True,
        "w2": False,
        "manager": {"thumbnail": author.picture, "id": author.id},
        "contacts": parts.contacts(company, template),
        "description": {"html": f"<p>{NOTES[template.id % 7]}</p>"},
        "confidential": {"html": f"<p>{NOTES[template.id % 5]}</p>"},
        "custom_fields": parts.fields(company, template),
        "attachments": parts.folders(company, template),
        "pay": parts.pay(company, template),
        "schedule": parts.schedule(company, template),
        "actions": ["edit"],
        "require_ontime": template.id % 3 == 0,
        "special_skill": {
            "id": 5,
            "required": False,
            "certification_id": 61,
            "dynamic_term_id": 8,
            "name": "BICSI",
            "feeReduction": 0,
            "fee": 2.5,
            "international": 0,
        },
        "survey_experiment": False,
        "advanced_qualifications": template.id % 4 == 0,
        "id": template.id,
        "name": template.name,
        "default": template.id % 9 == 0,
        "correlation_id": digest(f"template/{template.id}/body"),
        "qualifications": {
            "actions": ["edit"],
            "selection_rule": {"id": 701, "name": "Standard", "total_selection_rule": "2", "actions": ["edit"]},
        },
        "service_types_legacy": [{"value": type_id, "label": kinds[0], "id": type_id, "name": kinds[0]}],
    }


def _data(company: Company, template: Template, shared: dict[str, Json]) -> dict[str, Json]:
    type_id, name, _industry_id, _industry, kinds = TYPES_OF_WORK[template.work_type]
    location = company.directory.locations[template.id % len(company.directory.locations)]
    return {
        "_v": 1,
        "_no_model_update": "0",
        **shared,
        "type_of_work": {"id": type_id, "idv4": type_id + 4_000, "self_reported": 0, "name": name},
        "template": {"id": template.id},
        "service_contract": [14],
        "service_types": [{"value": template.work_type * 10, "label": kinds[0]}],
        "networks": [{"value": network_id, "label": name} for network_id, _, name in NETWORKS[:2]],
        "location": {"mode": "location", **location.address(), "type": 1, "saved_location": {"id": location.id}},
        "tasks": {"results": parts.tasks(company, template)},
        "tab": "general",
        "template_name": template.name,
        "default_project": "yes",
        "skills": ["soldering"],
        "has_qualifications": 1,
        "types_of_work": [{"id": type_id, "isPrimary": True}],
        "experiment_type": "none",
    }


def _v2(company: Company, template: Template, shared: dict[str, Json]) -> dict[str, Json]:
    type_id, name, _industry_id, _industry, kinds = TYPES_OF_WORK[template.work_type]
    networks = [
        {"value": number, "label": label, "id": number, "name": label, "fn_process_payment": True}
        for number, _, label in NETWORKS[:2]
    ]
    primary = {"id": type_id, "isPrimary": True, "source": "buyer", "legacyTypeOfWorkId": type_id, "label": name}
    return {
        **shared,
        "type_of_work": {"id": type_id, "idv4": type_id + 4_000, "name": name},
        "types_of_work": [primary],
        "service_types": [
            {"value": template.work_type * 10, "label": kinds[0], "id": template.work_type * 10, "name": kinds[0]}
        ],
        "service_contract": {"id": 14},
        "networks": nested_list(networks),
        "smart_audit_rule_id": 77,
        "tasks": nested_list(
            parts.tasks(company, template), correlation_id=digest(f"{template.id}/tasks"), actions=["add"]
        ),
    }


def template_row(company: Company, template: Template) -> dict[str, Json]:
    """One template with all its keys."""
    shared = _shared(company, template)
    days = template.id % 300
    return {
        "id": template.id,
        "name": template.name,
        "work_orders": template.id % 90,
        "created": {"utc": catalog_created(company, f"template/{template.id}")},
        "updated": {"utc": utc_text(midnight(company.today) - days * DAY)},
        "default": template.id % 9 == 0,
        **_ids(company, template),
        "company_attributes": {"workorder_network_change_admin_only": template.id % 2},
        "actions": ["edit", "copy"],
        "author": company.directory.managers[template.author].card(),
        "data": _data(company, template, shared),
        "v2": _v2(company, template, shared),
        "v3_pay_type": "fixed",
    }


def register(api: ApiContext) -> None:
    """Add templates."""
    company = api.company

    @api.router.get("/templates")
    def _templates(request: Request, _: str) -> Response:
        ignore = api.switches.ignore_columns
        rows = []
        for template in company.directory.templates:
            ids_only = not request.params.get("columns") or ignore
            row = {"id": template.id, "actions": ["edit", "copy"]} if ids_only else template_row(company, template)
            rows.append(with_columns(request, row, ("id", "actions"), ignore=ignore))
        return resource_page(request, rows)

    @api.router.get("/templates/{template_id}")
    def _template(_: Request, __: str, template_id: str) -> Response:
        found = next((row for row in company.directory.templates if str(row.id) == template_id), None)
        return not_found("Template") if found is None else json_response(template_row(company, found))
