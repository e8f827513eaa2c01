"""The receiver of the output: a target that died, a slow one, and a full disk."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from emulator import Emulator

WORK_ORDERS, PAGE, THREADS = 1_200, 20, 4
PAGES = WORK_ORDERS // PAGE
EVERY = 300  # records, after each of which the slow target waits until the tap does too
BEFORE = 3  # requests before the first page: the token, the oldest work order, and room for one more


@pytest.fixture(scope="module")
def api() -> t.Iterator[Emulator]:
    with Emulator(work_orders=WORK_ORDERS, seed=5, rate_limit=0) as running:
        yield running


@pytest.fixture(scope="module")
def catalog() -> dict[str, t.Any]:
    listed = subprocess.run([sys.executable, "-m", "tap_fieldnation", "--discover"], capture_output=True, check=True)
    found: dict[str, t.Any] = json.loads(listed.stdout)
    found["streams"] = [stream for stream in found["streams"] if stream["tap_stream_id"] == "work_orders"]
    return found


class Output(t.Protocol):
    """Starts the tap, with its stdout wherever that is to lead."""

    def __call__(self, stdout: t.Any, *arguments: str) -> subprocess.Popen[bytes]: ...


@pytest.fixture
def start(api: Emulator, catalog: dict[str, t.Any], tmp_path: Path) -> t.Iterator[Output]:
    config = {
        "client_id": api.client_id,
        "client_secret": api.client_secret,
        "api_url": api.url,
        "page_size": PAGE,
        "max_concurrent_requests": THREADS,
        "requests_per_minute": 1e6,
        "progress": False,
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "catalog.json").write_text(json.dumps(catalog))
    started = []

    def begin(stdout: t.Any, *arguments: str) -> subprocess.Popen[bytes]:
        api.reset_log()
        command = [sys.executable, "-m", "tap_fieldnation", "--config", "config.json", *arguments]
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(command, cwd=tmp_path, stdout=stdout, stderr=log)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def last_line(folder: Path) -> str:
    log = (folder / "log").read_text()
    assert "Traceback" not in log
    assert "Exception ignored" not in log
    return log.splitlines()[-1]


def test_a_target_that_dies_ends_the_tap(start: Output, api: Emulator, tmp_path: Path) -> None:
    tap = start(subprocess.PIPE, "--catalog", "catalog.json")
    assert tap.stdout
    for _ in range(5):
        tap.stdout.readline()
    tap.stdout.close()
    assert tap.wait(20) == 1
    assert last_line(tmp_path).endswith(
        "The target stopped reading: find the reason in its log, and run again (no data is lost)."
    )
    assert len(api.log) < PAGES / 2, "it went on reading for nobody"


@pytest.mark.parametrize("arguments", [("--catalog", "catalog.json"), ("--discover",)], ids=["run", "discover"])
def test_a_full_disk_is_an_error(start: Output, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        tap = start(full, *arguments)
        assert tap.wait(20) == 1
    assert last_line(tmp_path).endswith(
        "stdout cannot be written (No space left on device): check where it is redirected to, and run again "
        "(no data is lost)."
    )


def test_a_slow_target_holds_the_tap_back(start: Output, api: Emulator, tmp_path: Path) -> None:
    tap = start(subprocess.PIPE, "--catalog", "catalog.json")
    assert tap.stdout
    memory: list[int] = []
    records = 0
    for line in tap.stdout:
        if not line.startswith(b'{"type":"RECORD"'):
            continue
        if records % EVERY == 0:
            # One page is being written, and lies in part in the pipe; the others were read ahead.
            assert rest(api) <= BEFORE + records // PAGE + 2 + THREADS
            memory.append(resident(tap.pid))
        records += 1
    assert tap.wait(20) == 0, last_line(tmp_path)
    assert records == len(api.company.visible_ids())
    assert len(memory) == WORK_ORDERS // EVERY
    assert max(memory) - memory[1] < 5 * 2**20


def rest(api: Emulator) -> int:
    """How many requests there are once nothing has come for a while: the tap waits for its target."""
    count = -1
    while count != len(api.log):
        count = len(api.log)
        time.sleep(0.15)
    return count


def resident(pid: int) -> int:
    """The memory of a process, bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])
