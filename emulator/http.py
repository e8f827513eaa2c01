"""HTTP requests and responses as the emulator's modules exchange them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.json import Json

JSON = "application/json; charset=utf-8"
PROBLEM = "application/problem+json"
API_ROOT = "/api/rest/v2"
TOKEN_PATH = "/authentication/api/oauth/token"  # noqa: S105  (a path, not a secret)


@dataclass
class Request:
    """One request. `path` is relative to API_ROOT if it is below it."""

    method: str
    target: str  # path and query string as received
    path: str
    params: dict[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    number: int = 0  # counted from 1 since the emulator was created


@dataclass
class Response:
    """One response. `page`, `per_page` and `results` are for the log."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    page: int | None = None
    per_page: int | None = None
    results: int | None = None


def json_response(value: Json, status: int = 200, *, content_type: str = JSON, **headers: str) -> Response:
    """Encode `value` as the body; underscores in header names become hyphens."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(status, msgspec.json.encode(value), content_type, named)
