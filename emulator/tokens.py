"""Tokens: `POST /authentication/api/oauth/token`, and whether an API call carries a good one.

The body is JSON as the authentication page has it: client_credentials with scope `api`, or password with
user name and password besides (the playground of 2026).
"""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass
from hashlib import shake_128
from typing import TYPE_CHECKING

import msgspec

from .errors import expired, unauthenticated
from .messages import Reply, Request, json_reply

if TYPE_CHECKING:
    from emulator.json import Json

    from .clock import Clock
    from .switches import Switches


@dataclass(frozen=True)
class Credentials:
    """What a client has to know."""

    client_id: str
    client_secret: str
    username: str
    password: str


def credentials(seed: int) -> Credentials:
    """Credentials made from the seed; the secrets hold characters that have to be escaped in a URL."""

    def word(what: str, length: int) -> str:
        return base64.b64encode(shake_128(f"{seed}/{what}".encode()).digest(length)).decode()

    return Credentials(
        client_id=f"fn-{shake_128(f'{seed}/id'.encode()).hexdigest(8)}",
        client_secret=f"s+{word('secret', 22)}",
        username=f"api.user+{seed}@company.example",
        password=f"p/{word('password', 13)}&ü",
    )


class Tokens:
    """Issues tokens and knows those that are still good."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self.credentials = credentials(seed)
        self._seed = seed
        self._clock = clock
        self._lock = threading.Lock()
        self._good: dict[str, tuple[float, str]] = {}  # token -> end of life, user
        self.issued: list[str] = []

    def answer(self, request: Request, switches: Switches) -> Reply:
        """The token endpoint."""
        if request.method != "POST":
            reply = json_reply({"status_code": 405, "message": "Method Not Allowed"}, 405)
            reply.headers["Allow"] = "POST"
            return reply
        if "json" not in request.headers.get("Content-Type", "").lower():
            return _refuse(400, "invalid_request", "The body must be JSON")
        try:
            body: Json = msgspec.json.decode(request.body)
        except msgspec.DecodeError:
            return _refuse(400, "invalid_request", "The body is not valid JSON")
        if not isinstance(body, dict):
            return _refuse(400, "invalid_request", "The body must be an object")
        return self._grant(body, switches)

    def _grant(self, body: dict[str, Json], switches: Switches) -> Reply:
        known = self.credentials
        grant = body.get("grant_type")
        allowed = {"client_credentials": switches.client_credentials, "password": switches.password_grant}
        if grant not in allowed:
            return _refuse(400, "unsupported_grant_type", "The grant type is not supported by the authorization server")
        if body.get("client_id") != known.client_id or body.get("client_secret") != known.client_secret:
            return _refuse(401, "invalid_client", "Client authentication failed")
        if not allowed[grant]:
            return _refuse(400, "unauthorized_client", "The client is not authorized to use this grant type")
        if grant == "client_credentials" and body.get("scope") != "api":
            return _refuse(400, "invalid_scope", "The requested scope is invalid, unknown, or malformed")
        user = "client"
        if grant == "password":
            user = str(body.get("username"))
            if user != known.username or body.get("password") != known.password:
                return _refuse(400, "invalid_grant", "The user credentials were incorrect")
        token = self._issue(user, switches.token_seconds)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": switches.token_seconds}
        if grant == "password":
            answer.update(scope="basic", refresh_token=f"r{token[::-1][:20]}")
        return json_reply(answer, Cache_Control="no-store")

    def _issue(self, user: str, seconds: int) -> str:
        with self._lock:
            raw = shake_128(f"{self._seed}/token/{len(self.issued)}/{self._clock.wall()}".encode()).digest(30)
            # '+', '/' and '=' are in every token: who does not escape them in a URL is found out.
            token = f"{base64.b64encode(raw).decode()[:38]}+/{len(self.issued):x}="
            self.issued.append(token)
            self._good[token] = (self._clock.monotonic() + seconds, user)
            return token

    def revoke_all(self) -> None:
        """Let all tokens end now."""
        with self._lock:
            self._good.clear()

    def check(self, request: Request, switches: Switches) -> Reply | str:
        """The user whose token the request carries, or the reply that refuses it."""
        token = request.params.get("access_token", "") if switches.query_token else ""
        header = request.headers.get("Authorization", "")
        if not token and header and switches.header_token:
            scheme, _, rest = header.partition(" ")
            token = rest.strip() if scheme.lower() == "bearer" else ""
        if not token:
            return unauthenticated()
        with self._lock:
            end, user = self._good.get(token, (0.0, ""))
        if not user:
            known = token in self.issued
            detail = "The access token expired" if known else "The access token is invalid"
            return expired(detail, as_400=switches.expired_as_400)
        if self._clock.monotonic() >= end:
            return expired(as_400=switches.expired_as_400)
        return user


def _refuse(status: int, error: str, description: str) -> Reply:
    return json_reply({"error": error, "error_description": description}, status)
