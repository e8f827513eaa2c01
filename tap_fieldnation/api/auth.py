"""The OAuth 2.0 access token of the run, which all threads share.

Source: the authentication page of Field Nation's REST API v2 documentation. The body is JSON. There is no refresh
token: a new access token is requested in the same way as the first.
"""

from __future__ import annotations

import threading
import typing as t
from datetime import timedelta
from http import HTTPStatus

from singer_sdk.authenticators import OAuthAuthenticator
from typing_extensions import override

from tap_fieldnation.api import redact
from tap_fieldnation.api.errors import Action, ApiError, CredentialsError, Rule, login_rule_for

if t.TYPE_CHECKING:
    import requests

    from tap_fieldnation.api.clock import Clock
    from tap_fieldnation.api.requester import Requester

TOKEN_PATH = "/authentication/api/oauth/token"  # noqa: S105  (a path, not a secret)
SCOPE = "api"
# Seconds.
DEFAULT_LIFETIME = 3600.0
RENEWAL_MARGIN = 60.0

_NO_TOKEN = Rule(Action.FAIL, "check api_url, environment and the proxy, if there is one")


class FieldNationAuthenticator(OAuthAuthenticator):
    """The client-credentials grant, or the password grant if a username and a password are given.

    Args:
        client_id: OAuth 2.0 client id.
        client_secret: OAuth 2.0 client secret.
        username: For the password grant, or None.
        password: For the password grant, or None.
        environment: The name or URL that the user set, for messages.
        requester: Sends and retries the token request.
        clock: The time.
    """

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        username: str | None,
        password: str | None,
        environment: str,
        requester: Requester,
        clock: Clock,
    ) -> None:
        super().__init__(client_id=client_id, client_secret=client_secret, auth_endpoint=TOKEN_PATH, oauth_scopes=SCOPE)
        self._username, self._password = username, password
        self._environment = environment
        self._requester = requester
        self._clock = clock
        self._lock = threading.Lock()
        self._renew_at = float("-inf")
        redact.register_secrets(client_id, username)
        redact.register_secrets(client_secret, password, in_data=True)

    @property
    @override
    def oauth_request_body(self) -> dict[str, str]:
        """The JSON body of the token request."""
        body = {"client_id": str(self.client_id), "client_secret": str(self.client_secret)}
        if self._username is not None and self._password is not None:
            # Without a scope: no documentation shows one here, and some servers refuse it.
            return {"grant_type": "password", **body, "username": self._username, "password": self._password}
        return {"grant_type": "client_credentials", **body, "scope": SCOPE}

    def token(self) -> str:
        """The access token; requests one if there is none, or if it expires within 60 s (or half its lifetime).

        Raises:
            CredentialsError: Field Nation rejects the credentials or the grant.
            ApiError: There was no usable response.
        """
        with self._lock:
            if not self.is_token_valid():
                self.update_access_token()
            return t.cast("str", self.access_token)

    def renew(self, rejected: str) -> str:
        """A token to replace a rejected one. If another thread has already renewed it, no request is made."""
        self.logger.info("The access token was rejected: requesting a new one.")
        with self._lock:
            if self.access_token == rejected:
                self.update_access_token()
            return t.cast("str", self.access_token)

    @override
    def is_token_valid(self) -> bool:
        """Whether there is a token that does not have to be renewed yet."""
        return self.access_token is not None and self._clock.monotonic() < self._renew_at

    @override
    def update_access_token(self) -> None:
        """Request a token.

        Raises:
            CredentialsError: Field Nation rejects the credentials or the grant.
            ApiError: There was no usable response.
        """
        requested_at = self._clock.monotonic()
        body = self._requester.retry(self._request_token)
        members = body if isinstance(body, dict) else {}
        token = members.get("access_token")
        if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
            raise ApiError(TOKEN_PATH, HTTPStatus.OK, "the response contains no access_token", rule=_NO_TOKEN)
        redact.register_tokens(token, *(value for value in (members.get("refresh_token"),) if isinstance(value, str)))
        lifetime = _seconds(members.get("expires_in"))
        self.access_token, self.expires_in = token, int(lifetime)
        self.last_refreshed = self._clock.utc_now() - timedelta(seconds=self._clock.monotonic() - requested_at)
        self._renew_at = requested_at + lifetime - min(RENEWAL_MARGIN, lifetime / 2)
        self.logger.info("Got an access token that expires in %d s.", lifetime)

    @override
    def authenticate_request(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request unchanged: the session adds the token to a copy that nothing else sees."""
        return request

    def _request_token(self) -> t.Any:
        try:
            return self._requester.post(self.auth_endpoint, self.oauth_request_payload)
        except ApiError as error:
            if error.is_retryable or error.status is None or error.status < HTTPStatus.BAD_REQUEST:
                raise
            rule = login_rule_for(error.code, error.reason)
            advice = rule.client if self._username is None else rule.password
            raise CredentialsError(
                f"Field Nation ({self._environment}) gave no access token, HTTP {error.status} "
                f"({error.reason}): {advice}."
            ) from None


def _seconds(value: object) -> float:
    """A token's lifetime in seconds; 3600 if the response has no usable value."""
    try:
        lifetime = float(t.cast("str", value))
    except (TypeError, ValueError, OverflowError):
        return DEFAULT_LIFETIME
    return lifetime if 0 < lifetime < float("inf") else DEFAULT_LIFETIME
