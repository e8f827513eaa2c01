"""Progress says which stream is read, how far, how fast and how long still; whoever waits for what."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading
import typing as t
from types import SimpleNamespace

import pytest
from typing_extensions import override

from tap_fieldnation.commands import progress as module
from tap_fieldnation.commands.progress import EVERY, Progress, duration, shown
from tap_fieldnation.tap import TapFieldNation
from tests.fakes import FakeClock

if t.TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = {"client_id": "the-client-id", "client_secret": "the-client-secret"}


class Tap(TapFieldNation):
    """A tap that counts requests without making any, on a clock that nobody waits for."""

    def __init__(self, **settings: t.Any) -> None:
        self.__dict__.update(clock=FakeClock(), requester=SimpleNamespace(requests=3))
        super().__init__(config={**CONFIG, **settings})

    def begin(self, name: str) -> t.Any:
        """Let it be a stream's turn."""
        stream: t.Any = self.streams[name]
        stream.begun = True
        return stream

    def read(self, done: int = 0, due: int = 0, read: int = 0, resumed: int = 0) -> None:
        """Let `work_orders` have got so far."""
        stream = self.begin("work_orders")
        stream.reading = SimpleNamespace(done=done, due=due, read=read, resumed=resumed)

    def pass_time(self, minutes: float, requests: int) -> None:
        t.cast("FakeClock", self.clock).advance(60 * minutes)
        self.requester.requests += requests


@pytest.fixture
def tap() -> Tap:
    return Tap()


def line(progress: Progress, tap: Tap) -> str:
    return progress.line(tap.clock.monotonic())


def test_a_line_says_how_far_how_fast_and_how_long_still(tap: Tap) -> None:
    progress = Progress(tap)
    tap.read(due=128_000)
    progress.update()
    tap.pass_time(8.24, 412)
    tap.read(41_200, 128_000, 41_200)
    assert line(progress, tap) == "41,200 of 128,000 (32 %), 50 requests a minute, about 17 min left"


def test_what_an_earlier_run_read_does_not_make_this_one_faster(tap: Tap) -> None:
    progress = Progress(tap)
    tap.read(1_000, 3_000, 0)
    progress.update()
    tap.pass_time(1, 10)
    tap.read(2_000, 3_000, 1_000)
    assert line(progress, tap).endswith("about 1 min left")


def test_without_an_expectation_it_says_what_it_knows(tap: Tap) -> None:
    progress = Progress(tap)
    tap.read()
    progress.update()
    tap.pass_time(1, 7)
    tap.read(700, 0, 700)
    assert line(progress, tap) == "700, 7 requests a minute"


def test_a_list_of_the_companys_is_told_of_by_its_rows(tap: Tap, caplog: pytest.LogCaptureFixture) -> None:
    progress = Progress(tap)
    tap.begin("clients").rows_written = 60
    templates = tap.begin("templates")
    progress.update()
    tap.pass_time(2, 90)
    templates.rows_written = 1_084
    with caplog.at_level(logging.INFO):
        progress.update()
    assert [record.getMessage() for record in caplog.records] == ["templates: 1,084 rows, 45 requests a minute"]


def test_a_line_every_15_seconds(tap: Tap, caplog: pytest.LogCaptureFixture) -> None:
    progress = Progress(tap)
    tap.read(10, 100, 10)
    with caplog.at_level(logging.INFO):
        for _ in range(60):
            tap.pass_time(1 / 60, 1)
            progress.update()
    assert len(caplog.records) == 60 // EVERY
    assert caplog.records[0].getMessage().startswith("work_orders: 10 of 100 (10 %)")


def test_it_tells_while_a_request_takes_its_time(tap: Tap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK", 0.001)
    told = threading.Event()
    monkeypatch.setattr(Progress, "_tell", lambda *_: told.set())
    tap.read(10, 100, 10)
    with shown(tap):
        assert told.wait(30), "nothing came back from the reading, and yet it is told"
    assert "progress" not in {thread.name for thread in threading.enumerate()}


def test_nothing_is_told_where_that_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    tap = Tap(progress=False)
    monkeypatch.setattr(module, "_repeated", None)
    with shown(tap):
        pass


class Terminal(io.StringIO):
    """A stderr that somebody looks at."""

    @override
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_it_is_a_bar_that_goes_away(tap: Tap, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    updates: list[t.Any] = []

    @contextlib.contextmanager
    def by_hand(update: t.Any) -> Iterator[None]:
        updates.append(update)
        yield

    monkeypatch.setattr(module, "_repeated", by_hand)
    metrics = logging.getLogger("singer_sdk.metrics")
    level = metrics.level
    with shown(tap):
        assert not metrics.isEnabledFor(logging.INFO), "the summary says the same"
        [update] = updates
        tap.begin("clients").rows_written = 62
        update()
        assert "clients: 62.0 rows" in screen.getvalue()
        tap.read(1_000, 3_000, 0, resumed=1_000)
        update()
        tap.read(1_500, 3_000, 500, resumed=1_000)
        update()
        assert "work_orders:  50%|" in screen.getvalue()
        assert "1.50k/3.00k" in screen.getvalue()
    assert screen.getvalue().endswith("\r"), "the last line is empty again"
    assert metrics.level == level


@pytest.mark.parametrize(
    ("minutes", "said"), [(0.5, "30 s"), (1, "1 min"), (29.4, "29 min"), (119, "119 min"), (210, "3.5 h")]
)
def test_durations_are_for_people(minutes: float, said: str) -> None:
    assert duration(minutes) == said
