"""Sends single requests: keeps to the rate limit, counts them, turns failures into `ApiError`, and retries."""

from __future__ import annotations

import contextlib
import email.utils
import functools
import threading
import typing as t
from datetime import datetime, timedelta, timezone

import backoff

from tap_fieldnation.api.clock import Stopwatch
from tap_fieldnation.api.decode import decode
from tap_fieldnation.api.errors import Action, ApiError, Rule, reason_of, rule_for
from tap_fieldnation.timestamps import format_utc

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Generator, Mapping

    from backoff.types import Details

    from tap_fieldnation.api.clock import Clock
    from tap_fieldnation.api.rate_limiter import RateLimiter
    from tap_fieldnation.api.transport import Response, Transport

Decoder = t.Callable[[bytes], t.Any]
OnSend = t.Callable[[], None]
T = t.TypeVar("T")

# Seconds. The wait that the API asks for (`Retry-After`) is limited to this range.
MAX_BACKOFF = 60.0
MIN_RETRY_AFTER = 1.0
MAX_RETRY_AFTER = 300.0
DEFAULT_RETRY_AFTER = 60.0

MAX_CLOCK_DIFFERENCE = timedelta(days=1)

_LIMIT_HEADERS = ("x-ratelimit-limit", "x-rate-limit-limit")
_INVALID_JSON = Rule(Action.RETRY, "a proxy or the server corrupts responses: check the proxy, and run again")


class Requester:
    """Sends requests on behalf of the authenticator and the client, which share its rate limit and counters.

    Args:
        transport: Sends one request.
        rate_limiter: Decides when.
        clock: The time, and how to wait.
        max_retries: Attempts after the first, per request.
        logger: For warnings about retries.

    Attributes:
        clock_ahead: The most that our clock was ahead of the server's, by the dates of its responses; up to a day.
        retries_connections: Whether to retry if no connection could be opened; `--test` and `--plan` do not.
        retries: Attempts after the first.
        backoff: How long retries were delayed, apart from the rate limit.
    """

    def __init__(
        self,
        transport: Transport,
        rate_limiter: RateLimiter,
        clock: Clock,
        *,
        max_retries: int,
        logger: logging.Logger,
    ) -> None:
        self._transport, self.rate_limiter, self._clock = transport, rate_limiter, clock
        self._logger = logger
        self._lock = threading.Lock()
        self.clock_ahead = timedelta()
        self._told_of_clock = False
        self.retries_connections = True
        self.retries = 0
        self.backoff = Stopwatch(clock)
        self._with_retries = backoff.on_exception(
            _retry_delays,
            ApiError,
            max_tries=max_retries + 1,
            jitter=None,  # `_retry_delays` adds it
            giveup=lambda error: not self._may_retry(t.cast("ApiError", error)),
            on_backoff=self._back_off,
            on_giveup=lambda details: t.cast("ApiError", details["exception"]).end_retries(),
            logger=None,
        )

    @property
    def requests(self) -> int:
        """Requests sent, including retries and token requests."""
        return self.rate_limiter.sent

    def retry(self, attempt: Callable[[], T]) -> T:
        """Call until it succeeds, at most ``max_retries`` times after the first.

        Raises:
            ApiError: The failure cannot be retried, or ``max_retries`` is reached.
            DeadlineExceeded: The next attempt would be after the deadline.
        """
        return self._with_retries(attempt)()

    def get(
        self, path: str, params: Mapping[str, object], token: str, *, stream: str = "", decoder: Decoder = decode
    ) -> tuple[t.Any, datetime]:
        """Send one GET request.

        Args:
            path: The full path.
            params: The query, without the token.
            token: The access token.
            stream: The stream that needs it, for messages.
            decoder: Decodes the body; raises ValueError if it is not JSON.

        Returns:
            The decoded body, and when it was received (UTC).

        Raises:
            ApiError: There is no response, its status is not 2xx, or its body is not JSON.
            DeadlineExceeded: The time limit is reached.
        """
        response = self._send(lambda on_send: self._transport.get(path, params, token, on_send), stream)
        self._raise_for_status(path, response, stream)
        received_at = self._clock.utc_now()
        return _decode(path, response, stream, decoder), received_at

    def post(self, path: str, body: Mapping[str, str]) -> t.Any:
        """Send one POST request with a JSON body and without a token; the rest is as for `get`."""
        response = self._send(lambda on_send: self._transport.post(path, body, on_send))
        self._raise_for_status(path, response)
        return _decode(path, response, decoder=functools.partial(decode, mask=False))

    def _send(self, send: Callable[[OnSend], Response], stream: str = "") -> Response:
        self._clock.check_deadline()
        self.rate_limiter.acquire()
        sent = False

        def on_send() -> None:
            nonlocal sent
            sent = True
            self.rate_limiter.use()

        try:
            response = send(on_send)
        except ApiError as error:
            error.add_stream(stream)
            raise
        finally:
            if not sent:
                self.rate_limiter.release()
        self._note_time(response)
        self._note_limit(response)
        return response

    def _note_time(self, response: Response) -> None:
        """Compare the clocks. A difference of days is not drift: the header or this machine's clock is wrong."""
        if date := _server_time(response):
            ahead = self._clock.utc_now() - date
            with self._lock:
                if abs(ahead) <= MAX_CLOCK_DIFFERENCE:
                    self.clock_ahead = max(self.clock_ahead, ahead)
                    return
                told, self._told_of_clock = self._told_of_clock, True
            if not told:
                text = "The API's clock says %s, which is ignored. If it is right, correct this machine's clock."
                self._logger.warning(text, format_utc(date))

    def _note_limit(self, response: Response) -> None:
        for name in _LIMIT_HEADERS:
            limit, before = response.headers.get(name, ""), self.rate_limiter.per_minute
            if limit.isdecimal() and self.rate_limiter.reduce_to(float(limit)):
                text = "The API allows %g requests a minute (header %s): that limit is used instead of %g."
                self._logger.warning(text, float(limit), name, before)

    def _raise_for_status(self, path: str, response: Response, stream: str = "") -> None:
        if response.is_success:
            return
        try:
            body = decode(response.body)
        except ValueError:
            body = None
        reason = reason_of(body) or response.body.decode(errors="replace")
        members = body if isinstance(body, dict) else {}
        correlation_id, code = members.get("correlationId"), members.get("error")
        raise ApiError(
            path,
            response.status,
            reason,
            rule=rule_for(response.status, f"{code} {reason}" if isinstance(code, str) else reason),
            code=code if isinstance(code, str) else "",
            retry_after=_retry_after(response, body, self._clock.utc_now()),
            correlation_id=correlation_id if isinstance(correlation_id, str) else None,
            stream=stream,
        )

    def _may_retry(self, error: ApiError) -> bool:
        return error.is_retryable and (self.retries_connections or error.rule.action is not Action.RECONNECT)

    def _back_off(self, details: Details) -> None:
        """Wait before the next attempt; after a 429, all threads wait."""
        error = t.cast("ApiError", details["exception"])
        with self._lock:
            self.retries += 1
        is_rate_limited = error.rule.action is Action.WAIT
        if is_rate_limited:
            self.rate_limiter.pause(error.retry_in)
        self._logger.warning("%s. Retrying in %.0f s.", error.problem, error.retry_in)
        if not is_rate_limited:
            with self.backoff:
                self._clock.sleep(error.retry_in)


def _retry_delays() -> Generator[float, ApiError, None]:
    """A wait generator for `backoff`: sets ``retry_in`` of each error that is sent to it, and yields 0.

    `backoff` sleeps for what is yielded, and can only use `time.sleep`. `Requester._back_off` waits instead, on the
    clock of the run.
    """
    delays = backoff.expo(max_value=MAX_BACKOFF)  # 1, 2, 4 … 60 s
    next(delays)  # the first value only starts the generator
    error = yield 0.0
    for delay in delays:
        # With up to a second of jitter, so that threads do not retry at the same moment.
        error.retry_in = _retry_in(error, backoff.random_jitter(delay))
        error = yield 0.0


def _retry_in(error: ApiError, delay: float) -> float:
    """Seconds until the next attempt, given the exponential delay."""
    if error.rule.action is not Action.WAIT:
        return max(delay, error.retry_after or 0.0)
    retry_after = DEFAULT_RETRY_AFTER if error.retry_after is None else error.retry_after
    # Without a usable wait, or with one in the past, the delay grows as for other failures.
    return retry_after if retry_after >= MIN_RETRY_AFTER else delay


def _retry_after(response: Response, body: object, now: datetime) -> float | None:
    """The wait in seconds that a response asks for in a header (seconds or a date) or its body; at most 300."""
    header = response.headers.get("retry-after", "").strip()
    with contextlib.suppress(ValueError):
        if (seconds := float(header)) >= 0:
            return min(MAX_RETRY_AFTER, seconds)
    if until := _parse_http_date(header):
        return min(MAX_RETRY_AFTER, max(0.0, (until - (_server_time(response) or now)).total_seconds()))
    if isinstance(body, dict):
        error, agent = body.get("error"), body.get("agent")
        if isinstance(error, dict) and isinstance(wait := error.get("retry_after"), (int, float)):
            return float(min(MAX_RETRY_AFTER, max(0.0, wait)))
        if isinstance(agent, dict) and isinstance(milliseconds := agent.get("backoffMs"), (int, float)):
            return min(1000 * MAX_RETRY_AFTER, max(0.0, milliseconds)) / 1000
    return None


def _server_time(response: Response) -> datetime | None:
    """When the server sent the response, by its own clock, which may differ from ours."""
    return _parse_http_date(response.headers.get("date", ""))


def _parse_http_date(text: str) -> datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(text)
        return date.astimezone(timezone.utc) if date.tzinfo else date.replace(tzinfo=timezone.utc)
    except (TypeError, ValueError, OverflowError):
        return None


def _decode(path: str, response: Response, stream: str = "", decoder: Decoder = decode) -> t.Any:
    try:
        return decoder(response.body)
    except ValueError as error:
        reason = f"the body is not valid JSON: {_content_type(response.body) or error}"
    raise ApiError(path, response.status, reason, rule=_INVALID_JSON, stream=stream)


def _content_type(body: bytes) -> str:
    """What the body contains instead of JSON, if its beginning shows it."""
    start = body[:200].strip().lower()
    if not start:
        return "it is empty"
    return "it is an HTML page" if start.startswith((b"<!doctype html", b"<html")) else ""
