"""Field Nation's three styles of pagination, as one iterator of pages. The response shows which style it is.

- By page number: ``metadata`` with ``total``, ``page``, ``pages`` and ``per_page``, beside ``results``. Each of the
  four may be missing, or be a string. Without ``pages``, pages are requested until all rows were received or a page is
  empty.
- By cursor: ``pagination`` with ``next_cursor``, beside ``data``.
- Unpaged: a bare array, or an object with neither.
"""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass, replace
from http import HTTPStatus

from tap_fieldnation.api.client import API_ROOT
from tap_fieldnation.api.errors import ApiError, reason_of

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from tap_fieldnation.api.client import Client

MAX_PAGE_SIZE = 100

# The parameters of the first request, by style.
PAGE_NUMBERS: t.Mapping[str, object] = {"page": 1, "per_page": MAX_PAGE_SIZE}
CURSOR: t.Mapping[str, object] = {"limit": MAX_PAGE_SIZE}
UNPAGED: t.Mapping[str, object] = {}

# The keys that can hold the rows of an envelope, unless a stream names another one.
ROWS = ("results", "data")
# Lists in the envelope that are not the rows.
_NOT_ROWS = frozenset({"actions", "errors", "lists", "params", "saved_filters", "timings"})
_PAGING = ("metadata", "pagination")
_FALSE = ("", "0", "false", "none")

# After this many empty pages in a row, a list counts as truncated.
MAX_EMPTY = 10

# A value with more digits is not a count; Python refuses to parse thousands of them.
MAX_DIGITS = 18


@dataclass(frozen=True)
class ListPage:
    """One page of a list.

    Attributes:
        rows: Its items.
        total: How many items the list has, if the response says so.
        envelope: The object around the items, or an empty one.
        received_at: When it was received, UTC.
        truncated: Whether the list has more rows, but the response does not say how to get them, or the caller's limit
            of pages was reached.
        following: The parameter that selects the next page, and its value; None after the last page.
    """

    rows: list[t.Any]
    total: int | None
    envelope: Mapping[str, t.Any]
    received_at: datetime
    truncated: bool = False
    following: tuple[str, object] | None = None


class _Next(t.NamedTuple):
    """The parameter that selects the next page.

    Attributes:
        stated: Whether the response says that there is a next page; otherwise there only may be one.
    """

    parameter: str
    value: object
    stated: bool


def pages(
    client: Client,
    path: str,
    params: Mapping[str, object],
    *,
    rows: str = "",
    stream: str = "",
    max_pages: int | None = None,
) -> Iterator[ListPage]:
    """The pages of a list.

    Args:
        client: Makes the requests.
        path: Below ``/api/rest/v2``.
        params: The query of the first page.
        rows: The key of the items, if it is neither ``results`` nor ``data``; "." if the response is a single item.
        stream: The stream that needs it, for messages.
        max_pages: The number of pages after which the list counts as truncated.

    Raises:
        ApiError: A request failed, a response is not a list, or a page is repeated although the response said that
            there is a next one.
    """
    query = dict(params)
    visited: set[object] = set()
    contents: set[bytes] = set()
    row_count, empty, stated = 0, 0, True
    number = 0
    while True:
        number += 1
        body, received_at = client.get(path, query, stream=stream)
        page = _page(body, rows, received_at)
        if page is None:
            said = reason_of(body)
            reason = f"the response is not the documented list{': ' if said else ''}{said}"
            raise ApiError(f"{API_ROOT}{path}", HTTPStatus.OK, reason, stream=stream)
        following = _next_page(page, query, row_count + len(page.rows))
        content = _digest(page.rows) if following or contents else b""
        # A server that repeats pages or a cursor would otherwise make this an endless loop.
        if (following and following.value in visited) or (page.rows and content in contents):
            if stated and (page.total is None or row_count < page.total):
                reason = f"the API repeated a page instead of returning the next one; rows so far: {row_count}"
                raise ApiError(f"{API_ROOT}{path}", HTTPStatus.OK, reason, stream=stream)
            return
        empty = 0 if page.rows else empty + 1
        ends = following is None or (empty and not _goes_on(page, following, row_count))
        limited = not ends and (number == max_pages or empty > MAX_EMPTY)
        yield replace(page, truncated=page.truncated or limited, following=following and following[:2])
        if following is None or ends or limited:
            return
        row_count, stated = row_count + len(page.rows), following.stated
        contents.add(content)
        visited.add(following.value)
        query[following.parameter] = following.value


def shortfall(last: ListPage | None, received: int) -> str:
    """The rest of a sentence that begins with "the API", about rows that it did not return; "" if it returned all.

    Args:
        last: The last page of a list, if there was one.
        received: How many rows the pages had.
    """
    if last is None:
        return ""
    if last.total is not None and last.total > received:
        return f"counts {last.total:,} rows but returned {received:,}"
    return f"has more rows than the {received:,} that were read" if last.truncated else ""


def whole_number(value: object) -> int | None:
    """A count in a response, which may be a string; None for anything else."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) <= MAX_DIGITS:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _goes_on(page: ListPage, following: _Next, row_count: int) -> bool:
    """Whether rows can come after an empty page: some servers filter a page after they have cut it out of the list."""
    return following.stated and (page.total is None or row_count < page.total)


def _digest(rows: list[t.Any]) -> bytes:
    return hashlib.blake2b(repr(rows).encode(errors="surrogatepass"), digest_size=16).digest()


def _page(body: t.Any, key: str, received_at: datetime) -> ListPage | None:
    if isinstance(body, list):
        return ListPage(body, None, {}, received_at)
    if not isinstance(body, dict):
        return None
    if key == ".":
        return ListPage([body], 1, {}, received_at)
    items = body.get(key) if key else _items(body)
    if items is None or items == "":
        items = []
    if isinstance(items, dict):
        items = next((items[name] for name in ROWS if isinstance(items.get(name), list)), items)
    if isinstance(items, dict):
        # PHP encodes a list with a gap as an object; and a list of one item may be sent as that item.
        items = list(items.values()) if all(map(str.isdecimal, items)) else [items]
    if not isinstance(items, list) or (not items and body.get("errors")):
        return None
    metadata = body.get("metadata")
    total = whole_number(metadata.get("total")) if isinstance(metadata, dict) else None
    pagination = body.get("pagination")
    truncated = isinstance(pagination, dict) and _has_next(pagination) and _cursor(pagination) is None
    return ListPage(items, total, body, received_at, truncated=truncated)


def _items(body: Mapping[str, t.Any]) -> t.Any:
    """The items of an envelope, even if they are under a different key; `False` if there are none."""
    found = [body[key] for key in ROWS if body.get(key) is not None]
    if found:
        return next(filter(None, found), found[0])
    lists = [value for key, value in body.items() if isinstance(value, list) and key not in _NOT_ROWS]
    if len(lists) == 1:
        return lists[0]
    if body and all(map(str.isdecimal, body)):
        return body
    return [] if not body or any(key in body for key in (*ROWS, *_PAGING)) else False


def _next_page(page: ListPage, query: Mapping[str, object], row_count: int) -> _Next | None:
    """How to request the next page; None after the last one.

    Args:
        page: The page.
        query: The query that it was requested with.
        row_count: The number of rows up to the end of this page.
    """
    pagination = page.envelope.get("pagination")
    if isinstance(pagination, dict):
        cursor = _cursor(pagination)
        return _Next("after", cursor, stated=True) if cursor is not None and _has_next(pagination) else None
    metadata = page.envelope.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    number = whole_number(query.get("page")) or 1
    count = whole_number(metadata.get("pages"))
    if count:
        return _Next("page", number + 1, stated=True) if number < count else None
    if page.total is not None and page.total >= row_count:
        more = row_count < page.total
    else:
        size = whole_number(metadata.get("per_page")) or whole_number(query.get("per_page"))
        more = size is not None and len(page.rows) == size
    return _Next("page", number + 1, stated=False) if more else None


def _cursor(pagination: Mapping[str, t.Any]) -> str | int | None:
    cursor = pagination.get("next_cursor")
    return cursor if isinstance(cursor, (str, int)) and cursor else None


def _has_next(pagination: Mapping[str, t.Any]) -> bool:
    """Whether there is a next page: if the response does not say so, it is assumed if it has a cursor."""
    stated = pagination.get("has_next_page")
    return _cursor(pagination) is not None if stated is None else str(stated).strip().lower() not in _FALSE
