"""Clients and projects: without `columns`, their lists contain little more than ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import DAY, EMPTY_DATE, HOUR, date_object, midnight, utc_text
from emulator.company.directory import NETWORKS
from emulator.company.people import PICTURES
from emulator.company.rng import Rng, digest, uuid
from emulator.company.words import NOTES
from emulator.http import json_response

from .paging import not_found, resource_page, with_columns

if TYPE_CHECKING:
    from emulator.company.company import Company
    from emulator.company.directory import Client
    from emulator.context import ApiContext
    from emulator.http import Request, Response
    from emulator.json import Json


def nested_list(rows: list[Json], **more: Json) -> dict[str, Json]:
    """A list within a record, uncut."""
    return {"metadata": {"total": len(rows), "page": 1, "pages": 1, "per_page": len(rows)}, "results": rows, **more}


def catalog_created(company: Company, key: str) -> str:
    """The creation date of a catalog record: within the two years before the first work order."""
    first = midnight(company.today) - company.days * DAY
    return utc_text(first - Rng(f"{company.seed}/{key}/born").between(1, 730 * DAY))


def client_row(company: Company, index: int) -> dict[str, Json]:
    """One client with all its keys."""
    directory = company.directory
    client = directory.clients[index]
    address = client.location.address()
    rng = Rng(f"{company.seed}/client/{index}/counts")
    counts = {
        name: rng.below(90) for name in ("today", "draft", "published_routed", "assigned", "approved_paid", "work_done")
    }
    projects = [
        {"id": project.id, "name": project.name, "status": "active"}
        for project in directory.projects
        if project.client == index
    ]
    return {
        "id": client.id,
        "client_id": client.id,
        "name": client.name,
        "actions": ["edit"],
        "correlation_id": digest(f"client/{client.id}"),
        "active": client.active,
        "print_logo": index % 2 == 0,
        "address_1": address["address1"],
        "address_2": address["address2"],
        "city": address["city"],
        "state": address["state"],
        "zip": address["zip"],
        "country": address["country"],
        "location_type": 1 + index % 4,
        "website": f"https://client{client.id}.example",
        "policy_procedure": rng.pick(NOTES),
        "standard_instruction": rng.pick(NOTES) if index % 3 else "",
        "about": "A client since the start" if index % 4 == 0 else "",
        "created": {"utc": catalog_created(company, f"client/{index}")},
        "logo": f"{PICTURES}/logo/{client.id}.png",
        "manager": directory.managers[client.manager].card(),
        "work_order_counts": {"all": sum(counts.values()), **counts},
        "projects": nested_list(projects, actions=["add"]),
    }


def _tiers(seed: int, project: int) -> dict[str, Json]:
    key = f"{seed}/{project}/tier"
    tier = {
        "id": uuid(key),
        "selection_rule_id": "701",
        "delay": "30",
        "network_ids": [str(NETWORKS[0][0])],
        "status": "waiting",
    }
    return {
        "id": uuid(key + "s"),
        "method": "route",
        "validation": {"valid": True},
        "strategy": "waterfall",
        "also_publish": "no",
        "tiers": [tier],
        "time_remaining": 1_800,
    }


def project_row(company: Company, index: int) -> dict[str, Json]:
    """One project with all its keys."""
    directory = company.directory
    project = directory.projects[index]
    client = directory.clients[project.client]
    manager = directory.managers[project.manager]
    rule = {"id": 701, "name": "Standard"}
    recipients = {"manager": "1", "provider": "0"}
    templates = [
        {
            "id": template.id,
            "actions": ["edit"],
            "name": template.name,
            "default": number == 0,
            "deleted": False,
            "project": {"id": project.id},
            "client": {"id": client.id},
            "created": {"utc": catalog_created(company, f"template/{template.id}")},
            "updated": {"utc": utc_text(midnight(company.today) - template.id * 50)},
        }
        for number, template in enumerate(directory.templates)
        if template.project == index
    ]
    contact = {
        "id": project.id * 10,
        "project_id": project.id,
        "type": "project_manager",
        "name": manager.name,
        "phone": manager.phone,
        "phone_extension": "12",
        "email": manager.email,
        "secondary_phone": manager.cell,
        "secondary_phone_extension": "34",
    }
    return {
        "id": project.id,
        "client_id": client.id,
        "company_id": str(company.id),
        "name": project.name,
        "status": "active" if index % 7 else "inactive",
        "cancellation_fee": 50,
        "late_notification": index % 2 == 0,
        "standard_instructions": NOTES[index % len(NOTES)],
        "policy_and_procedures": NOTES[(index + 3) % len(NOTES)],
        "actions": ["edit"],
        "correlation_id": digest(f"project/{project.id}"),
        "manager": manager.card(),
        "contacts": nested_list([contact] if index % 3 == 0 else []),
        "templates": nested_list(templates, actions=["add"], correlation_id=digest(f"templates/{project.id}")),
        "selection_rule": rule,
        "auto_dispatch": {
            "id": project.id + 1,
            "delay": 15,
            "w2_skippub": 0,
            "w2_failswitch": 1,
            "should_route": 1,
            "also_publish": 0,
            "selection_rule_id": 701,
            "selection_rule": rule,
        },
        "notifications": dict.fromkeys(
            ("email_subject", "email_body", "sms", "digest_email", "notification"), recipients
        ),
        "tiered_auto_dispatch": _tiers(company.seed, project.id) if index % 4 == 0 else [],
        "client": {"id": client.id, "name": client.name},
        "finance": {"id": 900 + index % 3, "description": "Main account", "balance": 104_250.75 - index, "terms": 30},
        "created": {
            "utc": catalog_created(company, f"project/{index}"),
            "local": {"date": "2020-02-03", "time": "09:00:00"},
        },
        "start": date_object(midnight(company.today) - (30 + index) * DAY, -6 * HOUR),
        "end": date_object(midnight(company.today) + 300 * DAY, -6 * HOUR) if index % 5 else EMPTY_DATE,
        "service_contract": {"id": 14, "name": "Gold SLA"} if index % 8 == 0 else [],
    }


def _listed_clients(request: Request, api: ApiContext) -> list[int]:
    """Indexes of the clients on the list: active ones, or of the others the deactivated or the deleted ones."""
    clients = api.company.directory.clients
    if api.switches.inactive_clients == "always":
        return list(range(len(clients)))
    state = "active"
    if api.switches.inactive_clients == "on-request":
        state = "deleted" if request.params.get("f_deleted") == "1" else state
        state = "deactivated" if request.params.get("f_deactivated") == "1" else state
    return [index for index, client in enumerate(clients) if _client_state(client) == state]


def _client_state(client: Client) -> str:
    if client.active:
        return "active"
    return "deleted" if client.id % 3 == 0 else "deactivated"


def register(api: ApiContext) -> None:
    """Add clients and projects."""
    company = api.company
    directory = company.directory

    @api.router.get("/clients")
    def _clients(request: Request, _: str) -> Response:
        rows = [client_row(company, index) for index in _listed_clients(request, api)]
        ignore = api.switches.ignore_columns
        return resource_page(request, [with_columns(request, row, ("id",), ignore=ignore) for row in rows])

    @api.router.get("/clients/{client_id}")
    def _client(_: Request, __: str, client_id: str) -> Response:
        index = next((index for index, client in enumerate(directory.clients) if str(client.id) == client_id), None)
        return not_found("Client") if index is None else json_response(client_row(company, index))

    @api.router.get("/projects")
    def _projects(request: Request, _: str) -> Response:
        rows = [project_row(company, index) for index in range(len(directory.projects))]
        ignore = api.switches.ignore_columns
        return resource_page(request, [with_columns(request, row, ("id", "finance"), ignore=ignore) for row in rows])

    @api.router.get("/projects/{project_id}")
    def _project(_: Request, __: str, project_id: str) -> Response:
        index = next((index for index, row in enumerate(directory.projects) if str(row.id) == project_id), None)
        return not_found("Project") if index is None else json_response(project_row(company, index))
