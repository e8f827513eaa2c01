"""With Meltano into real targets: a run without changes writes one row, and a run after edits what was edited."""

from __future__ import annotations

import json
import typing as t
from collections import Counter
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

from emulator import Emulator
from tests.whole import truth
from tests.whole.destination import keys
from tests.whole.edits import edit
from tests.whole.targets import DUCKDB, JSONL, POSTGRES, Target
from tests.whole.test_meltano import make_project

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from demo.postgres import Server
    from demo.project import Project

Row = dict[str, t.Any]
Tables = dict[str, Counter[str]]

WORK_ORDERS, EDITED = 300, 40
SCHEMA = "fieldnation_dev"
# Each row of each table of DuckDB as JSON, in the environment of the target.
ASK_DUCKDB = """
import duckdb, json
with duckdb.connect("fieldnation.duckdb") as database:
    names = [name for name, in database.execute("select table_name from information_schema.tables").fetchall()]
    rows = {name: database.execute(f'select to_json(one)::text from "{name}" one').fetchall() for name in names}
    print(json.dumps({name: [row for row, in some] for name, some in rows.items()}))
"""


@dataclass
class Pipeline:
    """A Meltano project, and the target that it loads into."""

    project: Project
    target: Target
    database: Server

    def meltano(self, *arguments: str) -> None:
        """A command that succeeds."""
        done = self.project.meltano("--environment=dev", *arguments)
        assert done.code == 0, done.last_words

    def install(self) -> None:
        """Install the loader as users do; that of DuckDB is not part of the repository's project."""
        if self.target is POSTGRES:
            return
        loader = {
            "name": self.target.program,
            "namespace": self.target.program.replace("-", "_"),
            "pip_url": " ".join(self.target.packages),
            "config": self.target.config,
        }
        file = self.project.folder / "meltano.yml"
        if self.target is DUCKDB:  # YAML includes JSON
            file.write_text(file.read_text().replace("\n  loaders:\n", f"\n  loaders:\n  - {json.dumps(loader)}\n"))
        self.meltano("install", "loader", self.target.program)

    def run(self) -> dict[str, list[Row]]:
        """The rows that a run wrote, by table; `extracted_at` shows also those that were written again unchanged."""
        before = _TABLES[self.target.program](self)
        self.meltano("run", "tap-fieldnation", self.target.program)
        after = _TABLES[self.target.program](self)
        written = {name: list((rows - before.get(name, Counter())).elements()) for name, rows in after.items()}
        return {name: [json.loads(row) for row in rows] for name, rows in written.items() if rows}


def of_postgres(pipeline: Pipeline) -> Tables:
    with psycopg.connect(pipeline.database.uri, options=f"-c search_path={SCHEMA}") as connection:
        names = connection.execute("select tablename from pg_tables where schemaname = %s", [SCHEMA]).fetchall()
        query = sql.SQL("select to_json(one)::text from {} one")
        rows = {name: connection.execute(query.format(sql.Identifier(name))) for (name,) in names}
        return {name: Counter(row for (row,) in some) for name, some in rows.items()}


def of_duckdb(pipeline: Pipeline) -> Tables:
    if not (pipeline.project.folder / str(DUCKDB.config["filepath"])).exists():
        return {}
    python = pipeline.project.folder / ".meltano" / "loaders" / DUCKDB.program / "venv" / "bin" / "python"
    asked = pipeline.project.run(str(python), "-c", ASK_DUCKDB)
    assert asked.code == 0, asked.log
    return {name: Counter(rows) for name, rows in json.loads(asked.output).items()}


def of_jsonl(pipeline: Pipeline) -> Tables:
    files = pipeline.project.folder.glob("*.jsonl")
    return {file.stem: Counter(file.read_text(encoding="utf-8").splitlines()) for file in files}


_TABLES: dict[str, Callable[[Pipeline], Tables]] = {
    POSTGRES.program: of_postgres,
    DUCKDB.program: of_duckdb,
    JSONL.program: of_jsonl,
}


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(POSTGRES, marks=pytest.mark.long, id=POSTGRES.loads),
        pytest.param(DUCKDB, marks=pytest.mark.targets, id=DUCKDB.loads),
        pytest.param(JSONL, marks=pytest.mark.targets, id=JSONL.loads),
    ],
)
def test_only_edited_work_orders_are_written(target: Target, database: Server, tmp_path: Path) -> None:
    with Emulator(work_orders=WORK_ORDERS, days=60, seed=5, rate_limit=0) as api:
        pipeline = Pipeline(make_project(api, database, tmp_path), target, database)
        pipeline.install()
        first = pipeline.run()
        assert {row["id"] for row in first["work_orders"]} == set(api.company.visible_ids())
        assert quiet(pipeline.run())

        edited = edit(api, EDITED)
        written = pipeline.run()
        assert written.keys() <= {"work_orders", "sync_runs", *truth.EMBEDDED}
        orders = [api.company.work_order(one) for one in edited]
        titles = [(row["id"], row["title"]) for row in written["work_orders"]]
        assert sorted(titles) == sorted((order["id"], order["title"]) for order in orders)
        for stream in truth.EMBEDDED:
            key = list(keys()[stream])
            found = truth.keyed(written.get(stream, []), key)
            assert found.keys() == truth.keyed(truth.rows(api, stream, orders), key).keys()
        assert sum(map(len, written.values())) > 5 * EDITED, "work orders have children"
        assert quiet(pipeline.run())


def quiet(written: dict[str, list[Row]]) -> bool:
    """Whether a run wrote nothing but that it ran."""
    return {name: len(rows) for name, rows in written.items()} == {"sync_runs": 1}
