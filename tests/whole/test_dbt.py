"""The dbt package, installed into a project as a user does it, on what the tap loaded into PostgreSQL and DuckDB.

The company goes on for ten days, with edits, and with work orders that are archived and returned. `./dev dbt` makes the
environment of dbt.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import typing as t
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import psycopg
import pytest

from demo.project import BIN, ROOT
from emulator import Emulator
from tests.whole import analytics, truth
from tests.whole.in_process import catalog, names
from tests.whole.test_targets import DUCKDB, installed
from tools import staging

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from demo.postgres import Server

pytestmark = pytest.mark.dbt

Row = dict[str, t.Any]
PACKAGE = ROOT / "dbt"
PROGRAMS = ROOT / ".venvs" / "dbt" / ("Scripts" if os.name == "nt" else "bin")
ADAPTERS = ("postgres", "duckdb")
WORK_ORDERS = 220
SECONDS = 600
RECONCILE_DAYS = 1e-5  # so every run reads closed work orders again

VARS = {
    "fieldnation_selected": dict.fromkeys(names(), True),
    "fieldnation_custom_fields": [
        {"name": "Bill amount", "column": "bill_amount", "type": "money"},
        {"name": "Ticket", "column": "ticket"},
        {"name": "Due", "column": "due_on", "type": "date"},
    ],
}
# The company's calendar is behind the clock.
NOW = """{% macro default__now_utc() %}cast('{{ env_var("NOW") }}' as {{ dbt.type_timestamp() }}){% endmacro %}"""

ASK_DUCKDB = """
import duckdb, json, sys
path, query = sys.argv[1:]
with duckdb.connect(path, read_only=True) as database:
    database.execute("set search_path = 'analytics,analytics_staging,fieldnation'")
    answer = database.execute(query)
    columns = [column[0] for column in answer.description]
    print(json.dumps([dict(zip(columns, row)) for row in answer.fetchall()], default=str))
"""


@dataclass
class Warehouse:
    """A database with the tables of the tap, and a dbt project with the package.

    Attributes:
        adapter: The dbt adapter.
        folder: Of the project.
        server: The PostgreSQL server, whether or not it is used.
        now: The time that it is for the models.
    """

    adapter: str
    folder: Path
    server: Server
    now: str = ""

    @property
    def file(self) -> Path:
        """The DuckDB database."""
        return self.folder / "warehouse.duckdb"

    def environment(self) -> dict[str, str]:
        """The environment of dbt."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
        return {
            **inherited,
            "NOW": self.now,
            "DBT_TARGET": self.adapter,
            "DBT_POSTGRES_HOST": self.server.host,
            "DBT_POSTGRES_PORT": str(self.server.port),
            "DBT_POSTGRES_USER": self.server.user,
            "DBT_POSTGRES_PASSWORD": self.server.password,
            "DBT_POSTGRES_DATABASE": self.server.database,
            "DBT_DUCKDB_PATH": str(self.file),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "NO_COLOR": "1",
        }

    def create(self, **variables: t.Any) -> None:
        """Write a project that installs the package from its folder."""
        self.folder.mkdir()
        shutil.copy(PACKAGE / "profiles.yml", self.folder)
        project = {
            "name": "company",
            "version": "1.0.0",
            "profile": "fieldnation",
            "flags": {"send_anonymous_usage_stats": False},
            "vars": variables,
            "dispatch": [{"macro_namespace": "fieldnation", "search_order": ["company", "fieldnation"]}],
        }
        (self.folder / "dbt_project.yml").write_text(json.dumps(project))
        (self.folder / "packages.yml").write_text(json.dumps({"packages": [{"local": str(PACKAGE)}]}))
        (self.folder / "macros").mkdir()
        (self.folder / "macros" / "now.sql").write_text(NOW)
        self.dbt("deps")

    def dbt(self, *arguments: str, code: int = 0) -> str:
        """What a dbt command says."""
        done = subprocess.run(
            [PROGRAMS / "dbt", *arguments],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            check=False,
            text=True,
            timeout=SECONDS,
        )
        told = [line for line in done.stdout.splitlines() if not re.search(r" (START|PASS|OK|SKIP) ", line)]
        assert done.returncode == code, "\n".join([*told, done.stderr])
        return done.stdout

    def rows(self, query: str) -> list[Row]:
        """What a query returns. Of DuckDB, times and exact numbers are text."""
        if self.adapter == "duckdb":
            done = subprocess.run(
                [PROGRAMS / "python", "-c", ASK_DUCKDB, self.file, query], capture_output=True, check=False, text=True
            )
            assert done.returncode == 0, done.stderr
            found: list[Row] = json.loads(done.stdout)
            return found
        options = "-c search_path=analytics,analytics_staging,fieldnation -c timezone=UTC"
        with psycopg.connect(self.server.uri, options=options, row_factory=psycopg.rows.dict_row) as connection:
            return connection.execute(query.encode()).fetchall()

    def execute(self, statement: str) -> None:
        """Change something in PostgreSQL."""
        with psycopg.connect(self.server.uri) as connection:
            connection.execute(statement.encode())


@dataclass
class History:
    """What happened to a company, and what its marts should have.

    Attributes:
        api: The company, as it was at the last load.
        warehouses: By adapter.
        known: Work orders as they were at the last load that saw them.
        orders: By id, what `fieldnation__work_orders` should have.
        backlog: What `fieldnation__daily_backlog` should have.
        states: By id, the different states that the loads found, in order.
        returned: Ids that were archived at one load, and back at the next one.
    """

    api: Emulator
    warehouses: dict[str, Warehouse]
    known: dict[int, Row] = field(default_factory=dict)
    orders: dict[int, Row] = field(default_factory=dict)
    backlog: dict[tuple[date, str], Row] = field(default_factory=dict)
    states: dict[int, list[tuple[t.Any, ...]]] = field(default_factory=lambda: defaultdict(list))
    returned: set[int] = field(default_factory=set)

    def built(self) -> None:
        """Take down what a build has to show that happens now."""
        visible = set(self.api.company.visible_ids())
        was_removed = {one for one, row in self.orders.items() if row["is_removed"]}
        self.known |= {one: self.api.company.work_order(one) for one in visible}
        for one, order in self.known.items():
            row = analytics.work_order(order)
            self.orders[one] = row if one in visible else analytics.removed(row)
            state = tuple(self.orders[one][name] for name in ("status_name", "is_removed", "provider_id", "pay_total"))
            if self.states[one][-1:] != [state]:
                self.states[one].append(state)
        self.returned |= was_removed & visible
        rows = list(self.orders.values())
        first = min(row["created_at"].date() for row in rows)
        begin = max(day for day, _ in self.backlog) if self.backlog else first
        days = [begin + timedelta(days=number) for number in range((self.today - begin).days + 1)]
        removed_on = {one: datetime.now(timezone.utc).date() for one, row in self.orders.items() if row["is_removed"]}
        self.backlog |= analytics.backlog(days, rows, removed_on)

    @property
    def today(self) -> date:
        """The company's day."""
        return datetime.fromtimestamp(self.api.company.now, timezone.utc).date()


class Loader:
    """Runs the tap, and loads what it writes into both databases."""

    def __init__(self, api: Emulator, folder: Path, server: Server, duckdb: Path) -> None:
        self._folder = folder
        config = {"client_id": api.client_id, "client_secret": api.client_secret, "api_url": api.url}
        postgres = {name: getattr(server, name) for name in ("host", "port", "user", "password", "database")}
        files: dict[str, t.Any] = {
            "config": {**config, "requests_per_minute": 60_000, "reconcile_days": RECONCILE_DAYS},
            "catalog": catalog(names()),
            "state": {},
            "postgres": {
                **postgres,
                "default_target_schema": "fieldnation",
                "validate_records": False,
                "use_copy": True,
            },
            "duckdb": {"filepath": str(duckdb), "default_target_schema": "fieldnation"},
        }
        for name, content in files.items():
            (folder / f"{name}.json").write_text(json.dumps(content))

    def load(self) -> None:
        """One run."""
        arguments = [f"--{name}={name}.json" for name in ("config", "catalog", "state")]
        with (self._folder / "messages").open("wb") as output:
            self._run([BIN / "tap-fieldnation", *arguments], stdout=output)
        for program, config in (
            (BIN / "target-postgres", "postgres.json"),
            (installed(DUCKDB) / "target-duckdb", "duckdb.json"),
        ):
            with (self._folder / "messages").open("rb") as messages:
                states = self._run([program, "--config", config], stdin=messages, stdout=subprocess.PIPE)
            (self._folder / "state.json").write_bytes(states.splitlines()[-1])

    def _run(self, command: list[str | Path], **streams: t.Any) -> bytes:
        environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(
            command, cwd=self._folder, env=environment, check=False, stderr=subprocess.PIPE, timeout=SECONDS, **streams
        )
        assert done.returncode == 0, done.stderr.decode()
        return t.cast("bytes", done.stdout)


def still_open(api: Emulator) -> list[int]:
    """Work orders that are not closed."""
    visible = api.company.visible_ids()
    return [one for one in visible if api.company.work_order(one)["status"]["name"] not in analytics.CLOSED]


def change(api: Emulator) -> None:
    """Edit open work orders in every way that the marts look at."""
    kinds = ("edit_pay", "add_expense", "remove_log", "log_time", "untag_all", "tag", "edit_fields", "reschedule")
    changed = {kind for kind in kinds for one in still_open(api)[::2] if api.change(kind, one)}
    assert changed == set(kinds)


@pytest.fixture(scope="module")
def history(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Ten days, with three loads and builds."""
    folder = tmp_path_factory.mktemp("dbt")
    with psycopg.connect(postgres.uri, autocommit=True) as connection:
        connection.execute("create database warehouse")
    server = postgres.with_database("warehouse")
    begin = datetime.now(timezone.utc).date() - timedelta(days=11)
    with Emulator(work_orders=WORK_ORDERS, seed=3, today=begin, rate_limit=0) as api:
        found = History(api, {name: Warehouse(name, folder / name, server) for name in ADAPTERS})
        for warehouse in found.warehouses.values():
            warehouse.create(**VARS)
        loader = Loader(api, folder, server, found.warehouses["duckdb"].file)
        load_and_build(found, loader)
        api.advance(5)
        change(api)
        known = [one for one in still_open(api) if one in found.known]
        archived = [one for one in known[::3] if api.change("archive", one)]
        closed = [
            one for one, row in found.orders.items() if row["status_name"] in analytics.CLOSED and row["bonuses_amount"]
        ]
        archived += [one for one in closed[::9] if api.change("archive", one)]
        load_and_build(found, loader)
        api.advance(5)
        change(api)
        for one in archived[::2]:
            api.change("unarchive", one)
        load_and_build(found, loader)
        yield found


def load_and_build(history: History, loader: Loader) -> None:
    """Load the company, and build the models in both databases."""
    loader.load()
    now = datetime.fromtimestamp(history.api.company.now, timezone.utc)
    for warehouse in history.warehouses.values():
        warehouse.now = f"{now:%Y-%m-%d %H:%M:%S}"
        said = warehouse.dbt("build")
        assert re.search(r"PASS=\d+ WARN=0 ERROR=0 SKIP=0", said), said
    history.built()


@pytest.fixture(params=ADAPTERS)
def warehouse(request: pytest.FixtureRequest, history: History) -> Warehouse:
    """One of the two databases."""
    return history.warehouses[request.param]


def same(found: t.Any, expected: t.Any) -> bool:
    """Whether a value of a database, which may be text, is the expected one. Numbers may be rounded differently."""
    if expected is None or isinstance(expected, (bool, str)):
        return bool(found == expected)
    if found is None:
        return False
    if isinstance(expected, datetime):
        return datetime.fromisoformat(str(found)).replace(microsecond=0) == expected.replace(microsecond=0)
    if isinstance(expected, date):
        return str(found)[:10] == expected.isoformat()
    return abs(Decimal(str(found)) - Decimal(expected)) <= (0 if isinstance(expected, int) else Decimal("0.01"))


def compare(found: Iterable[Row], expected: Iterable[Row], *keys: str) -> None:
    """Compare all rows, and all values that are expected."""
    ours = {tuple(str(row[key]) for key in keys): row for row in found}
    theirs = {tuple(str(row[key]) for key in keys): row for row in expected}
    assert ours.keys() == theirs.keys()
    assert theirs
    different = [
        f"{key} {name}: {ours[key][name]!r}, not {value!r}"
        for key, row in theirs.items()
        for name, value in row.items()
        if not same(ours[key][name], value)
    ]
    assert different == []


def test_work_orders(warehouse: Warehouse, history: History) -> None:
    expected = list(history.orders.values())
    assert {row["is_removed"] for row in expected} == {True, False}
    assert history.returned
    found = warehouse.rows("select * from fieldnation__work_orders")
    assert all((row["removed_at"] is not None) == row["is_removed"] for row in found)
    compare(
        found,
        [without(row, "removed_at") for row in expected if row["is_removed"]]
        + [row for row in expected if not row["is_removed"]],
        "work_order_id",
    )


def without(row: Row, *columns: str) -> Row:
    """The row without some columns."""
    return {name: value for name, value in row.items() if name not in columns}


def current(history: History) -> list[Row]:
    """The work orders whose child records are current, as the API sends them."""
    return [order for one, order in history.known.items() if not analytics.loses_children(history.orders[one])]


def test_visits(warehouse: Warehouse, history: History) -> None:
    expected = [visit for order in current(history) for visit in analytics.visits(order)]
    compare(warehouse.rows("select * from fieldnation__visits"), expected, "work_order_id", "visit_id")


def test_spend(warehouse: Warehouse, history: History) -> None:
    expected = [part for row in history.orders.values() for part in analytics.spend(row)]
    assert {part["cost_type"] for part in expected} >= analytics.COST_TYPES.keys() - {"other pay"}
    compare(warehouse.rows("select * from fieldnation__spend"), expected, "work_order_id", "cost_type")


def test_spend_by_month(warehouse: Warehouse, history: History) -> None:
    expected = analytics.spend_by_month(history.orders.values())
    found = warehouse.rows("select * from fieldnation__spend_by_month")
    compare(found, expected, "spend_month", "client_id", "project_id")


def test_providers(warehouse: Warehouse, history: History) -> None:
    expected = analytics.providers(history.orders.values())
    compare(warehouse.rows("select * from fieldnation__providers"), expected, "provider_id")


def test_open_work_orders(warehouse: Warehouse, history: History) -> None:
    now = datetime.fromisoformat(warehouse.now)
    expected = [
        {
            **{name: row[name] for name in ("work_order_id", "title", "status_name", "due_at", "pay_total", "tags")},
            "age_days": analytics.between(row["created_at"], now, 86_400),
            "days_in_status": analytics.between(row["last_milestone_at"], now, 86_400),
            "is_overdue": bool(
                not row["work_done_at"] and row["due_at"] and row["due_at"] < now and not row["first_checked_in_at"]
            ),
        }
        for row in history.orders.values()
        if row["is_open"]
    ]
    found = warehouse.rows("select * from fieldnation__open_work_orders")
    compare(found, expected, "work_order_id")
    ages = {row["age_group"]: float(row["age_days"]) for row in found}
    assert all(age < 7 for group, age in ages.items() if group.startswith("1"))


def test_daily_backlog(warehouse: Warehouse, history: History) -> None:
    found = warehouse.rows("select * from fieldnation__daily_backlog")
    expected = [{"backlog_date": day, "status_name": stage, **row} for (day, stage), row in history.backlog.items()]
    compare(found, expected, "backlog_date", "status_name")


def test_status_history(warehouse: Warehouse, history: History) -> None:
    columns = ("status_name", "is_removed", "provider_id", "pay_total")
    states = defaultdict(list)
    for row in warehouse.rows("select * from fieldnation__status_history order by dbt_valid_from"):
        states[row["work_order_id"]].append(row)
    assert states.keys() == history.states.keys()
    for one, expected in history.states.items():
        assert len(states[one]) >= len(expected)
        found = [tuple(row[name] for name in columns) for row in states[one]]
        # a row is also written when the schedule alone was changed
        found = [state for number, state in enumerate(found) if number == 0 or state != found[number - 1]]
        assert len(found) == len(expected)
        assert all(same(*pair) for pair in zip(sum(found, ()), sum(expected, ()), strict=True)), one
        assert [row["dbt_valid_to"] is None for row in states[one]] == [False] * (len(states[one]) - 1) + [True]
    (one, *_) = history.returned
    assert [state[1] for state in history.states[one]][-2:] == [True, False], "removed, and back"


def test_staging_has_the_rows_that_exist(warehouse: Warehouse, history: History) -> None:
    orders = current(history)
    counts = " union all ".join(
        f"select '{name}' as stream, count(*) as found from {staging.model(name)}" for name in truth.EMBEDDED
    )
    expected = {name: len(truth.rows(history.api, name, orders)) for name in truth.EMBEDDED}
    assert {row["stream"]: row["found"] for row in warehouse.rows(counts)} == expected
    assert min(expected.values()) > 0
    (stale,) = warehouse.rows("select count(*) as found from work_order_time_logs")
    assert stale["found"] > expected["work_order_time_logs"], "the table also has rows that are gone"
    (removals,) = warehouse.rows(f"select count(*) as found from {staging.model('work_order_removals')}")
    assert removals["found"] == sum(map(analytics.loses_children, history.orders.values()))
    (voided,) = warehouse.rows("select count(*) as found from work_order_removals")
    assert voided["found"] > removals["found"], "the table also has removals of work orders that returned"


def test_every_column_is_described_in_the_warehouse(warehouse: Warehouse) -> None:
    warehouse.dbt("docs", "generate", "--static")
    catalog_of_warehouse = json.loads((warehouse.folder / "target" / "catalog.json").read_text())["nodes"]
    manifest = json.loads((warehouse.folder / "target" / "manifest.json").read_text())["nodes"]
    own = {field["column"] for field in t.cast("list[dict[str, str]]", VARS["fieldnation_custom_fields"])}
    models = {name: node for name, node in manifest.items() if node["resource_type"] in ("model", "snapshot")}
    assert len(models) == len(names()) + 8
    for name, node in models.items():
        columns = {column["name"]: column for column in catalog_of_warehouse[name]["columns"].values()}
        assert node["description"], name
        described = {column["name"]: column["description"] for column in node["columns"].values()}
        assert described.keys() == columns.keys() - own, name
        assert all(described.values()), name
        if node["resource_type"] == "model":
            assert {column: columns[column]["comment"] for column in described} == described, name


def test_names_are_no_reserved_words(history: History) -> None:
    postgres, duckdb = (history.warehouses[name] for name in ADAPTERS)
    words = postgres.rows("select word as name from pg_get_keywords() where catcode in ('R', 'T')")
    words += duckdb.rows("select keyword_name as name from duckdb_keywords() where keyword_category = 'reserved'")
    columns = postgres.rows(
        "select table_name, column_name from information_schema.columns where table_schema like 'analytics%'"
    )
    assert len(columns) > 700
    reserved = {row["name"].lower() for row in words} | {"order", "group", "in", "from", "to", "default", "current"}
    assert [row for row in columns if row["column_name"] in reserved] == []


def test_types_are_the_same_on_both(history: History) -> None:
    kinds = defaultdict(set)
    for warehouse in history.warehouses.values():
        for row in warehouse.rows(
            "select column_name, numeric_precision, numeric_scale, data_type from information_schema.columns "
            "where table_schema like 'analytics%' and column_name like '%amount'"
        ):
            kinds[row["column_name"]].add((row["numeric_precision"], row["numeric_scale"]))
    assert kinds["amount"] == {(18, 2)}
