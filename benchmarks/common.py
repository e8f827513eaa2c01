"""Shared by the benchmarks: the emulator and the measured programs as processes, medians, and tables."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tap_fieldnation.api.work_orders import PATH

if t.TYPE_CHECKING:
    import resource
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
TAP = (sys.executable, "-m", "tap_fieldnation")
MIB = 2**20

K = t.TypeVar("K", bound=t.Hashable)
R = t.TypeVar("R")

_CREDENTIALS = ("client_id", "client_secret")


class Api(t.Protocol):
    """The address of the API, and the credentials."""

    @property
    def url(self) -> str:
        """The origin."""

    @property
    def client_id(self) -> str:
        """The OAuth 2.0 client ID."""

    @property
    def client_secret(self) -> str:
        """The OAuth 2.0 client secret."""


@dataclass(frozen=True)
class Server:
    """The emulator in a separate process."""

    url: str
    client_id: str
    client_secret: str

    def control(self, action: str, body: object = None) -> t.Any:
        """Call a control endpoint of the emulator: GET, or POST if there is a body."""
        request = urllib.request.Request(  # noqa: S310  (a loopback port)
            f"{self.url}/_emulator/{action}", None if body is None else json.dumps(body).encode()
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310
            return json.load(response)

    @property
    def requests(self) -> int:
        """How many requests it has received since its log was last reset."""
        return len(self.control("log"))

    def plan(self, *, seed: int, every: int, changes: int = 1, weights: Mapping[str, int] | None = None) -> None:
        """Apply `changes` random changes before every `every`-th request for work orders."""
        self.control("plan", {"seed": seed, "every": every, "changes": changes, "weights": weights})


@contextlib.contextmanager
def serving(work_orders: int, *, seed: int = 1, warm: str | None = "", **switches: object) -> Iterator[Server]:
    """Run the emulator as another process.

    Args:
        work_orders: The number of work orders.
        seed: The seed of the company.
        warm: The sections to encode in advance; "" for all, None for none.
        switches: Switches besides `rate_limit=0`.
    """
    given = {"rate_limit": 0, **switches}
    command = [sys.executable, "-m", "emulator", "--credentials", f"--work-orders={work_orders}", f"--seed={seed}"]
    command += [part for name, value in given.items() for part in ("--switch", f"{name}={value}")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().split()[-1]
            credentials = json.loads(process.stdout.readline())
            server = Server(url, *(credentials[name] for name in _CREDENTIALS))
            if warm is not None:
                server.control("warm", {"columns": warm})
            yield server
        finally:
            process.terminate()


class Output(t.NamedTuple):
    """The output of a run.

    Attributes:
        rows: Records by stream.
        state: The last STATE.
        ids: Ids of the work orders among the records, if the reader collects them.
    """

    rows: dict[str, int]
    state: dict[str, t.Any]
    ids: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Outcome:
    """The cost and the output of one run.

    Attributes:
        wall: Seconds from start to end.
        cpu: Seconds of CPU, user and system.
        peak: Peak memory, bytes.
        output: Its output.
    """

    wall: float
    cpu: float
    peak: int
    output: Output

    @property
    def rows(self) -> dict[str, int]:
        """Records by stream."""
        return self.output.rows

    @property
    def state(self) -> dict[str, t.Any]:
        """The last STATE."""
        return self.output.state

    def figures(self) -> dict[str, t.Any]:
        """The figures to save as JSON."""
        return {"wall": self.wall, "cpu": self.cpu, "peak": self.peak, "rows": self.rows}


Reader = t.Callable[[t.IO[bytes]], Output]


def catalog(*streams: str) -> dict[str, t.Any]:
    """A catalog with only these streams selected; with the default selection if none is named."""
    listed = subprocess.run([*TAP, "--discover"], capture_output=True, check=True)
    found: dict[str, t.Any] = json.loads(listed.stdout)
    for stream in found["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                default = entry["metadata"].get("selected-by-default", False)
                entry["metadata"]["selected"] = stream["tap_stream_id"] in streams if streams else default
    return found


def run(
    api: Api,
    chosen: dict[str, t.Any],
    state: dict[str, t.Any] | None = None,
    *,
    read: Reader | None = None,
    **settings: t.Any,
) -> Outcome:
    """Run the tap against an emulator, and read its output."""
    config = {
        "client_id": api.client_id,
        "client_secret": api.client_secret,
        "api_url": api.url,
        "requests_per_minute": 1_000_000,
        **settings,
    }
    return run_singer(TAP, {"config": config, "catalog": chosen, "state": state or {}}, read)


def requested_columns(api: Server, chosen: dict[str, t.Any]) -> str:
    """The columns that the tap requests."""
    api.control("reset-log", {})
    run(api, chosen)
    requested = [entry["params"]["columns"] for entry in api.control("log") if entry["path"] == PATH]
    return str(max(requested, key=len))


def run_singer(command: Sequence[str], files: Mapping[str, object], read: Reader | None = None) -> Outcome:
    """Run a tap with these files, given by the options of these names, and read its output."""
    with tempfile.TemporaryDirectory() as folder:
        options: list[str] = []
        for name, content in files.items():
            path = Path(folder, f"{name}.json")
            path.write_text(json.dumps(content))
            options += [f"--{name}", str(path)]
        return run_process([*command, *options], read or read_messages)


def run_process(command: Sequence[str], read: Reader, given: object = None) -> Outcome:
    """Run and measure a command; `read` reads its stdout, and its stdin is a file, or `given` as JSON."""
    with contextlib.ExitStack() as files:
        errors = files.enter_context(tempfile.TemporaryFile())
        stdin: t.IO[bytes]
        if isinstance(given, Path):
            stdin = files.enter_context(given.open("rb"))
        else:
            stdin = files.enter_context(tempfile.TemporaryFile())
            stdin.write(json.dumps(given).encode())
            stdin.seek(0)
        began = time.perf_counter()
        with subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT) as process:
            assert process.stdout
            output = read(process.stdout)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
        if process.returncode:
            errors.seek(0)
            sys.exit(f"{command[0]} failed:\n{errors.read().decode()[-2000:]}")
    return Outcome(wall, usage.ru_utime + usage.ru_stime, _bytes(usage), output)


def read_messages(lines: t.IO[bytes]) -> Output:
    """The number of records of each stream in the output of a tap, and the last STATE."""
    rows: dict[str, int] = {}
    last = b"{}"
    for line in lines:
        # Not parsed, so that the reader costs little; some taps write spaces between tokens.
        head = line[:80].replace(b" ", b"")
        if head.startswith(b'{"type":"RECORD","stream":"'):
            name = head[27 : head.index(b'"', 27)].decode()
            rows[name] = rows.get(name, 0) + 1
        elif head.startswith(b'{"type":"STATE"'):
            last = line
    return Output(rows, json.loads(last).get("value", {}))


def _bytes(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def in_turns(times: int, ways: Mapping[K, Callable[[], R]]) -> dict[K, list[R]]:
    """Run several functions in turns, A B C A B C, so that other load on the machine affects all of them alike."""
    outcomes: dict[K, list[R]] = {key: [] for key in ways}
    for number in range(times):
        for key, way in ways.items():
            progress(f"{number + 1} of {times}: {key}")
            outcomes[key].append(way())
    progress("")
    return outcomes


def median(outcomes: Sequence[R], value: Callable[[R], float]) -> float:
    """The median of a value of several runs."""
    return statistics.median(map(value, outcomes))


def progress(text: str) -> None:
    """Show on a terminal what is being run."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def report(name: str, title: str, figures: Sequence[Mapping[str, object]]) -> None:
    """Print figures as a table, and save them."""
    table(title, figures)
    save(name, figures)


def table(title: str, figures: Sequence[Mapping[str, object]]) -> None:
    """Print a table."""
    cells = [list(figures[0]), *([_cell(value) for value in row.values()] for row in figures)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print(f"\n{title}\n")
    for number, row in enumerate(cells):
        print(
            "  ".join(
                text.ljust(width) if not at else text.rjust(width)
                for at, (text, width) in enumerate(zip(row, widths, strict=True))
            )
        )
        if not number:
            print("  ".join("-" * width for width in widths))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def save(name: str, content: object) -> None:
    """Save figures as JSON, with a description of the machine."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), "figures": content}, indent=2) + "\n")
    print(f"\n({machine()}; saved in benchmarks/results/{path.name})")


def machine() -> str:
    """The machine and the versions that were measured."""
    sdk = importlib.metadata.version("singer-sdk")
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"singer-sdk {sdk}"
    )


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
