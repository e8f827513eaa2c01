"""After an older STATE, another selection or other stream maps, PostgreSQL holds what a first load writes."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql

from emulator import Emulator
from tests.whole import in_process
from tests.whole.destination import OF_RUNS
from tests.whole.edits import edit, unfinished
from tests.whole.test_changes import FEW
from tests.whole.test_sql_examples import load

pytestmark = pytest.mark.long

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.postgres import Server

TARGET = {"validate_records": False, "add_record_metadata": False, "activate_version": False}
# Current rows: those of child records are not older than their work order.
CURRENT = """
select (to_jsonb(one) - 'extracted_at')::text
from {table} one
left join {orders} orders on to_jsonb(one) ->> 'work_order_id' = orders.id::text
where one.extracted_at >= orders.extracted_at or not to_jsonb(one) ? 'work_order_id'
order by 1
"""


@dataclass
class Pipe:
    """An account, and the database that runs load it into.

    Attributes:
        state: What the last run left.
    """

    api: Emulator
    database: Server
    folder: Path
    state: str = "{}"

    def run(
        self,
        *,
        selected: t.Collection[str] = FEW,
        deselected: t.Collection[str] = (),
        schema: str = "loaded",
        **settings: t.Any,
    ) -> None:
        """A run that continues the last one."""
        server = {name: getattr(self.database, name) for name in ("host", "port", "user", "password", "database")}
        files = {
            "config": in_process.settings(self.api, **settings),
            "catalog": in_process.catalog(selected, deselected=deselected),
            "target": {**server, "default_target_schema": schema, **TARGET},
        }
        for name, content in files.items():
            (self.folder / f"{name}.json").write_text(json.dumps(content))
        self.state = load(self.folder, self.state)

    def rows(self, schema: str = "loaded") -> dict[str, list[str]]:
        """The current rows of each table, as JSON, without the time at which they were read."""
        orders = sql.Identifier(schema, "work_orders")
        with psycopg.connect(self.database.uri) as connection:
            return {
                name: [
                    row
                    for (row,) in connection.execute(
                        sql.SQL(CURRENT).format(table=sql.Identifier(schema, name), orders=orders)
                    )
                ]
                for name in FEW
                if name not in OF_RUNS
            }

    def check(self) -> None:
        """Compare with a first load."""
        self.state, state = "{}", self.state
        self.run(schema="fresh")
        self.state = state
        fresh = self.rows("fresh")
        assert len(fresh["work_orders"]) == len(self.api.company.visible_ids())
        assert all(fresh.values())
        assert self.rows() == fresh


@pytest.fixture
def pipe(database: Server, tmp_path: Path) -> Iterator[Pipe]:
    """An account that was loaded."""
    with Emulator(work_orders=120, days=60, seed=12, rate_limit=0) as api:
        found = Pipe(api, database, tmp_path)
        found.run()
        yield found


def test_an_older_state_used_again(pipe: Pipe) -> None:
    older = pipe.state
    for number in (5, 9):
        edit(pipe.api, number)
        pipe.run()
    pipe.state = older
    pipe.run()
    pipe.check()


def test_a_selection_changed_and_changed_back(pipe: Pipe) -> None:
    fewer = set(FEW) - {"work_order_tags"}
    pipe.run(selected=fewer, deselected={"work_orders.title"})
    before = pipe.rows()
    edit(pipe.api, 20)
    assert any(pipe.api.change("untag_all", one) for one in unfinished(pipe.api))
    pipe.run(selected=fewer, deselected={"work_orders.title"})
    assert pipe.rows() != before
    pipe.run()
    pipe.check()


def test_a_stream_map_changed_and_changed_back(pipe: Pipe) -> None:
    """Of work orders that each run reads; closed ones have the old title all the time."""
    pipe.run(stream_maps={"work_orders": {"title": "title.upper()"}})
    rows = [json.loads(row) for row in pipe.rows()["work_orders"]]
    titles = {row["id"]: row["title"] for row in rows}
    assert all(titles[one] == titles[one].upper() for one in unfinished(pipe.api))
    pipe.run()
    pipe.check()
