"""What the benchmarks share: a run of the tap as a process, and tables."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

if t.TYPE_CHECKING:
    import resource
    from collections.abc import Sequence

    from emulator import Emulator

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Outcome:
    """What one run of the tap cost, and what it left.

    Attributes:
        wall: Seconds from start to end.
        cpu: Seconds of CPU, user and system.
        peak: Most memory it held, bytes.
        rows: Records by stream.
        state: The last STATE.
    """

    wall: float
    cpu: float
    peak: int
    rows: dict[str, int]
    state: dict[str, t.Any]


def catalog(*streams: str) -> dict[str, t.Any]:
    """A catalog with these streams selected, and no others; with the default selection for none."""
    listed = subprocess.run([sys.executable, "-m", "tap_fieldnation", "--discover"], capture_output=True, check=True)
    found: dict[str, t.Any] = json.loads(listed.stdout)
    for stream in found["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                default = entry["metadata"].get("selected-by-default", False)
                entry["metadata"]["selected"] = stream["tap_stream_id"] in streams if streams else default
    return found


def run(api: Emulator, chosen: dict[str, t.Any], state: dict[str, t.Any] | None = None, **settings: t.Any) -> Outcome:
    """Run the tap against an emulator, and read all that it writes."""
    with tempfile.TemporaryDirectory() as folder:
        files = {
            "config": {
                "client_id": api.client_id,
                "client_secret": api.client_secret,
                "api_url": api.url,
                "requests_per_minute": 1_000_000,
                **settings,
            },
            "catalog": chosen,
            "state": state or {},
        }
        command = [sys.executable, "-m", "tap_fieldnation"]
        for name, content in files.items():
            path = Path(folder, f"{name}.json")
            path.write_text(json.dumps(content))
            command += [f"--{name}", str(path)]
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout
            rows, last = _read(process.stdout)
            assert process.stderr
            errors = process.stderr.read().decode()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"the tap failed:\n{errors[-2000:]}")
    return Outcome(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, _bytes(usage), rows, last)


def _read(lines: t.IO[bytes]) -> tuple[dict[str, int], dict[str, t.Any]]:
    rows: dict[str, int] = {}
    last = b"{}"
    for line in lines:
        if line.startswith(b'{"type":"RECORD","stream":"'):
            name = line[27 : line.index(b'"', 27)].decode()
            rows[name] = rows.get(name, 0) + 1
        elif line.startswith(b'{"type":"STATE"'):
            last = line
    return rows, json.loads(last).get("value", {})


def _bytes(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table."""
    cells = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
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
    """Write the figures as JSON, with the machine that they are from."""
    RESULTS.mkdir(exist_ok=True)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine, "figures": content}, indent=2) + "\n")
    print(f"\n({machine}; written to benchmarks/results/{path.name})")
