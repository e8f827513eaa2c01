"""Field Nation's three styles of pagination, as one iterator of pages. The response shows which style it is.

- By page number: ``metadata`` with ``page`` and ``pages``, beside ``results``.
- By cursor: ``pagination`` with ``next_cursor``, beside ``data``.
- Unpaged: a bare array, or an object with neither.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from http import HTTPStatus

from tap_fieldnation.api.client import API_ROOT
from tap_fieldnation.api.errors import ApiError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from tap_fieldnation.api.client import Client

MAX_PAGE_SIZE = 100

# The parameters of the first request, by style.
PAGE_NUMBERS: t.Mapping[str, object] = {"page": 1, "per_page": MAX_PAGE_SIZE}
CURSOR: t.Mapping[str, object] = {"limit": MAX_PAGE_SIZE}
UNPAGED: t.Mapping[str, object] = {}


@dataclass(frozen=True)
class ListPage:
    """One page of a list.

    Attributes:
        rows: Its items.
        total: How many items the list has, if the response says so.
        envelope: The object around the items, or an empty one.
        received_at: When it was received, UTC.
    """

    rows: list[t.Any]
    total: int | None
    envelope: Mapping[str, t.Any]
    received_at: datetime


def pages(
    client: Client, path: str, params: Mapping[str, object], *, rows: str = "", stream: str = ""
) -> Iterator[ListPage]:
    """The pages of a list.

    Args:
        client: Makes the requests.
        path: Below ``/api/rest/v2``.
        params: The query of the first page.
        rows: The key of the items, if it is neither ``results`` nor ``data``; "." if the response is a single item.
        stream: The stream that needs it, for messages.

    Raises:
        ApiError: A request failed, a response is not a list, or a page is repeated instead of the next one.
    """
    query = dict(params)
    visited: set[object] = set()
    row_count, previous = 0, ""
    while True:
        body, received_at = client.get(path, query, stream=stream)
        page = _page(body, rows, received_at)
        if page is None:
            raise ApiError(f"{API_ROOT}{path}", HTTPStatus.OK, "the response is not the documented list", stream=stream)
        following = _next_page(page)
        content = repr(page.rows)  # a copy, as the caller may change the rows
        # A server that repeats a page or a cursor would otherwise make this an endless loop.
        if (following and following[1] in visited) or (page.rows and content == previous):
            if page.total is None or row_count < page.total:
                reason = f"the API repeated a page instead of returning the next one; rows so far: {row_count}"
                raise ApiError(f"{API_ROOT}{path}", HTTPStatus.OK, reason, stream=stream)
            return
        yield page
        if following is None or not page.rows:
            return
        row_count, previous = row_count + len(page.rows), content
        parameter, value = following
        visited.add(value)
        query[parameter] = value


def _page(body: t.Any, key: str, received_at: datetime) -> ListPage | None:
    if isinstance(body, list):
        return ListPage(body, len(body), {}, received_at)
    if not isinstance(body, dict):
        return None
    if key == ".":
        return ListPage([body], 1, {}, received_at)
    items = body.get(key) if key else body.get("results", body.get("data"))
    if items is None or items == "":
        items = []
    if isinstance(items, dict):
        items = list(items.values())
    if not isinstance(items, list):
        return None
    metadata = body.get("metadata")
    total = metadata.get("total") if isinstance(metadata, dict) else None
    return ListPage(items, total if isinstance(total, int) else None, body, received_at)


def _next_page(page: ListPage) -> tuple[str, object] | None:
    """The parameter that selects the next page, and its value; None after the last page."""
    pagination = page.envelope.get("pagination")
    if isinstance(pagination, dict):
        cursor = pagination.get("next_cursor")
        usable = isinstance(cursor, (str, int)) and cursor
        return ("after", cursor) if pagination.get("has_next_page") and usable else None
    metadata = page.envelope.get("metadata")
    if isinstance(metadata, dict):
        try:
            number, count = int(metadata["page"]), int(metadata["pages"])
        except (KeyError, TypeError, ValueError):
            return None
        return ("page", number + 1) if number < count else None
    return None
