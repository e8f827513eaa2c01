"""Requests per minute, spent evenly and never overrun: one budget for the run, all threads, all requests."""

from __future__ import annotations

import threading
import typing as t
from collections import deque

if t.TYPE_CHECKING:
    from tap_fieldnation.api.clock import Clock

# A second more than the API's minute: requests that leave a minute apart can arrive less than a minute apart.
WINDOW = 61.0


class RateLimiter:
    """Says when the next request may leave.

    Evenly spaced; after an idle time a burst of at most `burst`; and in no window of 61 s more than `per_minute`
    (or more than one, where that is less than one).

    Args:
        per_minute: Requests per minute, > 0.
        burst: Requests that may leave together after an idle time, >= 1.
        clock: What time it is, and how to wait.
    """

    def __init__(self, per_minute: float, burst: int, clock: Clock) -> None:
        self._clock = clock
        self.burst = burst
        self._lock = threading.Lock()
        self._paused_until = float("-inf")
        self._next = float("-inf")  # when the next request is due if all are spaced evenly
        self.per_minute = per_minute
        self.spent = 0
        self._sent: deque[float] = deque()

    def acquire(self) -> None:
        """Wait until one more request may leave, and count it.

        Raises:
            OutOfTimeError: Where that would outlast the time allowed.
        """
        while (wait := self._take()) > 0:
            self._clock.sleep(wait)

    def pause(self, seconds: float) -> None:
        """Let no request leave for so long, whichever thread asks; nor all of them at once afterwards."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)
            self._next = max(self._next, self._paused_until)

    def lower(self, per_minute: float) -> None:
        """Spend at most so much from now on; never raises what is allowed."""
        with self._lock:
            if 0 < per_minute < self.per_minute:
                self.per_minute = per_minute

    def _take(self) -> float:
        """Take a place if one is free; else the seconds until one may be."""
        with self._lock:
            now = self._clock.monotonic()
            interval = 60.0 / self.per_minute
            due = max(self._next, now - interval * (self.burst - 1)) if self.spent else now
            start = max(due, self._paused_until, self._window_opens(now))
            if start > now:
                return start - now
            self._next = due + interval
            self._sent.append(now)
            self.spent += 1
            return 0.0

    def _window_opens(self, now: float) -> float:
        """When the last 61 s hold less than a minute's budget."""
        while self._sent and self._sent[0] <= now - WINDOW:
            self._sent.popleft()
        most = max(1, int(self.per_minute))
        return self._sent[-most] + WINDOW if len(self._sent) >= most else now
