"""Volatile values: which they are, and that they can be hidden and put back."""

from __future__ import annotations

import copy
import typing as t

import pytest

from tap_fieldnation.records import lifted, schema
from tap_fieldnation.records.volatile import ITEMS, compile_hide, paths
from tests.unit.records.test_schema import STREAMS

NUMBER: t.Any = {"type": ["number", "null"]}
VOLATILE: t.Any = {**NUMBER, "x-volatile": True}
PROVIDERS: t.Any = {
    "type": ["array", "null"],
    "items": {"type": ["object", "null"], "properties": {"id": NUMBER, "score": VOLATILE}},
}
SCHEMA: t.Any = {
    "type": "object",
    "properties": {
        "id": NUMBER,
        "seen": VOLATILE,
        "rating": {
            "type": ["object", "null"],
            "properties": {
                "own": NUMBER,
                "overall": {"type": ["object", "null"], "properties": {"stars": NUMBER}, "x-volatile": True},
            },
        },
        "groups": {
            "type": ["array", "null"],
            "items": {"type": ["object", "null"], "properties": {"name": NUMBER, "providers": PROVIDERS}},
        },
    },
}
RECORD: dict[str, t.Any] = {
    "id": 1,
    "seen": 2,
    "rating": {"own": 3, "overall": {"stars": 4}},
    "groups": [{"name": 5, "providers": [{"id": 6, "score": 7}, None, {"id": 8, "score": 9}]}, {"providers": None}],
}


def test_paths_lead_through_objects_and_lists() -> None:
    assert list(paths(SCHEMA)) == [
        ("seen",),
        ("rating", "overall"),
        ("groups", ITEMS, "providers", ITEMS, "score"),
    ]


def test_volatile_values_are_null_until_they_are_put_back() -> None:
    record = copy.deepcopy(RECORD)
    restore = compile_hide(SCHEMA)(record)
    assert record == {
        "id": 1,
        "seen": None,
        "rating": {"own": 3, "overall": None},
        "groups": [
            {"name": 5, "providers": [{"id": 6, "score": None}, None, {"id": 8, "score": None}]},
            {"providers": None},
        ],
    }
    restore()
    assert record == RECORD


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"id": 1, "rating": None, "groups": None},
        {"rating": {"own": 3}, "groups": [None, {}, {"providers": [{}]}]},
        {"rating": "text", "groups": {"0": {"providers": []}}},
    ],
)
def test_a_record_without_them_stays_as_it_is(record: dict[str, t.Any]) -> None:
    before = copy.deepcopy(record)
    restore = compile_hide(SCHEMA)(record)
    assert record == before
    restore()
    assert record == before


def test_the_schemas_have_some() -> None:
    marked = {stream: list(paths(schema.load(stream))) for stream in STREAMS}
    assert ("ratings", "buyer", "overall") in marked["work_orders"]
    assert marked["work_order_tags"] == []


@pytest.mark.parametrize("stream", STREAMS)
def test_no_key_and_no_lifted_column_is_volatile(stream: str) -> None:
    """A column that is lifted would differ where the value that it is taken from is hidden."""
    places = [".".join(filter(None, path)) for path in paths(schema.load(stream))]
    sources = {alternative for path in lifted.PATHS.get(stream, {}).values() for alternative in _alternatives(path)}
    sources |= {name for name, node in schema.load(stream)["properties"].items() if "null" not in node["type"]}
    assert [(place, source) for place in places for source in sources if _is_within(source, place)] == []
    lists = lifted.PRIMARY.get(stream, {}).values()
    assert [(place, items) for place in places for items in lists if _is_within(place, items)] == []


def _alternatives(path: str) -> list[str]:
    *keys, leaves = path.split(".")
    return [".".join([*keys, leaf]) for leaf in leaves.split("|")]


def _is_within(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}.")
