"""Waiting, and the end of the time allowed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from tap_fieldnation.api.clock import LONGEST_SLEEP, Clock
from tap_fieldnation.api.errors import DeadlineExceeded
from tests.fakes import NOON, FakeClock, SharedClock


class Pieces(FakeClock):
    """Keeps how a wait is cut into pieces."""

    def __init__(self, allowed: float | None = None) -> None:
        super().__init__(allowed)
        self.pieces: list[float] = []

    @override
    def _pause(self, seconds: float) -> None:
        self.pieces.append(seconds)
        super()._pause(seconds)


@given(st.floats(0, 10_000))
def test_a_wait_lasts_as_long_as_it_should_in_pieces_of_a_minute(seconds: float) -> None:
    clock = Pieces()
    start = clock.monotonic()
    clock.sleep(seconds)
    assert clock.monotonic() - start == pytest.approx(seconds, abs=1e-3)
    assert all(piece <= LONGEST_SLEEP for piece in clock.pieces)


@pytest.mark.parametrize("seconds", [0, -1])
def test_no_wait_is_none(seconds: float) -> None:
    clock = Pieces()
    clock.sleep(seconds)
    assert clock.pieces == []


def test_a_wait_ends_early_where_the_machine_slept_meanwhile() -> None:
    class Suspended(Pieces):
        @override
        def _pause(self, seconds: float) -> None:
            super()._pause(seconds)
            self.advance(3600)

    clock = Suspended()
    clock.sleep(300)
    assert len(clock.pieces) == 1


@pytest.mark.parametrize(("seconds", "fits"), [(99.0, True), (100.0, True), (100.1, False), (1e9, False)])
def test_a_wait_that_would_outlast_the_time_allowed_is_not_begun(seconds: float, *, fits: bool) -> None:
    clock = Pieces(allowed=100)
    if fits:
        clock.sleep(seconds)
        return
    with pytest.raises(DeadlineExceeded):
        clock.sleep(seconds)
    assert clock.pieces == []


def test_the_time_allowed_ends() -> None:
    clock = FakeClock(allowed=100)
    clock.check()
    clock.advance(99)
    clock.check()
    clock.advance(1)
    with pytest.raises(DeadlineExceeded):
        clock.check()


def test_without_a_limit_it_does_not() -> None:
    clock = FakeClock()
    clock.advance(1e9)
    clock.check()
    clock.sleep(1e6)


def test_the_machines_clock_goes_forward_and_knows_its_zone() -> None:
    clock = Clock(allowed=60)
    before = clock.monotonic()
    clock.sleep(0.001)
    assert clock.monotonic() > before
    assert clock.utc_now().tzinfo is timezone.utc


def test_time_of_day_and_seconds_go_together() -> None:
    clock = FakeClock()
    clock.sleep(60)
    assert clock.utc_now() - NOON == pytest.approx(timedelta(seconds=60), abs=timedelta(milliseconds=1))


def test_what_several_threads_wait_at_the_same_time_counts_once() -> None:
    clock = SharedClock(2)

    def wait(*seconds: float) -> None:
        with clock.taking_part():
            for one in seconds:
                clock.sleep(one)

    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(wait, 10), threads.submit(wait, 5, 20)]
    assert [one.result() for one in both] == [None, None]
    assert clock.waited == pytest.approx(25)
