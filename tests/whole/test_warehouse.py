"""What is loaded into PostgreSQL: every table, with suitable SQL types and the rows of the emulator."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t
from collections import defaultdict
from decimal import Decimal

import psycopg
import pytest
from psycopg import sql

from demo.__main__ import HOURS
from demo.project import BIN
from emulator import Emulator
from emulator.company.directory import TAGS
from emulator.endpoints import definitions
from emulator.endpoints.paging import resource_page
from tap_fieldnation.records import schema as schemas
from tests.whole import truth
from tests.whole.in_process import catalog, names, settings
from tests.whole.test_meltano import JOB, make_project

pytestmark = pytest.mark.long

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.postgres import Server
    from emulator.http import Request, Response
    from emulator.json import Json

SCHEMA = "fieldnation_dev"
# As PostgreSQL calls them within; an array of one is `_` and its name.
SQL_TYPES = {
    "boolean": "bool",
    "date": "date",
    "date-time": "timestamp",
    "integer": "int8",
    "number": "numeric",
    "object": "jsonb",
    "string": "text",
}


@pytest.fixture
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=250, seed=4, rate_limit=0) as running:
        yield running


def query(database: Server, text: str, schema: str = SCHEMA) -> list[tuple[t.Any, ...]]:
    with psycopg.connect(database.uri, options=f"-c search_path={schema}") as connection:
        return connection.execute(text.encode()).fetchall()


def counts(database: Server, schema: str = SCHEMA) -> dict[str, int]:
    """How many rows each table has."""
    found = {}
    with psycopg.connect(database.uri, options=f"-c search_path={schema}") as connection:
        for (name,) in connection.execute("select tablename from pg_tables where schemaname = %s", [schema]).fetchall():
            counted = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(name))).fetchone()
            found[name] = counted[0] if counted else 0
    return found


def column_types(database: Server) -> dict[str, dict[str, str]]:
    """The SQL type of each column of each table."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    columns = "select table_name, column_name, udt_name from information_schema.columns where table_schema = '{}'"
    for table, column, kind in query(database, columns.format(SCHEMA)):
        if not column.startswith("_sdc_"):
            found[table][column] = kind
    return found


def primary_keys(database: Server) -> dict[str, list[str]]:
    """The columns of the primary key of each table, in the order of its index."""
    found: dict[str, list[str]] = defaultdict(list)
    columns = (
        "select table_name, column_name from information_schema.key_column_usage "
        "where table_schema = '{}' order by table_name, ordinal_position"
    )
    for table, column in query(database, columns.format(SCHEMA)):
        found[table].append(column)
    return found


def sql_type(node: dict[str, t.Any]) -> str:
    """The SQL type that a column's schema asks for."""
    kind = node["type"] if isinstance(node["type"], str) else node["type"][0]
    return f"_{sql_type(node['items'])}" if kind == "array" else SQL_TYPES[node.get("format", kind)]


def due_types(stream: str) -> dict[str, str]:
    """The SQL types that the stream's schema asks for."""
    return {name: sql_type(node) for name, node in schemas.load(stream)["properties"].items()}


def test_every_table_is_there_in_types_fit_for_sql(api: Emulator, database: Server, tmp_path: Path) -> None:
    project = make_project(api, database, tmp_path, _select='["*.*"]')
    done = project.meltano(*JOB)
    assert done.code == 0, done.last_words
    assert column_types(database) == {stream: due_types(stream) for stream in names()}
    assert primary_keys(database) == {
        entry["tap_stream_id"]: list(entry["key_properties"]) for entry in catalog()["streams"]
    }
    orders = [api.company.work_order(one) for one in api.company.visible_ids()]
    found = counts(database)
    own = {"work_order_removals": 0, "work_order_coverage": found["work_order_coverage"], "sync_runs": 1}
    rows = {stream: len(truth.rows(api, stream, orders)) for stream in names() if stream not in own}
    assert found == {**rows, **own}
    assert found["work_order_coverage"] > 0
    assert min(rows.values()) > 0


def test_as_shipped(api: Emulator, database: Server, tmp_path: Path) -> None:
    """What the job of the repository's meltano.yml asks for, and a join over what it loads."""
    project = make_project(api, database, tmp_path)
    done = project.meltano(*JOB)
    assert done.code == 0, done.last_words
    paid = r"/messages|/providers|/site-revisits|/users|/service-types"
    assert [entry.path for entry in api.log if re.search(paid, entry.path)] == []
    assert len(api.log) <= 3 + 17 + 3 + 15
    assert counts(database).keys() == {
        entry["tap_stream_id"]
        for entry in catalog()["streams"]
        if any(part["metadata"].get("selected-by-default") for part in entry["metadata"] if not part["breadcrumb"])
    }
    landed = query(database, HOURS)
    assert landed == hours(api)
    assert len(landed) >= 20
    assert sum(row[-1] for row in landed) > 100


def hours(api: Emulator) -> list[tuple[t.Any, ...]]:
    """The demo's join, over what the emulator holds."""
    clients = {row["id"]: row["name"] for row in truth.company(api, "clients")}
    kinds = {row["id"]: row["name"] for row in truth.company(api, "types_of_work")}
    managers = {row["id"]: f"{row['first_name']} {row['last_name']}" for row in truth.company(api, "managers")}
    found: dict[tuple[str, str, str], list[Decimal]] = defaultdict(list)
    logged: dict[tuple[str, str, str], set[int]] = defaultdict(set)
    for one in api.company.visible_ids():
        order = api.company.work_order(one)
        kind = next(kind["id"] for kind in order["types_of_work"] if kind["isPrimary"])
        for log in order["time_logs"]["results"]:
            if client := order["client"]["id"]:
                group = (clients[client], kinds[kind], managers[order["manager"]["id"]])
                found[group].append(Decimal(str(log["hours"])))
                logged[group].add(one)
    rows = [(*group, len(logged[group]), sum(several)) for group, several in found.items()]
    return sorted(rows, key=lambda row: (-row[-1], row[:3]))[:25]


def load(api: Emulator, database: Server, folder: Path, **target: t.Any) -> None:
    """Company data, from the tap's command to the target's, with version messages."""
    files = {
        "tap": settings(api, emit_activate_version_messages=True),
        "catalog": catalog({"clients", "tags", "work_orders", "work_order_tags"}),
        "target": {"sqlalchemy_url": database.uri, "default_target_schema": SCHEMA, **target},
    }
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    tap = [sys.executable, "-m", "tap_fieldnation", "--config", "tap.json", "--catalog", "catalog.json"]
    with (folder / "messages.jsonl").open("wb") as output:
        subprocess.run(tap, cwd=folder, stdout=output, check=True, stderr=subprocess.DEVNULL)
    with (folder / "messages.jsonl").open("rb") as messages:
        command = [str(BIN / "target-postgres"), "--config", "target.json"]
        subprocess.run(command, cwd=folder, stdin=messages, check=True, capture_output=True)


def test_rows_that_vanish_are_marked(
    api: Emulator, database: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the version messages, for company data alone: in `work_orders` and its children everything stays."""
    load(api, database, tmp_path)
    before = counts(database)
    vanished = api.company.directory.clients[0].id

    def without_one(request: Request, rows: list[Json]) -> Response:
        return resource_page(request, [row for row in rows if row["id"] != vanished])

    monkeypatch.setattr("emulator.endpoints.clients.resource_page", without_one)
    monkeypatch.setattr(definitions, "TAGS", TAGS[:-2])
    gone = api.company.visible_ids()[-1]
    api.change("archive", gone)
    load(api, database, tmp_path)
    assert counts(database) == before
    deleted = "select id from {} where _sdc_deleted_at is not null order by id"
    assert query(database, deleted.format("clients")) == [(vanished,)]
    assert query(database, deleted.format("tags")) == [(tag[0],) for tag in TAGS[-2:]]
    assert query(database, deleted.format("work_orders")) == []
    assert query(database, deleted.format("work_order_tags")) == []

    load(api, database, tmp_path, hard_delete=True)
    assert counts(database) == {**before, "clients": before["clients"] - 1, "tags": before["tags"] - 2}
