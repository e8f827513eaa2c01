"""Clocks: for token expiry, the rate limit and the company's calendar."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(Protocol):
    """A source of time."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""

    def wall(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z."""


class SystemClock:
    """The time of this machine."""

    def monotonic(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch."""
        return time.time()


class VirtualClock:
    """A clock that only advances when told to; tests share one between emulator and client.

    `sleep` and `advance` return at once, after the listeners (`on_advance`) have run: an emulator that closed its port
    for five seconds has reopened it when the client's `sleep(5)` returns.
    """

    def __init__(self, wall: float = 1_750_000_000.0) -> None:
        self._start = wall
        self._elapsed = 0.0
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def monotonic(self) -> float:
        """Seconds slept so far, plus a constant."""
        return 1_000.0 + self._elapsed

    def wall(self) -> float:
        """The start time plus the seconds slept so far."""
        return self._start + self._elapsed

    def advance(self, seconds: float) -> None:
        """Advance by `seconds` and call the listeners."""
        with self._lock:
            self._elapsed += max(0.0, seconds)
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    def sleep(self, seconds: float) -> None:
        """The same as `advance`, under the name that clients expect."""
        self.advance(seconds)

    def on_advance(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every advance."""
        with self._lock:
            self._listeners.append(listener)
