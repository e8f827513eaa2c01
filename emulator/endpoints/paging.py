"""The three kinds of lists: pages with `metadata`, pages with a cursor, and plain JSON arrays."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from emulator.company.rng import digest
from emulator.errors import error
from emulator.http import json_response
from emulator.query import ParameterError, positive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.http import Request, Response
    from emulator.json import Json

DEFAULT_PER_PAGE = 25
MAX_PER_PAGE = 100
DEFAULT_LIMIT = 20


def not_found(what: str) -> Response:
    """404 in the shape of the guides of 2025."""
    return error(404, f"{what} not found")


def metadata_page(request: Request, rows: Sequence[Json], **more: Json) -> Response:
    """A page with `metadata{total, page, pages, per_page}`; 25 rows by default, at most 100.

    `more` is added to the envelope.
    """
    page = positive(request.params, "page", 1)
    per_page = min(positive(request.params, "per_page", DEFAULT_PER_PAGE), MAX_PER_PAGE)
    shown = rows[(page - 1) * per_page : page * per_page]
    extra = more.pop("metadata", {})
    meta = {"total": len(rows), "page": page, "pages": -(-len(rows) // per_page), "per_page": per_page, **extra}
    response = json_response({"metadata": meta, **more, "results": shown})
    response.page, response.per_page, response.results = page, per_page, len(shown)
    return response


def resource_page(request: Request, rows: Sequence[Json], *, tabs: bool = True) -> Response:
    """A page of company data with the complete envelope."""
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


def cursor_page(request: Request, rows: Sequence[Json]) -> Response:
    """A page with `data` and `pagination`; `after` and `before` take a cursor; 20 rows by default, at most 100."""
    limit = min(positive(request.params, "limit", DEFAULT_LIMIT), MAX_PER_PAGE)
    direction = request.params.get("sort_direction", "ASC").upper()
    if direction not in ("ASC", "DESC"):
        raise ParameterError("sort_direction", "must be ASC or DESC")
    ordered = list(rows) if direction == "ASC" else list(rows)[::-1]
    start = 0
    if request.params.get("after"):
        start = _decode_cursor(request.params["after"], "after")
    elif request.params.get("before"):
        start = max(0, _decode_cursor(request.params["before"], "before") - limit)
    shown = ordered[start : start + limit]
    end = start + len(shown)
    has_next, has_previous = end < len(ordered), start > 0
    response = json_response(
        {
            "data": shown,
            "pagination": {
                "next_cursor": _encode_cursor(end) if has_next else None,
                "limit": limit,
                "prev_cursor": _encode_cursor(start) if has_previous else None,
                "has_next_page": has_next,
                "has_prev_page": has_previous,
            },
        }
    )
    response.per_page, response.results = limit, len(shown)
    return response


def json_array(rows: Sequence[Json]) -> Response:
    """The rows as a JSON array, without an envelope."""
    response = json_response(rows)
    response.results = len(rows)
    return response


def with_columns(request: Request, row: dict[str, Json], always: tuple[str, ...], *, ignore: bool) -> dict[str, Json]:
    """The row reduced to the keys in `always` and those that `columns` names."""
    named = [] if ignore else [name.strip() for name in request.params.get("columns", "").split(",")]
    return {name: row[name] for name in dict.fromkeys([*always, *named]) if name in row}


def _encode_cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"at:{position}".encode()).decode()


def _decode_cursor(cursor: str, name: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor.encode()).decode().removeprefix("at:"))
    except ValueError:
        raise ParameterError(name, "is not a cursor of this list") from None
