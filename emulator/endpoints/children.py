"""`/workorders/{id}` and what hangs on it: complete, whatever the embedded lists were told to leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.company.dice import digest
from emulator.messages import Reply, json_reply
from emulator.work_order.facts import Facts
from emulator.work_order.sections import SECTIONS
from emulator.work_order.sections.messages import messages
from emulator.work_order.sections.tasks import task_rows

from .paging import metadata_page, no_such

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.app import App
    from emulator.company.company import Company
    from emulator.json import Json
    from emulator.messages import Request

#: Sections that are one object; behind an endpoint of the same name.
_OBJECTS = (
    "pay", "schedule", "eta", "location", "status", "milestones", "qualifications", "assignee", "ratings",
)  # fmt: skip
#: Sections that are lists.
_LISTS = (
    "signatures", "time_logs", "attachments", "contacts", "custom_fields", "shipments", "tags", "problems", "holds",
)  # fmt: skip
#: Lists inside of pay.
_PAY_LISTS = ("bonuses", "penalties", "expenses", "discounts", "increases")


def facts_of(company: Company, work_order_id: str) -> Facts | None:
    """What a visible work order is made of; None for any other id."""
    place = company.place_of(int(work_order_id)) if work_order_id.isdecimal() else None
    if place is None or not company.is_visible(place):
        return None
    return Facts(company.directory, company.state(place))


def _listed(request: Request, section: dict[str, Json]) -> Reply:
    rest = {name: value for name, value in section.items() if name not in ("metadata", "results")}
    return metadata_page(request, section["results"], **rest)


def _message_list(request: Request, f: Facts) -> Reply:
    return metadata_page(
        request,
        messages(f),
        metadata={"columns": "", "view": "list", "sort": "created", "order": "desc"},
        actions=["create"],
        correlation_id=digest(f"{f.id}/messages"),
        params=["f_work_order"],
        f_work_order=[str(f.id)],
        fs_work_order=True,
        f_only_workorder=True,
        fs_only_workorder=True,
    )


def _task_list(request: Request, f: Facts) -> Reply:
    meta = {"columns": "id,label", "view": "list", "sort": "order", "order": "asc"}
    return metadata_page(request, task_rows(f, embedded=False), metadata=meta, actions=["add"], params=["all"])


def _overview(f: Facts) -> Json:
    return {
        "company": {"id": f.id % 97, "jobs": 40 + f.id % 900},
        "type_of_work": {"name": SECTIONS["types_of_work"](f)[0]["name"], "jobs": 3 + f.id % 70},
    }


def _one(rows: list[dict[str, Json]], ident: str, what: str) -> Reply:
    found = next((row for row in rows if str(row["id"]) == ident), None)
    return no_such(what) if found is None else json_reply(found)


def register(app: App) -> None:
    """Add the endpoints of one work order."""
    company = app.company

    def add(path: str, answer: Callable[..., Reply]) -> None:
        def handler(request: Request, _: str, work_order_id: str, **values: str) -> Reply:
            with company.lock:
                facts = facts_of(company, work_order_id)
                if facts is None:
                    return no_such(f"Work order {work_order_id}")
                return answer(request, facts, **values)

        app.router.add(f"/workorders/{{work_order_id}}{path}", handler)

    def detail(request: Request, f: Facts) -> Reply:
        columns = request.params.get("columns", "")
        names = [name for name in SECTIONS if not columns or name in columns.split(",") or name == "id"]
        return json_reply({name: SECTIONS[name](f) for name in names})

    add("", detail)
    for name in _OBJECTS:
        add(f"/{name}", lambda _, f, name=name: json_reply(SECTIONS[name](f)))
    for name in _LISTS:
        add(f"/{name}", lambda request, f, name=name: _listed(request, SECTIONS[name](f)))
    for name in _PAY_LISTS:
        add(f"/{name}", lambda request, f, name=name: _listed(request, SECTIONS["pay"](f)[name]))
    add("/messages", _message_list)
    add("/tasks", _task_list)
    add("/overview", lambda _, f: json_reply(_overview(f)))
    add("/tasks/{ident}", lambda _, f, ident: _one(task_rows(f, embedded=False), ident, "Task"))
    add("/signatures/{ident}", lambda _, f, ident: _one(SECTIONS["signatures"](f)["results"], ident, "Signature"))
    add("/increases/{ident}", lambda _, f, ident: _one(SECTIONS["pay"](f)["increases"]["results"], ident, "Increase"))
    add("/custom_fields/{ident}", lambda _, f, ident: _one(_all_fields(f), ident, "Custom field"))


def _all_fields(f: Facts) -> list[dict[str, Json]]:
    return [row for group in SECTIONS["custom_fields"](f)["results"] for row in group["results"]]
