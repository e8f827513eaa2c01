"""Progress lines say how far, how fast and how long still."""

from __future__ import annotations

import logging
import typing as t
from types import SimpleNamespace

import pytest

from tap_fieldnation.progress import EVERY, Progress, duration
from tests.fakes import FakeClock


def _progress(clock: FakeClock, done: int, due: int, requests: int) -> tuple[Progress, t.Any, t.Any]:
    reading = SimpleNamespace(done=0, due=due, read=0)
    client = SimpleNamespace(requests=3)
    progress = Progress(t.cast("t.Any", reading), t.cast("t.Any", client), clock, logging.getLogger("progress"))
    reading.done = reading.read = done
    client.requests += requests
    return progress, reading, client


def test_a_line_says_how_far_how_fast_and_how_long_still() -> None:
    clock = FakeClock()
    progress, _, _ = _progress(clock, 41_200, 128_000, 412)
    clock.advance(8.24 * 60)
    line = progress.line(clock.monotonic())
    assert line == "41,200 of 128,000 (32 %), 50 requests a minute, about 17 min left"


def test_what_an_earlier_run_read_does_not_make_this_one_faster() -> None:
    clock = FakeClock()
    progress, reading, _ = _progress(clock, 1_000, 3_000, 10)
    reading.done = 2_000
    clock.advance(60)
    assert progress.line(clock.monotonic()).endswith("about 1 min left")


def test_without_an_expectation_it_says_what_it_knows() -> None:
    clock = FakeClock()
    progress, _, _ = _progress(clock, 700, 0, 7)
    clock.advance(60)
    assert progress.line(clock.monotonic()) == "700, 7 requests a minute"


def test_a_line_every_15_seconds(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    progress, _, _ = _progress(clock, 10, 100, 1)
    with caplog.at_level(logging.INFO):
        for _ in range(60):
            clock.advance(1)
            progress.update()
    assert len(caplog.records) == 60 // EVERY


@pytest.mark.parametrize(
    ("minutes", "said"), [(0.5, "30 s"), (1, "1 min"), (29.4, "29 min"), (119, "119 min"), (210, "3.5 h")]
)
def test_durations_are_for_people(minutes: float, said: str) -> None:
    assert duration(minutes) == said
