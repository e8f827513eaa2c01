"""`GET /workorders` and `GET /workorders/lists`: the envelope around the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .company.dice import digest
from .messages import Reply, Request, json_reply
from .query import LISTS, Matches, Query
from .work_order.content import Content, stub
from .work_order.sections import SECTIONS

if TYPE_CHECKING:
    from emulator.json import Json

    from .company.company import Company
    from .switches import Switches

_AVAILABLE = msgspec.Raw(
    msgspec.json.encode(
        [
            {
                "group": "Work order",
                "items": [{"id": name, "label": name.replace("_", " ")} for name in SECTIONS],
            }
        ]
    )
)
_FILTERS = ("f_work_order_id", "f_client", "f_project", "f_manager", "f_state", "f_city", "f_requests")


def lists(company: Company, selected: str = "") -> list[dict[str, Json]]:
    """The tabs with the number of work orders in each."""
    counts = company.count_by_status()
    rows = []
    for ident, (label, statuses) in LISTS.items():
        trouble = ident == "workorders_problem"
        count = company.count_in_trouble() if trouble else sum(counts[status] for status in statuses)
        rows.append(
            {
                "id": ident,
                "label": label,
                "count": count,
                "actions": [],
                "empty_message": f"No work orders: {label.lower()}",
                "selected": ident == selected,
                "custom_tab_id": None,
            }
        )
    return rows


def lists_reply(company: Company) -> Reply:
    """`GET /workorders/lists`: a bare list."""
    keys = ("id", "label", "count", "actions")
    rows = [{**{key: row[key] for key in keys}, "default": row["id"] == "workorders_all"} for row in lists(company)]
    return json_reply(rows)


def page_reply(matches: Matches, content: Content, query: Query, request: Request, switches: Switches) -> Reply:
    """One page of work orders."""
    company = matches.company
    with company.lock:
        places = matches.of(query, switches)
        total = len(places)
        pages = -(-total // query.per_page)
        page = query.page
        if page > pages and switches.repeat_last_page and pages:
            page = pages
        shown = places[(page - 1) * query.per_page : page * query.per_page]
        if query.columns:
            items = [content.item(place, query.columns) for place in shown]
        else:
            items = [stub(company, place) for place in shown]
        tabs = lists(company, query.list)
    head: dict[str, Json] = {
        "actions": ["create"],
        "metadata": {
            "total": total,
            "page": page,
            "pages": pages,
            "per_page": query.per_page,
            "columns": ",".join(query.columns),
            "view": query.view,
            "sort": query.sort,
            "order": query.order,
            "list": query.list,
            "available_columns": _AVAILABLE,
            "available_filters": [{"id": name, "name": name} for name in (switches.created_filter, *_FILTERS)],
        },
        "params": [name for name in request.params if name != "access_token"],
        "lists": tabs,
        "saved_filters": {"filter_id": "", "template": "", "user_id": "", "filters": []},
        "loading_time": 0.04,
        "timings": [{"name": "query", "time": 0.02}, {"name": "render", "time": 0.02}],
        "tags": [],
        "custom_fields": [],
        "search_text": "",
        "correlation_id": digest(f"{company.seed}/{request.number}"),
    }
    for name, text in query.filters.items():
        head[name] = text.split(",") if "," in text else text
        head[f"fs_{name[2:]}"] = True
    body = b'%b,"results":[%b]}' % (msgspec.json.encode(head)[:-1], b",".join(items))
    return Reply(body=body, page=page, per_page=query.per_page, results=len(items))
