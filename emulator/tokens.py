"""Access tokens: `POST /authentication/api/oauth/token`, and the check of the token in an API request.

The body is JSON, as on the authentication page: the grant `client_credentials` with scope `api`, or `password` with a
user name and password in addition (API playground of 2026).
"""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass
from hashlib import shake_128
from typing import TYPE_CHECKING

import msgspec

from .errors import expired, unauthenticated
from .http import Request, Response, json_response

if TYPE_CHECKING:
    from emulator.json import Json

    from .clock import Clock
    from .switches import Switches


@dataclass(frozen=True)
class Credentials:
    """The credentials of a client."""

    client_id: str
    client_secret: str
    username: str
    password: str


def credentials(seed: int) -> Credentials:
    """Credentials derived from the seed; the secrets contain characters that have to be escaped in a URL."""

    def word(what: str, length: int) -> str:
        return base64.b64encode(shake_128(f"{seed}/{what}".encode()).digest(length)).decode()

    return Credentials(
        client_id=f"fn-{shake_128(f'{seed}/id'.encode()).hexdigest(8)}",
        client_secret=f"s+{word('secret', 22)}",
        username=f"api.user+{seed}@company.example",
        password=f"p/{word('password', 13)}&ü",
    )


class Tokens:
    """Issues access tokens and checks them."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self.credentials = credentials(seed)
        self._seed = seed
        self._clock = clock
        self._lock = threading.Lock()
        self._valid: dict[str, tuple[float, str]] = {}  # token -> monotonic time of expiry, user
        self.issued: list[str] = []

    def handle(self, request: Request, switches: Switches) -> Response:
        """The response of the token endpoint."""
        if request.method != "POST":
            response = json_response({"status_code": 405, "message": "Method Not Allowed"}, 405)
            response.headers["Allow"] = "POST"
            return response
        if "json" not in request.headers.get("Content-Type", "").lower():
            return _token_error(400, "invalid_request", "The body must be JSON")
        try:
            body: Json = msgspec.json.decode(request.body)
        except msgspec.DecodeError:
            return _token_error(400, "invalid_request", "The body is not valid JSON")
        if not isinstance(body, dict):
            return _token_error(400, "invalid_request", "The body must be an object")
        return self._grant(body, switches)

    def _grant(self, body: dict[str, Json], switches: Switches) -> Response:
        expected = self.credentials
        grant = body.get("grant_type")
        allowed = {"client_credentials": switches.client_credentials, "password": switches.password_grant}
        if grant not in allowed:
            description = "The grant type is not supported by the authorization server"
            return _token_error(400, "unsupported_grant_type", description)
        if body.get("client_id") != expected.client_id or body.get("client_secret") != expected.client_secret:
            return _token_error(401, "invalid_client", "Client authentication failed")
        if not allowed[grant]:
            return _token_error(400, "unauthorized_client", "The client is not authorized to use this grant type")
        # Only the documentation of the client-credentials grant has a scope.
        if body.get("scope") != ("api" if grant == "client_credentials" else None):
            return _token_error(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed")
        user = "client"
        if grant == "password":
            user = str(body.get("username"))
            if user != expected.username or body.get("password") != expected.password:
                return _token_error(400, "invalid_grant", "The user credentials were incorrect")
        token = self._issue(user, switches.token_seconds)
        granted = {"access_token": token, "token_type": "Bearer", "expires_in": switches.token_seconds}
        if grant == "password":
            granted.update(scope="basic", refresh_token=f"r{token[::-1][:20]}")
        return json_response(granted, Cache_Control="no-store")

    def _issue(self, user: str, seconds: int) -> str:
        with self._lock:
            raw = shake_128(f"{self._seed}/token/{len(self.issued)}/{self._clock.wall()}".encode()).digest(30)
            # Every token contains '+', '/' and '=', so that a client that does not escape it in a URL fails.
            token = f"{base64.b64encode(raw).decode()[:38]}+/{len(self.issued):x}="
            self.issued.append(token)
            self._valid[token] = (self._clock.monotonic() + seconds, user)
            return token

    def revoke_all(self) -> None:
        """Expire all tokens now."""
        with self._lock:
            self._valid.clear()

    def check(self, request: Request, switches: Switches) -> Response | str:
        """The user of the access token in the request, or the response that refuses it."""
        token = request.params.get("access_token", "") if switches.query_token else ""
        header = request.headers.get("Authorization", "")
        if not token and header and switches.header_token:
            scheme, _, rest = header.partition(" ")
            token = rest.strip() if scheme.lower() == "bearer" else ""
        if not token:
            return unauthenticated()
        with self._lock:
            expiry, user = self._valid.get(token, (0.0, ""))
        if not user:
            detail = "The access token expired" if token in self.issued else "The access token is invalid"
            return expired(detail, as_400=switches.expired_as_400)
        if self._clock.monotonic() >= expiry:
            return expired(as_400=switches.expired_as_400)
        return user


def _token_error(status: int, error: str, description: str) -> Response:
    return json_response({"error": error, "error_description": description}, status)
