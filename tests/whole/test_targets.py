"""The output of one run with all streams, in targets that we do not ship with: `./dev targets`.

Each is installed, at one version, into an environment of its own below `.venvs/`, for they do not go together.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import typing as t
import venv
from pathlib import Path

import pytest

from emulator import Emulator
from tests.whole.in_process import catalog, names, settings

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

pytestmark = pytest.mark.targets

ROOT = Path(__file__).resolve().parents[2]
WORK_ORDERS = 130
SECONDS = 600

JSONL = ("target-jsonl==0.1.4",)
CSV = ("meltanolabs-target-csv==0.5.0",)
# With DuckDB 1.3 and later this release loses the first row of each batch (jwills/target-duckdb, pull request 58,
# merged after it).
DUCKDB = ("target-duckdb==0.8.0", "duckdb==1.2.2")
SINGER_TOOLS = ("singer-tools==0.4.1",)

# singer-tools 0.4.1 fails on a null in place of an object with a date in it (singer-io/singer-tools, pull request 4,
# closed): here it passes over it, and does all else that it does.
CHECK_TAP = """
from jsonschema import validators
from singertools import check_tap

extended = check_tap.extend_with_default

def mended(kind):
    made = extended(kind)
    check = made.VALIDATORS["properties"]
    objects = lambda on, properties, value, schema: check(on, properties, value, schema) if value is not None else ()
    return validators.extend(made, {"properties": objects})

check_tap.extend_with_default = mended
check_tap.main()
"""

ASK_DUCKDB = """
import duckdb, json
with duckdb.connect("all.duckdb") as database:
    tables = [name for name, in database.execute("select table_name from information_schema.tables").fetchall()]
    counts = {name: database.execute(f'select count(*) from "{name}"').fetchone()[0] for name in tables}
    columns = database.execute("select column_name, data_type from information_schema.columns "
                               "where table_name = 'work_orders'").fetchall()
    print(json.dumps({"counts": counts, "types": dict(columns)}))
"""


def installed(requirements: Sequence[str]) -> Path:
    """The folder of a package's commands, in an environment of its own."""
    place = ROOT / ".venvs" / "+".join(requirements)
    commands = place / ("Scripts" if os.name == "nt" else "bin")
    done = place / "installed"
    if not done.exists():
        shutil.rmtree(place, ignore_errors=True)
        venv.create(place, with_pip=True)
        pip = [str(commands / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q"]
        subprocess.run([*pip, *requirements], check=True, timeout=SECONDS)
        done.touch()
    return commands


def load(requirements: Sequence[str], command: str, messages: Path, folder: Path, **config: t.Any) -> None:
    """Run a target on what the tap wrote."""
    (folder / "config.json").write_text(json.dumps(config))
    program = str(installed(requirements) / command)
    with messages.open("rb") as source:
        done = subprocess.run(
            [program, "--config", "config.json"],
            cwd=folder,
            stdin=source,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    assert done.returncode == 0, done.stderr.decode()
    assert b'"cursor"' in done.stdout, "it did not confirm the STATE"


@pytest.fixture(scope="module")
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=WORK_ORDERS, seed=8, rate_limit=0) as running:
        yield running


def written(api: Emulator, folder: Path, **other: t.Any) -> Path:
    """All messages of a run with all streams."""
    (folder / "config.json").write_text(json.dumps(settings(api, **other)))
    (folder / "catalog.json").write_text(json.dumps(catalog(names())))
    command = [sys.executable, "-m", "tap_fieldnation", "--config", "config.json", "--catalog", "catalog.json"]
    with (folder / "messages.jsonl").open("wb") as output:
        subprocess.run(command, cwd=folder, stdout=output, stderr=subprocess.DEVNULL, check=True)
    return folder / "messages.jsonl"


@pytest.fixture(scope="module")
def messages(api: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All messages, as they are by default."""
    return written(api, tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def records(messages: Path) -> dict[str, list[dict[str, t.Any]]]:
    """The records among them, by stream."""
    found: dict[str, list[dict[str, t.Any]]] = {name: [] for name in names()}
    for line in messages.read_text(encoding="utf-8").splitlines():
        message = json.loads(line)
        if message["type"] == "RECORD":
            found[message["stream"]].append(message["record"])
    assert [name for name, rows in found.items() if not rows] == ["work_order_removals"]
    return found


def test_jsonl(messages: Path, records: dict[str, list[dict[str, t.Any]]], tmp_path: Path) -> None:
    load(JSONL, "target-jsonl", messages, tmp_path, destination_path=str(tmp_path), do_timestamp_file=False)
    for name, rows in records.items():
        file = tmp_path / f"{name}.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if rows else []
        assert list(map(json.loads, lines)) == rows


def test_csv(messages: Path, records: dict[str, list[dict[str, t.Any]]], tmp_path: Path) -> None:
    load(CSV, "target-csv", messages, tmp_path, output_path=str(tmp_path))
    csv.field_size_limit(2**27)
    for name, rows in records.items():
        with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        assert len(lines) == len(rows), name
        for line, row in zip(lines, rows, strict=True):
            assert line["extracted_at"][:19].replace(" ", "T") == row["extracted_at"][:19]


def test_duckdb(messages: Path, records: dict[str, list[dict[str, t.Any]]], tmp_path: Path) -> None:
    file = str(tmp_path / "all.duckdb")
    load(DUCKDB, "target-duckdb", messages, tmp_path, filepath=file, default_target_schema="main")
    python = str(installed(DUCKDB) / "python")
    asked = subprocess.run([python, "-c", ASK_DUCKDB], cwd=tmp_path, capture_output=True, check=True)
    found = json.loads(asked.stdout)
    assert found["counts"] == {name: len(rows) for name, rows in records.items()}
    types = found["types"]
    assert types["created_at"] == types["extracted_at"] == "TIMESTAMP"
    assert types["pay_total"] == "DOUBLE"
    assert types["location"] == "JSON"


def check_tap(program: list[str], output: Path, folder: Path, records: dict[str, list[dict[str, t.Any]]]) -> None:
    """Let singer-tools say that all is valid."""
    with output.open("rb") as source:
        done = subprocess.run(program, cwd=folder, stdin=source, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert "The output is valid." in done.stdout
    assert f"{sum(map(len, records.values())):7} record messages" in done.stdout


def test_singer_check_tap(messages: Path, records: dict[str, list[dict[str, t.Any]]], tmp_path: Path) -> None:
    check_tap([str(installed(SINGER_TOOLS) / "python"), "-c", CHECK_TAP], messages, tmp_path, records)


def test_singer_check_tap_of_flattened_records(
    api: Emulator, records: dict[str, list[dict[str, t.Any]]], tmp_path: Path
) -> None:
    messages = written(api, tmp_path, flattening_enabled=True, flattening_max_depth=10)
    check_tap([str(installed(SINGER_TOOLS) / "singer-check-tap")], messages, tmp_path, records)
