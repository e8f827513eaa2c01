"""GET a path of the API: paced by the budget, retried by `backoff`, with a token that is renewed when refused."""

from __future__ import annotations

import contextlib
import email.utils
import threading
import typing as t
from datetime import datetime, timedelta, timezone

import backoff

from tap_fieldnation.api.decode import decode
from tap_fieldnation.api.errors import Action, ApiError, Rule, TokenRefusedError, reason_of, rule_for

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Mapping

    from tap_fieldnation.api.auth import FieldNationAuthenticator
    from tap_fieldnation.api.clock import Clock
    from tap_fieldnation.api.rate_limiter import RateLimiter
    from tap_fieldnation.api.transport import Response, Transport

Decoder = t.Callable[[bytes], t.Any]

API_ROOT = "/api/rest/v2"
LONGEST_BACKOFF = 60.0
LONGEST_WAIT = 300.0
DEFAULT_WAIT = 60.0
SHORTEST_WAIT = 1.0

_LIMIT_HEADERS = ("x-ratelimit-limit", "x-rate-limit-limit")


class Client:
    """Field Nation's API, read only.

    Args:
        transport: Sends one request.
        budget: Says when.
        clock: What time it is, and how to wait.
        max_retries: Tries after the first, per request.
        at_once: How many requests may be in flight, whichever threads make them.
        logger: Where waits and retries are told of.

    Attributes:
        ahead_of_server: By how much our clock is ahead of the server's, at most, as far as its answers show.
        requests: Requests made, tries and token requests included.
        retries: Tries after the first.
    """

    def __init__(
        self,
        transport: Transport,
        budget: RateLimiter,
        clock: Clock,
        *,
        max_retries: int,
        max_in_flight: int,
        logger: logging.Logger,
    ) -> None:
        self._transport, self.budget, self._clock = transport, budget, clock
        self._max_retries = max_retries
        # Taken before the budget: a request that was granted leaves, and does not wait for others to come back.
        self._in_flight = threading.Semaphore(max_in_flight)
        self._logger = logger
        self._lock = threading.Lock()
        self.authenticator: FieldNationAuthenticator | None = None
        self.ahead_of_server = timedelta()
        self.requests = 0
        self.retries = 0

    def post(self, path: str, body: Mapping[str, str]) -> Response:
        """POST to the token endpoint; its answer is handed on unless it is worth a retry."""

        def once() -> Response:
            answer = self._send(lambda: self._transport.post(path, body))
            if (error := self._failure(path, answer)) and error.rule.action in {Action.RETRY, Action.WAIT}:
                raise error
            if not error:
                _decoded(path, answer)
            return answer

        return self._retried(once)

    def get(
        self, path: str, params: Mapping[str, object], *, stream: str = "", decoder: Decoder = decode
    ) -> tuple[t.Any, datetime]:
        """GET and decode.

        Args:
            path: Below ``/api/rest/v2``, for example ``/workorders``.
            params: The query, without the token.
            stream: For whom, for messages.
            decoder: Makes a value of the body; raises ValueError where that is no JSON.

        Returns:
            The decoded body, untyped, and when it was received (UTC).

        Raises:
            ApiError: What the table of `errors` says cannot be helped, or was not helped by ``max_retries`` tries.
            CredentialsError: The token is refused, a new one too.
            OutOfTimeError: The time allowed is spent.
        """
        with self._in_flight:
            return self._retried(lambda: self._get_once(f"{API_ROOT}{path}", params, stream, decoder))

    def _get_once(
        self, path: str, params: Mapping[str, object], stream: str, decoder: Decoder
    ) -> tuple[t.Any, datetime]:
        assert self.authenticator is not None  # noqa: S101  (set where both are made)
        token = self.authenticator.token()
        answer = self._send(lambda: self._transport.get(path, params, token), stream)
        error = self._failure(path, answer, stream)
        if error and error.rule.action is Action.RENEW:
            self._logger.info("The access token was refused; asking for a new one.")
            token = self.authenticator.renew(token)
            answer = self._send(lambda: self._transport.get(path, params, token), stream)
            error = self._failure(path, answer, stream)
            if error and error.rule.action is Action.RENEW:
                raise TokenRefusedError(str(error))
        if error:
            raise error
        received_at = self._clock.utc_now()
        return _decoded(path, answer, stream, decoder), received_at

    def _send(self, send: t.Callable[[], Response], stream: str = "") -> Response:
        self._clock.check()
        self.budget.acquire()
        with self._lock:
            self.requests += 1
        try:
            answer = send()
        except ApiError as error:
            error.name(stream)
            raise
        if date := _date_of(answer):
            self.ahead_of_server = max(self.ahead_of_server, self._clock.utc_now() - date)
        for name in _LIMIT_HEADERS:
            if (limit := answer.headers.get(name, "")).isdecimal():
                self.budget.lower(float(limit))
        return answer

    def _retried(self, once: t.Callable[[], _T]) -> _T:
        """Call until it succeeds, by the rules of the table.

        The wait is done by `_wait` on the clock passed in, since `backoff` itself sleeps on the machine's.
        """
        waits = self._waits()
        decorate = backoff.on_exception(
            backoff.runtime,
            ApiError,
            value=lambda _: 0.0,
            max_tries=self._max_retries + 1,
            jitter=None,
            giveup=lambda error: t.cast("ApiError", error).rule.action not in {Action.RETRY, Action.WAIT},
            on_backoff=lambda details: self._wait(t.cast("ApiError", details["exception"]), next(waits)),
            on_giveup=lambda details: t.cast("ApiError", details["exception"]).end_retries(),
            logger=None,
        )
        return decorate(once)()

    @staticmethod
    def _waits() -> Iterator[float]:
        """1, 2, 4 … 60 s and up to 1 s of jitter, so that threads do not come back in step."""
        expo = backoff.expo(max_value=LONGEST_BACKOFF)
        next(expo)  # primes the generator
        for seconds in expo:
            yield backoff.random_jitter(seconds)

    def _wait(self, error: ApiError, seconds: float) -> None:
        with self._lock:
            self.retries += 1
        shared = error.rule.action is Action.WAIT
        if shared:
            asked = DEFAULT_WAIT if error.wait is None else error.wait
            # One that asks for no wait, or for one in the past, gets the waits of other trouble: longer each time.
            seconds = asked if asked >= SHORTEST_WAIT else seconds
            self.budget.pause(seconds)
        else:
            seconds = max(seconds, error.wait or 0.0)
        self._logger.warning("%s. Trying again in %.0f s.", error.what, seconds)
        if not shared:
            self._clock.sleep(seconds)

    def _failure(self, path: str, answer: Response, stream: str = "") -> ApiError | None:
        """The error that an answer stands for, or None for a good one."""
        if 200 <= answer.status < 300:  # noqa: PLR2004
            return None
        try:
            body = decode(answer.body)
        except ValueError:
            body = None
        reason = reason_of(body) or answer.body.decode(errors="replace")
        members = body if isinstance(body, dict) else {}
        correlation_id, code = members.get("correlationId"), members.get("error")
        return ApiError(
            path,
            answer.status,
            reason,
            rule=rule_for(answer.status, f"{code} {reason}" if isinstance(code, str) else reason),
            wait=_asked_wait(answer, body, self._clock.utc_now()),
            correlation_id=correlation_id if isinstance(correlation_id, str) else None,
            stream=stream,
        )


_T = t.TypeVar("_T")


def _asked_wait(answer: Response, body: object, now: datetime) -> float | None:
    """Seconds that the answer asks to wait, at most 300: its header (seconds or an HTTP date), else its body."""
    header = answer.headers.get("retry-after", "").strip()
    with contextlib.suppress(ValueError):
        if (seconds := float(header)) >= 0:
            return min(LONGEST_WAIT, seconds)
    if until := _moment(header):
        return min(LONGEST_WAIT, max(0.0, (until - (_date_of(answer) or now)).total_seconds()))
    if isinstance(body, dict):
        error, agent = body.get("error"), body.get("agent")
        if isinstance(error, dict) and isinstance(asked := error.get("retry_after"), (int, float)):
            return float(min(LONGEST_WAIT, max(0.0, asked)))
        if isinstance(agent, dict) and isinstance(milliseconds := agent.get("backoffMs"), (int, float)):
            return min(1000 * LONGEST_WAIT, max(0.0, milliseconds)) / 1000
    return None


def _date_of(answer: Response) -> datetime | None:
    """The server's own time of day where it says it, since its clock and ours may differ."""
    return _moment(answer.headers.get("date", ""))


def _moment(http_date: str) -> datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(http_date)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _decoded(path: str, answer: Response, stream: str = "", decoder: Decoder = decode) -> t.Any:
    """The body as Python objects; one that is cut or is no JSON is worth another try."""
    failure = ""
    try:
        return decoder(answer.body)
    except ValueError as error:
        failure = f"the body is not the JSON that was due: {_kind(answer.body) or error}"
    rule = Rule(Action.RETRY, "a proxy or the server garbles answers: see what stands between, and run again")
    raise ApiError(path, answer.status, failure, rule=rule, stream=stream)


def _kind(body: bytes) -> str:
    """What a body is in place of JSON, as far as its beginning tells."""
    begin = body[:200].strip().lower()
    if not begin:
        return "it is empty"
    return "it is a page of HTML" if begin.startswith((b"<!doctype html", b"<html")) else ""
