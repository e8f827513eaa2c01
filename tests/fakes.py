"""Fakes that several tests use: clocks on which a wait takes no time, and an API without a network."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

from typing_extensions import override

from tap_fieldnation.api.auth import FieldNationAuthenticator
from tap_fieldnation.api.client import Client
from tap_fieldnation.api.clock import Clock
from tap_fieldnation.api.decode import decode
from tap_fieldnation.api.errors import ApiError
from tap_fieldnation.api.rate_limiter import RateLimiter
from tap_fieldnation.api.requester import Requester
from tap_fieldnation.api.transport import Response, TokenLocation, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_fieldnation.api.requester import Decoder

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


class FakeClock(Clock):
    """A clock for one thread: a wait returns immediately and advances the clock.

    Attributes:
        slept: Each wait, in order.
    """

    def __init__(self, time_limit: float | None = None, *, now: datetime = NOON) -> None:
        self._elapsed = 0.0
        self._start = now
        self.slept: list[float] = []
        super().__init__(time_limit)

    @override
    def monotonic(self) -> float:
        return 1_000.0 + self._elapsed

    @override
    def utc_now(self) -> datetime:
        return self._start + timedelta(seconds=self._elapsed)

    @override
    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.slept.append(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass without a wait."""
        self._elapsed += seconds

    @override
    def _pause(self, seconds: float) -> None:
        # a little more, as rounding must not keep the caller's loop from ending
        self._elapsed = max(self._elapsed + seconds, 0.0) + 1e-9


class SharedClock(Clock):
    """A clock for several threads: once all of them wait, it advances to the earliest end of a wait.

    Each thread runs within `with clock.participate():`.
    """

    def __init__(self, threads: int) -> None:
        self._now = 1_000.0
        self._running = threads
        self._ends: list[float] = []
        self._changed = threading.Condition()
        super().__init__()

    @override
    def monotonic(self) -> float:
        return self._now

    @override
    def utc_now(self) -> datetime:
        return NOON + timedelta(seconds=self._now - 1_000.0)

    @contextlib.contextmanager
    def participate(self) -> Iterator[None]:
        """Count the end of one of the threads, which the constructor has counted as running."""
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._advance()

    @override
    def _pause(self, seconds: float) -> None:
        with self._changed:
            until = self._now + max(seconds, 1e-9)
            self._ends.append(until)
            self._running -= 1
            self._advance()
            while self._now < until:
                self._changed.wait()

    def _advance(self) -> None:
        if self._running == 0 and self._ends:
            self._now = min(self._ends)
            self._running += sum(end <= self._now for end in self._ends)
            self._ends = [end for end in self._ends if end > self._now]
            self._changed.notify_all()


def response(status: int = 200, body: object = None, **headers: str) -> Response:
    """A response; a `body` that is not bytes is encoded as JSON, and `_` in the name of a header becomes a dash."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-").lower(): value for name, value in headers.items()}, raw)


def token_response(value: str = "token-1", **members: object) -> Response:
    """A successful response of the token endpoint."""
    return response(200, {"access_token": value, "token_type": "Bearer", "expires_in": 3600, **members})


class NoResponse(NamedTuple):
    """There is no complete response."""

    reason: str = "the response timed out"


Outcome = Response | NoResponse


class FakeTransport(Transport):
    """Returns responses from two lists, for GET and POST, without a network; the last of each is repeated.

    Attributes:
        gets: Path, parameters and token of each GET.
        posts: Path and body of each POST.
    """

    def __init__(self, gets: Sequence[Outcome] = (), posts: Sequence[Outcome] = (token_response(),)) -> None:
        super().__init__(
            "http://127.0.0.1:9",
            user_agent="test",
            token_location=TokenLocation.QUERY,
            timeout=1.0,
            max_connections=1,
        )
        self._get_outcomes, self._post_outcomes = list(gets), list(posts)
        self.gets: list[tuple[str, Mapping[str, object], str]] = []
        self.posts: list[tuple[str, dict[str, str]]] = []

    @override
    def get(
        self, path: str, params: Mapping[str, object], token: str, on_send: Callable[[], None] = lambda: None
    ) -> Response:
        on_send()
        self.gets.append((path, dict(params), token))
        return self._next(path, self._get_outcomes)

    @override
    def post(self, path: str, body: Mapping[str, str], on_send: Callable[[], None] = lambda: None) -> Response:
        on_send()
        self.posts.append((path, dict(body)))
        return self._next(path, self._post_outcomes)

    @staticmethod
    def _next(path: str, outcomes: list[Outcome]) -> Response:
        outcome = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
        if isinstance(outcome, NoResponse):
            raise ApiError(path, None, outcome.reason)
        return outcome


class Api(NamedTuple):
    """What a run uses to make requests."""

    requester: Requester
    authenticator: FieldNationAuthenticator
    client: Client


def make_api(
    transport: Transport,
    clock: Clock | None = None,
    *,
    max_retries: int = 6,
    per_minute: float = 6_000.0,
    username: str | None = None,
    password: str | None = None,
) -> Api:
    """A client, its authenticator and the requester of both, wired as by the tap."""
    clock = clock or FakeClock()
    requester = Requester(
        transport,
        RateLimiter(per_minute, 4, clock),
        clock,
        max_retries=max_retries,
        logger=logging.getLogger("tests.requester"),
    )
    authenticator = FieldNationAuthenticator(
        client_id="the-client-id",
        client_secret="the+client/secret=",
        username=username,
        password=password,
        environment="sandbox",
        requester=requester,
        clock=clock,
    )
    return Api(requester, authenticator, Client(requester, authenticator, max_in_flight=16))


class FakeClient(Client):
    """Returns a body for each path without a network; HTTP 404 where there is none.

    Args:
        bodies: Path -> body, or the error to raise. They can be changed meanwhile.

    Attributes:
        paths: The path of each request.
    """

    def __init__(self, bodies: Mapping[str, object]) -> None:
        api = make_api(FakeTransport())
        super().__init__(api.requester, api.authenticator, max_in_flight=1)
        self.bodies = bodies
        self.paths: list[str] = []

    @override
    def get(
        self, path: str, params: Mapping[str, object], *, stream: str = "", decoder: Decoder = decode
    ) -> tuple[object, datetime]:
        self.paths.append(path)
        body = self.bodies.get(path, ApiError(path, 404, "No such resource"))
        if isinstance(body, Exception):
            raise body
        return decoder(json.dumps(body).encode()), NOON


def make_client(transport: Transport, clock: Clock | None = None, *, max_retries: int = 6) -> Client:
    """A client, with an authenticator and a requester."""
    return make_api(transport, clock, max_retries=max_retries).client
