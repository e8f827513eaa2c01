"""The schema files keep the rules that warehouses, and the rest of the tap, rely on."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

if t.TYPE_CHECKING:
    from collections.abc import Iterator

Node = dict[str, t.Any]

FOLDER = Path(__file__).resolve().parents[2] / "schemas"

KEYS: dict[str, tuple[str, ...]] = {
    "bonuses": ("id",),
    "clients": ("id",),
    "custom_fields": ("id",),
    "expense_categories": ("id", "type"),
    "incomplete_reasons": ("id",),
    "locations": ("id",),
    "managers": ("id",),
    "networks": ("network_id",),
    "penalties": ("id",),
    "projects": ("id",),
    "service_territories": ("id",),
    "service_territory_providers": ("service_territory_id", "provider_id"),
    "service_types": ("type_of_work_id", "id"),
    "site_revisit_reasons": ("reason_id",),
    "tags": ("id",),
    "talent_pool_group_providers": ("talent_pool_group_id", "provider_id"),
    "talent_pool_groups": ("talent_pool_group_id",),
    "talent_pool_providers": ("talent_pool_id", "user_id"),
    "talent_pools": ("id",),
    "templates": ("id",),
    "types_of_work": ("id",),
    "users": ("id",),
    "work_order_attachments": ("work_order_id", "folder_id", "id"),
    "work_order_bonuses": ("work_order_id", "id"),
    "work_order_contacts": ("work_order_id", "id"),
    "work_order_custom_fields": ("work_order_id", "id"),
    "work_order_discounts": ("work_order_id", "id"),
    "work_order_expenses": ("work_order_id", "id"),
    "work_order_fees": ("work_order_id", "name"),
    "work_order_messages": ("work_order_id", "msg_id"),
    "work_order_pay_increases": ("work_order_id", "id"),
    "work_order_penalties": ("work_order_id", "id"),
    "work_order_problems": ("work_order_id", "id"),
    "work_order_removals": ("work_order_id",),
    "work_order_requests": ("work_order_id", "provider_id", "request_id"),
    "work_order_shipments": ("work_order_id", "id"),
    "work_order_signatures": ("work_order_id", "id"),
    "work_order_site_revisits": ("work_order_id", "revisit_id"),
    "work_order_tags": ("work_order_id", "id"),
    "work_order_tasks": ("work_order_id", "id"),
    "work_order_time_logs": ("work_order_id", "id"),
    "work_orders": ("id",),
}

LIFTED: dict[str, str] = {
    "approved_at": "date-time",
    "assigned_at": "date-time",
    "cancelled_at": "date-time",
    "client_id": "integer",
    "client_name": "string",
    "company_id": "integer",
    "created_at": "date-time",
    "last_milestone_at": "date-time",
    "location_city": "string",
    "location_country": "string",
    "location_id": "integer",
    "location_state": "string",
    "location_zip": "string",
    "manager_id": "integer",
    "paid_at": "date-time",
    "pay_total": "number",
    "pay_type": "string",
    "project_id": "integer",
    "project_name": "string",
    "provider_id": "integer",
    "published_at": "date-time",
    "routed_at": "date-time",
    "scheduled_end_at": "date-time",
    "scheduled_start_at": "date-time",
    "status_id": "integer",
    "status_name": "string",
    "template_id": "integer",
    "time_zone": "string",
    "type_of_work_id": "integer",
    "type_of_work_name": "string",
    "work_done_at": "date-time",
}

# What a stream of its own holds: `work_orders` does not repeat it.
EMBEDDED = {
    "attachments",
    "contacts",
    "custom_fields",
    "problems",
    "shipments",
    "signatures",
    "tags",
    "tasks",
    "time_logs",
}
EMBEDDED_IN_PAY = {"bonuses", "discounts", "expenses", "fees", "increases", "penalties"}

LEFT_OUT_EVERYWHERE = {"actions", "correlation_id", "timings"}
TEXT_OF_DIGITS = {"cell", "ext", "location_zip", "phone", "phone_ext", "postalCode", "zip"}
OUR_OWN_MOMENTS = {"detected_at", "extracted_at"}
TYPES = {"array", "boolean", "integer", "number", "object", "string"}
KEYWORDS = {
    "$ref",
    "description",
    "format",
    "items",
    "properties",
    "type",
    "x-left-out",
    "x-placeholder-id",
    "x-source",
    "x-strip-query",
}


def read(name: str) -> Node:
    return t.cast("Node", json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))


COMMON: Node = read("common")["definitions"]
FILES: dict[str, Node] = {path.stem: read(path.stem) for path in FOLDER.glob("*.json") if path.stem != "common"}

each_stream = pytest.mark.parametrize("stream", sorted(FILES))
each_file = pytest.mark.parametrize("name", ["common", *sorted(FILES)])


def resolved(node: Node) -> Node:
    """A node without `$ref`; what stands beside it wins."""
    if "$ref" in node:
        file, _, name = node["$ref"].partition("#/definitions/")
        assert file == "common.json", node
        node = {**COMMON[name], **{key: value for key, value in node.items() if key != "$ref"}}
        return resolved(node)
    node = dict(node)
    if "properties" in node:
        node["properties"] = {name: resolved(child) for name, child in node["properties"].items()}
    if "items" in node:
        node["items"] = resolved(node["items"])
    return node


def below(node: Node, place: str) -> Iterator[tuple[str, Node]]:
    """Every property and every item under a node, with its place."""
    for name, child in node.get("properties", {}).items():
        yield f"{place}.{name}", child
        yield from below(child, f"{place}.{name}")
    if "items" in node:
        yield f"{place}[]", node["items"]
        yield from below(node["items"], f"{place}[]")


def everything() -> Iterator[tuple[str, Node]]:
    """All nodes of all files as they are written, the roots and the shared shapes among them."""
    for name, node in {**FILES, **COMMON}.items():
        yield name, node
        yield from below(node, name)


def all_resolved() -> Iterator[tuple[str, Node]]:
    for stream, node in FILES.items():
        yield from below(resolved(node), stream)


def listed(kind: str | list[str]) -> list[str]:
    return [kind] if isinstance(kind, str) else kind


def test_each_stream_has_its_file() -> None:
    assert sorted(FILES) == sorted(KEYS)


@each_stream
def test_is_valid_draft_7(stream: str) -> None:
    Draft7Validator.check_schema(resolved(FILES[stream]))


@each_stream
def test_says_what_a_row_is(stream: str) -> None:
    node = FILES[stream]
    assert node["type"] == "object"
    assert node["title"].lower() == stream.replace("_", " ")
    assert node["description"].startswith("One ")
    assert node["description"].endswith(".")
    assert set(node) <= {"title", "description", "type", "x-left-out", "properties"}


@each_file
def test_is_written_in_one_way(name: str) -> None:
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    assert text.endswith("\n}\n")
    assert not [line for line in text.splitlines() if re.match(r"(  )* \S|.*\s$|\t", line)]


def test_names_are_sorted() -> None:
    assert list(COMMON) == sorted(COMMON)
    for place, node in everything():
        assert list(node.get("properties", ())) == sorted(node.get("properties", ())), place
        assert node.get("x-left-out", []) == sorted(set(node.get("x-left-out", []))), place


def test_every_shared_shape_is_used() -> None:
    used = {node["$ref"].rpartition("/")[2] for _, node in everything() if "$ref" in node}
    assert used == set(COMMON)


def test_only_these_keywords_are_used() -> None:
    for place, node in everything():
        allowed = KEYWORDS | {"title"} if place in FILES else KEYWORDS
        assert set(node) <= allowed, place
        if "$ref" in node:
            assert set(node) <= {"$ref", "description"}, place


def test_every_property_is_described() -> None:
    for place, node in all_resolved():
        if place.endswith("[]"):
            continue
        text = node["description"]
        assert text[:1].isupper(), place
        assert text.endswith("."), place
        assert len(text) <= 140, place


def test_each_has_one_type_and_null() -> None:
    for place, node in all_resolved():
        kinds = listed(node["type"])
        assert kinds[0] in TYPES, place
        stream, _, name = place.partition(".")
        if name in {*KEYS[stream], *OUR_OWN_MOMENTS}:
            assert node["type"] in {"integer", "string"}, place
        else:
            assert kinds[1:] == ["null"], place


def test_containers_say_what_they_hold() -> None:
    for place, node in all_resolved():
        kind = listed(node["type"])[0]
        assert ("items" in node) == (kind == "array"), place
        assert bool(node.get("properties")) == (kind == "object"), place


def test_only_moments_in_utc_have_a_format() -> None:
    for place, node in all_resolved():
        name = place.rpartition(".")[2]
        is_moment = name == "utc" or (name.endswith("_at") and listed(node["type"])[0] == "string")
        assert node.get("format") == ("date-time" if is_moment else None), place
        if is_moment:
            assert "UTC" in node["description"], place


def test_dates_have_one_shape() -> None:
    for place, node in all_resolved():
        names = set(node.get("properties", ()))
        if "utc" in names:
            assert names >= {"utc", "local"} or names == {"utc", "date", "time"}, place
        if "local" in names:
            assert set(node["properties"]["local"]["properties"]) == {"date", "time"}, place


@each_stream
def test_columns_fit_any_warehouse(stream: str) -> None:
    columns = list(FILES[stream]["properties"])
    assert not [name for name in columns if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name)]
    assert len({name.lower() for name in columns}) == len(columns)


@each_stream
def test_keys_are_there_and_not_null(stream: str) -> None:
    columns = FILES[stream]["properties"]
    assert all(columns[key]["type"] in {"integer", "string"} for key in KEYS[stream])
    assert columns["extracted_at"]["type"] == "string"


def test_no_postal_code_or_phone_number_is_a_number() -> None:
    for place, node in all_resolved():
        if place.rpartition(".")[2] in TEXT_OF_DIGITS:
            assert listed(node["type"])[0] == "string", place


def test_money_has_cents() -> None:
    for place, node in all_resolved():
        if "US dollars" in node.get("description", "") and listed(node["type"])[0] not in {"array", "object"}:
            assert listed(node["type"])[0] == "number", place


@pytest.mark.parametrize(("column", "kind"), LIFTED.items())
def test_lifted_columns_of_work_orders(column: str, kind: str) -> None:
    node = FILES["work_orders"]["properties"][column]
    assert node.get("format", listed(node["type"])[0]) == kind


def test_work_orders_do_not_repeat_what_has_a_stream_of_its_own() -> None:
    node = FILES["work_orders"]
    pay = node["properties"]["pay"]
    assert EMBEDDED.isdisjoint(node["properties"])
    assert EMBEDDED.isdisjoint(node["x-left-out"])
    assert EMBEDDED_IN_PAY.isdisjoint(pay["properties"])
    assert EMBEDDED_IN_PAY.isdisjoint(pay["x-left-out"])


def test_left_out_is_not_also_kept() -> None:
    for place, node in all_resolved():
        left_out = set(node.get("x-left-out", ()))
        names = {child.get("x-source", name) for name, child in node.get("properties", {}).items()}
        assert left_out.isdisjoint(names), place
        assert LEFT_OUT_EVERYWHERE.isdisjoint(left_out | names), place


def test_placeholders_have_a_numeric_id() -> None:
    for place, node in everything():
        if "x-placeholder-id" in node:
            assert node["x-placeholder-id"] == 0, place
            assert node["properties"]["id"]["type"] == ["integer", "null"], place
            assert place not in FILES, place


def test_queries_are_stripped_from_links_only() -> None:
    for place, node in everything():
        if "x-strip-query" in node:
            assert node["x-strip-query"] is True, place
            assert node["type"] == ["string", "null"], place
            assert "Link to" in node["description"], place


def test_only_columns_are_renamed() -> None:
    for place, node in everything():
        if "x-source" in node:
            assert place.count(".") == 1, place
            assert place.partition(".")[0] in FILES, place
