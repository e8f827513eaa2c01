"""A run that is killed at any point, and started again with the last STATE that it wrote, loses nothing."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import typing as t

import pytest

from emulator import Emulator
from tests.whole import in_process

if t.TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("untraced")

WORK_ORDERS = 1_500
PAGE = 5  # so that 40 pages, which make a slice, are few work orders
SLICE = 40

# In CI a few; `TAP_KILLS=50 pytest tests/whole/test_kill.py` for many.
KILLS = int(os.environ.get("TAP_KILLS", "4"))


@pytest.fixture(scope="module")
def api() -> t.Iterator[Emulator]:
    with Emulator(work_orders=WORK_ORDERS, seed=5, rate_limit=0) as emulator:
        yield emulator


class Run:
    """One process of the tap, its output read as a target reads it."""

    def __init__(self, api: Emulator, folder: Path, state: dict[str, t.Any] | None = None) -> None:
        config = {
            "client_id": api.client_id,
            "client_secret": api.client_secret,
            "api_url": api.url,
            "page_size": PAGE,
            "requests_per_minute": 100_000,
        }
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "catalog.json").write_text(json.dumps(_catalog()))
        command = [sys.executable, "-m", "tap_fieldnation", "--config", "config.json", "--catalog", "catalog.json"]
        if state is not None:
            (folder / "state.json").write_text(json.dumps(state))
            command += ["--state", "state.json"]
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.ids: set[int] = set()
        self.state = state
        self.torn = 0
        self.errors = ""

    def read(self, *, kill_at: int | None = None, by: signal.Signals = signal.SIGKILL) -> int:
        """Read all messages; send a signal after some of them. Returns the exit code."""
        with self.process:
            return self._read(kill_at, by)

    def _read(self, kill_at: int | None, by: signal.Signals) -> int:
        assert self.process.stdout
        assert self.process.stderr
        for number, line in enumerate(self.process.stdout):
            if not line.endswith(b"\n"):
                self.torn += 1
                break
            message = json.loads(line)
            if message["type"] == "RECORD":
                self.ids.add(message["record"]["id"])
            elif message["type"] == "STATE":
                self.state = message["value"]
            if number == kill_at:
                self.process.send_signal(by)
        self.errors = self.process.stderr.read().decode()
        return self.process.wait(30)


def _catalog() -> dict[str, t.Any]:
    """Work orders alone: the fastest way to many pages."""
    catalog = in_process.catalog({"work_orders"})
    catalog["streams"] = [stream for stream in catalog["streams"] if stream["tap_stream_id"] == "work_orders"]
    return catalog


@pytest.mark.parametrize("number", range(KILLS))
def test_killed_and_started_again(api: Emulator, tmp_path: Path, number: int) -> None:
    chance = random.Random(number)
    by = signal.SIGTERM if number % 2 else signal.SIGKILL
    first = Run(api, tmp_path)
    code = first.read(kill_at=chance.randrange(1, WORK_ORDERS), by=by)
    if by is signal.SIGTERM:
        assert code == 128 + signal.SIGTERM
        assert first.torn == 0, "a message was torn"
    else:
        assert code == -signal.SIGKILL
    api.reset_log()
    second = Run(api, tmp_path, first.state or {})
    assert second.read() == 0, second.errors
    visible = set(api.company.visible_ids())
    assert first.ids | second.ids == visible
    left = -(-len(visible - first.ids) // PAGE)
    again = sum(1 for entry in api.log if "f_work_order_id" in entry.params)
    assert len(list(api.log)) - again <= left + SLICE + 5 + len(_slices(second.state))


def _slices(state: dict[str, t.Any] | None) -> list[t.Any]:
    """Each slice may end in a page that is not full."""
    assert state is not None
    slices: list[t.Any] = state["bookmarks"]["work_orders"]["cursor"]["slices"]
    assert len(slices) >= 8
    return slices


def test_sigint_ends_with_the_code_of_shells(api: Emulator, tmp_path: Path) -> None:
    run = Run(api, tmp_path)
    assert run.read(kill_at=100, by=signal.SIGINT) == 128 + signal.SIGINT
    assert run.state is not None
