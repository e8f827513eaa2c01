"""The three ways in which lists come: with `metadata`, with a cursor, bare."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from emulator.company.dice import digest
from emulator.errors import error
from emulator.messages import json_reply
from emulator.query import ParameterError, positive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.json import Json
    from emulator.messages import Reply, Request

PER_PAGE = 25
MOST = 100
LIMIT = 20


def no_such(what: str) -> Reply:
    """404 as the prose pages of 2025 have it."""
    return error(404, f"{what} not found")


def metadata_page(request: Request, rows: Sequence[Json], **more: Json) -> Reply:
    """`metadata{total, page, pages, per_page}` and `results`; 25 a page, 100 at most. `more` joins the envelope."""
    page = positive(request.params, "page", 1)
    per_page = min(positive(request.params, "per_page", PER_PAGE), MOST)
    shown = rows[(page - 1) * per_page : page * per_page]
    extra = more.pop("metadata", {})
    meta = {"total": len(rows), "page": page, "pages": -(-len(rows) // per_page), "per_page": per_page, **extra}
    reply = json_reply({"metadata": meta, **more, "results": shown})
    reply.page, reply.per_page, reply.results = page, per_page, len(shown)
    return reply


def resource_page(request: Request, rows: Sequence[Json], *, tabs: bool = True) -> Reply:
    """A list of company data with all that its envelope holds besides."""
    named = {"columns": request.params.get("columns", ""), "view": "list", "sort": "id", "order": "asc"}
    column = {"id": "name", "label": "Name", "group": "main", "order": 1, "icon": "text"}
    meta: dict[str, Json] = {
        **named,
        "list": request.params.get("list", "all"),
        "default_columns": "id,name",
        "company_columns": {"actions": ["edit"]},
        "available_columns": [
            {"group": "main", "items": [{**column, "selected": True, "can_sort": True, "sort_dir": "asc"}]}
        ],
        "available_filters": [{"id": "name", "label": "Name", "name": "f_name", "type": "text", "section": 1}],
    }
    tab = {"id": "all", "label": "All", "empty_message": "None", "selected": True, "actions": ["view"]}
    more: dict[str, Json] = {"lists": [{**tab, "custom_tab_id": None, "count": len(rows)}]} if tabs else {}
    return metadata_page(
        request,
        rows,
        metadata=meta,
        actions=["create"],
        params=sorted(request.params.keys() - {"access_token"}),
        search_text="",
        correlation_id=digest(request.path),
        **more,
    )


def cursor_page(request: Request, rows: Sequence[Json]) -> Reply:
    """`data` and `pagination`; `after` and `before` take a cursor, `limit` is 20 unless given, 100 at most."""
    limit = min(positive(request.params, "limit", LIMIT), MOST)
    direction = request.params.get("sort_direction", "ASC").upper()
    if direction not in ("ASC", "DESC"):
        raise ParameterError("sort_direction", "must be ASC or DESC")
    ordered = list(rows) if direction == "ASC" else list(rows)[::-1]
    begin = 0
    if request.params.get("after"):
        begin = _open(request.params["after"], "after")
    elif request.params.get("before"):
        begin = max(0, _open(request.params["before"], "before") - limit)
    shown = ordered[begin : begin + limit]
    end = begin + len(shown)
    further, earlier = end < len(ordered), begin > 0
    reply = json_reply(
        {
            "data": shown,
            "pagination": {
                "next_cursor": _seal(end) if further else None,
                "limit": limit,
                "prev_cursor": _seal(begin) if earlier else None,
                "has_next_page": further,
                "has_prev_page": earlier,
            },
        }
    )
    reply.per_page, reply.results = limit, len(shown)
    return reply


def bare(rows: Sequence[Json]) -> Reply:
    """The rows as a JSON array, without any envelope."""
    reply = json_reply(rows)
    reply.results = len(rows)
    return reply


def with_columns(request: Request, row: dict[str, Json], always: tuple[str, ...], *, ignore: bool) -> dict[str, Json]:
    """The row with the keys that a list sends anyway, and those that `columns` names."""
    named = [] if ignore else [name.strip() for name in request.params.get("columns", "").split(",")]
    return {name: row[name] for name in dict.fromkeys([*always, *named]) if name in row}


def _seal(at: int) -> str:
    return base64.urlsafe_b64encode(f"at:{at}".encode()).decode()


def _open(cursor: str, name: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor.encode()).decode().removeprefix("at:"))
    except ValueError:
        raise ParameterError(name, "is not a cursor of this list") from None
