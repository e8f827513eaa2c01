"""Clients and projects: their lists send little more than ids unless `columns` asks for more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import DAY, EMPTY, HOUR, midnight, moment, stamp
from emulator.company.dice import Dice, digest, uuid
from emulator.company.directory import COMPANY_ID, NETWORKS
from emulator.company.people import PICTURES
from emulator.company.words import REMARKS
from emulator.messages import json_reply

from .paging import no_such, resource_page, with_columns

if TYPE_CHECKING:
    from emulator.app import App
    from emulator.company.company import Company
    from emulator.json import Json
    from emulator.messages import Reply, Request


def small_list(rows: list[Json], **more: Json) -> dict[str, Json]:
    """A list inside of a record, complete."""
    return {"metadata": {"total": len(rows), "page": 1, "pages": 1, "per_page": len(rows)}, "results": rows, **more}


def born(company: Company, key: str) -> str:
    """When a record of the catalogue was made: within the two years before the first work order."""
    first = midnight(company.today) - company.days * DAY
    return stamp(first - Dice(f"{company.seed}/{key}/born").between(1, 730 * DAY))


def client_row(company: Company, at: int) -> dict[str, Json]:
    """One client with all its keys."""
    book = company.directory
    client = book.clients[at]
    address = client.place.address()
    dice = Dice(f"{company.seed}/client/{at}/counts")
    counts = {
        name: dice.below(90)
        for name in ("today", "draft", "published_routed", "assigned", "approved_paid", "work_done")
    }
    projects = [
        {"id": project.id, "name": project.name, "status": "active"}
        for project in book.projects
        if project.client == at
    ]
    return {
        "id": client.id,
        "client_id": client.id,
        "name": client.name,
        "actions": ["edit"],
        "correlation_id": digest(f"client/{client.id}"),
        "active": client.active,
        "print_logo": at % 2 == 0,
        "address_1": address["address1"],
        "address_2": address["address2"],
        "city": address["city"],
        "state": address["state"],
        "zip": address["zip"],
        "country": address["country"],
        "location_type": 1 + at % 4,
        "website": f"https://client{client.id}.example",
        "policy_procedure": dice.pick(REMARKS),
        "standard_instruction": dice.pick(REMARKS) if at % 3 else "",
        "about": "A client since the start" if at % 4 == 0 else "",
        "created": {"utc": born(company, f"client/{at}")},
        "logo": f"{PICTURES}/logo/{client.id}.png",
        "manager": book.managers[client.manager].card(),
        "work_order_counts": {"all": sum(counts.values()), **counts},
        "projects": small_list(projects, actions=["add"]),
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


def project_row(company: Company, at: int) -> dict[str, Json]:
    """One project with all its keys."""
    book = company.directory
    project = book.projects[at]
    client = book.clients[project.client]
    manager = book.managers[project.manager]
    rule = {"id": 701, "name": "Standard"}
    both = {"manager": "1", "provider": "0"}
    templates = [
        {
            "id": template.id,
            "actions": ["edit"],
            "name": template.name,
            "default": number == 0,
            "deleted": False,
            "project": {"id": project.id},
            "client": {"id": client.id},
            "created": {"utc": born(company, f"template/{template.id}")},
            "updated": {"utc": stamp(midnight(company.today) - template.id * 50)},
        }
        for number, template in enumerate(book.templates)
        if template.project == at
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
        "company_id": str(COMPANY_ID),
        "name": project.name,
        "status": "active" if at % 7 else "inactive",
        "cancellation_fee": 50,
        "late_notification": at % 2 == 0,
        "standard_instructions": REMARKS[at % len(REMARKS)],
        "policy_and_procedures": REMARKS[(at + 3) % len(REMARKS)],
        "actions": ["edit"],
        "correlation_id": digest(f"project/{project.id}"),
        "manager": manager.card(),
        "contacts": small_list([contact] if at % 3 == 0 else []),
        "templates": small_list(templates, actions=["add"], correlation_id=digest(f"templates/{project.id}")),
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
        "notifications": dict.fromkeys(("email_subject", "email_body", "sms", "digest_email", "notification"), both),
        "tiered_auto_dispatch": _tiers(company.seed, project.id) if at % 4 == 0 else [],
        "client": {"id": client.id, "name": client.name},
        "finance": {"id": 900 + at % 3, "description": "Main account", "balance": 104_250.75 - at, "terms": 30},
        "created": {"utc": born(company, f"project/{at}"), "local": {"date": "2020-02-03", "time": "09:00:00"}},
        "start": moment(midnight(company.today) - (30 + at) * DAY, -6 * HOUR),
        "end": moment(midnight(company.today) + 300 * DAY, -6 * HOUR) if at % 5 else EMPTY,
        "service_contract": {"id": 14, "name": "Gold SLA"} if at % 8 == 0 else [],
    }


def register(app: App) -> None:
    """Add clients and projects."""
    company = app.company
    book = company.directory

    @app.router.get("/clients")
    def _clients(request: Request, _: str) -> Reply:
        ignore = app.switches.ignore_columns
        rows = [
            with_columns(request, client_row(company, at), ("id",), ignore=ignore) for at in range(len(book.clients))
        ]
        return resource_page(request, rows)

    @app.router.get("/company/clients")
    def _company_clients(request: Request, _: str) -> Reply:
        return resource_page(request, [{"id": client.id, "name": client.name} for client in book.clients])

    @app.router.get("/clients/{client_id}")
    def _client(_: Request, __: str, client_id: str) -> Reply:
        at = next((at for at, client in enumerate(book.clients) if str(client.id) == client_id), None)
        return no_such("Client") if at is None else json_reply(client_row(company, at))

    @app.router.get("/projects")
    def _projects(request: Request, _: str) -> Reply:
        ignore = app.switches.ignore_columns
        rows = [
            with_columns(request, project_row(company, at), ("id", "finance"), ignore=ignore)
            for at in range(len(book.projects))
        ]
        return resource_page(request, rows)

    @app.router.get("/projects/{project_id}")
    def _project(_: Request, __: str, project_id: str) -> Reply:
        at = next((at for at, project in enumerate(book.projects) if str(project.id) == project_id), None)
        return no_such("Project") if at is None else json_reply(project_row(company, at))
