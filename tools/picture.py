"""Draws docs/images/terminal.svg from a real run: `./dev picture`.

The tap runs on a pseudo-terminal against the emulator. The picture shows the plan, the progress bar as it was in the
middle of the run, and the summary.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import pty
import struct
import subprocess
import tempfile
import termios
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import pyte

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
BIN = ROOT / ".venv" / "bin"  # with the tap; this program runs in another environment
COLUMNS, LINES = 136, 60
SELECTED = ("work_orders", "work_order_expenses", "work_order_time_logs", "work_order_removals", "clients", "projects")
WORK_ORDERS = 12_000
PLAN = "tap-fieldnation --config=ENV --catalog catalog.json --plan"
SYNC = "tap-fieldnation --config=ENV --catalog catalog.json > fieldnation.jsonl"
MIDDLE = " 6"  # tqdm's percentage, from 60 to 69
CHARACTER, LINE, MARGIN, TITLE = 8.4, 19, 18, 34  # pixels
STYLE = """\
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d7dae0;
  white-space: pre; }
.command { fill: #8fd18f; }
.bar { fill: #7cc4f5; }
.summary { fill: #f2cf82; }"""


@contextlib.contextmanager
def emulator() -> Iterator[dict[str, str]]:
    """Run the emulator; yields the variables for the tap."""
    command = [
        str(BIN / "python"),
        "-m",
        "emulator",
        "--credentials",
        f"--work-orders={WORK_ORDERS}",
        "--today=2026-11-01",
    ]
    switches = ["--switch=rate_limit=0", "--switch=latency=0.3"]
    with subprocess.Popen([*command, *switches], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout or ()
        try:
            url, credentials = (line.strip() for _, line in zip(range(2), output, strict=False))
            known = json.loads(credentials)
            yield {
                "TAP_FIELDNATION_API_URL": url.rpartition(" ")[2],
                "TAP_FIELDNATION_CLIENT_ID": known["client_id"],
                "TAP_FIELDNATION_CLIENT_SECRET": known["client_secret"],
                "TAP_FIELDNATION_REQUESTS_PER_MINUTE": "600",
                "TAP_FIELDNATION_MAX_CONCURRENT_REQUESTS": "2",
            }
        finally:
            process.terminate()


def catalog(folder: Path) -> None:
    """Write catalog.json, with a few streams selected, so that the picture stays small."""
    discovered = subprocess.run([BIN / "tap-fieldnation", "--discover"], check=True, capture_output=True).stdout
    found = json.loads(discovered)
    for stream in found["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["tap_stream_id"] in SELECTED
    (folder / "catalog.json").write_text(json.dumps(found))


def shown(command: str, folder: Path, variables: dict[str, str]) -> tuple[list[str], list[str]]:
    """Run a command of the shell on a terminal.

    Returns:
        The lines of the screen in the middle of the run (none if there is no bar), and those at the end.
    """
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    here, there = pty.openpty()
    fcntl.ioctl(here, termios.TIOCSWINSZ, struct.pack("4H", LINES, COLUMNS, 0, 0))
    environment = {
        "HOME": str(folder), "LANG": "C.UTF-8", "NO_PROXY": "127.0.0.1", "PATH": f"{BIN}:/usr/bin:/bin",
        "TERM": "xterm", **variables,
    }  # fmt: skip
    middle: list[str] = []
    with subprocess.Popen(
        ["/bin/sh", "-c", command], cwd=folder, env=environment,
        stdin=there, stdout=there, stderr=there, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(there)
        with contextlib.closing(os.fdopen(here, "rb", buffering=0)) as terminal, contextlib.suppress(OSError):
            while output := terminal.read(65_536):  # OSError at its end
                stream.feed(output)
                if not middle and any(f"{MIDDLE}{digit}%|" in line for line in screen.display for digit in range(10)):
                    middle = _lines(screen)
    if process.returncode:
        raise SystemExit(f"`{command}` exited with code {process.returncode}:\n" + "\n".join(_lines(screen)))
    return middle, _lines(screen)


def _lines(screen: pyte.Screen) -> list[str]:
    return "\n".join(line.rstrip() for line in screen.display).strip("\n").splitlines()


def svg(lines: list[tuple[str, str]]) -> str:
    """A picture of lines, each with the class that colours it."""
    width, height = round(COLUMNS * CHARACTER + 2 * MARGIN), TITLE + LINE * len(lines) + MARGIN
    text = "\n".join(
        f'<text class="{kind}" x="{MARGIN}" y="{TITLE + LINE * number}">{escape(line)}</text>'
        for number, (line, kind) in enumerate(lines, 1)
        if line
    )
    dots = "".join(f'<circle cx="{MARGIN + 4 + 20 * number}" cy="18" r="6" fill="#4a5162"/>' for number in range(3))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-labelledby="title">
<title id="title">A terminal: the plan, the progress bar and the summary of a run of tap-fieldnation</title>
<style>
{STYLE}
</style>
<rect width="{width}" height="{height}" rx="10" fill="#1e222a"/>
{dots}
{text}
</svg>
"""


def draw(file: Path) -> None:
    """Run the tap and write the picture."""
    with tempfile.TemporaryDirectory() as name, emulator() as variables:
        folder = Path(name)
        catalog(folder)
        _, plan = shown(PLAN, folder, variables)
        middle, end = shown(SYNC, folder, variables)
    if not middle:
        raise SystemExit("The run was over before its progress bar could be drawn: the emulator is too fast.")
    bar = next(line for line in middle if "%|" in line)
    begun = middle.index(bar)
    before = [line for line in plan if not line.startswith("20")]  # without the log
    summary = next(number for number, line in enumerate(end) if "| Records: " in line)
    lines = [
        (f"$ {PLAN}", "command"), *((line, "output") for line in before), ("", ""),
        (f"$ {SYNC}", "command"), *((line, "output") for line in middle[:begun]), (bar, "bar"),
        *((line, "output") for line in end[begun:summary]), *((line, "summary") for line in end[summary:]),
    ]  # fmt: skip
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(svg(lines), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="dev picture", description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images" / "terminal.svg", metavar="FILE")
    draw(parser.parse_args().output)
