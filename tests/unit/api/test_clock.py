"""Waiting, the deadline, and the time spent waiting."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from tap_fieldnation.api.clock import MAX_SLEEP, Clock, Stopwatch
from tap_fieldnation.api.errors import DeadlineExceeded
from tests.fakes import NOON, FakeClock, SharedClock


class RecordingClock(FakeClock):
    """Records the sleeps into which a wait is split."""

    def __init__(self, time_limit: float | None = None) -> None:
        super().__init__(time_limit)
        self.sleeps: list[float] = []

    @override
    def _pause(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        super()._pause(seconds)


@given(st.floats(0, 10_000))
def test_a_wait_has_the_right_length_in_sleeps_of_at_most_a_minute(seconds: float) -> None:
    clock = RecordingClock()
    start = clock.monotonic()
    clock.sleep(seconds)
    assert clock.monotonic() - start == pytest.approx(seconds, abs=1e-3)
    assert all(seconds <= MAX_SLEEP for seconds in clock.sleeps)


@pytest.mark.parametrize("seconds", [0, -1])
def test_zero_or_less_is_no_wait(seconds: float) -> None:
    clock = RecordingClock()
    clock.sleep(seconds)
    assert clock.sleeps == []


def test_a_wait_ends_in_time_if_the_machine_was_suspended() -> None:
    class SuspendedClock(RecordingClock):
        @override
        def _pause(self, seconds: float) -> None:
            super()._pause(seconds)
            self.advance(3600)

    clock = SuspendedClock()
    clock.sleep(300)
    assert len(clock.sleeps) == 1


@pytest.mark.parametrize(("seconds", "fits"), [(99.0, True), (100.0, True), (100.1, False), (1e9, False)])
def test_a_wait_beyond_the_deadline_is_not_started(seconds: float, *, fits: bool) -> None:
    clock = RecordingClock(time_limit=100)
    if fits:
        clock.sleep(seconds)
        return
    with pytest.raises(DeadlineExceeded):
        clock.sleep(seconds)
    assert clock.sleeps == []


def test_the_deadline_is_reached() -> None:
    clock = FakeClock(time_limit=100)
    clock.check_deadline()
    clock.advance(99)
    clock.check_deadline()
    clock.advance(1)
    with pytest.raises(DeadlineExceeded):
        clock.check_deadline()


def test_without_a_time_limit_there_is_no_deadline() -> None:
    clock = FakeClock()
    clock.advance(1e9)
    clock.check_deadline()
    clock.sleep(1e6)


def test_the_clock_of_the_machine_advances_and_has_a_time_zone() -> None:
    clock = Clock(time_limit=60)
    before = clock.monotonic()
    clock.sleep(0.001)
    assert clock.monotonic() > before
    assert clock.utc_now().tzinfo is timezone.utc


def test_utc_now_and_monotonic_advance_together() -> None:
    clock = FakeClock()
    clock.sleep(60)
    assert clock.utc_now() - NOON == pytest.approx(timedelta(seconds=60), abs=timedelta(milliseconds=1))


def test_a_stopwatch_counts_the_time_within_its_blocks() -> None:
    clock = FakeClock()
    stopwatch = Stopwatch(clock)
    assert stopwatch.seconds == 0
    for seconds in (10, 20):
        with stopwatch:
            clock.advance(seconds)
        clock.advance(1_000)
    assert stopwatch.seconds == 30


def test_a_stopwatch_counts_a_block_that_is_still_open() -> None:
    clock = FakeClock()
    stopwatch = Stopwatch(clock)
    with stopwatch:
        clock.advance(10)
        with stopwatch:
            clock.advance(20)
        assert stopwatch.seconds == 30
    assert stopwatch.seconds == 30


def test_a_stopwatch_counts_a_block_that_fails() -> None:
    clock = FakeClock(time_limit=100)
    stopwatch = Stopwatch(clock)
    for _ in range(2):
        with contextlib.suppress(DeadlineExceeded), stopwatch:
            clock.sleep(60)
            clock.sleep(60)
    assert stopwatch.seconds == pytest.approx(60)


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), max_size=5), min_size=1, max_size=3))
def test_a_stopwatch_counts_time_once_however_many_threads_use_it(threads: list[list[tuple[int, int]]]) -> None:
    """Each thread alternates between a pause and a block within the stopwatch, of so many seconds."""
    clock = SharedClock(len(threads))
    stopwatch = Stopwatch(clock)
    start = clock.monotonic()

    def work(steps: list[tuple[int, int]]) -> None:
        with clock.participate():
            for pause, measured in steps:
                clock.sleep(pause)
                with stopwatch:
                    clock.sleep(measured)

    with ThreadPoolExecutor(len(threads)) as pool:
        assert list(pool.map(work, threads)) == [None] * len(threads)
    seconds: set[int] = set()
    for steps in threads:
        at = 0
        for pause, measured in steps:
            seconds.update(range(at + pause, at + pause + measured))
            at += pause + measured
    assert stopwatch.seconds == pytest.approx(len(seconds), abs=1e-3)
    assert stopwatch.seconds <= clock.monotonic() - start + 1e-9
