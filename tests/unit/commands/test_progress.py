"""Progress shows which stream is being read, how far it is, how fast, and how much time is left."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import sys
import threading
import typing as t
from types import SimpleNamespace

import pytest
from typing_extensions import override

from tap_fieldnation.commands import progress as module
from tap_fieldnation.commands.progress import LINE_INTERVAL, Bar, Progress, show_progress
from tap_fieldnation.tap import TapFieldNation
from tests.fakes import FakeClock

if t.TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = {"client_id": "the-client-id", "client_secret": "the-client-secret"}


class Sync:
    """A sync in which nothing is requested, on a clock that nobody waits for.

    Attributes:
        progress: Its progress lines.
    """

    def __init__(self, **settings: t.Any) -> None:
        tap = TapFieldNation(config={**CONFIG, **settings})
        self.streams: dict[str, t.Any] = dict(tap.streams)
        self.clock, self.requester = FakeClock(), SimpleNamespace(requests=0)
        tap.context.__dict__.update(clock=self.clock, requester=self.requester)
        self._arguments = tap.context, tap.streams, tap.logger
        self.progress = Progress(*self._arguments)

    def show(self) -> contextlib.AbstractContextManager[None]:
        """Show the progress during a block."""
        return show_progress(*self._arguments)

    def begin(self, name: str, rows: int = 0) -> None:
        """Let a stream begin, and write so many rows."""
        self.streams[name].begun, self.streams[name].rows_written = True, rows

    def read(self, done: int = 0, due: int = 0, read: int = 0, resumed: int = 0) -> None:
        """Let `work_orders` get so far."""
        self.begin("work_orders")
        self.streams["work_orders"].run = SimpleNamespace(done=done, due=due, read=read, resumed=resumed)

    def pass_time(self, minutes: float, requests: int) -> None:
        self.clock.advance(60 * minutes)
        self.requester.requests += requests

    @property
    def line(self) -> str:
        return self.progress.line(self.clock.monotonic())


@pytest.fixture
def sync() -> Sync:
    return Sync()


def test_a_line_shows_how_far_how_fast_and_how_much_time_is_left(sync: Sync) -> None:
    sync.read(due=128_000)
    sync.progress.update()
    sync.pass_time(8.24, 412)
    sync.read(41_200, 128_000, 41_200)
    assert sync.line == "41,200 of 128,000 (32 %), 50 requests/min, about 17 min left"


def test_what_an_earlier_run_read_does_not_make_this_one_faster(sync: Sync) -> None:
    sync.read(1_000, 3_000, 0)
    sync.progress.update()
    sync.pass_time(1, 10)
    sync.read(2_000, 3_000, 1_000)
    assert sync.line.endswith("about 1 min left")


def test_while_nothing_was_read_no_time_is_estimated(sync: Sync) -> None:
    sync.read(1_000, 3_000, 0)
    sync.progress.update()
    sync.pass_time(1, 10)
    assert sync.line == "1,000 of 3,000 (33 %), 10 requests/min"


def test_without_an_expected_number_only_what_was_read_is_shown(sync: Sync) -> None:
    sync.read()
    sync.progress.update()
    sync.pass_time(1, 7)
    sync.read(700, 0, 700)
    assert sync.line == "700 read, 7 requests/min"


def test_before_the_first_row_the_rate_is_that_of_the_run(sync: Sync) -> None:
    sync.read()
    sync.progress.update()
    sync.pass_time(0.25, 12)
    assert sync.line == "none read yet, 48 requests/min"
    sync.begin("projects")
    sync.progress.update()
    assert sync.line == "no rows yet, 48 requests/min"


def test_the_longest_line_fits_80_columns(sync: Sync) -> None:
    sync.read(0, 2_345_678, 0)
    sync.progress.update()
    sync.pass_time(600, 600 * 50)
    sync.read(1_234_567, 2_345_678, 1_234_567)
    line = f"work_orders: {sync.line}"
    assert line == "work_orders: 1,234,567 of 2,345,678 (52 %), 50 requests/min, about 9.0 h left"
    assert len(line) <= 80


def test_of_a_company_list_the_rows_are_shown(sync: Sync, caplog: pytest.LogCaptureFixture) -> None:
    sync.begin("clients", 60)
    sync.begin("templates")
    sync.progress.update()
    sync.pass_time(2, 90)
    sync.begin("templates", 1_084)
    with caplog.at_level(logging.INFO):
        sync.progress.update()
    assert [record.getMessage() for record in caplog.records] == ["templates: 1,084 rows, 45 requests/min"]


def test_a_line_is_logged_every_15_seconds(sync: Sync, caplog: pytest.LogCaptureFixture) -> None:
    sync.read(10, 100, 10)
    with caplog.at_level(logging.INFO):
        for _ in range(60):
            sync.pass_time(1 / 60, 1)
            sync.progress.update()
    assert len(caplog.records) == 60 // LINE_INTERVAL
    assert caplog.records[0].getMessage().startswith("work_orders: 10 of 100 (10 %)")


def test_progress_is_shown_while_a_request_is_slow(sync: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UPDATE_INTERVAL", 0.001)
    shown = threading.Event()
    monkeypatch.setattr(Progress, "_show", lambda *_: shown.set())
    sync.read(10, 100, 10)
    with sync.show():
        assert shown.wait(30), "the block has not returned, and yet progress is shown"
    assert "progress" not in {thread.name for thread in threading.enumerate()}


def test_without_the_setting_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_repeated", None)
    with Sync(progress=False).show():
        pass


class Terminal(io.StringIO):
    """A stderr that is a terminal."""

    @override
    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        """All that was on its line, one after another."""
        return [line.rstrip() for line in self.getvalue().split("\r")]

    @property
    def last(self) -> str:
        return self.lines[-1]


def test_on_a_terminal_a_bar_is_shown_and_removed_at_the_end(sync: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    updates: list[t.Any] = []

    @contextlib.contextmanager
    def by_hand(update: t.Any) -> Iterator[None]:
        updates.append(update)
        yield

    monkeypatch.setattr(module, "_repeated", by_hand)
    monkeypatch.setenv("COLUMNS", "80")
    with sync.show():
        assert screen.last == "starting [00:00]"
        [update] = updates
        assert isinstance(update.__self__, Bar)
        sync.pass_time(0.5, 25)
        sync.read(1_000, 2_514, 0, resumed=1_000)
        update()
        sync.read(1_257, 2_514, 257, resumed=1_000)
        update()
        assert screen.last.startswith("work_orders:  50%|")
        assert re.search(r"\| 1,257/2,514 \[00:00<00:\d\d, 50 requests/min\]$", screen.last)
        sync.begin("clients")
        update()
        assert screen.last == "clients [00:00, 50 requests/min]"
        sync.begin("clients", 1_062)
        update()
        assert screen.last == "clients: 1,062 rows [00:00, 50 requests/min]"
        sync.begin("service_territory_providers", 1_234_567)
        update()
    assert screen.getvalue().endswith("\r"), "the last line is empty again"
    assert max(map(len, screen.lines)) < 80
