"""Requests made before their answers are needed, by threads, handed on in the order in which they are asked for."""

from __future__ import annotations

import threading
import typing as t
from concurrent.futures import Future

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

K = t.TypeVar("K", bound=t.Hashable)
V = t.TypeVar("V")


class Prefetcher(t.Generic[K, V]):
    """Fetches by key, some of it ahead.

    Args:
        fetch: Makes the request of a key; called from several threads.
        threads: How many requests may be under way, and so how many answers are held at most.
    """

    def __init__(self, fetch: Callable[[K], V], threads: int) -> None:
        self._fetch = fetch
        self._threads = threads
        self._coming: dict[K, Future[V]] = {}

    def get(self, key: K) -> V:
        """The answer for a key, whether it was asked for ahead or is only now."""
        future = self._coming.pop(key, None)
        return self._fetch(key) if future is None else future.result()

    def prefetch(self, keys: Iterable[K]) -> None:
        """Ask for these in order, as far as there is room."""
        if self._threads == 1:
            return
        for key in keys:
            if len(self._coming) >= self._threads:
                return
            if key not in self._coming:
                future: Future[V] = Future()
                self._coming[key] = future
                # A thread each, as a daemon: one that waits for the budget must not hold up the end of the process.
                threading.Thread(target=self._run, args=(key, future), name=f"ahead {key}", daemon=True).start()

    def cancel(self) -> None:
        """Forget what was asked for ahead."""
        for future in self._coming.values():
            future.cancel()
        self._coming.clear()

    def _run(self, key: K, future: Future[V]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            answer = self._fetch(key)
        except BaseException as error:  # noqa: BLE001  (handed to the thread that asks for the answer)
            future.set_exception(error)
        else:
            future.set_result(answer)
