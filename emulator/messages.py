"""A request as the emulator sees it, and a reply before it goes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.json import Json

JSON = "application/json; charset=utf-8"
PROBLEM = "application/problem+json"
API = "/api/rest/v2"
LOGIN = "/authentication/api/oauth/token"


@dataclass
class Request:
    """One request. `path` is relative to the API's root where it lies below it."""

    method: str
    target: str  # path and query as they came in
    path: str
    params: dict[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    token: str = ""
    number: int = 0  # running number since the start of the emulator


@dataclass
class Reply:
    """What goes back. `page`, `per_page` and `results` are for the log."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    page: int | None = None
    per_page: int | None = None
    results: int | None = None


def json_reply(value: Json, status: int = 200, *, content_type: str = JSON, **headers: str) -> Reply:
    """A reply with `value` as JSON; underscores in header names become hyphens."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, msgspec.json.encode(value), content_type, named)
