"""The company's budget of requests: so many in any 60 seconds, all its clients together."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import TYPE_CHECKING

from .errors import error

if TYPE_CHECKING:
    from .clock import Clock
    from .messages import Reply

WINDOW = 60.0


class Budget:
    """A sliding window over the times of the requests that were let through."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    def spend(self, limit: int, prefix: str) -> tuple[Reply | None, dict[str, str]]:
        """Take one request. The refusal, where there is one, and the headers that every answer carries."""
        if limit <= 0:
            return None, {}
        now = self._clock.monotonic()
        with self._lock:
            while self._times and self._times[0] <= now - WINDOW:
                self._times.popleft()
            allowed = len(self._times) < limit
            if allowed:
                self._times.append(now)
            wait = max(1, math.ceil(self._times[0] + WINDOW - now))
            headers = {
                f"{prefix}-Limit": str(limit),
                f"{prefix}-Remaining": str(limit - len(self._times)),
                f"{prefix}-Reset": str(int(self._clock.wall()) + wait),
            }
        if allowed:
            return None, headers
        refusal = error(429, "Too many requests: the limit per minute is used up.", "problem", Retry_After=str(wait))
        return refusal, headers
