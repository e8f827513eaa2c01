"""The catalog, the schemas and the API's documentation agree."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

from emulator import Emulator
from tap_fieldnation.records import schema as schemas
from tap_fieldnation.streams import catalog
from tests.whole import in_process, truth
from tools import docs, streams_page
from tools.snapshot import kind

if t.TYPE_CHECKING:
    from collections.abc import Iterator

# The fields that Field Nation's REST API v2 documentation shows in the response from which each stream is read.
DOCUMENTED: dict[str, list[str]] = json.loads(
    Path(__file__).with_name("documented_leaves.json").read_text(encoding="utf-8")
)

# Where the rows are in these responses.
ROWS = re.compile(r"^(?:(?:results|data|revisits)\[\]|\[\])\.")
ONE_ROW = {"work_orders", *(entry.name for entry in catalog.BY_REQUEST if entry.rows == ".")}

# Documented fields that no schema has, as patterns, and why. Fields outside the rows begin with a slash.
EVERYWHERE = {
    r"/?(.*\.)?actions(\[\])?": "what the caller may do with the object",
    r"/?(.*\.)?correlation_id": "an id of the response, different each time",
    r"/(results\[\]\.)?(metadata|pagination)\..*": "how the list is paged",
    r"/(params\[\]|lists\[\]\..*|search_text|fs?_.*|exception)": "for the list on the web page",
    r".*\.metadata\.(available_.*|company_columns.*|default_columns|columns|list|order|sort|view)": "the same",
    r"/sum\..*": "counts and sums of the rows, which SQL can compute",
}
OMITTED: dict[str, dict[str, str]] = {
    "clients": {r"work_order_counts\..*": "counts of work orders, which SQL can compute"},
    "projects": {r"tiered_auto_dispatch\.(time_remaining|validation)": "different at every read"},
    "service_territory_providers": {r"/results\[\]": "documented as objects without any key"},
    "talent_pool_group_providers": {r"tier\.providers\[\]\..*": "the rows of the stream again"},
    "talent_pool_providers": {r"(showSpotyBanner2019|update_username.*)": "for the web page"},
    "templates": {
        r"data\.(_no_model_update|_v|tab)": "for the form on the web page",
        r"(data|v2)\.pay\.(bonuses|penalties)\.(params\[\]|lists\[\]\..*|fs?_.*)": "for the web page",
    },
    "work_order_attachments": {
        r"/results\[\]\.((min|max)_(bytes|files)|expense|task\..*)": "of the folder; an empty folder has no row",
        r"workorder_id": "work_order_id",
    },
    "work_order_custom_fields": {r"/internal\..*": "the row of one of the fields again"},
    "work_order_messages": {r"replies\[\]\..*": "replies are rows"},
    "work_order_pay_increases": {r"/minimum": "a limit of the web page"},
    "work_order_problems": {
        r"/active\..*": "the row of the open problem again",
        r"/types\[\]\..*": "for the web page",
    },
    "work_order_requests": {r"request\.work_order\.id": "work_order_id"},
    "work_order_tasks": {
        r"alerts\[\]\.email": "is the column alerts, as in the work order",
        r"alerts\[\]\.id": "a sequence number",
        r"attachments\.results\[\]\.workorder_id": "work_order_id",
    },
    "work_order_time_logs": {r"/hours": "the sum of the rows, which SQL can compute"},
    "work_orders": {
        r"location\.(map\..*|zoom)": "links to a map of the coordinates",
        r"messages\..*": "requested only if work_order_messages is selected",
        r"schedule\.today_tomorrow": "different at every read",
        r"status\.delay": "different at every read",
    },
}


def paths(node: dict[str, t.Any], path: str = "") -> Iterator[str]:
    """Every path in a schema, in the names of the API; items of lists have the path of the list."""
    yield path
    for name, child in node.get("properties", {}).items():
        source = child.get(schemas.SOURCE, name)
        yield from paths(child, f"{path}.{source}" if path else source)
    if "items" in node:
        yield from paths(node["items"], path)


# Streams that no endpoint returns.
OWN = {catalog.REMOVALS, catalog.COVERAGE, catalog.RUNS}


def entries() -> dict[str, catalog.Embedded | catalog.ByRequest | catalog.Company]:
    return {entry.name: entry for entry in (*catalog.EMBEDDED, *catalog.BY_REQUEST, *catalog.COMPANY)}


def in_row(stream: str, leaf: str) -> str | None:
    """The path in a row of a field of the response; None for a field outside the rows."""
    if stream in ONE_ROW:
        return leaf
    entry = entries()[stream]
    if isinstance(entry, catalog.ByRequest) and leaf.partition(".")[0].removesuffix("[]") in entry.envelope:
        return leaf
    within, count = ROWS.subn("", leaf)
    if isinstance(entry, catalog.Embedded) and entry.group_key:
        row, count = ROWS.subn("", within)
        if not count:
            return next((column for column, key in entry.lift.items() if key == within), None)
        within = row
    return within if count else None


def reason(stream: str, leaf: str) -> str | None:
    """The pattern of the exceptions that matches a documented field."""
    name = in_row(stream, leaf) or f"/{leaf}"
    patterns = {**EVERYWHERE, **OMITTED.get(stream, {})}
    return next((pattern for pattern in patterns if re.fullmatch(pattern, name)), None)


def test_the_documented_fields_of_every_stream_are_listed() -> None:
    assert DOCUMENTED.keys() == docs.streams().keys() - OWN
    assert sum(map(len, DOCUMENTED.values())) > 2_500


@pytest.mark.parametrize("stream", sorted(DOCUMENTED))
def test_every_documented_field_is_in_the_schema_or_omitted_for_a_reason(stream: str) -> None:
    known = set(paths(schemas.load(stream)))
    missing = []
    for leaf in DOCUMENTED[stream]:
        row = in_row(stream, leaf)
        is_column = row is not None and row.replace("[]", "") in known
        if not is_column and reason(stream, leaf) is None:
            missing.append(leaf)
    assert missing == []


def test_every_exception_is_used() -> None:
    used = {(stream, reason(stream, leaf)) for stream, leaves in DOCUMENTED.items() for leaf in leaves}
    patterns = {pattern for _, pattern in used}
    assert set(EVERYWHERE) <= patterns
    assert {(stream, pattern) for stream, some in OMITTED.items() for pattern in some} <= used


@pytest.mark.parametrize("stream", sorted(OMITTED))
def test_an_omitted_field_is_not_in_the_schema(stream: str) -> None:
    known = set(paths(schemas.load(stream)))
    for leaf in DOCUMENTED[stream]:
        row = in_row(stream, leaf)
        if row and reason(stream, leaf) in OMITTED[stream]:
            assert row.replace("[]", "") not in known, leaf


def test_the_emulator_serves_every_stream(subtests: pytest.Subtests) -> None:
    with Emulator(work_orders=40, seed=6, rate_limit=0) as api:
        done = in_process.run(api, in_process.catalog(in_process.names()))
        orders = list(api.company.work_orders())
        assert done.warnings == []
        for stream in docs.streams().keys() - OWN:
            with subtests.test(stream):
                truth.compare(api, stream, done, orders)


def test_names_are_unique_and_fit_for_sql() -> None:
    listed = [*OWN, *entries()]
    assert len(listed) == len(set(listed))
    assert all(re.fullmatch(r"[a-z][a-z_]{2,39}", name) for name in listed)


def test_no_embedded_list_is_within_another() -> None:
    """Rows of one stream must not be objects within the rows of another: both are conformed in place."""
    paths = sorted(f"{path}." for path in catalog.embedded_paths())
    assert len(paths) == len(catalog.EMBEDDED)
    assert not [path for path in paths for other in paths if path != other and path.startswith(other)]


def test_keys_of_parent_streams_are_columns() -> None:
    companies = {entry.name: entry for entry in catalog.COMPANY}
    children = [entry for entry in catalog.COMPANY if entry.parent]
    assert children
    for entry in children:
        assert entry.parent_key in companies[entry.parent].keys
        assert entry.parent_column in entry.keys
        assert "{id}" in entry.path
        column = schemas.load(entry.name)["properties"][entry.parent_column]
        assert column["type"] == schemas.load(entry.parent)["properties"][entry.parent_key]["type"]
        assert not entry.selected


JOINS = re.compile(r"\bjoins? ([^;(]*)")


def described(node: dict[str, t.Any], path: str) -> Iterator[tuple[str, dict[str, t.Any]]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from described(child, f"{path}.{name}")
    if "items" in node:
        yield from described(node["items"], path)


def test_a_key_that_a_description_joins_exists_and_has_the_same_type() -> None:
    streams = docs.streams()
    seen = 0
    for stream in streams:
        for path, node in described(schemas.load(stream), stream):
            if kind(node) in {"array", "object"}:
                continue
            for said in JOINS.findall(node.get("description", "")):
                for other, column in streams_page.JOINED.findall(said):
                    target = streams[other].schema["properties"][column]
                    assert kind(target) == kind(node), path
                    seen += 1
    assert seen > 100


def test_descriptions_of_work_orders_and_child_streams_say_what_they_join() -> None:
    streams = docs.streams()
    for name in streams:
        if name.startswith("work_order_") and name not in OWN - {catalog.REMOVALS}:
            assert ("work_order_id", "work_orders", "id") in set(streams_page.joins(streams, name))
    joined = {(column, other) for column, other, _ in streams_page.joins(streams, "work_orders")}
    assert joined == {
        ("client_id", "clients"),
        ("location_id", "locations"),
        ("manager_id", "managers"),
        ("manager_id", "users"),
        ("project_id", "projects"),
        ("provider_id", "users"),
        ("template_id", "templates"),
        ("type_of_work_id", "types_of_work"),
    }
