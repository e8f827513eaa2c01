"""Field Nation's three ways of listing, as one iterator of pages; the answer shows which of them it is.

- ``metadata`` with ``page`` and ``pages`` beside ``results``: ask for the next number.
- ``pagination`` with ``next_cursor`` beside ``data``: ask for what comes after the cursor.
- a bare array, or an object without either: all there is.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tap_fieldnation.api.client import API_ROOT
from tap_fieldnation.api.errors import ApiError

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from tap_fieldnation.api.client import Client

MOST = 100

# Sent with the first request: the numbered lists know one pair, the cursor lists the other.
NUMBERED: t.Mapping[str, object] = {"page": 1, "per_page": MOST}
CURSOR: t.Mapping[str, object] = {"limit": MOST}
WHOLE: t.Mapping[str, object] = {}


@dataclass(frozen=True)
class ListPage:
    """One page of a list.

    Attributes:
        rows: Its items.
        total: How many the list holds, where the answer says so.
        envelope: The object around the items, or an empty one.
        received_at: When it arrived, UTC.
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
        rows: The key of the items, where it is neither ``results`` nor ``data``; "." where the answer is the one item.
        stream: For messages.

    Raises:
        ApiError: Also where an answer is no list, or where a page comes again in place of one that is due.
    """
    query = dict(params)
    seen: set[object] = set()
    count, before = 0, ""
    while True:
        body, received_at = client.get(path, query, stream=stream)
        page = _page(body, rows, received_at)
        if page is None:
            raise ApiError(f"{API_ROOT}{path}", 200, "the answer is not the list that is documented", stream=stream)
        step = _next(page)
        shown = repr(page.rows)  # as they came: whoever takes them changes them
        # A server that repeats a page, or hands out a cursor again, would keep us for ever.
        if (step and step[1] in seen) or (page.rows and shown == before):
            if page.total is None or count < page.total:
                reason = f"the same page came again after {count} rows, in place of the next one"
                raise ApiError(f"{API_ROOT}{path}", 200, reason, stream=stream)
            return
        yield page
        if step is None or not page.rows:
            return
        count, before = count + len(page.rows), shown
        seen.add(step[1])
        query[step[0]] = step[1]


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


def _next(page: ListPage) -> tuple[str, object] | None:
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
