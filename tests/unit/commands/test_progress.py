"""Progress shows which stream is being read, how far it is, how fast, and how much time is left."""

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
        self.clock, self.requester = FakeClock(), SimpleNamespace(requests=3)
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
    assert sync.line == "700, 7 requests/min"


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


def test_on_a_terminal_a_bar_is_shown_and_removed_at_the_end(sync: Sync, monkeypatch: pytest.MonkeyPatch) -> None:
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
    with sync.show():
        assert not metrics.isEnabledFor(logging.INFO), "the summary has the same numbers"
        [update] = updates
        assert isinstance(update.__self__, Bar)
        sync.read(1_000, 3_000, 0, resumed=1_000)
        update()
        sync.read(1_500, 3_000, 500, resumed=1_000)
        update()
        assert "work_orders:  50%|" in screen.getvalue()
        sync.begin("clients", 62)
        update()
        assert "clients: 62.0 rows" in screen.getvalue()
        assert "1.50k/3.00k" in screen.getvalue()
    assert screen.getvalue().endswith("\r"), "the last line is empty again"
    assert metrics.level == level
