"""Stand-ins that several tests use: time that passes only when somebody waits, and an API without a network."""

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
from tap_fieldnation.api.errors import ApiError
from tap_fieldnation.api.rate_limiter import RateLimiter
from tap_fieldnation.api.transport import Response, TokenLocation, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


class FakeClock(Clock):
    """A clock for one thread: a wait is over at once, and the clock has moved on by it.

    Attributes:
        slept: Each wait, in order.
    """

    def __init__(self, allowed: float | None = None, *, now: datetime = NOON) -> None:
        self._passed = 0.0
        self._start = now
        self.slept: list[float] = []
        super().__init__(allowed)

    @override
    def monotonic(self) -> float:
        return 1_000.0 + self._passed

    @override
    def utc_now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    @override
    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.slept.append(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody waiting for it."""
        self._passed += seconds

    @override
    def _pause(self, seconds: float) -> None:
        # so that the caller's loop ends in spite of rounding
        self._passed = max(self._passed + seconds, 0.0) + 1e-9


class SharedClock(Clock):
    """A clock for several threads: once all of them wait, it moves on to the first moment that one waits for.

    Each thread that uses it does so within `with clock.taking_part():`, entered before any of them starts to wait.
    """

    def __init__(self, threads: int) -> None:
        self._now = 1_000.0
        self._running = threads
        self._until: list[float] = []
        self._changed = threading.Condition()
        super().__init__()

    @override
    def monotonic(self) -> float:
        return self._now

    @override
    def utc_now(self) -> datetime:
        return NOON + timedelta(seconds=self._now - 1_000.0)

    @contextlib.contextmanager
    def taking_part(self) -> Iterator[None]:
        """For a thread that was counted in `threads`: from its start to its end."""
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._move_on()

    @override
    def _pause(self, seconds: float) -> None:
        with self._changed:
            until = self._now + max(seconds, 1e-9)
            self._until.append(until)
            self._running -= 1
            self._move_on()
            while self._now < until:
                self._changed.wait()

    def _move_on(self) -> None:
        if self._running == 0 and self._until:
            self._now = min(self._until)
            woken = [until for until in self._until if until <= self._now]
            self._until = [until for until in self._until if until > self._now]
            self._running += len(woken)
            self._changed.notify_all()


def answer(status: int = 200, body: object = None, **headers: str) -> Response:
    """What the API could send; a `body` that is not bytes becomes JSON, `_` in a header's name a dash."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-").lower(): value for name, value in headers.items()}, raw)


def token_answer(value: str = "token-1", **more: object) -> Response:
    """The token endpoint's answer to credentials that it knows."""
    return answer(200, {"access_token": value, "token_type": "Bearer", "expires_in": 3600, **more})


class Lost(NamedTuple):
    """No whole answer came."""

    reason: str = "the answer timed out"


Outcome = Response | Lost


class FakeTransport(Transport):
    """Answers from a list, in order (the last one for ever), separately for GET and POST; no network.

    Attributes:
        gets: Path, parameters and token of each GET.
        posts: Path and body of each POST.
    """

    def __init__(self, gets: Sequence[Outcome] = (), posts: Sequence[Outcome] = (token_answer(),)) -> None:
        super().__init__("http://127.0.0.1:9", user_agent="test", place=TokenLocation.QUERY, timeout=1.0, connections=1)
        self._get_answers, self._post_answers = list(gets), list(posts)
        self.gets: list[tuple[str, Mapping[str, object], str]] = []
        self.posts: list[tuple[str, dict[str, str]]] = []

    @override
    def get(self, path: str, params: Mapping[str, object], token: str) -> Response:
        self.gets.append((path, dict(params), token))
        return self._next(path, self._get_answers)

    @override
    def post(self, path: str, body: Mapping[str, str]) -> Response:
        self.posts.append((path, dict(body)))
        return self._next(path, self._post_answers)

    @staticmethod
    def _next(path: str, outcomes: list[Outcome]) -> Response:
        found = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
        if isinstance(found, Lost):
            raise ApiError(path, None, found.reason)
        return found


def make_client(
    transport: Transport,
    clock: Clock | None = None,
    *,
    max_retries: int = 6,
    max_in_flight: int = 16,
    per_minute: float = 6_000.0,
    username: str | None = None,
    password: str | None = None,
) -> Client:
    """A client and its authenticator, as the tap makes them."""
    clock = clock or FakeClock()
    logger = logging.getLogger("tests.client")
    budget = RateLimiter(per_minute, 4, clock)
    client = Client(transport, budget, clock, max_retries=max_retries, max_in_flight=max_in_flight, logger=logger)
    client.authenticator = FieldNationAuthenticator(
        client_id="the-client-id",
        client_secret="the+client/secret=",
        username=username,
        password=password,
        environment="sandbox",
        post=client.post,
        clock=clock,
    )
    return client
