"""What time it is: for token expiry, the request budget and the company's own calendar."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(Protocol):
    """A source of time; anything with these two methods will do."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""

    def wall(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z."""


class SystemClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        """Seconds of the machine's monotonic clock."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch by the machine's calendar."""
        return time.time()


class VirtualClock:
    """Time that stands still until somebody sleeps on it; a test shares it between emulator and client.

    `sleep` and `advance` return at once; whoever asked to be told (`on_advance`) is called first, so an
    emulator that closed its port for five seconds has opened it again when the client's `sleep(5)` returns.
    """

    def __init__(self, wall: float = 1_750_000_000.0) -> None:
        self._start = wall
        self._passed = 0.0
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []

    def monotonic(self) -> float:
        """Seconds slept so far, plus a constant."""
        return 1_000.0 + self._passed

    def wall(self) -> float:
        """The start given to the constructor, plus the seconds slept so far."""
        return self._start + self._passed

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass at once."""
        with self._lock:
            self._passed += max(0.0, seconds)
            listeners = list(self._listeners)
        for listener in listeners:
            listener()

    def sleep(self, seconds: float) -> None:
        """The same as `advance`, by the name that clients expect."""
        self.advance(seconds)

    def on_advance(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every step of this clock."""
        with self._lock:
            self._listeners.append(listener)
