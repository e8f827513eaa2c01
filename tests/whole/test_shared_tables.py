"""Two companies in one schema of PostgreSQL, whose lists have the same ids: neither overwrites rows of the other."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from dataclasses import dataclass, field

import psycopg
import pytest
from psycopg import sql

from demo.project import BIN, ROOT
from emulator import Emulator
from emulator.company.directory import TAGS
from emulator.endpoints import definitions
from tests.whole import truth
from tests.whole.in_process import catalog, names, settings

pytestmark = pytest.mark.long

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.postgres import Server

Row = dict[str, t.Any]

WORK_ORDERS = 120
EXAMPLES = ROOT / "examples" / "sql"
OWN = {"work_order_removals", "work_order_coverage", "sync_runs"}
# Companies that work with the same people; the emulator gives these other names, and the same ids.
COMMON = {"users", "service_types", "types_of_work"}
KEYS: dict[str, list[str]] = {one["tap_stream_id"]: one["key_properties"] for one in catalog()["streams"]}


@dataclass
class Shared:
    """Two companies, and the tables that hold both.

    Attributes:
        folder: Of the files that the tap and the target read.
        database: The server and the database.
        companies: By their ids.
        states: The last state of each.
    """

    folder: Path
    database: Server
    companies: dict[int, Emulator]
    states: dict[int, str] = field(default_factory=dict)

    def load(self, company: int, **config: t.Any) -> None:
        """One run for a company."""
        files: Row = {
            "config": settings(self.companies[company], **config),
            "catalog": catalog(names()),
            "state": json.loads(self.states.get(company, "{}")),
            "target": {"sqlalchemy_url": self.database.uri, "default_target_schema": "fieldnation"},
        }
        for name, content in files.items():
            (self.folder / f"{name}.json").write_text(json.dumps(content))
        arguments = [f"--{name}={name}.json" for name in ("config", "catalog", "state")]
        tap = [sys.executable, "-m", "tap_fieldnation", *arguments]
        with (self.folder / "messages.jsonl").open("wb") as output:
            subprocess.run(tap, cwd=self.folder, stdout=output, stderr=subprocess.DEVNULL, check=True)
        with (self.folder / "messages.jsonl").open("rb") as messages:
            target = [str(BIN / "target-postgres"), "--config=target.json"]
            done = subprocess.run(target, cwd=self.folder, stdin=messages, check=True, capture_output=True, text=True)
        self.states[company] = done.stdout.splitlines()[-1]

    def rows(self, query: str | sql.Composed) -> list[Row]:
        """What a query returns."""
        options = "-c search_path=fieldnation -c timezone=UTC"
        with psycopg.connect(self.database.uri, options=options, row_factory=psycopg.rows.dict_row) as connection:
            result = connection.execute(query.encode() if isinstance(query, str) else query)
            return result.fetchall() if result.description else []

    def keys(self, stream: str) -> list[tuple[str, ...]]:
        """The keys in a table."""
        columns = sql.SQL(", ").join(map(sql.Identifier, KEYS[stream]))
        found = self.rows(sql.SQL("select {} from {}").format(columns, sql.Identifier(stream)))
        return sorted(tuple(str(row[key]) for key in KEYS[stream]) for row in found)

    def expected_keys(self, stream: str) -> list[tuple[str, ...]]:
        """The keys that both companies have."""
        found = []
        for api in self.companies.values():
            orders = [api.company.work_order(one) for one in api.company.visible_ids()]
            found += [tuple(str(row[key]) for key in KEYS[stream]) for row in truth.rows(api, stream, orders)]
        return sorted(set(found) if stream in COMMON else found)


@pytest.fixture
def shared(database: Server, tmp_path: Path) -> Iterator[Shared]:
    """What a run for each company loaded."""
    with (
        Emulator(WORK_ORDERS, seed=3, rate_limit=0) as east,
        Emulator(WORK_ORDERS, seed=4, rate_limit=0, company_id=20_844) as west,
    ):
        companies = {api.company.id: api for api in (east, west)}
        found = Shared(tmp_path, database, companies)
        for company in companies:
            found.load(company)
        yield found


def all_rows_of_both_are_there(shared: Shared) -> None:
    for stream in sorted(set(names()) - OWN):
        assert shared.keys(stream) == shared.expected_keys(stream), stream


def the_ids_of_one_company_have_another_meaning_in_the_other(shared: Shared) -> None:
    clients: dict[int, dict[int, str]] = {
        company: {row["id"]: row["name"] for row in truth.company(api, "clients")}
        for company, api in shared.companies.items()
    }
    east, west = clients.values()
    assert east.keys() == west.keys()
    assert sum(east[one] != west[one] for one in east) > len(east) / 2
    found = {(row["company_id"], row["id"]): row["name"] for row in shared.rows("select * from clients")}
    assert found == {(company, one): name for company, names_ in clients.items() for one, name in names_.items()}
    joined = (
        "select w.id, w.client_name, c.name from work_orders w "
        "join clients c on c.company_id = w.company_id and c.id = w.client_id"
    )
    rows = shared.rows(joined)
    assert len(rows) > WORK_ORDERS
    assert [row for row in rows if row["client_name"] != row["name"]] == []


def a_list_of_one_company_can_change(shared: Shared) -> None:
    east, west = shared.companies
    renamed = tuple((one, f"{label}, renamed", color) for one, label, color in TAGS)
    before = labels(shared, west)
    assert before == {one: label for one, label, _ in TAGS}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(definitions, "TAGS", renamed)
        shared.load(east)
    assert labels(shared, east) == {one: label for one, label, _ in renamed}
    assert labels(shared, west) == before


def labels(shared: Shared, company: int) -> dict[int, str]:
    """The tags of a company, as they are in the table."""
    return {row["id"]: row["label"] for row in shared.rows(f"select * from tags where company_id = {company}")}


def each_company_has_its_own_spans(shared: Shared) -> None:
    """One of the two archives closed work orders: these are missing from its spans, and from no others."""
    assert shared.rows((EXAMPLES / "archived_work_orders.sql").read_text()) == []
    east, west = shared.companies
    api = shared.companies[east]
    orders = map(api.company.work_order, api.company.visible_ids())
    closed = [one["id"] for one in orders if one["status"]["name"] in {"Paid", "Cancelled"}]
    archived = {one for one in closed[:-10:7] if api.change("archive", one)}
    assert archived
    shared.load(west, reconcile_days=1e-6)
    assert shared.rows((EXAMPLES / "archived_work_orders.sql").read_text()) == [], "spans of another company"
    shared.load(east, reconcile_days=1e-6)
    found = shared.rows((EXAMPLES / "archived_work_orders.sql").read_text())
    assert {row["work_order_id"] for row in found} == archived


def the_view_of_custom_fields_has_those_of_both(shared: Shared) -> None:
    (row,) = shared.rows((EXAMPLES / "custom_fields_make_view.sql").read_text())
    shared.rows(row["statement"])
    found = {row["work_order_id"]: row for row in shared.rows("select * from work_order_custom_columns")}
    filled = 0
    for api in shared.companies.values():
        for one in api.company.visible_ids():
            groups = api.company.work_order(one)["custom_fields"]["results"]
            for definition in (custom for group in groups for custom in group["results"]):
                value = found[one][f"{definition['name']} {definition['id']}"]
                assert value == (definition["value"] or None)
                filled += value is not None
    assert filled > WORK_ORDERS


CHECKS = (
    all_rows_of_both_are_there,
    the_ids_of_one_company_have_another_meaning_in_the_other,
    a_list_of_one_company_can_change,
    the_view_of_custom_fields_has_those_of_both,
    each_company_has_its_own_spans,
)


def test_two_companies_share_tables(shared: Shared, subtests: pytest.Subtests) -> None:
    """One test, so that one process loads what all of them need."""
    for check in CHECKS:
        with subtests.test(check.__name__):
            check(shared)
