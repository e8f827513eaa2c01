"""What a run writes into PostgreSQL, and what that costs there: `python -m benchmarks.writes`.

After a first load, three times: a run without changes, one after 40 edits, and one after a day. All programs read the
same account and load into databases of one server, taps by target-postgres. `--compare PROGRAM` adds another version of
this tap.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import itertools
import json
import random
import shutil
import tempfile
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from benchmarks.common import (
    MIB,
    TAP,
    Output,
    Server,
    catalog,
    median,
    progress,
    read_messages,
    report,
    requested_columns,
    run_process,
    run_singer,
    serving,
)
from benchmarks.peers import programs
from demo.postgres import Server as Database
from demo.postgres import postgres
from demo.project import BIN

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

WORK_ORDERS, EDITED, TIMES = 5_000, 40, 3
SCHEMA = "fieldnation"
KINDS = ("retitle", "add_expense", "tag", "edit_pay", "edit_description", "reschedule")
OPEN = "where status_name in ('Draft', 'Published', 'Routed', 'Assigned', 'Work Done')"
ADDRESS = ("host", "port", "user", "password", "database")
TARGET = {"default_target_schema": SCHEMA, "validate_records": False, "use_copy": True}


class Load(t.NamedTuple):
    """What was loaded, and what that cost.

    Attributes:
        rows: Rows that were written.
        size: Bytes that the target read.
        cpu: Seconds of CPU of the target, user and system.
        wall: Seconds from its start to its end.
        wal: Bytes that PostgreSQL wrote to its log.
    """

    rows: int
    size: int
    cpu: float
    wall: float
    wal: int


class Program(t.Protocol):
    """A program that loads into a database."""

    def run(self) -> Load:
        """Load once more."""


Programs = dict[str, Program]
Loads = dict[tuple[str, str], list[Load]]  # situation and program -> its loads


@dataclass
class Tap:
    """A tap that target-postgres loads.

    Attributes:
        command: Its program.
        config: Its config file; made for each run, as an access token may be part of it.
        database: What it is loaded into.
        folder: For files.
        state: What the target confirmed last.
    """

    command: Sequence[str]
    config: Callable[[], dict[str, t.Any]]
    database: Database
    folder: Path
    state: dict[str, t.Any] = field(default_factory=dict)

    def run(self) -> Load:
        """A run that continues the last one."""
        messages = self.folder / "messages"

        def keep(lines: t.IO[bytes]) -> Output:
            with messages.open("wb") as file:
                shutil.copyfileobj(lines, file, MIB)
            with messages.open("rb") as file:
                return read_messages(file)

        written = run_singer(self.command, {"config": self.config(), "state": self.state}, keep)
        address = {name: getattr(self.database, name) for name in ADDRESS}
        (self.folder / "target.json").write_text(json.dumps(TARGET | address))
        command = [str(BIN / "target-postgres"), "--config", str(self.folder / "target.json")]
        with logged(self.database) as wal:
            loaded = run_process(command, confirmed, messages)
        self.state = loaded.state or self.state
        return Load(sum(written.rows.values()), messages.stat().st_size, loaded.cpu, loaded.wall, wal())


@dataclass
class Dlt:
    """dlt, which loads by itself.

    Attributes:
        given: Its parameters; made for each run, as an access token is part of them.
        database: What it loads into.
    """

    given: Callable[[], dict[str, t.Any]]
    database: Database

    def run(self) -> Load:
        """Read everything, and merge it into the tables."""
        given = self.given() | {"postgres": self.database.uri}
        with logged(self.database) as wal:
            (done,) = run_process(programs.dlt(), result_of_dlt, given).state.values()
        rows = sum(count for name, count in done["rows"].items() if not name.startswith("_dlt"))
        return Load(rows, done["bytes"], done["cpu"], done["wall"], wal())


def confirmed(lines: t.IO[bytes]) -> Output:
    """The last state that a target wrote."""
    states = lines.read().splitlines()
    return Output({}, json.loads(states[-1]) if states else {})


def result_of_dlt(lines: t.IO[bytes]) -> Output:
    """The last line of the output of the pipeline."""
    return Output({}, {"result": json.loads(lines.read().splitlines()[-1])})


@contextlib.contextmanager
def logged(database: Database) -> Iterator[Callable[[], int]]:
    """How many bytes PostgreSQL writes to its log in the meantime."""
    before = position(database)
    yield lambda: position(database) - before


def position(database: Database) -> int:
    """The end of PostgreSQL's log, bytes."""
    with psycopg.connect(database.uri) as connection:
        found = connection.execute("select pg_current_wal_insert_lsn() - '0/0'::pg_lsn").fetchone()
        assert found
        return int(found[0])


def ids(database: Database, where: str = "") -> set[int]:
    """Ids of the work orders that were loaded."""
    query = f"select id from {SCHEMA}.work_orders {where}"  # noqa: S608
    with psycopg.connect(database.uri) as connection:
        return {one for (one,) in connection.execute(query.encode())}


def edit(api: Server, database: Database) -> None:
    """Edit open work orders, each in one of several ways."""
    found = sorted(ids(database, OPEN))
    kinds, edited = itertools.cycle(KINDS), 0
    for one in random.Random(len(found)).sample(found, len(found)):
        if edited < EDITED and api.control("change", {"kind": next(kinds), "id": one}):
            edited += 1
    assert edited == EDITED


def create_database(server: Database, name: str) -> Database:
    """An empty database."""
    with psycopg.connect(server.uri, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return server.with_database(name)


def stop_vacuum(server: Database) -> None:
    """Let PostgreSQL write nothing to its log on its own."""
    with psycopg.connect(server.uri, autocommit=True) as connection:
        connection.execute("alter system set autovacuum = off")
        connection.execute("select pg_reload_conf()")


def taps(api: Server, server: Database, folder: Path, compared: str | None) -> Programs:
    """This tap, and another version of it."""
    login = {"client_id": api.client_id, "client_secret": api.client_secret}
    config = {**login, "api_url": api.url, "requests_per_minute": 1_000_000}
    commands = {"tap-fieldnation": TAP} | ({"compared": (compared,)} if compared else {})
    return {
        name: Tap(command, lambda: config, create_database(server, name), folder) for name, command in commands.items()
    }


def others(api: Server, server: Database, folder: Path, columns: str) -> Programs:
    """The alternatives."""
    schema = programs.msdk_schema(api, columns)
    given = functools.partial(programs.dlt_given, api, columns)

    def msdk_config() -> dict[str, t.Any]:
        config = programs.msdk_config(api, columns)
        config["streams"][0]["schema"] = schema
        return config

    return {
        "tap-rest-api-msdk": Tap(programs.msdk(), msdk_config, create_database(server, "tap-rest-api-msdk"), folder),
        "dlt": Dlt(given, create_database(server, "dlt")),
    }


def measure(api: Server, server: Database, columns: str, compared: str | None) -> Loads:
    """All loads, each program in turn."""
    loads: Loads = {}

    def load(situation: str, some: Programs) -> None:
        for name, program in some.items():
            progress(f"{situation}: {name}")
            loads.setdefault((situation, name), []).append(program.run())

    with tempfile.TemporaryDirectory() as folder:
        ours = taps(api, server, Path(folder), compared)
        each = ours | others(api, server, Path(folder), columns)
        load("first load", each)
        for number in range(TIMES):
            load("no change", ours)
            edit(api, server.with_database("tap-fieldnation"))
            # The others read and write everything in every run, so one is enough.
            load(f"{EDITED} edits", ours if number else each)
            api.control("advance", {"days": 1})
            load("a day", ours)
    progress("")
    for name in ours:
        assert set(api.control("truth")) <= ids(server.with_database(name)), f"{name} lost work orders"
    return loads


def figure(situation: str, name: str, some: Sequence[Load]) -> dict[str, t.Any]:
    """A row of the table."""
    return {
        "before": situation,
        "program": name,
        "rows": int(median(some, lambda one: one.rows)),
        "output, MiB": median(some, lambda one: one.size) / MIB,
        "target CPU, s": median(some, lambda one: one.cpu),
        "target wall, s": median(some, lambda one: one.wall),
        "WAL, MiB": median(some, lambda one: one.wal) / MIB,
        "runs": len(some),
    }


def main() -> None:
    """Run the benchmark, print the figures and save them."""
    parser = argparse.ArgumentParser(prog="benchmarks.writes", description=__doc__)
    parser.add_argument("--compare", metavar="PROGRAM", help="another version of this tap")
    compared = parser.parse_args().compare
    with serving(100) as api:
        columns = requested_columns(api, catalog())
    with postgres() as server, serving(WORK_ORDERS, warm=columns) as api:
        stop_vacuum(server)
        loads = measure(api, server, columns, compared)
    report(
        "writes",
        f"{WORK_ORDERS:,} work orders, streams selected by default",
        [figure(situation, name, some) for (situation, name), some in loads.items()],
    )


if __name__ == "__main__":
    main()
