"""Error responses, in each of the shapes that Field Nation's documentation shows.

`problem`: the error catalogue of 2026 (RFC 9457); `error`: the guides of 2025; `status`, `status_code`: the API
playground; `oauth`: the authentication page; `errors`: the older list of error codes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .company.rng import uuid
from .http import PROBLEM, Response, json_response

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
TOO_MANY_REQUESTS = 429
SHAPES = ("problem", "error", "status", "status_code", "errors", "oauth")


def error(status: int, detail: str, shape: str = "error", *, parameter: str = "", **headers: str) -> Response:
    """An error response. `detail` is the message, `parameter` the invalid parameter (400, 422)."""
    code, _, legacy_code, _ = CODES.get(status, _UNKNOWN)
    if shape == "problem":
        body: Json = _problem(status, detail, parameter)
        return json_response(body, status, content_type=PROBLEM, **headers)
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
        body = {"error": {"code": legacy_code, "message": detail}}
        if parameter:
            body["error"].update(field=parameter, details=[{"field": parameter, "message": detail}])
        if status == TOO_MANY_REQUESTS:
            body["error"]["retry_after"] = 60
    return json_response(body, status, **headers)


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
        "agent": {"action": action, "backoffMs": 60_000 if status == TOO_MANY_REQUESTS else 5_000, "maxAttempts": 3}
        if retry
        else {"action": action},
    }
    if parameter:
        body["errors"] = [{"detail": detail, "parameter": parameter}]
    return body


def expired(detail: str = "The access token expired", *, as_400: bool = False) -> Response:
    """The response to an invalid or expired token; the older reference documents 400 'Expired token'."""
    if as_400:
        return json_response({"status": 400, "message": "Expired token"}, 400)
    return json_response(
        {"error": "invalid_token", "error_description": detail},
        401,
        WWW_Authenticate='Bearer realm="api", error="invalid_token"',
    )


def unauthenticated() -> Response:
    """The response to a request without an access token."""
    return error(401, "No access token was sent.", "problem", WWW_Authenticate='Bearer realm="api"')
