"""Fetches values in background threads before they are needed."""

from __future__ import annotations

import threading
import typing as t
from concurrent.futures import Future

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

K = t.TypeVar("K", bound=t.Hashable)
V = t.TypeVar("V")


class Prefetcher(t.Generic[K, V]):
    """Fetches values by key, in advance if requested.

    Args:
        fetch: Fetches the value of a key; called from several threads.
        threads: How many values may be in flight or waiting to be used.
    """

    def __init__(self, fetch: Callable[[K], V], threads: int) -> None:
        self._fetch = fetch
        self._threads = threads
        self._futures: dict[K, Future[V]] = {}

    def get(self, key: K) -> V:
        """The value of a key: prefetched, or fetched now. Raises what `fetch` raised."""
        future = self._futures.pop(key, None)
        return self._fetch(key) if future is None else future.result()

    def prefetch(self, keys: Iterable[K]) -> None:
        """Start to fetch the values of these keys in order, as far as threads are free."""
        if self._threads == 1:
            return
        for key in keys:
            if len(self._futures) >= self._threads:
                return
            if key not in self._futures:
                future: Future[V] = Future()
                self._futures[key] = future
                # Daemon threads: one that waits for the rate limiter must not keep the process from ending.
                threading.Thread(target=self._run, args=(key, future), name=f"prefetch {key}", daemon=True).start()

    def cancel(self) -> None:
        """Discard values that were prefetched but not used."""
        for future in self._futures.values():
            future.cancel()
        self._futures.clear()

    def _run(self, key: K, future: Future[V]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            value = self._fetch(key)
        except BaseException as error:  # noqa: BLE001  (raised again by `get`)
            future.set_exception(error)
        else:
            future.set_result(value)
