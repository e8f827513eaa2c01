"""The rate limit of a company: a number of requests within any 60 seconds, shared by all its clients."""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import TYPE_CHECKING

from .errors import error

if TYPE_CHECKING:
    from .clock import Clock
    from .http import Response

WINDOW = 60.0


class RateLimiter:
    """A sliding window over the times of the accepted requests."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._accepted: deque[float] = deque()
        self._lock = threading.Lock()

    def acquire(self, limit: int, prefix: str) -> tuple[Response | None, dict[str, str]]:
        """Count one request: the 429 response if the limit is exceeded, and the headers for every response."""
        if limit <= 0:
            return None, {}
        now = self._clock.monotonic()
        with self._lock:
            while self._accepted and self._accepted[0] <= now - WINDOW:
                self._accepted.popleft()
            allowed = len(self._accepted) < limit
            if allowed:
                self._accepted.append(now)
            wait = max(1, math.ceil(self._accepted[0] + WINDOW - now))
            headers = {
                f"{prefix}-Limit": str(limit),
                f"{prefix}-Remaining": str(limit - len(self._accepted)),
                f"{prefix}-Reset": str(int(self._clock.wall()) + wait),
            }
        if allowed:
            return None, headers
        detail = "Too many requests: the rate limit per minute is exceeded."
        return error(429, detail, "problem", Retry_After=str(wait)), headers
