"""The parts that a template has twice, in `data` and in `v2`: files, fields, tasks, contacts, pay, schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dates import HOUR, date_object, midnight
from emulator.company.rng import Rng, digest
from emulator.company.words import NOTES
from emulator.work_order.sections.tasks import TASK_TYPES

from .clients import nested_list
from .definitions import charge_definition, field_definition

if TYPE_CHECKING:
    from emulator.company.company import Company
    from emulator.company.directory import Charge, Template
    from emulator.json import Json

_ZONES = ("America/Chicago", "America/New_York")


def file_row(company: Company, template: Template, index: int) -> dict[str, Json]:
    """A file that every work order of the template receives."""
    file_id = template.id * 10 + index
    base = f"https://files.fieldnation.example/template/{file_id}"
    return {
        "id": file_id,
        "author": company.directory.managers[template.author].card(),
        "created": date_object(midnight(company.today) - template.id * 90, -5 * HOUR),
        "notes": "Print it" if template.id % 2 else "",
        "show_before_assignment": index == 0,
        "actions": ["delete"],
        "task": {"id": file_id + 1},
        "file": {
            "name": "Anleitung für Techniker.pdf",
            "mime": "application/pdf",
            "size_bytes": 52_100 + index,
            "thumbnail": f"{base}_t.jpg",
            "link": f"{base}.pdf?Signature=abc",
            "type": "application",
            "icon": "icon-pdf",
        },
        "time_zone": {"short": "CST"},
    }


def folders(company: Company, template: Template) -> dict[str, Json]:
    """Folders with files."""
    files = [file_row(company, template, index) for index in range(1 + template.id % 2)]
    return nested_list(
        [{"id": template.id * 10, "type": "slot", "name": "Guides", "actions": ["upload"], **nested_list(files)}]
    )


def tasks(company: Company, template: Template) -> list[Json]:
    """The tasks that every work order of the template receives."""
    rng = Rng(f"{company.seed}/template/{template.id}/tasks")
    return [
        {
            "alerts": ["desk@client.example"] if number % 2 else [],
            "id": template.id * 100 + number,
            "type": {"id": number},
            "group": {"id": group},
            "description": rng.pick(NOTES),
            "label": label,
            "email": "helpdesk@client.example" if key == "email" else "",
            "phone": "555-0100" if key == "phone" else "",
            "upload_id": template.id * 10,
            "order": number,
            "attachment": file_row(company, template, 0) if key == "download" else [],
            "actions": ["edit"],
        }
        for number, key, label, group in rng.sample(TASK_TYPES, 4)
    ]


def fields(company: Company, template: Template) -> dict[str, Json]:
    """Custom fields by role."""
    directory = company.directory
    project = directory.projects[template.project]
    groups = []
    for number, role in enumerate(("assigned_provider", "buyer"), 1):
        rows = [
            {
                **field_definition(field),
                "role": field.role,
                "used_in_finance": field.finance,
                "options": field.options,
                "value": "preset" if field.id % 2 else "",
                "category": field.category,
                "section": "close-out",
                "correlation_id": digest(f"{template.id}/{field.id}"),
                "visibility": [
                    {
                        "type": "template",
                        "template": {"id": template.id},
                        "hidden": False,
                        "client": {"id": directory.clients[project.client].id},
                        "projects": [{"id": project.id}],
                    }
                ],
            }
            for field in directory.fields
            if field.role == role and (field.id + template.id) % 2
        ]
        groups.append({"id": number, "name": role.replace("_", " "), "role": role, **nested_list(rows)})
    return nested_list(groups, actions=["edit"])


def contacts(company: Company, template: Template) -> dict[str, Json]:
    """The contacts of a template."""
    person = company.directory.managers[template.author]
    row = {
        "id": template.id * 3,
        "name": person.name,
        "role": "Project Manager",
        "phone": person.phone,
        "ext": person.ext or "1",
        "email": person.email,
        "notes": "Call first",
        "actions": ["edit"],
        "status": "active",
        "thumbnail": person.picture,
    }
    return nested_list([row], correlation_id=digest(f"{template.id}/contacts"), actions=["add"])


def _charges(company: Company, template: Template, charges: list[Charge]) -> dict[str, Json]:
    project = company.directory.projects[template.project]
    client = company.directory.clients[project.client]
    column = {"id": "name", "label": "Name", "group": "main", "order": 1, "icon": "text"}
    rows = [
        {**charge_definition(charge), "amount": charge.modifier, "selected": index == 0, "charged_id": charge.id * 2}
        for index, charge in enumerate(charges[:2])
    ]
    listing = nested_list(
        rows,
        actions=["edit"],
        params=["f_client"],
        lists=[
            {
                "id": "all",
                "label": "All",
                "empty_message": "None",
                "selected": True,
                "actions": ["view"],
                "custom_tab_id": None,
                "count": len(rows),
            }
        ],
        correlation_id=digest(f"{template.id}/charges"),
        f_client=str(client.id),
        fs_client=True,
        f_project=str(project.id),
        fs_project=True,
    )
    listing["metadata"].update(
        columns="id,name",
        view="list",
        sort="id",
        order="asc",
        list="all",
        company_columns={"actions": ["edit"]},
        default_columns="id,name",
        available_columns=[
            {"group": "main", "items": [{**column, "selected": True, "can_sort": True, "sort_dir": "asc"}]}
        ],
        available_filters=[{"id": "name", "label": "Name", "name": "f_name", "type": "text", "section": 1}],
    )
    return listing


def pay(company: Company, template: Template) -> dict[str, Json]:
    """The initial pay of work orders of the template."""
    rng = Rng(f"{company.seed}/template/{template.id}/pay")
    kind = rng.pick(("fixed", "hourly", "device", "blended"))
    amount = rng.cents(40, 300)
    total = round(amount * 2, 2)
    return {
        "type": kind,
        "base": {"units": 2, "amount": amount},
        "additional": {"units": 1, "amount": 20} if kind == "blended" else {"units": 0, "amount": 0},
        "hours": 2,
        "minimum_payment": 25,
        "range": {"min": total, "max": total + 50},
        "total": total,
        "calculated_total": {"total": {"min": total, "max": total + 50}},
        "actions": ["edit"],
        "correlation_id": digest(f"{template.id}/pay"),
        "finance": {"id": 900},
        "funding": [{"id": 900, "name": "Bank", "amount": total, "custom_name": "Opérations", "is_default": True}],
        "expenses": {"results": [{"description": "Parking", "category_id": 2, "amount": 12.5}]},
        "penalties": _charges(company, template, company.directory.penalties),
        "bonuses": _charges(company, template, company.directory.bonuses),
    }


def schedule(company: Company, template: Template) -> dict[str, Json]:
    """The schedule of work orders of the template, relative to their creation."""
    start = midnight(company.today)
    return {
        "service_window": {
            "mode": ("exact", "hours", "between")[template.id % 3],
            "start": date_object(start, -6 * HOUR),
            "end": date_object(start + HOUR, -6 * HOUR),
        },
        "correlation_id": digest(f"{template.id}/schedule"),
        "time_zone": {"name": _ZONES[template.id % 2], "id": str(1 + template.id % 2), "category": "US"},
        "relative": {
            "relative_schedule_date": "+2 days",
            "relative_schedule_time": "09:00",
            "relative_schedule_range": "4",
            "mode": "business_days",
        },
        "actions": ["edit"],
    }
