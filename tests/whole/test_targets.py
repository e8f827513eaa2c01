"""The output of one run with all streams, in targets that we do not ship with: `./dev targets`.

Each is installed, at one version, into an environment of its own below `.venvs/`, for they do not go together.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import typing as t
import venv
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from emulator import Emulator
from tests.whole.in_process import catalog, names, settings
from tests.whole.targets import (
    BROKEN,
    CSV,
    DUCKDB,
    JSONL,
    PARQUET,
    POSTGRES,
    SQLITE,
    TARGETS,
    Again,
    Broken,
    Flaw,
    Target,
)

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from demo.postgres import Server

pytestmark = pytest.mark.targets

ROOT = Path(__file__).resolve().parents[2]
WORK_ORDERS = 130
SECONDS = 600

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

COUNT = 'select count(*) from "{}"'
# In the environment of the target: the number of rows of each table, as JSON.
COUNT_DUCKDB = """
import duckdb, json
with duckdb.connect("fieldnation.duckdb") as database:
    names = [name for name, in database.execute("select table_name from information_schema.tables").fetchall()]
    print(json.dumps({name: database.execute(f'select count(*) from "{name}"').fetchone()[0] for name in names}))
"""
COUNT_PARQUET = """
import glob, json, pathlib, pyarrow.parquet
counts = {}
for file in glob.glob("*/*.parquet"):
    stream = pathlib.Path(file).parent.name
    counts[stream] = counts.get(stream, 0) + pyarrow.parquet.read_metadata(file).num_rows
print(json.dumps(counts))
"""
TYPES_DUCKDB = """
import duckdb, json
with duckdb.connect("fieldnation.duckdb") as database:
    print(json.dumps(dict(database.execute("select column_name, data_type from information_schema.columns "
                                           "where table_name = 'work_orders'").fetchall())))
"""
Records = dict[str, list[dict[str, t.Any]]]


def environment(packages: Sequence[str]) -> Path:
    """The folder of the commands of an environment of its own for some packages, installed or not."""
    place = ROOT / ".venvs" / re.sub(r"[^\w.=+-]+", "-", "+".join(packages))
    return place / ("Scripts" if os.name == "nt" else "bin")


def installed(packages: Sequence[str]) -> Path:
    """The folder of the commands of some packages, which are installed first."""
    commands = environment(packages)
    place = commands.parent
    done = place / "installed"
    if not done.exists():
        shutil.rmtree(place, ignore_errors=True)
        venv.create(place, with_pip=True)
        pip = [str(commands / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q"]
        subprocess.run([*pip, *packages], check=True, timeout=SECONDS)
        done.touch()
    return commands


def run_target(
    target: Target | Broken, messages: Path, folder: Path, **config: t.Any
) -> subprocess.CompletedProcess[bytes]:
    """Run a target on what the tap wrote."""
    (folder / "config.json").write_text(json.dumps(config))
    with messages.open("rb") as source:
        return subprocess.run(
            [str(installed(target.packages) / target.program), "--config", "config.json"],
            cwd=folder,
            stdin=source,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )


def load(target: Target | Broken, messages: Path, folder: Path, **config: t.Any) -> None:
    """Run a target that has to succeed."""
    done = run_target(target, messages, folder, **config)
    assert done.returncode == 0, done.stderr.decode()
    assert b'"cursor"' in done.stdout, "it did not confirm the STATE"


def counted(target: Target | Broken, folder: Path, server: Server) -> dict[str, int]:
    """The number of rows of each table that has some."""
    if target.program == POSTGRES.program:
        with psycopg.connect(server.uri, options="-c search_path=fieldnation") as connection:
            names = connection.execute("select relname from pg_stat_user_tables").fetchall()
            counts = {name: _count(connection.execute(COUNT.format(name))) for (name,) in names}
    elif target.program == SQLITE.program:
        with contextlib.closing(sqlite3.connect(folder / "fieldnation.db")) as database:
            names = database.execute("select name from sqlite_master where type = 'table'").fetchall()
            counts = {name: _count(database.execute(COUNT.format(name))) for (name,) in names}
    elif target.program in {JSONL.program, CSV.program}:
        counts = {file.stem: _lines(file) for file in folder.iterdir() if file.suffix in {".jsonl", ".csv"}}
    else:
        code = COUNT_PARQUET if target.program == PARQUET.program else COUNT_DUCKDB
        counts = ask(target, code, folder)
    return {name: count for name, count in counts.items() if count}


def _count(cursor: t.Any) -> int:
    return int(cursor.fetchone()[0])


def _lines(file: Path) -> int:
    if file.suffix == ".jsonl":
        return len(file.read_bytes().splitlines())
    csv.field_size_limit(2**27)
    with file.open(encoding="utf-8", newline="") as lines:
        return sum(1 for _ in csv.DictReader(lines))


def ask(target: Target | Broken, code: str, folder: Path) -> t.Any:
    """What some code prints as JSON, in the environment of a target."""
    python = str(installed(target.packages) / "python")
    return json.loads(subprocess.run([python, "-c", code], cwd=folder, capture_output=True, check=True).stdout)


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
def records(messages: Path) -> Records:
    """The records among them, by stream."""
    found: Records = {name: [] for name in names()}
    for line in messages.read_text(encoding="utf-8").splitlines():
        message = json.loads(line)
        if message["type"] == "RECORD":
            found[message["stream"]].append(message["record"])
    assert [name for name, rows in found.items() if not rows] == ["work_order_removals"]
    return found


@pytest.fixture(scope="module")
def half(messages: Path) -> Path:
    """Of each stream every second record, as a later run writes some again."""
    kept, numbers = [], Counter[str]()
    for line in messages.read_text(encoding="utf-8").splitlines(keepends=True):
        message = json.loads(line)
        numbers[message.get("stream", "")] += message["type"] == "RECORD"
        if message["type"] != "RECORD" or numbers[message["stream"]] % 2:
            kept.append(line)
    file = messages.with_name("half.jsonl")
    file.write_text("".join(kept), encoding="utf-8")
    return file


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.loads)
def test_a_target_loads_each_row(
    target: Target, messages: Path, half: Path, records: Records, tmp_path: Path, database: Server
) -> None:
    server = {name: getattr(database, name) for name in ("host", "port", "user", "password", "database")}
    config = target.config | (server if target is POSTGRES else {})
    load(target, messages, tmp_path, **config)
    all_rows = {name: len(rows) for name, rows in records.items() if rows}
    assert counted(target, tmp_path, database) == all_rows
    load(target, half, tmp_path, **config)
    written_again = {name: -(-number // 2) for name, number in all_rows.items()}
    expected = {
        Again.UPDATES: all_rows,
        Again.APPENDS: {name: number + written_again[name] for name, number in all_rows.items()},
        Again.REPLACES: written_again,
    }
    assert counted(target, tmp_path, database) == expected[target.again]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: "+".join(broken.packages))
def test_a_broken_target_is_broken(
    broken: Broken, messages: Path, records: Records, tmp_path: Path, postgres: Server
) -> None:
    if broken.flaw is Flaw.NO_INSTALLATION:
        with pytest.raises(subprocess.CalledProcessError):
            installed(broken.packages)
    elif broken.flaw is Flaw.NO_START:
        done = run_target(broken, messages, tmp_path, **SQLITE.config)
        assert done.returncode != 0
        assert b"MutableMapping" in done.stderr
    else:
        load(broken, messages, tmp_path, **DUCKDB.config)
        counts = counted(broken, tmp_path, postgres)
        lost = {name: len(rows) - counts.get(name, 0) for name, rows in records.items()}
        assert set(lost.values()) == {0, 1}, "each table is one batch"
        assert lost["work_orders"] == lost["work_order_tags"] == lost["clients"] == 1


def test_the_commands_of_the_page(tmp_path: Path) -> None:
    """As they are printed; with a free port and the printed credentials, and without pipx."""
    page = (ROOT / "docs" / "try-your-target.md").read_text(encoding="utf-8")
    start, install, prepare, first, check, second = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    assert install == f"pipx install {JSONL.packages[0]}\n"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", *start.replace("./dev ", "").replace("8080", port).split()]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as emulator:
        try:
            assert emulator.stdout
            assert emulator.stdout.readline() == f"listening on http://127.0.0.1:{port}\n"
            credentials = json.loads(emulator.stdout.readline())
            prepare = prepare.replace("8080", port).replace(". .venv/bin/activate\n", "")
            for name in ("client_id", "client_secret"):
                prepare = prepare.replace(f"{name.upper()}='…'", f"{name.upper()}='{credentials[name]}'")
            script = "\n".join([prepare, first, check, second.replace("8080", port), check])
            path = os.pathsep.join(
                [str(Path(sys.executable).parent), str(installed(JSONL.packages)), os.environ["PATH"]]
            )
            done = subprocess.run(
                ["/bin/bash", "-euo", "pipefail", "-c", script],
                env={**os.environ, "PATH": path, "HOME": str(tmp_path)},
                capture_output=True,
                text=True,
                check=False,
                timeout=SECONDS,
            )
        finally:
            emulator.terminate()
    assert done.returncode == 0, done.stderr
    results = re.findall(r"Result: complete; work orders: (\d+) new, (\d+) updated, \d+ removed; ", done.stderr)
    (new, updated), (created, again) = [tuple(map(int, result)) for result in results]
    assert (new, updated) == (500, 0)
    assert created > 0
    assert again > 0
    lines = re.findall(r"^(\d+) work_orders.jsonl$", done.stdout, re.MULTILINE)
    assert list(map(int, lines)) == [500, 500 + created + again]


def test_csv_files_of_each_run(messages: Path, half: Path, tmp_path: Path) -> None:
    config = {**CSV.config, "file_naming_scheme": "{stream_name}-{timestamp}.csv"}
    assert json.dumps(config["file_naming_scheme"]) in CSV.remark
    for some in (messages, half):
        load(CSV, some, tmp_path, **config)
    assert len(list(tmp_path.glob("work_orders-*.csv"))) == 2
    assert sum(map(_lines, tmp_path.glob("work_orders-*.csv"))) == WORK_ORDERS + WORK_ORDERS // 2


def test_jsonl_files_have_each_record_unchanged(messages: Path, records: Records, tmp_path: Path) -> None:
    load(JSONL, messages, tmp_path, **JSONL.config)
    for name, rows in records.items():
        file = tmp_path / f"{name}.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if rows else []
        assert list(map(json.loads, lines)) == rows


def test_csv_files_have_each_time(messages: Path, records: Records, tmp_path: Path) -> None:
    load(CSV, messages, tmp_path, **CSV.config)
    csv.field_size_limit(2**27)
    for name, rows in records.items():
        with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
        for line, row in zip(lines, rows, strict=True):
            assert line["extracted_at"][:19].replace(" ", "T") == row["extracted_at"][:19]


def test_the_types_of_duckdb(messages: Path, tmp_path: Path) -> None:
    load(DUCKDB, messages, tmp_path, **DUCKDB.config)
    types = ask(DUCKDB, TYPES_DUCKDB, tmp_path)
    assert types["created_at"] == types["extracted_at"] == "TIMESTAMP"
    assert types["pay_total"] == "DOUBLE"
    assert types["location"] == "JSON"


def check_tap(program: list[str], output: Path, folder: Path, records: Records) -> None:
    """Let singer-tools say that all is valid."""
    with output.open("rb") as source:
        done = subprocess.run(program, cwd=folder, stdin=source, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert "The output is valid." in done.stdout
    assert f"{sum(map(len, records.values())):7} record messages" in done.stdout


def test_singer_check_tap(messages: Path, records: Records, tmp_path: Path) -> None:
    check_tap([str(installed(SINGER_TOOLS) / "python"), "-c", CHECK_TAP], messages, tmp_path, records)


def test_singer_check_tap_of_flattened_records(api: Emulator, records: Records, tmp_path: Path) -> None:
    messages = written(api, tmp_path, flattening_enabled=True, flattening_max_depth=10)
    check_tap([str(installed(SINGER_TOOLS) / "singer-check-tap")], messages, tmp_path, records)
