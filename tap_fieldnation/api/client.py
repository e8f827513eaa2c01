"""Requests a path of the API with an access token, which is renewed when it is rejected, and decodes the response."""

from __future__ import annotations

import threading
import typing as t

from tap_fieldnation.api.decode import decode
from tap_fieldnation.api.errors import Action, ApiError, TokenRefusedError

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tap_fieldnation.api.auth import FieldNationAuthenticator
    from tap_fieldnation.api.requester import Decoder, Requester

API_ROOT = "/api/rest/v2"


class Client:
    """Field Nation's API, read only.

    Args:
        requester: Sends and retries requests.
        authenticator: Provides the access token.
        max_in_flight: How many requests may be in flight at a time, over all threads.
    """

    def __init__(self, requester: Requester, authenticator: FieldNationAuthenticator, *, max_in_flight: int) -> None:
        self._requester, self._authenticator = requester, authenticator
        # Acquired before the rate limiter, so that a request that the rate limiter lets through is sent at once.
        self._in_flight = threading.Semaphore(max_in_flight)

    def get(
        self, path: str, params: Mapping[str, object], *, stream: str = "", decoder: Decoder = decode
    ) -> tuple[t.Any, datetime]:
        """GET and decode.

        Args:
            path: Below ``/api/rest/v2``, for example ``/workorders``.
            params: The query, without the token.
            stream: The stream that needs it, for messages.
            decoder: Decodes the body; raises ValueError if it is not JSON.

        Returns:
            The decoded body, and when it was received (UTC).

        Raises:
            ApiError: The request failed and cannot be retried, or ``max_retries`` is reached.
            CredentialsError: The credentials are rejected, or the access token and then a new one.
            DeadlineExceeded: The time limit is reached, or would be reached before the next attempt.
        """
        with self._in_flight:
            return self._requester.retry(lambda: self._get(f"{API_ROOT}{path}", params, stream, decoder))

    def _get(self, path: str, params: Mapping[str, object], stream: str, decoder: Decoder) -> tuple[t.Any, datetime]:
        token = self._authenticator.token()
        try:
            return self._requester.get(path, params, token, stream=stream, decoder=decoder)
        except ApiError as error:
            if error.rule.action is not Action.RENEW:
                raise
        token = self._authenticator.renew(token)
        try:
            return self._requester.get(path, params, token, stream=stream, decoder=decoder)
        except ApiError as error:
            if error.rule.action is Action.RENEW:
                raise TokenRefusedError(str(error)) from None
            raise
