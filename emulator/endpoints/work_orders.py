"""The child lists `/workorders/{id}/…`: always complete, even if the lists embedded in work orders are cut."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from emulator.company.rng import digest
from emulator.http import Request, Response
from emulator.work_order.facts import Facts
from emulator.work_order.payload import Payload
from emulator.work_order.sections import section
from emulator.work_order.sections.messages import messages
from emulator.work_order.sections.tasks import task_rows

from .paging import metadata_page, not_found

if TYPE_CHECKING:
    from emulator.context import ApiContext
    from emulator.json import Json

#: Lists that are a section of the work order.
_SECTIONS = ("signatures", "time_logs", "attachments", "contacts", "custom_fields", "shipments", "tags", "problems")
#: Lists within the section `pay`.
_PAY_LISTS = ("bonuses", "penalties", "expenses", "discounts", "increases")


Responder = Callable[[Request, Facts], Response]


def add_child_route(api: ApiContext, name: str, respond: Responder) -> None:
    """Add `/workorders/{id}/<name>`: 404 for a work order that is not visible."""
    company = api.company

    def handler(request: Request, _: str, work_order_id: str) -> Response:
        with company.lock:
            index = company.index_of(int(work_order_id)) if work_order_id.isdecimal() else None
            if index is None or not company.is_visible(index):
                return not_found(f"Work order {work_order_id}")
            payload = Payload(production=api.switches.production_keys)
            return respond(request, Facts(company.directory, company.state(index), payload))

    api.router.add(f"/workorders/{{work_order_id}}/{name}", handler)


def _list_route(api: ApiContext, name: str, embedded_list: Callable[[Facts], dict[str, Json]]) -> None:
    def respond(request: Request, f: Facts) -> Response:
        whole = embedded_list(f)
        rest = {name: value for name, value in whole.items() if name not in ("metadata", "results")}
        return metadata_page(request, whole["results"], **rest)

    add_child_route(api, name, respond)


def _pay_list(name: str) -> Callable[[Facts], dict[str, Json]]:
    return lambda f: section("pay", f)[name]


def _messages(request: Request, f: Facts) -> Response:
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


def _tasks(request: Request, f: Facts) -> Response:
    metadata = {"columns": "id,label", "view": "list", "sort": "order", "order": "asc"}
    return metadata_page(request, task_rows(f, embedded=False), metadata=metadata, actions=["add"], params=["all"])


def register(api: ApiContext) -> None:
    """Add the child lists."""
    for name in _SECTIONS:
        _list_route(api, name, partial(section, name))
    for name in _PAY_LISTS:
        _list_route(api, name, _pay_list(name))
    add_child_route(api, "messages", _messages)
    add_child_route(api, "tasks", _tasks)
