"""A limit on the requests per minute, shared by all threads and all requests of a run."""

from __future__ import annotations

import threading
import typing as t
from collections import deque

from tap_fieldnation.api.clock import Stopwatch

if t.TYPE_CHECKING:
    from tap_fieldnation.api.clock import Clock

# Seconds. One more than the API's minute: requests sent a minute apart can arrive less than a minute apart.
WINDOW = 61.0
# How often a thread checks whether another one that is still connecting has sent its request.
POLL_INTERVAL = 0.25


class RateLimiter:
    """Decides when the next request may be sent.

    A request counts when it is sent, which can be long after `acquire`, as a connection may have to be opened first.
    Until then it holds its place, so that requests which were delayed do not exceed the limit when they are sent.

    Requests are spaced evenly. After an idle time, `burst` requests may follow each other immediately. No window of
    61 s contains more than `per_minute` requests (or more than one, if `per_minute` is below one).

    Args:
        per_minute: Requests per minute, > 0.
        burst: Requests that may be sent together after an idle time, >= 1.
        clock: The time, and how to wait.

    Attributes:
        per_minute: The limit in use; see `reduce_to`.
        waiting: How long requests were delayed.
        sent: How many requests were sent.
    """

    def __init__(self, per_minute: float, burst: int, clock: Clock) -> None:
        self._clock = clock
        self.waiting = Stopwatch(clock)
        self.burst = burst
        self._lock = threading.Lock()
        self._paused_until = float("-inf")
        self._next = float("-inf")  # when the next request is due by even spacing
        self.per_minute = per_minute
        self.sent = 0
        self._held = 0
        self._started = False
        self._sent_at: deque[float] = deque()

    def acquire(self) -> None:
        """Wait until one more request may be sent, and hold a place for it: `use` or `release` must follow.

        Raises:
            DeadlineExceeded: The wait would end after the time limit.
        """
        while (wait := self._try_acquire()) > 0:
            with self.waiting:
                self._clock.sleep(wait)

    def use(self) -> None:
        """Count a request that is sent now, using the place that is held for it."""
        with self._lock:
            self._held -= 1
            self._sent_at.append(self._clock.monotonic())
            self.sent += 1

    def release(self) -> None:
        """Give up a place that is held: the request is not sent."""
        with self._lock:
            self._held -= 1

    def pause(self, seconds: float) -> None:
        """Let no thread send a request for this long. Afterwards, requests are spaced evenly again, without a burst."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)
            self._next = max(self._next, self._paused_until)

    def reduce_to(self, per_minute: float) -> bool:
        """Use a lower limit from now on, and return whether it is lower; a higher one changes nothing."""
        with self._lock:
            is_lower = 0 < per_minute < self.per_minute
            if is_lower:
                self.per_minute = per_minute
            return is_lower

    def _try_acquire(self) -> float:
        """Hold a place and return 0 if a request may be sent now, else return the seconds until it may be."""
        with self._lock:
            now = self._clock.monotonic()
            interval = 60.0 / self.per_minute
            due = max(self._next, now - interval * (self.burst - 1)) if self._started else now
            start = max(due, self._paused_until, self._window_opens(now))
            if start > now:
                return start - now
            self._next = due + interval
            self._held += 1
            self._started = True
            return 0.0

    def _window_opens(self, now: float) -> float:
        """The time at which the last 61 s contain fewer requests than the limit, including those not yet sent."""
        while self._sent_at and self._sent_at[0] <= now - WINDOW:
            self._sent_at.popleft()
        free = max(1, int(self.per_minute)) - self._held
        if free <= 0:
            return now + POLL_INTERVAL
        return self._sent_at[-free] + WINDOW if len(self._sent_at) >= free else now
