"""Other forms of the same responses, selected by switches: metadata of lists, names of keys, values that change."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from .http import Request, Response
    from .json import Json
    from .switches import Switches

WORK_ORDERS = "/workorders"


def vary(request: Request, response: Response, switches: Switches) -> Response:
    """The response in the form that the switches select."""
    if response.status == HTTPStatus.OK and request.path == WORK_ORDERS and switches.restless:
        body = msgspec.json.decode(response.body)
        for path in switches.restless.split(","):
            _set_at(body["results"], path.split("."), request.number)
        response.body = msgspec.json.encode(body)
    if response.status == HTTPStatus.OK and request.path != WORK_ORDERS and _is_varied(switches):
        body = msgspec.json.decode(response.body)
        if switches.spelling == "guides":
            body = _respelled(request.path, body)
        if isinstance(body, dict) and "results" in body:
            body = _list(body, switches)
        response.body = msgspec.json.encode(body)
    return response


def _set_at(value: Json, keys: list[str], number: int) -> None:
    """Set the values at a path to a number, in each item of the lists on the way."""
    if isinstance(value, list):
        for item in value:
            _set_at(item, keys, number)
    elif isinstance(value, dict) and keys[0] in value:
        if len(keys) == 1:
            value[keys[0]] = number
        else:
            _set_at(value[keys[0]], keys[1:], number)


def _is_varied(switches: Switches) -> bool:
    chosen = (switches.list_metadata, switches.list_pages, switches.list_hidden, switches.list_rows, switches.spelling)
    return chosen != ("full", None, 0, "results", "reference")


def _list(body: dict[str, Json], switches: Switches) -> dict[str, Json]:
    metadata = body.pop("metadata", None)
    if metadata and switches.list_metadata != "none":
        metadata["total"] += switches.list_hidden
        if switches.list_pages is not None:
            metadata["pages"] = switches.list_pages
        if switches.list_metadata == "no-pages":
            del metadata["pages"]
        if switches.list_metadata == "strings":
            metadata = {key: str(value) if isinstance(value, int) else value for key, value in metadata.items()}
        body["metadata"] = metadata
    body[switches.list_rows] = body.pop("results")
    return body


# As the guides of 2026 show these rows, where that differs from the reference.


def _renamed(row: dict[str, Json], **names: str) -> dict[str, Json]:
    return {names.get(key, key): value for key, value in row.items()}


def _client(row: dict[str, Json]) -> dict[str, Json]:
    row = _renamed(row, address_1="address1", address_2="address2")
    if "created" in row:
        row["created"] = f"{row['created']['utc'].replace(' ', 'T')}Z"
    return {**row, "work_orders_count": 156}


def _category(row: dict[str, Json]) -> dict[str, Json]:
    row = {key: value for key, value in row.items() if key != "type"}
    return {**_renamed(row, label="name"), "id": row["uid"], "requires_receipt": row["uid"] % 2 == 0}


def _revisit_reason(row: dict[str, Json]) -> dict[str, Json]:
    row = _renamed(row, reason_id="id")
    if "sub_reasons" in row:
        row["sub_reasons"] = list(map(_revisit_reason, row["sub_reasons"]))
    return row


def _label(row: dict[str, Json]) -> dict[str, Json]:
    return _renamed(row, label="name")


_SPELLINGS: tuple[tuple[re.Pattern[str], Callable[[dict[str, Json]], dict[str, Json]]], ...] = (
    (re.compile(r"/clients(/\d+)?"), _client),
    (re.compile("/company/expenses"), _category),
    (re.compile("/company/incomplete-reasons"), _label),
    (re.compile("/company/tags"), _label),
    (re.compile(r"/company/\d+/site-revisit-reasons"), _revisit_reason),
    (re.compile(r"/company/\d+/networks"), lambda row: _renamed(row, network_id="id", network_name="name")),
    (re.compile("/talent-pool-groups"), lambda row: _renamed(row, talent_pool_group_id="uuid")),
)


def _respelled(path: str, body: Json) -> Json:
    respell = next((respell for pattern, respell in _SPELLINGS if pattern.fullmatch(path)), None)
    if respell is None:
        return body
    if isinstance(body, list):
        return list(map(respell, body))
    for key in ("results", "data"):
        if key in body:
            return {**body, key: list(map(respell, body[key]))}
    return respell(body)
