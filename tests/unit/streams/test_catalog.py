"""The catalogue, the schemas and the API's documentation say the same."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest

from tap_fieldnation.records import schema as schemas
from tap_fieldnation.streams import catalog
from tools import docs, streams_page
from tools.snapshot import kind

if t.TYPE_CHECKING:
    from collections.abc import Iterator

# What Field Nation's REST API v2 documentation shows in the answer that each stream is read from.
DOCUMENTED: dict[str, list[str]] = json.loads(
    Path(__file__).with_name("documented_leaves.json").read_text(encoding="utf-8")
)

# Where the rows are in these answers: everything else is around them.
ROWS = re.compile(r"^(?:(?:results|data|revisits)\[\]|\[\])\.")
NO_LIST = ("users", "work_orders")

# What is left out, and why. What stands around the rows begins with a slash.
EVERYWHERE = {
    r"/?(.*\.)?actions(\[\])?": "what the caller may do with it, which says nothing of the thing",
    r"/?(.*\.)?correlation_id": "an id of the answer, which is another each time",
    r"/(results\[\]\.)?(metadata|pagination)\..*": "how the list is paged",
    r"/(params\[\]|lists\[\]\..*|search_text|fs?_.*|exception)": "what the web page shows around a list",
    r".*\.metadata\.(available_.*|company_columns.*|default_columns|columns|list|order|sort|view)": "the same",
    r"/sum\..*": "counts and sums of the rows, which SQL can make",
}
LEFT_OUT: dict[str, dict[str, str]] = {
    "clients": {r"work_order_counts\..*": "changes with every work order, and SQL can count them"},
    "projects": {r"tiered_auto_dispatch\.(time_remaining|validation)": "changes at every read without a change"},
    "service_territory_providers": {r"/results\[\]": "documented as objects without any key"},
    "talent_pool_group_providers": {r"tier\.providers\[\]\..*": "the rows of the stream once more"},
    "talent_pool_providers": {r"(showSpotyBanner2019|update_username.*)": "what the web page shows to this person"},
    "templates": {
        r"data\.(_no_model_update|_v|tab)": "what the web page remembers of its form",
        r"(data|v2)\.pay\.(bonuses|penalties)\.(params\[\]|lists\[\]\..*|fs?_.*)": "what the web page shows of it",
    },
    "work_order_attachments": {
        r"/results\[\]\.((min|max)_(bytes|files)|expense|task\..*)": "of the folder: an empty one has no row",
        r"workorder_id": "work_order_id",
    },
    "work_order_custom_fields": {r"/internal\..*": "the row of one of the fields once more"},
    "work_order_messages": {r"replies\[\]\..*": "replies are rows"},
    "work_order_pay_increases": {r"/minimum": "the least that one may ask for, on the web page"},
    "work_order_problems": {
        r"/active\..*": "the row of the open problem once more",
        r"/types\[\]\..*": "what the web page offers to choose from",
    },
    "work_order_requests": {r"request\.work_order\.id": "work_order_id"},
    "work_order_tasks": {
        r"alerts\[\]\.email": "is what stands in alerts, as it does within a work order",
        r"alerts\[\]\.id": "a running number",
        r"attachments\.results\[\]\.workorder_id": "work_order_id",
    },
    "work_order_time_logs": {r"/hours": "the sum of the rows, which SQL can make"},
    "work_orders": {
        r"location\.(map\..*|zoom)": "links to a map, made from the coordinates",
        r"messages\..*": "asked for only where work_order_messages is selected",
        r"schedule\.today_tomorrow": "changes at every read without a change",
        r"status\.delay": "changes at every read without a change",
    },
}


def places(node: dict[str, t.Any], place: str = "") -> Iterator[str]:
    """Every place that a schema has, by the names that the API uses, lists or not."""
    yield place
    for name, child in node.get("properties", {}).items():
        source = child.get(schemas.SOURCE, name)
        yield from places(child, f"{place}.{source}" if place else source)
    if "items" in node:
        yield from places(node["items"], place)


def entries() -> dict[str, catalog.Embedded | catalog.ByRequest | catalog.Company]:
    return {entry.name: entry for entry in (*catalog.EMBEDDED, *catalog.BY_REQUEST, *catalog.COMPANY)}


def in_row(stream: str, leaf: str) -> str | None:
    """Where a row has what the answer has at this place; None for what is around the rows."""
    if stream in NO_LIST:
        return leaf
    entry = entries()[stream]
    if isinstance(entry, catalog.ByRequest) and leaf.partition(".")[0].removesuffix("[]") in entry.envelope:
        return leaf
    within, count = ROWS.subn("", leaf)
    if isinstance(entry, catalog.Embedded) and entry.inner:
        row, count = ROWS.subn("", within)
        if not count:
            return next((column for column, key in entry.lift.items() if key == within), None)
        within = row
    return within if count else None


def reason(stream: str, leaf: str) -> str | None:
    """The exception that a leaf falls under."""
    name = in_row(stream, leaf) or f"/{leaf}"
    patterns = {**EVERYWHERE, **LEFT_OUT.get(stream, {})}
    return next((pattern for pattern in patterns if re.fullmatch(pattern, name)), None)


def test_the_documentation_is_known_for_every_stream() -> None:
    assert DOCUMENTED.keys() == docs.streams().keys() - {catalog.REMOVALS}
    assert sum(map(len, DOCUMENTED.values())) > 2_500


@pytest.mark.parametrize("stream", sorted(DOCUMENTED))
def test_every_documented_leaf_is_in_the_schema_or_left_out_for_a_reason(stream: str) -> None:
    known = set(places(schemas.load(stream)))
    missing = []
    for leaf in DOCUMENTED[stream]:
        row = in_row(stream, leaf)
        there = row is not None and row.replace("[]", "") in known
        if not there and reason(stream, leaf) is None:
            missing.append(leaf)
    assert missing == []


def test_no_exception_is_out_of_date() -> None:
    used = {(stream, reason(stream, leaf)) for stream, leaves in DOCUMENTED.items() for leaf in leaves}
    patterns = {pattern for _, pattern in used}
    assert set(EVERYWHERE) <= patterns
    assert {(stream, pattern) for stream, some in LEFT_OUT.items() for pattern in some} <= used


@pytest.mark.parametrize("stream", sorted(LEFT_OUT))
def test_what_is_left_out_is_not_in_the_schema(stream: str) -> None:
    """Where an exception is made for one stream, it is one: the schema does not have the leaf after all."""
    known = set(places(schemas.load(stream)))
    for leaf in DOCUMENTED[stream]:
        row = in_row(stream, leaf)
        if row and reason(stream, leaf) in LEFT_OUT[stream]:
            assert row.replace("[]", "") not in known, leaf


def test_names_are_unique_and_fit_for_sql() -> None:
    listed = [catalog.REMOVALS, *entries()]
    assert len(listed) == len(set(listed))
    assert all(re.fullmatch(r"[a-z][a-z_]{2,39}", name) for name in listed)


def test_keys_of_parents_are_columns_of_theirs() -> None:
    companies = {entry.name: entry for entry in catalog.COMPANY}
    children = [entry for entry in catalog.COMPANY if entry.parent]
    assert len(children) == 4
    for entry in children:
        assert entry.parent_key in companies[entry.parent].keys
        assert entry.parent_column in entry.keys
        assert "{id}" in entry.path
        column = schemas.load(entry.name)["properties"][entry.parent_column]
        assert column["type"] == schemas.load(entry.parent)["properties"][entry.parent_key]["type"]
        assert not entry.selected


JOINS = re.compile(r"\bjoins? ([^;(]*)")


def described(node: dict[str, t.Any], place: str) -> Iterator[tuple[str, dict[str, t.Any]]]:
    yield place, node
    for name, child in node.get("properties", {}).items():
        yield from described(child, f"{place}.{name}")
    if "items" in node:
        yield from described(node["items"], place)


def test_what_a_description_says_to_join_is_there_and_of_the_same_type() -> None:
    streams = docs.streams()
    seen = 0
    for stream in streams:
        for place, node in described(schemas.load(stream), stream):
            if kind(node) in {"array", "object"}:
                continue
            for said in JOINS.findall(node.get("description", "")):
                for other, column in streams_page.JOINED.findall(said):
                    target = streams[other].schema["properties"][column]
                    assert kind(target) == kind(node), place
                    seen += 1
    assert seen > 100


def test_everything_hangs_together() -> None:
    streams = docs.streams()
    for name in streams:
        if name.startswith("work_order_"):
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
