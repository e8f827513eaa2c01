"""Every documented stream: its rows, its cost, and what happens if the account may not read it."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import typing as t
from collections import Counter

import msgspec
import pytest
from jsonschema import Draft7Validator

from emulator import Emulator
from emulator.endpoints import paging as emulated_paging
from tap_fieldnation.api.errors import ApiError
from tap_fieldnation.streams.company import CompanyStream
from tap_fieldnation.streams.embedded import ChildStream
from tap_fieldnation.streams.work_orders import work_orders_of
from tests.whole import truth
from tests.whole.in_process import Run, catalog, names, run, settings

pytestmark = pytest.mark.long

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from emulator.http import Request, Response
    from emulator.json import Json

WORK_ORDERS, SMALL = 2_500, 60
REMOVALS = "work_order_removals"
OF_RUNS = {REMOVALS, "work_order_coverage", "sync_runs"}
DEFAULT = [name for name in names() if name not in {*truth.BY_REQUEST, *truth.OF_PARENTS}]

# Columns that no row of a whole reading has, and why.
EMPTY = {
    "sync_runs.reason": "the run is complete",
    f"{REMOVALS}.work_order_id": "nothing is removed during that run",
    f"{REMOVALS}.detected_at": "nothing is removed during that run",
    f"{REMOVALS}.extracted_at": "nothing is removed during that run",
    **dict.fromkeys(
        (
            "bonuses.amount",
            "custom_fields.filled_by",
            "custom_fields.options",
            "custom_fields.projects",
            "expense_categories.requires_receipt",
            "penalties.amount",
            "projects.active",
            "projects.template_id",
        ),
        "only the guides show it",
    ),
    "work_order_tasks.attachment": "the endpoint of the tasks has it, which is asked where a list is cut short",
}

# Column of `work_orders` -> where the emulator has what it names.
REFERENCES = {
    "client_id": ("clients", "id"),
    "project_id": ("projects", "id"),
    "template_id": ("templates", "id"),
    "location_id": ("locations", "id"),
    "type_of_work_id": ("types_of_work", "id"),
    "manager_id": ("managers", "id"),
    "provider_id": ("users", "id"),
}


def sections(*columns: str) -> dict[str, str]:
    """How the tap asks for work orders."""
    return {"list": "workorders_all", "sticky": "false", "f_": "", "per_page": "100", "columns": ",".join(columns)}


def orders_of(api: Emulator) -> list[truth.WorkOrder]:
    """Every work order, whole."""
    asked = sections(*api.company.work_order(api.company.visible_ids()[0]))
    found = [order for page in pages_of(api, asked) for order in page]
    assert sorted(order["id"] for order in found) == sorted(api.company.visible_ids())
    return found


def pages_of(api: Emulator, params: dict[str, str]) -> Iterator[list[truth.WorkOrder]]:
    pages = -(-len(api.company.visible_ids()) // 100)
    for page in range(1, pages + 1):
        yield api.get("/workorders", **params, page=str(page))["results"]


def strict(node: t.Any) -> t.Any:
    """A schema that allows no other properties than those that it names."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: strict(value) for key, value in node.items()}
    return {**node, "additionalProperties": False} if "properties" in node else node


def shape(value: t.Any) -> t.Any:
    """The keys and types of a value: two of the same shape are valid both, or none of them."""
    if type(value) is dict:
        return tuple([(key, shape(item)) for key, item in value.items()])
    return frozenset(map(shape, value)) if type(value) is list else type(value)


def validate(stream: str, done: Run) -> None:
    """Hold every record of a stream against its schema, column by column."""
    columns = done.out.schemas[stream]["schema"]["properties"]
    assert '""' not in json.dumps(done.out.rows[stream]), "an empty string is null"
    values = {(name, shape(value)): value for row in done.out.rows[stream] for name, value in row.items()}
    assert {name for name, _ in values} <= columns.keys()
    checks = {name: Draft7Validator(strict(node)) for name, node in columns.items()}
    assert [error.message for (name, _), value in values.items() for error in checks[name].iter_errors(value)] == []


def moments(stream: str, done: Run) -> None:
    """A row that stands in a work order was read with it."""
    read_at = {row["id"]: row["extracted_at"] for row in done.out.rows["work_orders"]}
    assert all(row["extracted_at"] == read_at[row["work_order_id"]] for row in done.out.rows[stream])


@pytest.fixture(scope="module")
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=WORK_ORDERS, seed=1, rate_limit=0) as running:
        yield running


@pytest.fixture
def small() -> Iterator[Emulator]:
    with Emulator(work_orders=SMALL, seed=6, rate_limit=0) as running:
        yield running


def test_everything(api: Emulator, subtests: pytest.Subtests) -> None:
    """One run with all streams selected: the rows are the emulator's, and of the form that their schemas say."""
    done = run(api, catalog(names()))
    orders = orders_of(api)
    some = orders[::4]
    for stream in names():
        with subtests.test(stream):
            validate(stream, done)
            columns = done.out.schemas[stream]["schema"]["properties"]
            filled = {name for row in done.out.rows[stream] for name, value in row.items() if value is not None}
            assert {f"{stream}.{name}" for name in columns.keys() - filled} == {
                name for name in EMPTY if name.startswith(f"{stream}.")
            }
            if stream in OF_RUNS:
                continue
            if stream in truth.EMBEDDED:
                moments(stream, done)
            truth.compare(api, stream, done, some if stream in truth.OF_A_WORK_ORDER else orders)
    with subtests.test("work orders show how many there are of what is asked for"):
        assert len(done.out.rows["work_order_requests"]) == sum(order["publish_stats"]["requests"] for order in orders)
        first = Counter(row["work_order_id"] for row in done.out.rows["work_order_messages"] if row["parent_id"] == "0")
        assert first == Counter({order["id"]: order["messages"]["metadata"]["total"] for order in orders})
        revisits = sum(order["site_revisit"]["revisit_count"] for order in orders)
        assert len(done.out.rows["work_order_site_revisits"]) == revisits
    with subtests.test("what work orders refer to is there"):
        for column, (stream, key) in REFERENCES.items():
            named = {row[column] for row in done.out.rows["work_orders"]} - {None}
            assert len(named) > 10
            assert named <= {row[key] for row in done.out.rows[stream]}, column
    with subtests.test("nothing was left out"):
        assert done.warnings == []
        made = [stream for stream in done.tap.streams.values() if isinstance(stream, (ChildStream, CompanyStream))]
        found = [work_orders_of(done.tap.streams).mismatches, *(stream.row_builder.mismatches for stream in made)]
        assert [some for some in found if some.invalid_values or some.unknown_keys] == []


def test_the_default_selection_costs_little(api: Emulator) -> None:
    api.reset_log()
    done = run(api)
    assert {name for name, rows in done.out.rows.items() if rows} == {*DEFAULT} - {REMOVALS}
    asked = Counter(re.sub(r"[0-9a-f-]{36}|\d+", "N", entry.path) for entry in api.log)
    lists = {re.sub(r"\d+", "N", path) for path in (truth.path_of(api, stream) for stream in truth.COMPANY)}
    assert asked.keys() - lists == {"/workorders", "/authentication/api/oauth/token"}
    assert sum(asked[path] for path in asked.keys() - lists) <= -(-WORK_ORDERS // 100) + 15
    assert sum(asked[path] for path in lists) <= len(lists) + 5, (
        "240 locations and 118 projects are on several pages; clients are asked for three times"
    )


def test_a_removed_work_order_is_a_removal(small: Emulator) -> None:
    selected = catalog({"work_orders", REMOVALS})
    first = run(small, selected)
    assert first.out.rows[REMOVALS] == []
    gone = next(row["id"] for row in first.out.rows["work_orders"] if row["status_name"] == "Assigned")
    assert small.change("archive", gone)
    second = run(small, selected, first.out.state)
    validate(REMOVALS, second)
    [row] = second.out.rows[REMOVALS]
    assert row["work_order_id"] == gone
    assert row["detected_at"] == row["extracted_at"] > max(row["extracted_at"] for row in first.out.rows["work_orders"])


def test_lists_that_are_cut_short_are_completed(small: Emulator, subtests: pytest.Subtests) -> None:
    small.switch(embedded_cut=1)
    done = run(small, catalog({"work_orders", *truth.EMBEDDED}))
    orders = orders_of(small)
    assert sum(order["tags"]["metadata"]["total"] > len(order["tags"]["results"]) for order in orders) > 10
    whole = [small.company.work_order(order["id"]) for order in orders]
    for order in whole:
        if order["tasks"]["metadata"]["total"] > 1:  # the endpoint shows more of a task than the work order does
            order["tasks"] = list(map(truth.as_embedded, small.rows(f"/workorders/{order['id']}/tasks")))
    for stream in truth.EMBEDDED:
        with subtests.test(stream):
            truth.compare(small, stream, done, whole)
            validate(stream, done)
            moments(stream, done)
    assert any(row.get("attachment") for row in done.out.rows["work_order_tasks"])
    assert done.warnings == []


def test_a_list_of_a_work_order_removed_meanwhile_is_no_failure(small: Emulator) -> None:
    small.switch(embedded_cut=1)
    small.faults([{"match": {"path": "/workorders/*", "nth": 1, "times": 1}, "do": "404"}])
    done = run(small, catalog({"work_orders", "work_order_tags"}))
    assert small.unserved_faults() == []
    assert len(done.warnings) == 1
    assert len(done.out.rows["work_orders"]) == SMALL


def details(api: Emulator) -> Counter[str]:
    """How many details were asked for, by the list that they belong to."""
    paths = (re.fullmatch(r"/(clients|projects|templates)/\d+", entry.path) for entry in api.log)
    return Counter(match[1] for match in paths if match)


def test_details_are_read_one_by_one_where_a_list_sends_ids(small: Emulator) -> None:
    small.switch(ignore_columns=True)
    selected = catalog(set(truth.ONE_BY_ONE))
    first = run(small, selected)
    book = small.company.directory
    many = {"clients": len(book.clients), "projects": len(book.projects), "templates": len(book.templates)}
    assert details(small) == many
    for stream in truth.ONE_BY_ONE:
        truth.compare(small, stream, first, [])

    small.reset_log()
    newest = dataclasses.replace(book.clients[-1], id=book.clients[-1].id + 7, name="Newcomer")
    book.clients.append(newest)
    second = run(small, selected, first.out.state, reconcile_days=36_500)
    assert details(small) == {"clients": 1}, "only what is new"
    assert [row["name"] for row in second.out.rows["clients"]] == ["Newcomer"]

    small.reset_log()
    run(small, selected, second.out.state, reconcile_days=1e-7)
    assert details(small) == {**many, "clients": many["clients"] + 1}, "all again, as reconcile_days are over"

    small.reset_log()
    run(small, selected, second.out.state, reconcile_days=0)
    assert details(small) == {}, "never again"


@pytest.mark.parametrize("way", ["metadata", "cursor", "none"])
def test_lists_of_many_pages(small: Emulator, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By number, by cursor and unpaged: the server sends 20 rows a page, however many are requested."""
    monkeypatch.setattr(emulated_paging, "MAX_PER_PAGE", 20)
    small.switch(territory_paging=way)
    lists = (*truth.COMPANY, *truth.OF_PARENTS) if way == "metadata" else ("service_territories",)
    done = run(small, catalog({*lists, "service_territory_providers"}))
    for stream in lists:
        truth.compare(small, stream, done, [])
    pages = {
        "/locations": 12,
        "/projects": 6,
        "/talent-pool-groups": 3,
        "/service-territories": 1 if way == "none" else 2,
        "/company/managers": 1,
    }
    asked = {path: len(small.log.of(path)) for path in pages}
    assert asked == {path: pages[path] if small.log.of(path) else 0 for path in pages}
    assert asked["/service-territories"], "its providers need it, and ask for it once"


def test_parents_need_not_be_selected(small: Emulator) -> None:
    done = run(small, catalog(truth.OF_PARENTS))
    for stream in truth.OF_PARENTS:
        truth.compare(small, stream, done, [])
    assert {name for name, rows in done.out.rows.items() if rows} == set(truth.OF_PARENTS)
    run(small, catalog({"types_of_work", "service_types"}))
    assert len(small.log.of("/types-of-work")) == 2, "once for each of the two runs"


# What is refused -> the streams that then cannot be read.
REFUSED = {
    "/clients,/company/20843/networks": {"clients", "networks"},
    "/users": {"users"},
    "/workorders/": set(truth.OF_A_WORK_ORDER),
    "/preferred-provider-groups/": {"talent_pool_providers"},
    "/types-of-work": {"types_of_work", "service_types"},
}


def edit_all(api: Emulator) -> None:
    """Change every work order, and what is requested because of it: an unchanged one calls for no request."""
    for one in api.company.visible_ids():
        for kind in ("edit_description", "add_message", "add_request"):
            api.change(kind, one)


@pytest.mark.parametrize("switch", ["forbidden", "missing"])
@pytest.mark.parametrize("paths", REFUSED)
def test_a_stream_that_may_not_be_read(
    small: Emulator, switch: str, paths: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_fieldnation.streams.by_request.MAX_REFUSALS", 5)  # open work orders name 9 users
    refused = REFUSED[paths]
    others = {"work_orders", "work_order_tags", "tags", "managers"}
    listed = catalog(refused | others)
    small.switch(**{switch: paths})
    done = run(small, listed)
    assert sorted(text.partition(":")[0] for text in done.warnings) == sorted(refused), done.warnings
    assert {name for name, rows in done.out.rows.items() if rows} == others
    assert len(small.log) < 60, "it went on asking"
    asked = [entry.path for entry in small.log if entry.status in {403, 404}]
    assert len(asked) == len(set(asked)), "it asked again for what was refused"

    small.switch(**{switch: ""})
    granted = run(small, listed, done.out.state)
    # Requested for unchanged work orders too. Open ones have no revisits.
    assert {name for name in refused if granted.out.rows[name]} == refused - {"work_order_site_revisits"}
    state = granted.out.state
    small.switch(**{switch: paths})
    edit_all(small)
    with pytest.raises(ApiError, match="|".join(refused)):
        run(small, listed, state)


@pytest.mark.parametrize("switch", ["forbidden", "missing"])
def test_work_orders_that_may_not_be_read_are_an_error(small: Emulator, switch: str) -> None:
    small.switch(**{switch: "/workorders"})
    with pytest.raises(ApiError, match="work_orders"):
        run(small, catalog({"work_orders"}))


def test_a_process_reports_a_stream_that_may_not_be_read(small: Emulator, tmp_path: Path) -> None:
    small.switch(forbidden="/clients")
    (tmp_path / "config.json").write_text(json.dumps(settings(small)))
    command = [sys.executable, "-m", "tap_fieldnation", "--config", "config.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("/clients") == 1
    assert "permission" in done.stderr
    small.switch(forbidden="")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, encoding="utf-8")
    states = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"type":"STATE"')]
    (tmp_path / "state.json").write_text(json.dumps(states[-1]["value"]))
    small.switch(forbidden="/clients")
    command += ["--state", "state.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, encoding="utf-8")
    assert done.returncode != 0
    assert "clients: /api/rest/v2/clients returned HTTP 403" in done.stderr.splitlines()[-1]


def test_version_messages_come_last_and_for_company_data_only(small: Emulator) -> None:
    done = run(small, catalog(names()), emit_activate_version_messages=True)
    for stream in names():
        versions = {version for _, version in done.out.versions[stream]}
        if stream not in truth.COMPANY:
            assert versions <= {None}, stream
            continue
        assert len(versions) == 1, stream
        assert None not in versions
        mine = [kind for kind, name in done.out.order if name == stream and kind in {"RECORD", "ACTIVATE_VERSION"}]
        assert mine == ["RECORD"] * len(done.out.rows[stream]) + ["ACTIVATE_VERSION"], stream


def test_no_version_message_unless_asked_for(small: Emulator) -> None:
    assert "ACTIVATE_VERSION" not in {kind for kind, _ in run(small).out.order}


def _completed(done: Run) -> set[str]:
    return {stream for kind, stream in done.out.order if kind == "ACTIVATE_VERSION"}


def test_no_version_message_for_an_incomplete_list(small: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    selected = catalog({"clients", "tags", "bonuses", "templates"})
    versioned: dict[str, t.Any] = {"emit_activate_version_messages": True}

    def one_short(request: Request, rows: list[Json]) -> Response:
        response = emulated_paging.resource_page(request, rows)
        body = msgspec.json.decode(response.body)
        body["results"].pop()
        response.body = msgspec.json.encode(body)
        return response

    small.switch(forbidden="/bonuses")
    with monkeypatch.context() as patch:
        patch.setattr("emulator.endpoints.clients.resource_page", one_short)
        done = run(small, selected, **versioned)
    assert _completed(done) == {"tags", "templates"}, "bonuses are refused, and one client is counted but not sent"
    assert [
        text
        for text in done.warnings
        if text == "clients: clients: the API counts 56 rows but returned 55, also when asked again."
    ]

    small.switch(forbidden="", ignore_columns=True)
    first = run(small, selected, **versioned)
    assert _completed(first) == {"clients", "tags", "bonuses", "templates"}
    second = run(small, selected, first.out.state, reconcile_days=36_500, **versioned)
    assert _completed(second) == {"tags", "bonuses"}, "most details were left to a later run"

    assert _completed(run(small, selected, max_minutes=1e-9, **versioned)) == set()
