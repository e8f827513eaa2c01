"""Requests per minute: never more than the limit, hardly fewer, and spaced evenly."""

from __future__ import annotations

import threading
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_fieldnation.api.errors import DeadlineExceeded
from tap_fieldnation.api.rate_limiter import RateLimiter
from tests.fakes import FakeClock, SharedClock

if TYPE_CHECKING:
    from collections.abc import Sequence

RATES = (0.2, 0.5, 1, 1.5, 2.9, 7, 50, 60, 61, 240)
EPSILON = 1e-6

rates = st.sampled_from(RATES)
bursts = st.integers(1, 16)


def most_in_a_minute(times: Sequence[float]) -> int:
    """The most of these moments that lie within 60 s, both ends included."""
    return max((bisect_right(times, start + 60.0) - at for at, start in enumerate(times)), default=0)


def acquire(limiter: RateLimiter, clock: FakeClock) -> float:
    limiter.acquire()
    limiter.use()
    return clock.monotonic()


@given(rates, bursts, st.lists(st.one_of(st.just(0.0), st.floats(0, 5), st.floats(0, 300)), max_size=300))
def test_no_minute_has_more_requests_than_the_limit(per_minute: float, burst: int, idle: list[float]) -> None:
    clock = FakeClock()
    limiter = RateLimiter(per_minute, burst, clock)
    times = []
    for seconds in idle:
        clock.advance(seconds)
        times.append(acquire(limiter, clock))
    assert most_in_a_minute(times) <= max(1, int(per_minute))
    assert limiter.sent == len(idle)


@given(rates, bursts, st.lists(st.floats(0, 100), max_size=200))
def test_no_period_has_more_requests_than_a_burst_and_its_share(
    per_minute: float, burst: int, idle: list[float]
) -> None:
    clock = FakeClock()
    limiter = RateLimiter(per_minute, burst, clock)
    times = []
    for seconds in idle:
        clock.advance(seconds)
        times.append(acquire(limiter, clock))
    for at, start in enumerate(times):
        for further, end in enumerate(times[at + 1 :], start=2):
            assert further <= burst + (end - start) * per_minute / 60.0 + EPSILON


@given(
    rates,
    bursts,
    st.lists(
        st.one_of(
            st.tuples(st.just("acquire"), st.floats(0, 20)),
            st.tuples(st.just("pause"), st.floats(0, 300)),
            st.tuples(st.just("reduce"), st.floats(0.2, 300)),
        ),
        max_size=100,
    ),
)
def test_pauses_and_reduced_limits_are_kept(per_minute: float, burst: int, events: list[tuple[str, float]]) -> None:
    clock = FakeClock()
    limiter = RateLimiter(per_minute, burst, clock)
    times: list[float] = []
    limit, paused_until = per_minute, 0.0
    since_reduced = 0
    for event, value in events:
        if event == "pause":
            limiter.pause(value)
            paused_until = max(paused_until, clock.monotonic() + value)
        elif event == "reduce":
            limiter.reduce_to(value)
            if value < limit:
                limit, since_reduced = value, len(times)
        else:
            clock.advance(value)
            times.append(acquire(limiter, clock))
            assert times[-1] >= paused_until - EPSILON
        assert limiter.per_minute == limit
    assert most_in_a_minute(times) <= max(1, int(per_minute))
    assert most_in_a_minute(times[since_reduced:]) <= max(1, int(limit))


@pytest.mark.parametrize("per_minute", [1, 7, 30, 50, 60, 240])
@pytest.mark.parametrize("burst", [1, 4, 16])
def test_continuous_use_reaches_nearly_the_limit(per_minute: float, burst: int) -> None:
    clock = FakeClock()
    limiter = RateLimiter(per_minute, burst, clock)
    start, minutes = clock.monotonic(), 60
    while acquire(limiter, clock) < start + 60 * minutes:
        pass
    assert limiter.sent >= 0.95 * per_minute * minutes


@pytest.mark.parametrize("per_minute", [0.2, 0.5])
def test_a_limit_below_one_a_minute_is_used_in_full_over_hours(per_minute: float) -> None:
    clock = FakeClock()
    limiter = RateLimiter(per_minute, 4, clock)
    start, minutes = clock.monotonic(), 600
    while acquire(limiter, clock) < start + 60 * minutes:
        pass
    assert 0.95 * per_minute * minutes <= limiter.sent <= per_minute * minutes + 2


@pytest.mark.parametrize("per_minute", [0.5, 1, 50, 60])
def test_continuous_use_is_spaced_evenly(per_minute: float) -> None:
    clock = FakeClock()
    limiter = RateLimiter(per_minute, 4, clock)
    times = [acquire(limiter, clock) for _ in range(500)]
    gaps = [after - before for before, after in pairwise(times)]
    interval = 60.0 / per_minute
    assert min(gaps) >= interval - EPSILON
    assert max(gaps) <= interval + 1.0 + EPSILON


@pytest.mark.parametrize("burst", [1, 4, 16])
def test_after_an_idle_time_a_burst_is_sent_together(burst: int) -> None:
    clock = FakeClock()
    limiter = RateLimiter(60, burst, clock)
    acquire(limiter, clock)
    clock.advance(3600)
    start = clock.monotonic()
    times = [acquire(limiter, clock) - start for _ in range(burst + 5)]
    assert times[:burst] == [0.0] * burst
    assert times[burst:] == pytest.approx([1, 2, 3, 4, 5], abs=1e-3)


def test_a_run_does_not_start_with_a_burst() -> None:
    clock = FakeClock()
    limiter = RateLimiter(60, 4, clock)
    start = clock.monotonic()
    assert [acquire(limiter, clock) - start for _ in range(3)] == pytest.approx([0, 1, 2], abs=1e-3)


@pytest.mark.parametrize("per_minute", [0, -1, 50, 51, 1e9])
def test_a_limit_that_is_not_lower_changes_nothing(per_minute: float) -> None:
    limiter = RateLimiter(50, 4, FakeClock())
    limiter.reduce_to(per_minute)
    assert limiter.per_minute == 50


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    clock = FakeClock()
    limiter = RateLimiter(60, 1, clock)
    start = clock.monotonic()
    limiter.pause(100)
    limiter.pause(10)
    assert acquire(limiter, clock) - start == pytest.approx(100, abs=1e-3)


@pytest.mark.parametrize(("time_limit", "fits"), [(99.0, False), (101.0, True)])
def test_a_wait_beyond_the_deadline_is_not_started(time_limit: float, *, fits: bool) -> None:
    clock = FakeClock(time_limit)
    limiter = RateLimiter(60, 1, clock)
    limiter.pause(100)
    before = clock.monotonic()
    if fits:
        acquire(limiter, clock)
        assert limiter.sent == 1
        assert limiter.waiting.seconds == pytest.approx(100, abs=1e-3)
        return
    with pytest.raises(DeadlineExceeded):
        limiter.acquire()
    assert clock.monotonic() == before
    assert (limiter.sent, limiter.waiting.seconds) == (0, 0.0)


@pytest.mark.parametrize(("per_minute", "threads"), [(60, 4), (50, 16), (7, 3), (240, 8), (1.5, 2)])
def test_several_threads_share_one_limit(per_minute: float, threads: int) -> None:
    clock = SharedClock(threads)
    limiter = RateLimiter(per_minute, threads, clock)
    times: list[float] = []
    end = clock.monotonic() + 20 * 60
    latency = 3.0

    def work() -> None:
        with clock.participate():
            while True:
                limiter.acquire()
                limiter.use()
                now = clock.monotonic()
                if now >= end:
                    return
                times.append(now)
                clock.sleep(latency)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert not worker.is_alive()
    times.sort()
    assert most_in_a_minute(times) <= max(1, int(per_minute))
    possible = min(int(per_minute), threads * 60 / latency)
    assert len(times) >= 0.95 * possible * 20


def test_a_pause_applies_to_every_thread() -> None:
    threads = 4
    clock = SharedClock(threads)
    limiter = RateLimiter(600, threads, clock)
    times: list[float] = []
    limiter.acquire()
    limiter.use()
    limiter.pause(300)
    paused_until = clock.monotonic() + 300

    def work() -> None:
        with clock.participate():
            limiter.acquire()
            limiter.use()
            times.append(clock.monotonic())

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert len(times) == threads
    assert min(times) >= paused_until - EPSILON
