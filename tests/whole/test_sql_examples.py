"""The queries in examples/sql, on what the tap and target-postgres loaded, against what the emulator knows."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import psycopg
import pytest

from demo.project import BIN, ROOT
from emulator import Emulator

pytestmark = pytest.mark.long

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.postgres import Server

EXAMPLES = ROOT / "examples" / "sql"
WORK_ORDERS = 160
Row = dict[str, t.Any]
# Records which tables are written into, in their order.
RECORD_WRITES = """
create table public.written (number bigserial, name text);
create function public.record_write() returns trigger language plpgsql as
$$ begin insert into public.written (name) values (tg_table_name); return null; end $$;
do $$ declare name text; begin
    for name in select tablename from pg_tables where schemaname = 'fieldnation' and tablename like 'work\\_order%' loop
        execute format(
            'create trigger written after insert or update on fieldnation.%I for each row '
            'execute function public.record_write()', name
        );
    end loop;
end $$
"""
# The SDK's number of threads that load tables.
AT_A_TIME = 8
NO_CHILDREN = {"work_order_removals", "work_order_coverage"}
UNFINISHED = {"Draft", "Published", "Routed", "Assigned", "Work Done"}


@dataclass
class Loaded:
    """A database, the company that was loaded into it, and what happened in between.

    Attributes:
        connection: To the database.
        api: The company, as it was at the second run.
        removed: Ids that were archived between the runs.
        changed: Ids whose children went away between the runs.
        order: The tables of work orders and their children into which the second run wrote, in the order of writing.
        again: Loads once more, with further settings.
    """

    connection: psycopg.Connection[Row]
    api: Emulator
    removed: set[int]
    changed: set[int]
    order: list[str]
    again: t.Callable[..., None]

    def rows(self, name: str) -> list[Row]:
        """What a query of the examples returns."""
        with self.connection.transaction():
            result = self.connection.execute((EXAMPLES / name).read_text(encoding="utf-8"))
            return result.fetchall() if result.description else []


def shown(api: Emulator) -> list[Row]:
    """Every work order that the API shows, by id."""
    return [api.company.work_order(one) for one in sorted(api.company.visible_ids())]


def load(folder: Path, state: str) -> str:
    """One run by the pipe, with the catalog in the folder if there is one; the state that it ends with."""
    (folder / "state.json").write_text(state)
    program = {name: str(BIN / name) for name in ("tap-fieldnation", "target-postgres")}
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    arguments = ["--config", "config.json", "--state", "state.json"]
    if (folder / "catalog.json").exists():
        arguments += ["--catalog", "catalog.json"]
    with (
        (folder / "log").open("ab") as log,
        subprocess.Popen(
            [program["tap-fieldnation"], *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log
        ) as tap,
    ):
        target = subprocess.run(
            [program["target-postgres"], "--config", "target.json"],
            cwd=folder,
            env=environment,
            stdin=tap.stdout,
            stdout=subprocess.PIPE,
            stderr=log,
            check=False,
        )
    assert (tap.returncode, target.returncode) == (0, 0), (folder / "log").read_text()
    return target.stdout.decode().splitlines()[-1]


@pytest.fixture(scope="module")
def loaded(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """What two runs loaded, and what went away between them."""
    folder = tmp_path_factory.mktemp("sql")
    server = {"host": postgres.host, "port": postgres.port, "user": postgres.user, "password": postgres.password}
    target = {**server, "database": "examples", "default_target_schema": "fieldnation"}
    (folder / "target.json").write_text(json.dumps({**target, "validate_records": False, "use_copy": True}))
    with psycopg.connect(postgres.uri, autocommit=True) as server_connection:
        server_connection.execute("create database examples")
    with Emulator(work_orders=WORK_ORDERS, seed=3, rate_limit=0) as api:
        config = {"client_id": api.client_id, "client_secret": api.client_secret, "api_url": api.url}
        states = ["{}"]

        def load_again(**settings: t.Any) -> None:
            (folder / "config.json").write_text(json.dumps({**config, "requests_per_minute": 6000, **settings}))
            states.append(load(folder, states[-1]))

        load_again()
        unfinished = [one["id"] for one in shown(api) if one["status"]["name"] in UNFINISHED]
        removed = {one for one in unfinished[::5] if api.change("archive", one)}
        logs = {one for one in unfinished if one not in removed and api.change("remove_log", one)}
        tags = {one for one in unfinished if one not in removed and api.change("untag_all", one)}
        with psycopg.connect(
            postgres.with_database("examples").uri,
            options="-c search_path=fieldnation -c timezone=UTC",
            row_factory=psycopg.rows.dict_row,
        ) as connection:
            connection.execute(RECORD_WRITES)
            connection.commit()
            load_again()
            written = connection.execute("select name from public.written order by number").fetchall()
            connection.commit()
            yield Loaded(connection, api, removed, logs | tags, [row["name"] for row in written], load_again)


def moment(value: Row | None) -> datetime | None:
    """A time as the API shows it, as the tables hold it: UTC, without saying so."""
    if not value or not value["utc"]:
        return None
    return datetime.fromisoformat(value["utc"].replace("Z", "+00:00")).replace(tzinfo=None)


def current_children(loaded: Loaded) -> None:
    found = {(row["work_order_id"], row["time_log_id"]): row for row in loaded.rows("current_children.sql")}
    wanted = {(one["id"], log["id"]): log for one in shown(loaded.api) for log in one["time_logs"]["results"]}
    assert found.keys() == wanted.keys(), "those of removed work orders are not current"
    for key, row in found.items():
        assert row["checked_in_at"] == moment(wanted[key]["in"]["created"])
        assert row["checked_out_at"] == moment(wanted[key]["out"] and wanted[key]["out"]["created"])
        assert row["hours"] == (None if wanted[key]["hours"] is None else Decimal(str(wanted[key]["hours"])))
    (stale,) = loaded.connection.execute(
        "select count(*) from work_order_time_logs where work_order_id = any(%s)", [sorted(loaded.changed)]
    ).fetchall()
    assert stale["count"] > sum(key[0] in loaded.changed for key in found), "the table holds rows that are gone"


def current_children_views(loaded: Loaded) -> None:
    for _ in range(2):  # it can be run again
        loaded.rows("current_children_views.sql")
    tags = loaded.connection.execute("select work_order_id, id from current_work_order_tags").fetchall()
    assert {(row["work_order_id"], row["id"]) for row in tags} == {
        (one["id"], tag["id"]) for one in shown(loaded.api) for tag in one["tags"]["results"]
    }
    views = loaded.connection.execute("select viewname from pg_views where schemaname = 'fieldnation'").fetchall()
    made = {row["viewname"] for row in views}
    assert {"current_work_order_fees", "current_work_order_attachments"} <= made
    assert made.isdisjoint(f"current_{name}" for name in NO_CHILDREN)


def fields_of(one: Row) -> dict[str, str]:
    groups = one["custom_fields"]["results"]
    return {field["name"]: field["value"] for field in itertools.chain(*(group["results"] for group in groups))}


def custom_fields_make_view(loaded: Loaded) -> None:
    (row,) = loaded.rows("custom_fields_make_view.sql")
    for _ in range(2):
        loaded.connection.execute(row["statement"])
    found = loaded.connection.execute("select * from work_order_custom_columns").fetchall()
    by_id = {row["work_order_id"]: row for row in found}
    for one in shown(loaded.api):
        for name, value in fields_of(one).items():
            (column,) = (column for column in by_id[one["id"]] if column.startswith(f"{name} "))
            assert by_id[one["id"]][column] == (value or None)
    with loaded.connection.transaction(force_rollback=True):
        (field,) = loaded.connection.execute(
            "update custom_fields set name = null where id = 1201 returning id"
        ).fetchall()
        (row,) = loaded.rows("custom_fields_make_view.sql")
        loaded.connection.execute(row["statement"])
        loaded.connection.execute(f'select "{field["id"]}" from work_order_custom_columns'.encode())


def data_freshness(loaded: Loaded) -> None:
    (row,) = loaded.rows("data_freshness.sql")
    assert timedelta() < row["age"] < timedelta(hours=1)
    assert row["stale"] is False
    stale = (
        "update sync_runs set started_at = started_at - interval '4 hours'",
        "update sync_runs set complete = false",
        "update sync_runs set mode = 'backfill'",
        "delete from sync_runs",
    )
    for statement in stale:
        with loaded.connection.transaction(force_rollback=True):
            loaded.connection.execute(statement.encode())
            (row,) = loaded.rows("data_freshness.sql")
            assert row["stale"] is True, statement


def archived_work_orders(loaded: Loaded) -> None:
    """The last one, as it loads once more."""
    assert loaded.rows("archived_work_orders.sql") == []
    last = f"{datetime.now(timezone.utc) - timedelta(days=4):%Y-%m-%d}"
    closed = [one for one in shown(loaded.api) if one["status"]["name"] in {"Paid", "Cancelled"}]
    archived = {one["id"] for one in closed[3::9] if one["milestones"]["created"]["utc"] < last}
    assert len(archived) > 5
    assert all(loaded.api.change("archive", one) for one in archived)
    loaded.connection.commit()
    loaded.again()
    assert loaded.rows("archived_work_orders.sql") == [], "their days were not written again yet"
    loaded.connection.commit()
    loaded.again(reconcile_days=1e-6)
    found = {row["work_order_id"]: row["last_status"] for row in loaded.rows("archived_work_orders.sql")}
    assert found == {one["id"]: one["status"]["name"] for one in closed if one["id"] in archived}
    with loaded.connection.transaction(force_rollback=True):
        loaded.connection.execute("update work_order_coverage set last_day = null")
        assert loaded.rows("archived_work_orders.sql") == [], "spans that are void prove nothing"


CHECKS = (
    data_freshness,
    current_children,
    current_children_views,
    custom_fields_make_view,
    archived_work_orders,
)


def test_each_query_answers_what_it_says(loaded: Loaded, subtests: pytest.Subtests) -> None:
    """One test, so that one process loads what all of them need."""
    assert loaded.removed
    assert loaded.changed
    children = [name for name in loaded.order if name not in {"work_orders", *NO_CHILDREN}]
    assert len(set(children)) > 5
    # Tables are loaded in the order of the SCHEMA messages, eight at a time, whatever the target's own setting says.
    unfinished = set(loaded.order[loaded.order.index("work_orders") :]).intersection(children)
    assert len(unfinished) < AT_A_TIME
    assert {file.stem for file in EXAMPLES.glob("*.sql")} == {check.__name__ for check in CHECKS}
    for check in CHECKS:
        with subtests.test(check.__name__):
            check(loaded)
