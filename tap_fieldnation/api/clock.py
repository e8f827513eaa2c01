"""The clock of a run: the time, waiting, and the deadline. It is passed in, so that tests need not wait."""

from __future__ import annotations

import math
import threading
import time
from datetime import datetime, timezone

from tap_fieldnation.api.errors import DeadlineExceeded

# Seconds. Longer waits are split, so that they end on time even if the machine was suspended meanwhile.
MAX_SLEEP = 60.0


class Clock:
    """The machine's clock.

    Args:
        time_limit: Seconds from now until the deadline (the setting ``max_minutes``), or None.
    """

    def __init__(self, time_limit: float | None = None) -> None:
        self._deadline = None if time_limit is None else self.monotonic() + time_limit

    def monotonic(self) -> float:
        """Seconds since an arbitrary point in the past; never decreases."""
        return time.monotonic()

    def utc_now(self) -> datetime:
        """The current time, with UTC as its time zone."""
        return datetime.now(timezone.utc)

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            DeadlineExceeded: Immediately, if the wait would end after the deadline.
        """
        until = self.monotonic() + seconds
        if self._deadline is not None and until > self._deadline:
            raise DeadlineExceeded
        while (left := until - self.monotonic()) > 0:
            self._pause(min(left, MAX_SLEEP))

    def time_left(self) -> float:
        """Seconds until the deadline, below 0 after it; infinite without one."""
        return math.inf if self._deadline is None else self._deadline - self.monotonic()

    def check_deadline(self) -> None:
        """Return if there is time left.

        Raises:
            DeadlineExceeded: The deadline has passed.
        """
        if self._deadline is not None and self.monotonic() >= self._deadline:
            raise DeadlineExceeded

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)


class Stopwatch:
    """Measures how long at least one of any number of threads is within this context manager.

    Args:
        clock: The clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._seconds = 0.0
        self._clock = clock
        self._lock = threading.Lock()
        self._threads, self._since = 0, 0.0

    @property
    def seconds(self) -> float:
        """How long at least one thread has been within it so far."""
        with self._lock:
            return self._seconds + (self._clock.monotonic() - self._since if self._threads else 0.0)

    def __enter__(self) -> None:
        with self._lock:
            if not self._threads:
                self._since = self._clock.monotonic()
            self._threads += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._threads -= 1
            if not self._threads:
                self._seconds += self._clock.monotonic() - self._since
