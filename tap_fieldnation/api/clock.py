"""Time as a thing that is passed in: what the clock says, waiting, and the end of the time allowed."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t
from datetime import datetime, timezone

from tap_fieldnation.api.errors import DeadlineExceeded

if t.TYPE_CHECKING:
    from collections.abc import Iterator

# One sleep is cut into pieces, so that a wait ends early when the machine was suspended meanwhile.
LONGEST_SLEEP = 60.0


class Clock:
    """The machine's clock.

    Args:
        allowed: Seconds from now after which no wait may end (the setting ``max_minutes``), or None.

    Attributes:
        waited: Seconds in which somebody waited; where several threads did so at the same time, they count once.
    """

    def __init__(self, allowed: float | None = None) -> None:
        self.waited = 0.0
        self._counting = threading.Lock()
        self._sleepers, self._since = 0, 0.0
        self._deadline = None if allowed is None else self.monotonic() + allowed

    def monotonic(self) -> float:
        """Seconds from a fixed point in the past; never goes back."""
        return time.monotonic()

    def utc_now(self) -> datetime:
        """The time of day, with UTC as its time zone."""
        return datetime.now(timezone.utc)

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            OutOfTimeError: At once, where the wait would outlast the time allowed.
        """
        until = self.monotonic() + seconds
        if self._deadline is not None and until > self._deadline:
            raise DeadlineExceeded
        with self._counted():
            while (left := until - self.monotonic()) > 0:
                self._pause(min(left, LONGEST_SLEEP))

    def check(self) -> None:
        """Return while there is time left.

        Raises:
            OutOfTimeError: Once the time allowed is spent.
        """
        if self._deadline is not None and self.monotonic() >= self._deadline:
            raise DeadlineExceeded

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        with self._counting:
            if not self._sleepers:
                self._since = self.monotonic()
            self._sleepers += 1
        try:
            yield
        finally:
            with self._counting:
                self._sleepers -= 1
                if not self._sleepers:
                    self.waited += self.monotonic() - self._since

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)
