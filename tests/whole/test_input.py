"""The command line as a shell starts it: pipes, stdin, closed streams, limits, environment variables."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from emulator import Emulator
from tests.whole import in_process
from tests.whole.in_process import catalog

if sys.platform != "win32":
    import resource

if t.TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix"),
    pytest.mark.usefixtures("untraced"),
]

TAP = f'"{sys.executable}" -m tap_fieldnation'
BASH = shutil.which("bash") or "/bin/bash"
WORK_ORDERS = 30
VARIABLES = (
    "LOGLEVEL",
    "SINGER_SDK_LOG_CONFIG",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
)


@pytest.fixture(scope="module")
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=WORK_ORDERS, days=400, seed=3, rate_limit=0) as running:
        yield running


@pytest.fixture(autouse=True)
def _files(api: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.json").write_text(json.dumps(in_process.settings(api)))
    Path("catalog.json").write_text(json.dumps(catalog({"work_orders"})))
    Path("state.json").write_text("{}")


def shell(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line of a shell in which `tap` is the command."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in VARIABLES and not name.startswith("TAP_FIELDNATION_")
    }
    return subprocess.run(
        [BASH, "-c", f'tap() {{ {TAP} "$@"; }}; {script}'],
        env={**inherited, **environment},
        capture_output=True,
        check=False,
        text=True,
        encoding="utf-8",
    )


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.splitlines()[-1].split(" | ", 3)[-1] if done.stderr else ""


def assert_refused(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode == 1
    assert words in last_line(done)
    assert "Traceback" not in done.stderr
    assert "Unexpected" not in done.stderr
    assert "canary4711" not in done.stderr
    assert '"RECORD"' not in done.stdout


READ: dict[str, str] = {
    "a process substitution": "tap --config <(cat config.json) --catalog catalog.json",
    "all of them": "tap --config <(cat config.json) --catalog <(cat catalog.json) --state <(cat state.json)",
    "stdin by its path": "tap --config /dev/stdin --catalog catalog.json < config.json",
    "a pipe by its path": "cat config.json | tap --config /dev/stdin --catalog catalog.json",
    "a pipe by a dash": "cat config.json | tap --config - --catalog catalog.json",
    "a catalog": "cat catalog.json | tap --config config.json --catalog -",
    "a catalog as discovered": "tap --discover | tap --config config.json --catalog /dev/stdin",
    "a state": "cat state.json | tap --config config.json --catalog catalog.json --state -",
    "two configs": "tap --config <(cat config.json) --config <(echo '{\"page_size\": 3}') --catalog catalog.json",
    "a config and the environment": "tap --config <(cat config.json) --config=ENV --catalog catalog.json",
}


@pytest.mark.parametrize("script", READ.values(), ids=READ)
def test_a_file_may_be_a_pipe(script: str) -> None:
    done = shell(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"type":"RECORD","stream":"work_orders"') == WORK_ORDERS


@pytest.mark.parametrize("other", ["--catalog -", "--state /dev/stdin"])
def test_two_options_cannot_share_a_pipe(other: str) -> None:
    words = "is a pipe that --config has read already: give one of the two options a file."
    assert_refused(shell(f"cat config.json | tap --config - {other}"), words)


VARIABLES_REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "maps that are no JSON": (
        {"TAP_FIELDNATION_STREAM_MAPS": "{canary4711"},
        "variable TAP_FIELDNATION_STREAM_MAPS is",
    ),
    "an unknown level": (
        {"TAP_FIELDNATION_LOGLEVEL": "canary4711"},
        "variable TAP_FIELDNATION_LOGLEVEL cannot be used",
    ),
    "an unknown level for all": ({"LOGLEVEL": "canary4711"}, "variable LOGLEVEL cannot be used"),
    "a log config that is none": ({"SINGER_SDK_LOG_CONFIG": "config.json"}, "variable SINGER_SDK_LOG_CONFIG cannot"),
    "a log config that does not exist": ({"SINGER_SDK_LOG_CONFIG": "nothing"}, "variable SINGER_SDK_LOG_CONFIG cannot"),
    "a proxy without a host": ({"HTTP_PROXY": "http://u:canary4711@", "NO_PROXY": ""}, "variable HTTP_PROXY cannot be"),
    "bytes": ({"TAP_FIELDNATION_CLIENT_ID": "\udcff"}, "variable TAP_FIELDNATION_CLIENT_ID is not UTF-8 text"),
}


@pytest.mark.parametrize(("environment", "words"), VARIABLES_REFUSED.values(), ids=VARIABLES_REFUSED)
def test_a_variable_that_cannot_be_used_is_named(environment: dict[str, str], words: str) -> None:
    assert_refused(shell("tap --config config.json --config=ENV", **environment), words)


def test_empty_variables_are_not_set() -> None:
    names = ("START_DATE", "STREAM_MAPS", "FLATTENING_MAX_DEPTH", "FLATTENING_ENABLED", "PAGE_SIZE", "LOGLEVEL")
    empty = {f"TAP_FIELDNATION_{name}": "" for name in names}
    script = "tap --config config.json --config=ENV --catalog catalog.json"
    done = shell(script, **empty, LOGLEVEL="", SINGER_SDK_LOG_CONFIG="")
    assert done.returncode == 0, done.stderr
    assert '"RECORD"' in done.stdout


def test_exported_credentials_need_the_option() -> None:
    assert_refused(
        shell("tap", TAP_FIELDNATION_CLIENT_ID="canary4711"), "add --config=ENV for TAP_FIELDNATION_CLIENT_ID"
    )


COMMANDS = [
    "--config config.json",
    "--config config.json --plan",
    "--config config.json --test",
    "--discover",
    "--about",
    "--help",
]


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_stdout_that_cannot_be_written(arguments: str) -> None:
    assert_refused(
        shell(f"tap {arguments} >&-"), "stdout is closed: pipe it into a target, or redirect it into a file."
    )
    if Path("/dev/full").exists():
        assert_refused(shell(f"tap {arguments} >/dev/full"), "stdout cannot be written (No space left on device)")


def test_other_streams_may_be_closed() -> None:
    done = shell("tap --config config.json --catalog catalog.json <&- 2>&-")
    assert done.returncode == 0
    assert all(json.loads(line) for line in done.stdout.splitlines())
    assert_refused(shell("tap --config - <&-"), "The config file - cannot be read (stdin is closed)")


NO_THREADS = """
import threading
def start(thread): raise RuntimeError("can't start new thread")
threading.Thread.start = start
from tap_fieldnation.tap import TapFieldNation
TapFieldNation.cli()
"""


def without_threads(*configs: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", NO_THREADS, *(f"--config={name}" for name in configs)]
    return subprocess.run(command, capture_output=True, check=False, text=True, encoding="utf-8")


def test_a_thread_that_cannot_start() -> None:
    Path("progress.json").write_text('{"progress": true}')
    done = without_threads("config.json", "progress.json")
    assert done.returncode == 1
    assert last_line(done).startswith("This machine, or a limit on this process, allows no more threads: ")
    assert "Traceback" not in done.stderr
    # what the sentence advises helps
    Path("few.json").write_text('{"progress": false, "max_concurrent_requests": 1, "page_size": 2}')
    assert without_threads("config.json", "few.json").returncode == 0


def test_a_file_size_limit() -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    with Path("out.jsonl").open("w") as output:
        command = [sys.executable, "-m", "tap_fieldnation", "--config", "config.json"]
        done = subprocess.run(
            command,
            stdout=output,
            stderr=subprocess.PIPE,
            preexec_fn=limit,
            check=False,
            text=True,
            # the file of coverage is larger than the limit
            env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")},
        )
    assert_refused(
        subprocess.CompletedProcess(command, done.returncode, "", done.stderr),
        "stdout cannot be written (File too large)",
    )


WRAPPERS: dict[str, t.Callable[[t.Any], t.Any]] = {
    "as meltano state get prints it": lambda state: {"singer_state": state},
    "as Meltano stores it": lambda state: {"completed": {"singer_state": state}, "partial": {}},
    "a message": lambda state: {"type": "STATE", "value": state},
}


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_state_of_another_tool_continues_the_run_before(api: Emulator, wrap: t.Callable[[t.Any], t.Any]) -> None:
    first = in_process.run(api, catalog({"work_orders"}))
    assert len(first.out.rows["work_orders"]) == WORK_ORDERS
    Path("state.json").write_text(json.dumps(wrap(first.out.state)))
    done = shell("tap --config config.json --catalog catalog.json --state state.json")
    assert done.returncode == 0, done.stderr
    due = in_process.run(api, catalog({"work_orders"}), first.out.state)
    assert done.stdout.count('"type":"RECORD","stream":"work_orders"') == len(due.out.rows["work_orders"])
    assert len(due.out.rows["work_orders"]) < WORK_ORDERS


def test_a_state_that_is_none_is_not_taken_for_empty() -> None:
    Path("state.json").write_text('{"state": {"bookmarks": {}}}')
    assert_refused(
        shell("tap --config config.json --state state.json"), "The state file state.json is not a state: it has no"
    )
