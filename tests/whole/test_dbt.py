"""The dbt package, installed into a project as a user does it, on what the tap loaded into PostgreSQL and DuckDB.

The company goes on for ten days, with edits, and with work orders that are archived and returned. `./dev dbt` makes the
environment of dbt.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import typing as t
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import psycopg
import pytest

from demo.project import ROOT
from emulator import Emulator
from tests.whole import analytics, truth
from tests.whole.answers import AGEING, ANSWERS, grouped
from tests.whole.in_process import names
from tests.whole.test_meltano import make_project
from tests.whole.warehouses import PACKAGE, PROGRAMS, Loader, Warehouse, in_git
from tools import staging

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from demo.postgres import Server

pytestmark = pytest.mark.dbt

Row = dict[str, t.Any]
ADAPTERS = ("postgres", "duckdb")
WORK_ORDERS = 220

VARS = {
    "fieldnation_selected": dict.fromkeys(names(), True),
    "fieldnation_custom_fields": [
        {"name": "Bill amount", "column": "bill_amount", "type": "money"},
        {"name": "Ticket", "column": "ticket"},
        {"name": "Due", "column": "due_on", "type": "date"},
    ],
}


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
            warehouse.create(in_git(folder), **VARS)
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
    assert {row["status_name"] in analytics.CLOSED for row in expected if row["is_removed"]} == {True, False}
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
    compare(found, expected, "spend_month", "company_id", "client_id", "project_id")


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


def test_every_column_is_documented(warehouse: Warehouse) -> None:
    warehouse.dbt("docs", "generate", "--static")
    shutil.copy(warehouse.folder / "target" / "static_index.html", PROGRAMS.parent / "docs.html")  # for `./dev site`
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


def questions() -> list[tuple[int, str, str]]:
    """Number, title and SQL of each question in docs/analytics.md."""
    text = (ROOT / "docs" / "analytics.md").read_text(encoding="utf-8")
    found = re.findall(r"^### (\d+)\. ([^\n]*)\n\n```sql\n(.*?);\n```$", text, re.MULTILINE | re.DOTALL)
    return [(int(number), title, query) for number, title, query in found]


def number_or_text(value: t.Any) -> t.Any:
    """A value in a form that is the same for both databases."""
    if value is None or isinstance(value, bool):
        return value
    try:
        return float(str(value))
    except ValueError:
        return str(value)


def in_order(rows: Iterable[Row], columns: Iterable[str]) -> list[list[t.Any]]:
    """Some values of rows, in an order that does not depend on how numbers are rounded."""

    def texts_first(row: list[t.Any]) -> tuple[list[str], list[int], list[float]]:
        texts = [str(value) for value in row if not isinstance(value, float)]
        numbers = [value for value in row if isinstance(value, float)]
        return texts, [round(value) for value in numbers], numbers

    columns = list(columns)
    return sorted(([number_or_text(row[column]) for column in columns] for row in rows), key=texts_first)


def unlike(ours: list[list[t.Any]], theirs: list[list[t.Any]], tolerance: float) -> list[tuple[t.Any, t.Any]]:
    """The rows that differ."""

    def alike(our: t.Any, their: t.Any) -> bool:
        both_numbers = isinstance(our, float) and isinstance(their, float)
        return abs(our - their) <= tolerance if both_numbers else bool(our == their)

    pairs: Iterable[tuple[list[t.Any], list[t.Any]]] = itertools.zip_longest(ours, theirs, fillvalue=[])
    return [(our, their) for our, their in pairs if len(our) != len(their) or not all(map(alike, our, their))]


def test_questions_of_the_documentation(history: History, subtests: pytest.Subtests) -> None:
    found = questions()
    assert [number for number, *_ in found] == list(range(1, 23))
    orders, api = list(history.orders.values()), current(history)
    for number, title, query in found:
        with subtests.test(title):
            assert len(query.splitlines()) <= 6
            postgres, duckdb = (warehouse.rows(query) for warehouse in history.warehouses.values())
            assert postgres, "no rows"
            # DuckDB cuts a percentile of numbers with two digits off after these
            assert unlike(in_order(postgres, postgres[0]), in_order(duckdb, postgres[0]), 0.011) == []
            if number in ANSWERS:
                expected = ANSWERS[number](orders, api)
                ours = merged(postgres, *expected[0]) if number == AGEING else postgres
                assert unlike(in_order(ours, expected[0]), in_order(expected, expected[0]), 0.0001) == []


def test_examples_of_sql_for_both_databases(history: History) -> None:
    for name in ("archived_work_orders", "current_children", "data_freshness"):
        query = (ROOT / "examples" / "sql" / f"{name}.sql").read_text(encoding="utf-8")
        postgres, duckdb = (warehouse.rows(query) for warehouse in history.warehouses.values())
        assert postgres
        columns = [column for column in postgres[0] if column not in {"age", "extracted_at"}]
        assert in_order(duckdb, columns) == in_order(postgres, columns)


def merged(rows: list[Row], name: str, *numbers: str) -> list[Row]:
    """The rows without the column that says which age they have."""
    return [
        {name: key, **{number: sum(row[number] for row in group) for number in numbers}}
        for (key,), group in grouped(rows, name).items()
    ]


FRESHNESS = {
    "finished_at = finished_at": (0, "PASS"),
    "finished_at = finished_at - interval '4 hours'": (0, "WARN"),
    "finished_at = finished_at - interval '1 day'": (1, "ERROR STALE"),
    "finished_at = now() at time zone 'UTC', complete = false "
    "where finished_at = (select max(finished_at) from fieldnation.sync_runs)": (1, "ERROR STALE"),
}


def copied(history: History, name: str) -> Warehouse:
    """A copy of what is in PostgreSQL, to be changed."""
    postgres = history.warehouses["postgres"]
    with psycopg.connect(postgres.server.uri.replace("/warehouse", "/postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name} template warehouse".encode())
    return Warehouse("postgres", postgres.folder, postgres.server.with_database(name), postgres.now)


def test_freshness_is_told_by_complete_runs(history: History) -> None:
    stale = copied(history, "stale")
    for change, (code, outcome) in FRESHNESS.items():
        stale.execute(f"update fieldnation.sync_runs set {change}")
        assert f"{outcome} freshness of fieldnation.sync_runs" in stale.dbt("source", "freshness", code=code)


DAMAGES = {
    "update analytics.fieldnation__spend set amount = amount + 0.01 where work_order_id = "
    "(select min(work_order_id) from analytics.fieldnation__spend where is_pay) and cost_type = 'labor'": (
        "FAIL 2 spend_adds_up_to_the_source"
    ),
    "delete from analytics.fieldnation__visits where visit_number = 2": "FAIL 1 hours_add_up_to_the_source",
    "insert into analytics.fieldnation__providers select * from analytics.fieldnation__providers limit 1": (
        "FAIL 1 unique_fieldnation__providers_provider_id"
    ),
    "insert into analytics.fieldnation__visits (work_order_id, visit_id) values (1, null)": (
        "FAIL 1 fieldnation_unique_together_fieldnation__visits_work_order_id__visit_id"
    ),
    "update fieldnation.work_orders set status_name = 'Teleported' "
    "where id = (select min(id) from fieldnation.work_orders)": (
        "WARN 1 accepted_values_stg_fieldnation__work_orders_status_name"
    ),
    "delete from fieldnation.clients": "WARN [0-9]+ relationships_stg_fieldnation__work_orders_client_id",
}


def test_data_tests_notice_what_is_wrong(history: History) -> None:
    damaged = copied(history, "damaged")
    for damage in DAMAGES:
        damaged.execute(damage)
    said = damaged.dbt("test", code=1)
    assert [expected for expected in DAMAGES.values() if not re.search(expected, said)] == []


def test_streams_and_columns_that_are_not_selected(history: History) -> None:
    postgres, partial = history.warehouses["postgres"], copied(history, "partial")
    partial.execute("drop schema analytics cascade; drop schema analytics_staging cascade")
    partial.execute("drop table fieldnation.work_order_shipments")
    partial.execute("alter table fieldnation.work_order_coverage rename to set_aside")
    partial.execute("alter table fieldnation.work_orders drop column assignee, drop column schedule")
    said = partial.dbt("build", code=1)
    assert 'fieldnation"."work_order_shipments" does not exist' in said
    assert "set the var fieldnation_selected: {work_order_shipments: false}" in said
    selected = dict.fromkeys(names(), True) | {"work_order_shipments": False, "work_order_coverage": False}
    variables = {**VARS, "fieldnation_selected": selected, "fieldnation_grace_minutes": 30}
    said = partial.dbt("build", "--vars", json.dumps(variables))
    assert re.search(r"WARN=0 ERROR=0", said)
    on_time = "select count(*) as found from fieldnation__visits where is_on_time and minutes_late > 0"
    assert postgres.rows(on_time) == [{"found": 0}]
    assert partial.rows(on_time)[0]["found"] > 0
    (found,) = partial.rows(
        "select count(*) as work_orders, count(provider_name) as named, sum(shipments_count) as shipments, "
        "count(due_at) as due from fieldnation__work_orders"
    )
    assert found == {"work_orders": len(history.orders), "named": 0, "shipments": 0, "due": found["due"]}
    assert found["due"] > 0
    partial.execute("drop schema analytics cascade; drop schema analytics_staging cascade")
    needed = ("approved_at", "company_id", "created_at", "pay_total", "status_name")
    partial.execute(f"alter table fieldnation.work_orders {', '.join(f'drop column {name}' for name in needed)}")
    partial.execute("alter table fieldnation.set_aside rename to work_order_coverage")
    variables["fieldnation_selected"] = selected | {"work_order_coverage": True}
    assert "ERROR=0" in partial.dbt("build", "--vars", json.dumps(variables))
    (found,) = partial.rows("select count(*) as work_orders from fieldnation__open_work_orders where age_group is null")
    assert found["work_orders"] > 0


def odd_values(history: History) -> Warehouse:
    """A copy with what may come some day: a time zone that no database knows, work published after it was assigned, two
    clients of one name, and a provider none of whose arrivals was due at some time.
    """
    odd = copied(history, "odd")
    odd.execute(
        "update fieldnation.work_orders set time_zone = 'Eastern Time' "
        "where id = (select min(id) from fieldnation.work_orders where scheduled_start_at is not null)"
    )
    odd.execute(
        "update fieldnation.work_orders set published_at = assigned_at + interval '2 days' "
        "where assigned_at is not null and id % 2 = 0"
    )
    odd.execute("update fieldnation.work_orders set client_name = 'Twin' where client_name is not null")
    odd.execute(
        "update fieldnation.work_orders set scheduled_start_at = null, scheduled_end_at = null where provider_id = "
        "(select provider_id from analytics.fieldnation__providers order by done_work_orders_count desc limit 1)"
    )
    odd.dbt("build", "--full-refresh", "--exclude", "resource_type:test")
    return odd


def test_odd_values(history: History, subtests: pytest.Subtests) -> None:
    odd = odd_values(history)
    with subtests.test("a time zone that the database does not know"):
        unknown = "select count(*) as found from fieldnation__work_orders where scheduled_start_local is null "
        assert odd.rows(unknown + "and scheduled_start_at is not null") == [{"found": 1}]
    with subtests.test("milestones in another order"):
        rows = odd.rows("select * from fieldnation__work_orders")
        removed_on = {row["work_order_id"]: row["removed_at"].date() for row in rows if row["removed_at"]}
        found = odd.rows("select * from fieldnation__daily_backlog")
        days = sorted({row["backlog_date"] for row in found})
        expected = analytics.backlog(days, rows, removed_on)
        assert {(row["backlog_date"], row["status_name"]): row["work_orders_count"] for row in found} == {
            key: row["work_orders_count"] for key, row in expected.items()
        }
    query = {number: text for number, _, text in questions()}
    with subtests.test("clients of the same name"):
        billed = (
            "select distinct client_id from fieldnation__work_orders "
            "where approved_at is not null and not is_cancelled and bill_amount is not null"
        )
        assert len(odd.rows(query[2])) == len(odd.rows(billed)) > 1
        arrived = "select distinct visit_month, client_id from fieldnation__visits where is_on_time is not null"
        assert len(odd.rows(query[3])) == len(odd.rows(arrived))
    with subtests.test("a provider without a rate comes last"):
        rates = [row["on_time_rate"] for row in odd.rows(query[6])]
        assert None in rates
        assert rates == sorted(rates, key=lambda rate: (rate is None, -(rate or 0)))


def test_an_account_that_has_no_work_order_yet(database: Server, tmp_path: Path) -> None:
    empty = Warehouse("postgres", tmp_path / "project", database)
    empty.create(in_git(tmp_path), **VARS)
    with Emulator(work_orders=0, rate_limit=0) as api:
        loader = Loader(api, tmp_path, database, tmp_path / "warehouse.duckdb")
        for number in (0, 3):
            assert all(api.company.add(api.company.now) for _ in range(number))
            loader.load()
            empty.now = f"{datetime.fromtimestamp(api.company.now, timezone.utc):%Y-%m-%d %H:%M:%S}"
            said = empty.dbt("build")
            assert re.search(r"PASS=\d+ WARN=0 ERROR=0 SKIP=0", said), said
            (found,) = empty.rows("select coalesce(sum(work_orders_count), 0) as found from fieldnation__daily_backlog")
            assert found["found"] == number


def test_work_orders_that_were_removed_before_a_full_refresh(database: Server, tmp_path: Path) -> None:
    """No run saw them go. The slices begin on other days, so that the ranges of the first reading stay in the table."""
    reread = Warehouse("postgres", tmp_path / "project", database)
    reread.create(in_git(tmp_path), **VARS)
    with Emulator(work_orders=400, seed=5, rate_limit=0) as api:
        loader = Loader(api, tmp_path, database, tmp_path / "warehouse.duckdb")
        config = json.loads((tmp_path / "config.json").read_text())
        (tmp_path / "config.json").write_text(json.dumps({**config, "page_size": 1}))
        loader.load()
        orders = [api.company.work_order(one) for one in api.company.visible_ids()]
        old = f"{datetime.now(timezone.utc) - timedelta(days=5):%Y-%m-%d}"
        archived = {one["id"]: one for one in orders[1::7] if one["milestones"]["created"]["utc"] < old}
        assert all(api.change("archive", one) for one in archived)
        assert {one["status"]["name"] in analytics.FINISHED for one in archived.values()} == {True, False}
        for name, content in (("config", config), ("state", {})):
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        loader.load()
    reread.now = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S}"
    said = reread.dbt("build")
    assert re.search(r"PASS=\d+ WARN=0 ERROR=0 SKIP=0", said), said
    found = reread.rows("select work_order_id, is_open from fieldnation__work_orders where is_removed")
    assert {row["work_order_id"] for row in found} == archived.keys()
    assert not any(row["is_open"] for row in found)


def test_companies_that_share_the_tables(database: Server, tmp_path: Path) -> None:
    """Their clients, projects and templates have the same ids, and other names."""
    shared = Warehouse("postgres", tmp_path / "project", database)
    shared.create(in_git(tmp_path), **VARS)
    expected = []
    for company in (20_843, 20_844):
        folder = tmp_path / str(company)
        folder.mkdir()
        with Emulator(work_orders=60, seed=company, rate_limit=0, company_id=company) as api:
            Loader(api, folder, database, tmp_path / "warehouse.duckdb").load()
            expected += [analytics.work_order(api.company.work_order(one)) for one in api.company.visible_ids()]
            shared.now = f"{datetime.fromtimestamp(api.company.now, timezone.utc):%Y-%m-%d %H:%M:%S}"
    said = shared.dbt("build")
    assert re.search(r"PASS=\d+ WARN=0 ERROR=0 SKIP=0", said), said
    compare(shared.rows("select * from fieldnation__work_orders"), expected, "work_order_id")
    by_month = analytics.spend_by_month(expected)
    assert len({(row["client_id"], row["project_id"], row["spend_month"]) for row in by_month}) < len(by_month)
    found = shared.rows("select * from fieldnation__spend_by_month")
    compare(found, by_month, "spend_month", "company_id", "client_id", "project_id")


def test_snowflake_is_compiled_and_was_never_executed(history: History, tmp_path: Path) -> None:
    """There is no account to execute it. Each dispatched macro has to be Snowflake's."""
    profile = {"type": "snowflake", "account": "none", "user": "none", "password": "none", "threads": 1}
    output = {**profile, "database": "WAREHOUSE", "warehouse": "NONE", "schema": "ANALYTICS"}
    (tmp_path / "profiles.yml").write_text(json.dumps({"fieldnation": {"target": "snow", "outputs": {"snow": output}}}))
    postgres = history.warehouses["postgres"]
    without_connection = ("--no-introspect", "--no-populate-cache", "--profiles-dir", str(tmp_path), "--target", "snow")
    postgres.dbt("compile", *without_connection, "--target-path", str(tmp_path))
    compiled = {file.stem: file.read_text() for file in (tmp_path / "compiled" / "fieldnation").rglob("*.sql")}
    assert len(compiled) > len(names()) + 8
    sql = "\n".join(compiled.values())
    for theirs in (
        "get_path(",
        "datediff('second'",
        "convert_timezone('UTC'",
        "try_cast(",
        "as variant)",
        '"EXTRACTED_AT"',
    ):
        assert theirs in sql
    for others in ("jsonb", "#>>", "json_extract_string", "date_sub(", "extract(epoch", " ~ '", "filter (where"):
        assert others not in sql


def test_meltano_runs_the_job_and_the_schedule(database: Server, tmp_path: Path) -> None:
    """As shipped: the default selection, and dbt as Meltano installs it."""
    with Emulator(work_orders=60, seed=3, rate_limit=0) as api:
        project = make_project(api, database, tmp_path / "project")
        dev = Warehouse("postgres", tmp_path, database)
        for arguments in (
            ("install", "utility", "dbt-postgres"),
            ("--environment=dev", "run", "fieldnation-modelled"),
            ("--environment=dev", "invoke", "dbt-postgres:freshness"),
            ("--environment=dev", "invoke", "dbt-postgres:docs"),
            ("--environment=prod", "schedule", "run", "fieldnation-modelled-hourly"),
        ):
            done = project.meltano(*arguments)
            assert done.code == 0, done.last_words
        expected = [analytics.work_order(api.company.work_order(one)) for one in api.company.visible_ids()]
    pay = sum(part["amount"] for row in expected for part in analytics.spend(row) if part["is_pay"])
    for schema in ("analytics_dev", "analytics"):
        found = dev.rows(f"select sum(amount) as pay from {schema}.fieldnation__spend where is_pay")
        assert found == [{"pay": pay}]
    assert (project.folder / ".meltano" / "dbt" / "target" / "static_index.html").stat().st_size > 100_000
    written = {path.name for path in (project.folder / "dbt").iterdir()}
    assert written == {path.name for path in PACKAGE.iterdir()} - {"target", "logs", "dbt_packages"}
    dev.execute("drop table fieldnation.clients cascade")
    failed = project.meltano("--environment=prod", "invoke", "dbt-postgres:build")
    assert failed.code != 0
    assert 'clients" does not exist. Set the vars' in failed.output + failed.log
