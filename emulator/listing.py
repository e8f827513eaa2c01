"""`GET /workorders`: a page of work orders in its envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .company.rng import digest
from .http import Request, Response
from .query import LISTS, Query, SelectionCache
from .work_order.cache import SectionCache, stub
from .work_order.sections import SECTIONS

if TYPE_CHECKING:
    from emulator.json import Json

    from .company.company import Company
    from .switches import Switches

_AVAILABLE_COLUMNS = msgspec.Raw(
    msgspec.json.encode(
        [
            {
                "group": "Work order",
                "items": [{"id": name, "label": name.replace("_", " ")} for name in SECTIONS],
            }
        ]
    )
)
_AVAILABLE_FILTERS = ("f_work_order_id", "f_client", "f_project", "f_manager", "f_state", "f_city", "f_requests")


def _lists(company: Company, selected: str) -> list[dict[str, Json]]:
    """The predefined lists with the number of work orders in each."""
    counts = company.count_by_status()
    rows = []
    for list_id, (label, statuses) in LISTS.items():
        if list_id == "workorders_problem":
            count = company.count_with_problem()
        else:
            count = sum(counts[status] for status in statuses)
        rows.append(
            {
                "id": list_id,
                "label": label,
                "count": count,
                "actions": [],
                "empty_message": f"No work orders: {label.lower()}",
                "selected": list_id == selected,
                "custom_tab_id": None,
            }
        )
    return rows


def page_response(
    selections: SelectionCache, sections: SectionCache, query: Query, request: Request, switches: Switches
) -> Response:
    """One page of work orders."""
    company = selections.company
    with company.lock:
        selected = selections.select(query, switches)
        total = len(selected)
        pages = -(-total // query.per_page)
        page = query.page
        if page > pages and switches.repeat_last_page and pages:
            page = pages
        shown = selected[(page - 1) * query.per_page : page * query.per_page]
        if query.columns:
            items = [sections.record(index, query.columns) for index in shown]
        else:
            items = [stub(company, index) for index in shown]
        lists = _lists(company, query.list)
    envelope: dict[str, Json] = {
        "actions": ["create"],
        "metadata": {
            "total": total + switches.total_surplus,
            "page": page,
            "pages": pages,
            "per_page": query.per_page,
            "columns": ",".join(query.columns),
            "view": query.view,
            "sort": query.sort,
            "order": query.order,
            "list": query.list,
            "available_columns": _AVAILABLE_COLUMNS,
            "available_filters": [
                {"id": name, "name": name} for name in (switches.created_filter, *_AVAILABLE_FILTERS)
            ],
        },
        "params": [name for name in request.params if name != "access_token"],
        "lists": lists,
        "saved_filters": {"filter_id": "", "template": "", "user_id": "", "filters": []},
        "loading_time": 0.04,
        "timings": [{"name": "query", "time": 0.02}, {"name": "render", "time": 0.02}],
        "tags": [],
        "custom_fields": [],
        "search_text": "",
        "correlation_id": digest(f"{company.seed}/{request.number}"),
    }
    for name, text in query.filters.items() if switches.filter_echo else ():
        envelope[name] = text.split(",") if "," in text else text
        envelope[f"fs_{name[2:]}"] = True
    body = b'%b,"results":[%b]}' % (msgspec.json.encode(envelope)[:-1], b",".join(items))
    return Response(body=body, page=page, per_page=query.per_page, results=len(items))
