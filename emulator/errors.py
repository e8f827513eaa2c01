"""Error answers, in each of the shapes that Field Nation's pages document.

`problem`: the 2026 catalogue (RFC 9457); `error`: the prose pages of 2025; `status`: the playground;
`oauth`: the authentication page; `errors`: the older list of error codes; `result`: the older reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .company.dice import uuid
from .messages import PROBLEM, Reply, json_reply

if TYPE_CHECKING:
    from emulator.json import Json

CODES = {
    400: ("VALIDATION_ERROR", "Validation error", "ValidationError", "FIX_INPUT"),
    401: ("AUTHENTICATION_REQUIRED", "Authentication required", "Unauthorized", "REAUTHENTICATE"),
    403: ("INSUFFICIENT_PERMISSIONS", "Insufficient permissions", "Forbidden", "ESCALATE"),
    404: ("RESOURCE_NOT_FOUND", "Not found", "NotFound", "FIX_INPUT"),
    405: ("METHOD_NOT_ALLOWED", "Method not allowed", "MethodNotAllowed", "FIX_INPUT"),
    408: ("REQUEST_TIMEOUT", "Request timeout", "RequestTimeout", "RETRY"),
    414: ("URI_TOO_LONG", "URI too long", "UriTooLong", "FIX_INPUT"),
    422: ("UNPROCESSABLE_ENTITY", "Unprocessable entity", "UnprocessableEntity", "FIX_INPUT"),
    429: ("RATE_LIMIT_EXCEEDED", "Rate limit exceeded", "RateLimitExceeded", "RETRY"),
    500: ("INTERNAL_SERVER_ERROR", "Internal server error", "InternalServerError", "RETRY"),
    502: ("BAD_GATEWAY", "Bad gateway", "BadGateway", "RETRY"),
    503: ("SERVICE_UNAVAILABLE", "Service unavailable", "ServiceUnavailable", "RETRY"),
    504: ("GATEWAY_TIMEOUT", "Gateway timeout", "GatewayTimeout", "RETRY"),
}
_UNKNOWN = ("ERROR", "Error", "Error", "ESCALATE")
TOO_MANY = 429
SHAPES = ("problem", "error", "status", "status_code", "errors", "oauth")


def error(status: int, detail: str, shape: str = "error", *, parameter: str = "", **headers: str) -> Reply:
    """An error answer. `detail` is the sentence for people, `parameter` the one that is wrong (400, 422)."""
    code, _, older, _ = CODES.get(status, _UNKNOWN)
    if shape == "problem":
        body: Json = _problem(status, detail, parameter)
        return json_reply(body, status, content_type=PROBLEM, **headers)
    if shape == "status":
        body = {"status": status, "message": detail}
    elif shape == "status_code":
        body = {"status_code": status, "message": detail}
    elif shape == "errors":
        body = {"metadata": {}, "errors": [{"code": status, "message": detail}], "result": {}}
    elif shape == "oauth":
        body = {
            "error": "invalid_token" if status in (400, 401) else code.lower(),
            "error_description": detail,
        }
    else:
        body = {"error": {"code": older, "message": detail}}
        if parameter:
            body["error"].update(field=parameter, details=[{"field": parameter, "message": detail}])
        if status == TOO_MANY:
            body["error"]["retry_after"] = 60
    return json_reply(body, status, **headers)


def _problem(status: int, detail: str, parameter: str) -> dict[str, Json]:
    code, title, _, action = CODES.get(status, _UNKNOWN)
    retry = action == "RETRY"
    body: dict[str, Json] = {
        "type": f"https://developer.fieldnation.example/error-codes/{code.lower().replace('_', '-')}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "retryable": retry,
        "correlationId": uuid(f"{status}/{detail}"),
        "agent": {"action": action, "backoffMs": 60_000 if status == TOO_MANY else 5_000, "maxAttempts": 3}
        if retry
        else {"action": action},
    }
    if parameter:
        body["errors"] = [{"detail": detail, "parameter": parameter}]
    return body


def expired(detail: str = "The access token expired", *, as_400: bool = False) -> Reply:
    """A token that is not good; the older reference has 400 and the words 'Expired token'."""
    if as_400:
        return json_reply({"status": 400, "message": "Expired token"}, 400)
    return json_reply(
        {"error": "invalid_token", "error_description": detail},
        401,
        WWW_Authenticate='Bearer realm="api", error="invalid_token"',
    )


def unauthenticated() -> Reply:
    """No token at all."""
    return error(401, "No access token was sent.", "problem", WWW_Authenticate='Bearer realm="api"')
