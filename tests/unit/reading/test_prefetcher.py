"""Prefetching: bounded, in order, and with errors raised where the response is needed."""

from __future__ import annotations

import threading

import pytest

from tap_fieldnation.reading.prefetcher import Prefetcher


def test_holds_at_most_one_page_more_than_threads() -> None:
    held, most = 0, 0
    lock = threading.Lock()

    def fetch(key: int) -> int:
        nonlocal held, most
        with lock:
            held += 1
            most = max(most, held)
        return key

    prefetcher = Prefetcher(fetch, 4)
    for number in range(100):
        assert prefetcher.get(number) == number
        prefetcher.prefetch(range(number + 1, 100))
        with lock:
            held -= 1
    assert most <= 5


def test_an_error_in_a_thread_is_raised_where_the_response_is_needed() -> None:
    def fetch(key: int) -> int:
        if key == 2:
            raise ValueError(key)
        return key

    prefetcher = Prefetcher(fetch, 4)
    prefetcher.prefetch([1, 2, 3])
    assert prefetcher.get(1) == 1
    with pytest.raises(ValueError, match="2"):
        prefetcher.get(2)
    prefetcher.cancel()
