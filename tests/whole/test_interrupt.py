"""Ctrl-C: one sentence about it, from whichever command, and whatever the target does meanwhile."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
import typing as t

import pytest

from emulator import Emulator

if t.TYPE_CHECKING:
    from pathlib import Path

SECONDS = 30
TAP = [sys.executable, "-m", "tap_fieldnation", "--config", "config.json"]
# A target that reads some messages, and then presses Ctrl-C; it dies of it at once, as `cat` does.
TARGET = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
for _ in range(int(sys.argv[1])):
    sys.stdin.buffer.readline()
os.killpg(0, signal.SIGINT)
"""


@pytest.fixture(scope="module")
def api() -> t.Iterator[Emulator]:
    with Emulator(work_orders=300, seed=5, rate_limit=0) as running:
        yield running


@pytest.fixture
def folder(api: Emulator, tmp_path: Path) -> Path:
    config = {"client_id": api.client_id, "client_secret": api.client_secret, "api_url": api.url}
    (tmp_path / "config.json").write_text(json.dumps({**config, "requests_per_minute": 100_000, "progress": False}))
    return tmp_path


def wait_until(condition: t.Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize("command", ["--test", "--plan", "--plan=json"])
def test_a_report_has_no_state_and_no_next_run(api: Emulator, folder: Path, command: str) -> None:
    api.faults([{"match": {"path": "/workorders", "nth": 1, "times": 1}, "do": "timeout", "seconds": SECONDS}])
    api.reset_log()
    with subprocess.Popen(
        [*TAP, command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_until(lambda: len(api.log) == 2)  # the token, and what is not answered
        process.send_signal(signal.SIGINT)
        output, log = process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + signal.SIGINT
    assert "STATE" not in output
    assert log.splitlines()[-1] == "Stopped by SIGINT."
    assert "next run" not in log


@pytest.mark.parametrize("messages", [1, 40, 200, 500, 900])
def test_in_a_pipe_the_tap_says_one_sentence(folder: Path, messages: int) -> None:
    read, write = os.pipe()
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-c", TARGET, str(messages)]
        target = subprocess.Popen(command, stdin=read, preexec_fn=os.setpgrp)  # noqa: PLW1509  (no threads here)
        join = functools.partial(os.setpgid, 0, target.pid)
        tap = subprocess.Popen(TAP, cwd=folder, stdout=write, stderr=log, preexec_fn=join)  # noqa: PLW1509
    os.close(read)
    os.close(write)
    assert target.wait(SECONDS) == -signal.SIGINT
    assert tap.wait(SECONDS) == 128 + signal.SIGINT
    lines = [line for line in (folder / "log").read_text().splitlines() if " | INFO " not in line]
    assert lines == ["Stopped by SIGINT: the next run continues from the last STATE (no data is lost)."]


def test_before_there_is_anything_to_say_nothing_is_said(folder: Path) -> None:
    script = """
import os, signal
from tap_fieldnation import __main__, tap
tap.TapFieldNation.cli = lambda: os.kill(os.getpid(), signal.SIGINT)
__main__.main()
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode == -signal.SIGINT
    assert done.stdout == done.stderr == b""
