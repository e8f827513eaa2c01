"""A table that was dropped is restored as docs/destinations.md says, by a run with less STATE."""

from __future__ import annotations

import json
import typing as t

import psycopg
import pytest
from psycopg import sql

from emulator import Emulator
from tests.whole import in_process
from tests.whole.test_sql_examples import load
from tests.whole.test_warehouse import counts

pytestmark = pytest.mark.long

if t.TYPE_CHECKING:
    from pathlib import Path

    from demo.postgres import Server

SCHEMA = "fieldnation"
# What a run without its part of STATE restores.
COMPANY, OF_WORK_ORDERS, USERS = "clients", "work_order_expenses", "users"


def test_a_dropped_table_is_restored(database: Server, tmp_path: Path) -> None:
    server = {"host": database.host, "port": database.port, "user": database.user, "password": database.password}
    target = {**server, "database": database.database, "default_target_schema": SCHEMA, "validate_records": False}
    (tmp_path / "target.json").write_text(json.dumps(target))
    with Emulator(work_orders=60, seed=3, rate_limit=0) as api:
        config = {"client_id": api.client_id, "client_secret": api.client_secret, "api_url": api.url}
        (tmp_path / "config.json").write_text(json.dumps({**config, "requests_per_minute": 6000}))
        selected = in_process.catalog()
        for stream in selected["streams"]:
            for entry in stream["metadata"]:
                if stream["tap_stream_id"] == USERS and not entry["breadcrumb"]:
                    entry["metadata"]["selected"] = True
        (tmp_path / "catalog.json").write_text(json.dumps(selected))
        state = load(tmp_path, "{}")
        whole = tables(database)
        assert whole[COMPANY]
        assert whole[OF_WORK_ORDERS]
        assert whole[USERS]
        none = {OF_WORK_ORDERS: 0, USERS: 0}

        drop(database, COMPANY, *none)
        state = load(tmp_path, state)
        assert {**whole, COMPANY: 0, **none} == tables(database), "unchanged rows are not written again"

        without: dict[str, t.Any] = json.loads(state)
        del without["bookmarks"][COMPANY]
        state = load(tmp_path, json.dumps(without))
        assert {**whole, **none} == tables(database)

        without = json.loads(state)
        del without["bookmarks"]["work_orders"]["cursor"]
        load(tmp_path, json.dumps(without))
        assert tables(database) == whole

        drop(database, *whole)
        load(tmp_path, "{}")
        assert tables(database) == whole


def tables(database: Server) -> dict[str, int]:
    """How many rows each table has, apart from that of the runs."""
    return {name: number for name, number in counts(database, SCHEMA).items() if name != "sync_runs"}


def drop(database: Server, *names: str) -> None:
    with psycopg.connect(database.uri) as connection:
        for name in names:
            connection.execute(sql.SQL("drop table {}").format(sql.Identifier(SCHEMA, name)))
