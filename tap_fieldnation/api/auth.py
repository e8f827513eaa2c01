"""One OAuth 2.0 token for the whole run, safe between threads.

Source: the authentication page of Field Nation's REST API v2 documentation. The body is JSON; there is no refresh
token: a new one is asked for in the same way.
"""

from __future__ import annotations

import threading
import typing as t
from datetime import timedelta

from singer_sdk.authenticators import OAuthAuthenticator
from typing_extensions import override

from tap_fieldnation.api import redact
from tap_fieldnation.api.decode import decode
from tap_fieldnation.api.errors import Action, ApiError, CredentialsError, Rule, login_rule_for, reason_of

if t.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import requests

    from tap_fieldnation.api.clock import Clock
    from tap_fieldnation.api.transport import Response

TOKEN_PATH = "/authentication/api/oauth/token"  # noqa: S105  (a path, not a secret)
SCOPE = "api"
DEFAULT_LIFE = 3600.0
_NO_TOKEN = Rule(Action.FAIL, "check api_url, environment and what stands between")
MARGIN = 60.0


class FieldNationAuthenticator(OAuthAuthenticator):
    """The client-credentials flow, or the password grant where a user's name and password are given.

    Args:
        client_id: OAuth 2.0 client id.
        client_secret: OAuth 2.0 client secret.
        username: For the password grant, or None.
        password: For the password grant, or None.
        environment: What the user knows the host as, for messages.
        post: Sends a JSON body to a path; paced and retried by the caller.
        clock: What time it is.
    """

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        username: str | None,
        password: str | None,
        environment: str,
        post: Callable[[str, Mapping[str, str]], Response],
        clock: Clock,
    ) -> None:
        super().__init__(client_id=client_id, client_secret=client_secret, auth_endpoint=TOKEN_PATH, oauth_scopes=SCOPE)
        self._username, self._password = username, password
        self._environment = environment
        self._post = post
        self._clock = clock
        self._renewing = threading.Lock()
        self._renew_at = float("-inf")
        redact.register_secrets(client_id, client_secret, username, password)

    @property
    @override
    def oauth_request_body(self) -> dict[str, str]:
        """The JSON body of the token request."""
        body = {"client_id": str(self.client_id), "client_secret": str(self.client_secret), "scope": SCOPE}
        if self._username is not None and self._password is not None:
            return {"grant_type": "password", **body, "username": self._username, "password": self._password}
        return {"grant_type": "client_credentials", **body}

    def token(self) -> str:
        """The token, asked for anew where there is none or it ends within 60 s (half its life, if that is less).

        Raises:
            CredentialsError: Field Nation refuses to give one.
            ApiError: No usable answer came.
        """
        with self._renewing:
            if not self.is_token_valid():
                self.update_access_token()
            return t.cast("str", self.access_token)

    def renew(self, refused: str) -> str:
        """The token to use in place of one that was refused; another thread may have renewed it already."""
        with self._renewing:
            if self.access_token == refused:
                self.update_access_token()
            return t.cast("str", self.access_token)

    @override
    def is_token_valid(self) -> bool:
        """Whether there is a token that can still be used for a while."""
        return self.access_token is not None and self._clock.monotonic() < self._renew_at

    @override
    def update_access_token(self) -> None:
        """Ask for a token.

        Raises:
            CredentialsError: Field Nation refuses to give one.
            ApiError: No usable answer came.
        """
        asked_at = self._clock.monotonic()
        answer = self._post(self.auth_endpoint, self.oauth_request_payload)
        body = _json_object(answer.body)
        token = body.get("access_token")
        if not 200 <= answer.status < 300:  # noqa: PLR2004
            raise self._refused(answer.status, body, answer.body)
        if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
            raise ApiError(TOKEN_PATH, answer.status, "the answer holds no access_token", rule=_NO_TOKEN)
        redact.register_secrets(token, *(value for value in (body.get("refresh_token"),) if isinstance(value, str)))
        life = _seconds(body.get("expires_in"))
        self.access_token, self.expires_in = token, int(life)
        self.last_refreshed = self._clock.utc_now() - timedelta(seconds=self._clock.monotonic() - asked_at)
        self._renew_at = asked_at + life - min(MARGIN, life / 2)
        self.logger.info("Got an access token that lasts %d s.", life)

    @override
    def authenticate_request(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Leave the request as it is: the token is added by the session, in a copy that nobody sees."""
        return request

    def _refused(self, status: int, body: Mapping[str, object], raw: bytes) -> Exception:
        reason = reason_of(body) or raw.decode(errors="replace")
        error = ApiError(TOKEN_PATH, status, reason)
        if error.rule.action not in {Action.FAIL, Action.RENEW, Action.SKIP} or 300 <= status < 400:  # noqa: PLR2004
            return error
        rule = login_rule_for(body.get("error"), reason)
        advice = rule.client if self._username is None else rule.password
        return CredentialsError(
            f"Field Nation ({self._environment}) gave no access token, HTTP {status} "
            f"({redact.excerpt(reason)}): {advice}."
        )


def _json_object(body: bytes) -> Mapping[str, object]:
    try:
        value = decode(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _seconds(value: object) -> float:
    """A token's life in seconds; 3600 where the answer does not say, or says nothing usable."""
    try:
        life = float(t.cast("str", value))
    except (TypeError, ValueError, OverflowError):
        return DEFAULT_LIFE
    return life if 0 < life < float("inf") else DEFAULT_LIFE
