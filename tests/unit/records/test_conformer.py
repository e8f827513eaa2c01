"""Whatever the API sends is made to fit the schema; what cannot fit becomes null and is counted; no record is lost."""

from __future__ import annotations

import copy
import json
import math
import re
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, FormatChecker

from emulator import Emulator
from tap_fieldnation.records import schema
from tap_fieldnation.records.conformer import IGNORED_EVERYWHERE, MAX_PLACES, OTHERS, Mismatches, compile_conformer
from tap_fieldnation.streams.catalog import EMBEDDED, embedded_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_fieldnation.records.conformer import Record
    from tap_fieldnation.records.schema import JsonSchema

BIG = 2**63


def conformed(node: JsonSchema, value: object, **more: JsonSchema) -> tuple[Any, Mismatches]:
    """A value in a record's property `x`, conformed, and the mismatches."""
    mismatches = Mismatches()
    conform = compile_conformer({"type": "object", "properties": {"x": node, **more}}, mismatches)
    return conform({"x": copy.deepcopy(value)}).get("x"), mismatches


def nullable(kind: str, **more: object) -> JsonSchema:
    return {"type": [kind, "null"], **more}


TIMESTAMP = nullable("string", format="date-time")
LINK = nullable("string", **{"x-strip-query": True})
LOCAL = nullable("object", properties={"date": nullable("string"), "time": nullable("string")})
DATE = nullable("object", properties={"utc": TIMESTAMP, "local": LOCAL})
PERSON = nullable(
    "object", **{"x-placeholder-id": 0}, properties={"id": nullable("integer"), "name": nullable("string")}
)
CHANGE = nullable("object", properties={"utc": TIMESTAMP, "local": LOCAL, "by": PERSON})
FLAT = nullable("object", properties={"utc": TIMESTAMP, "date": nullable("string"), "time": nullable("string")})
ZONED = nullable("object", properties={"utc": TIMESTAMP, "local": LOCAL, "time_zone": nullable("string")})

FITS = [
    # strings
    ("string", "", None),
    ("string", " a ", " a "),
    ("string", "ü😀", "ü😀"),
    ("string", 5, "5"),
    ("string", -1.5, "-1.5"),
    ("string", 1e22, "1e+22"),
    ("string", 10**30, str(10**30)),
    ("string", True, "true"),
    ("string", False, "false"),
    ("string", [], None),
    ("string", {}, None),
    # integers
    ("integer", 5, 5),
    ("integer", "5", 5),
    ("integer", " 5 ", 5),
    ("integer", "-5", -5),
    ("integer", "+5", 5),
    ("integer", "007", 7),
    ("integer", 5.0, 5),
    ("integer", "5.0", 5),
    ("integer", True, 1),
    ("integer", False, 0),
    ("integer", BIG - 1, BIG - 1),
    ("integer", -BIG, -BIG),
    ("integer", str(BIG - 1), BIG - 1),
    ("integer", "", None),
    ("integer", " ", None),
    ("integer", [], None),
    ("integer", {}, None),
    # numbers
    ("number", 5, 5),
    ("number", 12.34, 12.34),
    ("number", "12.34", 12.34),
    ("number", " 12.34 ", 12.34),
    ("number", "-0.50", -0.5),
    ("number", "1,234.50", 1234.5),
    ("number", "1e3", 1000.0),
    ("number", 10**20, 10**20),
    ("number", "", None),
    ("number", " ", None),
    ("number", [], None),
    ("number", {}, None),
    # booleans
    ("boolean", True, True),
    ("boolean", False, False),
    ("boolean", 1, True),
    ("boolean", 0, False),
    ("boolean", 1.0, True),
    ("boolean", "1", True),
    ("boolean", "0", False),
    ("boolean", "true", True),
    ("boolean", " False ", False),
    ("boolean", "YES", True),
    ("boolean", "no", False),
    ("boolean", "", None),
    ("boolean", " ", None),
    ("boolean", [], None),
    ("boolean", {}, None),
]
DOES_NOT_FIT = [
    ("string", {"a": 1}),
    ("string", ["a"]),
    ("integer", "five"),
    ("integer", "5a"),
    ("integer", "--5"),
    ("integer", "²"),
    ("integer", 5.5),
    ("integer", "5.5"),
    ("integer", "1e3"),
    ("integer", BIG),
    ("integer", -BIG - 1),
    ("integer", str(BIG)),
    ("integer", float(BIG)),
    ("integer", 1e300),
    ("integer", "1e999"),
    ("integer", "9" * 5000),
    ("integer", math.nan),
    ("integer", math.inf),
    ("integer", "nan"),
    ("integer", [5]),
    ("integer", {"id": 5}),
    ("number", "much"),
    ("number", "$5"),
    ("number", "12.3.4"),
    ("number", math.nan),
    ("number", -math.inf),
    ("number", "NaN"),
    ("number", "Infinity"),
    ("number", "1e999"),
    ("number", 10**400),
    ("number", True),
    ("number", False),
    ("number", [1.5]),
    ("number", {"amount": 1.5}),
    ("boolean", 2),
    ("boolean", -1),
    ("boolean", 0.5),
    ("boolean", math.nan),
    ("boolean", "maybe"),
    ("boolean", [True]),
    ("boolean", {"a": True}),
]


def short(value: object) -> str:
    return f"{value!r:.20}"


@pytest.mark.parametrize(
    ("kind", "value", "expected"), FITS, ids=[f"{at} {kind} {short(value)}" for at, (kind, value, _) in enumerate(FITS)]
)
def test_a_value_is_converted_to_the_type_of_the_schema(kind: str, value: object, expected: object) -> None:
    found, mismatches = conformed(nullable(kind), value)
    assert found == expected
    assert type(found) is type(expected)
    assert mismatches == Mismatches()


@pytest.mark.parametrize(
    ("kind", "value"),
    DOES_NOT_FIT,
    ids=[f"{at} {kind} {short(value)}" for at, (kind, value) in enumerate(DOES_NOT_FIT)],
)
def test_a_value_that_cannot_be_converted_becomes_null_and_is_counted(kind: str, value: object) -> None:
    found, mismatches = conformed(nullable(kind), value)
    assert found is None
    assert mismatches == Mismatches(invalid_values=Counter(x=1))


TIMESTAMPS = {
    "2018-11-07 13:00:00": "2018-11-07T13:00:00Z",
    "2018-11-07 13:00:00.250000": "2018-11-07T13:00:00.250000Z",
    "2018-11-07T13:00:00Z": "2018-11-07T13:00:00Z",
    "2018-11-07T13:00:00z": "2018-11-07T13:00:00Z",
    "2018-11-07T13:00:00+02:00": "2018-11-07T11:00:00Z",
    "2018-11-07T13:00:00-05:00": "2018-11-07T18:00:00Z",
    " 2018-11-07 13:00:00 ": "2018-11-07T13:00:00Z",
    "2018-11-07": "2018-11-07T00:00:00Z",
    "2020-02-29 00:00:00": "2020-02-29T00:00:00Z",
    "": None,
    "  ": None,
    "0000-00-00 00:00:00": None,
    "0000-00-00": None,
    "0000-00-00T00:00:00Z": None,
}
NO_TIMESTAMPS = (
    "soon",
    "2018-11-07 25:00:00",
    "2019-02-29 00:00:00",
    "2018-13-01 00:00:00",
    "07/11/2018",
    "0000-01-01 00:00:00",
    "10000-01-01 00:00:00",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "9" * 5000,
    1541595600,
    True,
    False,
    [1],
    {"utc": "soon"},
    {"utc": ["2018-11-07 13:00:00"]},
    {"local": {"date": "2018-11-07", "time": "08:00:00"}},
)


@pytest.mark.parametrize(("text", "expected"), TIMESTAMPS.items())
def test_a_timestamp_becomes_rfc_3339_in_utc(text: str, expected: str | None) -> None:
    assert conformed(TIMESTAMP, text) == (expected, Mismatches())


@pytest.mark.parametrize("value", NO_TIMESTAMPS, ids=[f"{at} {short(value)}" for at, value in enumerate(NO_TIMESTAMPS)])
def test_an_invalid_timestamp_becomes_null_and_is_counted(value: object) -> None:
    assert conformed(TIMESTAMP, value) == (None, Mismatches(invalid_values=Counter(x=1)))


DAY = {"date": "2018-11-07", "time": "08:00:00"}
UNSET = {"date": "", "time": ""}
ZERO = {"date": "0000-00-00", "time": "00:00:00"}
NOBODY = {"id": 0, "name": ""}
SOMEBODY = {"id": 7, "name": "A"}

DATES: list[tuple[str, JsonSchema, object, object]] = [
    (
        "set",
        DATE,
        {"utc": "2018-11-07 13:00:00", "local": DAY},
        {"utc": "2018-11-07T13:00:00Z", "local": DAY},
    ),
    (
        "set, in the other form",
        DATE,
        {"local": DAY, "utc": "2018-11-07T13:00:00Z"},
        {"utc": "2018-11-07T13:00:00Z", "local": DAY},
    ),
    ("set, local unset", DATE, {"utc": "2018-11-07 13:00:00", "local": UNSET}, {"utc": "2018-11-07T13:00:00Z"}),
    ("set, local zero", DATE, {"utc": "2018-11-07 13:00:00", "local": ZERO}, {"utc": "2018-11-07T13:00:00Z"}),
    ("set, local null", DATE, {"utc": "2018-11-07 13:00:00", "local": None}, {"utc": "2018-11-07T13:00:00Z"}),
    ("set, local an empty list", DATE, {"utc": "2018-11-07 13:00:00", "local": []}, {"utc": "2018-11-07T13:00:00Z"}),
    ("set, no local", DATE, {"utc": "2018-11-07 13:00:00"}, {"utc": "2018-11-07T13:00:00Z"}),
    ("local alone", DATE, {"local": DAY}, {"local": DAY}),
    ("local alone, utc empty", DATE, {"utc": "", "local": DAY}, {"local": DAY}),
    ("local time alone", DATE, {"utc": "", "local": {"date": "", "time": "08:00:00"}}, {"local": {"time": "08:00:00"}}),
    ("local, without time", DATE, {"utc": "", "local": {"date": "2018-11-07"}}, {"local": {"date": "2018-11-07"}}),
    ("unset", DATE, {"utc": "", "local": UNSET}, None),
    ("unset, by nulls", DATE, {"utc": None, "local": {"date": None, "time": None}}, None),
    ("unset, no local", DATE, {"utc": ""}, None),
    ("unset, local an empty list", DATE, {"utc": "", "local": []}, None),
    ("zero", DATE, {"utc": "0000-00-00 00:00:00", "local": ZERO}, None),
    ("zero, local unset", DATE, {"utc": "0000-00-00 00:00:00", "local": UNSET}, None),
    ("utc unset, local zero", DATE, {"utc": "", "local": ZERO}, None),
    ("an empty list", DATE, [], None),
    ("an empty text", DATE, "", None),
    ("an empty object", DATE, {}, None),
    ("false", DATE, False, None),
    (
        "change",
        CHANGE,
        {"utc": "2018-11-07 13:00:00", "local": DAY, "by": SOMEBODY},
        {"utc": "2018-11-07T13:00:00Z", "local": DAY, "by": SOMEBODY},
    ),
    ("unset change", CHANGE, {"utc": "", "local": UNSET, "by": NOBODY}, None),
    ("unset change, by nobody", CHANGE, {"utc": "", "local": UNSET, "by": []}, None),
    ("unset change, no by", CHANGE, {"utc": "", "local": UNSET}, None),
    ("zero change", CHANGE, {"utc": "0000-00-00 00:00:00", "local": ZERO, "by": NOBODY}, None),
    ("change by somebody, unset", CHANGE, {"utc": "", "local": UNSET, "by": SOMEBODY}, {"by": SOMEBODY}),
    (
        "flat",
        FLAT,
        {"utc": "2018-11-07 13:00:00", **DAY},
        {"utc": "2018-11-07T13:00:00Z", **DAY},
    ),
    ("flat, unset", FLAT, {"utc": "", **UNSET}, None),
    ("flat, zero", FLAT, {"utc": "0000-00-00 00:00:00", **ZERO}, None),
    ("flat, local zero", FLAT, {"utc": "2018-11-07 13:00:00", **ZERO}, {"utc": "2018-11-07T13:00:00Z"}),
    ("with a zone, unset", ZONED, {"utc": "", "local": UNSET, "time_zone": ""}, None),
    (
        "with a zone",
        ZONED,
        {"utc": "2018-11-07 13:00:00", "local": DAY, "time_zone": "America/Chicago"},
        {"utc": "2018-11-07T13:00:00Z", "local": DAY, "time_zone": "America/Chicago"},
    ),
]


def without_nulls(value: object) -> object:
    """A value without what is null in it, and without what then is empty."""
    if not isinstance(value, dict):
        return value
    inner = {key: without_nulls(item) for key, item in value.items()}
    return {key: item for key, item in inner.items() if item is not None} or None


@pytest.mark.parametrize(("node", "value", "expected"), [case[1:] for case in DATES], ids=[case[0] for case in DATES])
def test_a_date_keeps_its_form_and_an_unset_date_is_null(node: JsonSchema, value: object, expected: object) -> None:
    found, mismatches = conformed(node, value)
    assert without_nulls(found) == expected
    assert (found is None) == (expected is None)
    assert mismatches == Mismatches()


@pytest.mark.parametrize(
    ("value", "expected", "paths"),
    [
        ({"utc": "soon", "local": DAY}, {"local": DAY}, ["x.utc"]),
        ({"utc": 5, "local": DAY}, {"local": DAY}, ["x.utc"]),
        ({"utc": "0001-01-01T00:00:00+14:00", "local": DAY}, {"local": DAY}, ["x.utc"]),
        ({"utc": "2018-11-07 13:00:00", "local": "08:00"}, {"utc": "2018-11-07T13:00:00Z"}, ["x.local"]),
        (
            {"utc": "2018-11-07 13:00:00", "local": {"date": "2018-11-07", "time": {"h": 8}}},
            {"utc": "2018-11-07T13:00:00Z", "local": {"date": "2018-11-07"}},
            ["x.local.time"],
        ),
        (
            {"utc": "2018-11-07 13:00:00", "local": {"date": ["2018-11-07"], "time": "08:00:00"}},
            {"utc": "2018-11-07T13:00:00Z", "local": {"time": "08:00:00"}},
            ["x.local.date"],
        ),
        ({"utc": "soon", "local": "later"}, None, ["x.local", "x.utc"]),
        ({"utc": False, "local": UNSET}, None, ["x.utc"]),
        ({"utc": 0, "local": UNSET}, None, ["x.utc"]),
        ("yesterday", None, ["x.utc"]),
        (1541595600, None, ["x"]),
        (["2018-11-07"], None, ["x"]),
        (True, None, ["x"]),
    ],
)
def test_an_invalid_value_in_a_date_is_counted_at_its_path(value: object, expected: object, paths: list[str]) -> None:
    found, mismatches = conformed(DATE, value)
    assert without_nulls(found) == expected
    assert sorted(mismatches.invalid_values.elements()) == paths
    assert not mismatches.unknown_keys


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-01-15T10:30:00Z", {"utc": "2024-01-15T10:30:00Z"}),
        ("2018-11-07 13:00:00", {"utc": "2018-11-07T13:00:00Z"}),
        ("2018-11-07", {"utc": "2018-11-07T00:00:00Z"}),
        ("0000-00-00 00:00:00", None),
        ("", None),
        (" ", None),
    ],
)
def test_a_date_can_be_plain_text(value: str, expected: object) -> None:
    assert conformed(DATE, value) == (expected, Mismatches())


@pytest.mark.parametrize("utc", ["2018-11-07 13:00:00", "2018-11-07T13:00:00Z", "", None])
def test_a_timestamp_can_be_an_object(utc: str | None) -> None:
    expected = "2018-11-07T13:00:00Z" if utc else None
    assert conformed(TIMESTAMP, {"utc": utc, "local": DAY}) == (expected, Mismatches())


ROWS = nullable("array", items=nullable("object", properties={"id": nullable("integer")}))
ENVELOPE = nullable("object", properties={"results": ROWS})


@pytest.mark.parametrize("value", [[{"id": "1"}, {"id": 2}], {"results": [{"id": 1}, {"id": 2}]}])
def test_a_list_can_come_without_its_envelope(value: object) -> None:
    assert conformed(ENVELOPE, value) == ({"results": [{"id": 1}, {"id": 2}]}, Mismatches())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"results": [{"id": "1"}], "metadata": {"total": 1}, "actions": []}, [{"id": 1}]),
        ({"results": {"0": {"id": 1}, "2": {"id": 2}}, "metadata": {"total": 2}}, [{"id": 1}, {"id": 2}]),
        ({"results": [], "metadata": {"total": 0}}, []),
        ({"results": [{"id": 1}], "sum": {"all": 1}}, [{"id": 1}]),
        ({"results": None, "metadata": {"total": 0}}, None),
        ({"id": 1}, [{"id": 1}]),
    ],
)
def test_a_list_can_come_in_an_envelope(value: object, expected: object) -> None:
    assert conformed(ROWS, value) == (expected, Mismatches())


def test_what_is_no_envelope_is_an_item() -> None:
    assert conformed(ROWS, {"results": [{"id": 1}], "id": 5}) == (
        [{"id": 5}],
        Mismatches(unknown_keys=Counter({"x[].results": 1})),
    )
    groups = nullable("array", items=ENVELOPE)
    assert conformed(groups, {"results": [{"id": 1}]}) == ([{"results": [{"id": 1}]}], Mismatches())


@pytest.mark.parametrize("extra", [{"zone": "CST"}, {"zone": ""}])
def test_an_unknown_key_of_a_date_is_dropped_and_counted(extra: dict[str, str]) -> None:
    set_ = {"utc": "2018-11-07 13:00:00", "local": DAY}
    found, mismatches = conformed(DATE, {**set_, **extra})
    assert without_nulls(found) == {"utc": "2018-11-07T13:00:00Z", "local": DAY}
    assert mismatches.unknown_keys == Counter({"x.zone": 1})
    found, mismatches = conformed(DATE, {**set_, "local": {"date": "2018-11-07", **extra}})
    assert without_nulls(found) == {"utc": "2018-11-07T13:00:00Z", "local": {"date": "2018-11-07"}}
    assert mismatches.unknown_keys == Counter({"x.local.zone": 1})


@pytest.mark.parametrize("id_", [0, "0", 0.0, False], ids=repr)
def test_a_placeholder_with_id_0_is_null(id_: object) -> None:
    assert conformed(PERSON, {"id": id_, "name": "N/A"}) == (None, Mismatches())


@pytest.mark.parametrize(
    "value", [{"id": 7, "name": None}, {"id": None, "name": "A"}, {"name": "A"}, {"id": -1, "name": " "}]
)
def test_another_id_is_no_placeholder(value: Record) -> None:
    assert conformed(PERSON, value) == (value, Mismatches())


def test_id_0_is_kept_where_it_is_no_placeholder() -> None:
    node = nullable("object", properties={"id": nullable("integer")})
    assert conformed(node, {"id": 0}) == ({"id": 0}, Mismatches())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://files.example/a.jpg?Expires=1&Signature=x%2B", "https://files.example/a.jpg"),
        ("https://files.example/a.jpg", "https://files.example/a.jpg"),
        ("https://files.example/a.jpg?", "https://files.example/a.jpg"),
        ("https://files.example/a.jpg?a=1?b=2", "https://files.example/a.jpg"),
        ("", None),
        ("?", None),
        ([], None),
    ],
)
def test_the_query_of_a_signed_link_is_stripped(value: object, expected: object) -> None:
    assert conformed(LINK, value) == (expected, Mismatches())


def test_an_invalid_link_is_counted() -> None:
    assert conformed(LINK, {"href": "https://files.example"}) == (None, Mismatches(invalid_values=Counter(x=1)))


def test_a_single_object_in_place_of_a_list_becomes_a_list() -> None:
    assert conformed(nullable("array", items=PERSON), SOMEBODY) == ([SOMEBODY], Mismatches())
    assert conformed(nullable("array", items=PERSON), NOBODY) == ([None], Mismatches())


NUMBERS = nullable("array", items=nullable("integer"))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, "2", 3.0, None, ""], [1, 2, 3, None, None]),
        ([], []),
        ({"0": 1, "2": "3"}, [1, 3]),
        ({"7": 1}, [1]),
        ({}, None),
        ("", None),
        (False, None),
        (None, None),
    ],
)
def test_a_list_that_php_encodes_as_an_object_becomes_a_list(value: object, expected: object) -> None:
    assert conformed(NUMBERS, value) == (expected, Mismatches())


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        (5, ["x"]),
        ("1,2", ["x"]),
        (True, ["x"]),
        ({"a": 1}, ["x[]"]),
        ({"0": 1, "a": 2}, ["x[]"]),
        ([1, "two", [3], {"a": 4}], ["x[]"] * 3),
    ],
)
def test_invalid_items_of_a_list_are_counted(value: object, paths: list[str]) -> None:
    _, mismatches = conformed(NUMBERS, value)
    assert sorted(mismatches.invalid_values.elements()) == paths


@pytest.mark.parametrize("value", [5, "text", True, [1], [{}], ["a"]])
def test_a_value_in_place_of_an_object_becomes_null_and_is_counted(value: object) -> None:
    assert conformed(PERSON, value) == (None, Mismatches(invalid_values=Counter(x=1)))


@pytest.mark.parametrize("value", [None, "", [], False])
def test_an_empty_value_in_place_of_an_object_becomes_null_uncounted(value: object) -> None:
    assert conformed(PERSON, value) == (None, Mismatches())


def test_unknown_keys_are_dropped_and_counted() -> None:
    node: JsonSchema = {
        "type": "object",
        "properties": {
            "a": nullable("integer"),
            "b": nullable("array", items=nullable("object", properties={"c": nullable("string")})),
        },
    }
    mismatches = Mismatches()
    conform = compile_conformer(node, mismatches)
    for _ in range(2):
        record = conform({"a": 1, "new": {"x": 1}, "b": [{"c": "d", "new": 1}, {"new": None, "e": []}]})
        assert record == {"a": 1, "b": [{"c": "d"}, {}]}
    assert mismatches == Mismatches(unknown_keys=Counter({"new": 2, "b[].new": 4, "b[].e": 2}))


def test_ignored_keys_are_dropped_uncounted() -> None:
    node: JsonSchema = {
        "type": "object",
        "x-ignored-keys": ["hash"],
        "properties": {
            "a": nullable(
                "object",
                **{"x-ignored-keys": ["map"]},
                properties={"b": nullable("integer"), "hash": nullable("string")},
            )
        },
    }
    mismatches = Mismatches()
    conform = compile_conformer(node, mismatches)
    everywhere = dict.fromkeys(IGNORED_EVERYWHERE, 1)
    record = conform({"hash": 1, **everywhere, "a": {"b": 1, "hash": "kept", "map": {}, **everywhere}})
    assert record == {"a": {"b": 1, "hash": "kept"}}
    assert mismatches == Mismatches()


def test_properties_removed_from_the_schema_are_dropped_uncounted() -> None:
    pay = nullable("object", properties={"total": nullable("number"), "bonuses": NUMBERS})
    node = schema.without(
        {"type": "object", "properties": {"tags": NUMBERS, "pay": pay}}, ["tags", "pay.bonuses", "new"]
    )
    mismatches = Mismatches()
    conform = compile_conformer(node, mismatches)
    assert conform({"tags": [1], "new": 1, "pay": {"total": "5", "bonuses": [1], "tags": [1]}}) == {
        "pay": {"total": 5.0}
    }
    assert mismatches == Mismatches(unknown_keys=Counter({"pay.tags": 1}))


@pytest.mark.parametrize("path", ["holds", "pay.funding"])
def test_conforming_a_work_order_leaves_the_rows_of_an_embedded_list_as_they_are(path: str) -> None:
    """The rows are objects within the work order, which is conformed after them."""
    row: Record = {"id": 5, "extracted_at": "2026-01-01T00:00:00Z", "new": "a"}
    *parents, key = path.split(".")
    record: Record = {"id": 1, key: {"results": [row]}}
    for parent in parents:
        record = {"id": 1, parent: {"total": 1.0, key: record.pop(key)}}
    before = copy.deepcopy(row)
    mismatches = Mismatches()
    compile_conformer(schema.without(schema.load("work_orders"), [path]), mismatches)(record)
    assert row == before
    assert record == ({"id": 1, "pay": {"total": 1.0}} if parents else {"id": 1})
    assert mismatches == Mismatches()


def test_a_property_can_have_another_name_in_the_api() -> None:
    node: JsonSchema = {
        "type": "object",
        "properties": {"order_number": nullable("integer", **{"x-source": "order"}), "other": nullable("integer")},
    }
    mismatches = Mismatches()
    conform = compile_conformer(node, mismatches)
    assert conform({"order": "7", "other": 1}) == {"order_number": 7, "other": 1}
    assert conform({"other": 1}) == {"other": 1}
    assert mismatches == Mismatches()
    assert conform({"order": "x", "order_number": 5}) == {"order_number": None}
    assert mismatches == Mismatches(unknown_keys=Counter(order_number=1), invalid_values=Counter(order_number=1))


def test_a_property_can_have_further_names_in_the_api() -> None:
    address = nullable("string", **{"x-aliases": ["address1", "addressLine1"]})
    number = nullable("integer", **{"x-source": "order", "x-aliases": ["position"]})
    node: JsonSchema = {"type": "object", "properties": {"address_1": address, "order_number": number}}
    mismatches = Mismatches()
    conform = compile_conformer(node, mismatches)
    assert conform({"address1": "a", "position": "7"}) == {"address_1": "a", "order_number": 7}
    assert conform({"addressLine1": "a", "address1": None}) == {"address_1": "a"}
    assert conform({"address_1": "a", "address1": "b", "order": 1, "position": 2}) == {
        "address_1": "a",
        "order_number": 1,
    }
    assert conform({"address_1": None, "address1": "b"}) == {"address_1": "b"}
    assert conform({"address1": None}) == {"address_1": None}
    assert mismatches == Mismatches()
    conform({"position": "first"})
    assert mismatches == Mismatches(invalid_values=Counter(order_number=1))


def test_a_column_can_have_a_value_for_where_the_api_sends_none() -> None:
    node: JsonSchema = {"type": "object", "properties": {"type": {"type": "string", "x-default": "unknown"}}}
    mismatches = Mismatches()
    conform = compile_conformer(node, mismatches)
    assert [conform(record)["type"] for record in ({}, {"type": None}, {"type": "system"})] == [
        "unknown",
        "unknown",
        "system",
    ]
    assert mismatches == Mismatches()


def test_a_record_is_conformed_in_place_and_returned() -> None:
    record: Record = {"x": "5"}
    mismatches = Mismatches()
    assert compile_conformer({"type": "object", "properties": {"x": nullable("integer")}}, mismatches)(record) is record
    assert record == {"x": 5}


# Property tests: they hold for any JSON.

STREAMS = ("work_orders", *(entry.name for entry in EMBEDDED), "work_order_messages", "projects", "locations", "users")
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def _is_rfc_3339_in_utc(text: object) -> bool:
    if not isinstance(text, str):
        return True
    datetime.fromisoformat(text.replace("Z", "+00:00"))
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", text))


def strict(node: Any) -> Any:
    """A schema that allows no other keys, and no integer that a target has no column for."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: strict(value) for key, value in node.items()}
    if isinstance(node.get("properties"), dict):
        node["additionalProperties"] = False
    if "integer" in node.get("type", ()):
        node.update(minimum=-BIG, maximum=BIG - 1)
    return node


class Subject:
    """One stream: its schema, its conformer, and a validator of the conformed records."""

    def __init__(self, stream: str) -> None:
        self.node = schema.load(stream)
        if stream == "work_orders":
            self.node = schema.without(self.node, embedded_paths())
        self.mismatches = Mismatches()
        self.conform = compile_conformer(self.node, self.mismatches)
        self.validator = Draft7Validator(strict(self.public()), format_checker=FORMATS)

    def public(self) -> JsonSchema:
        node: JsonSchema = schema.public(self.node)
        # The conformer does not add the keys and timestamps that the stream adds itself.
        for key, inner in node["properties"].items():
            if isinstance(inner["type"], str):
                node["properties"][key] = {**inner, "type": [inner["type"], "null"]}
        return node


SUBJECTS = {stream: Subject(stream) for stream in STREAMS}


def assert_conforms(stream: str, record: Record) -> None:
    """Clean a record; it fits its schema, can be written, and nothing is lost that was not counted."""
    subject = SUBJECTS[stream]
    subject.mismatches.invalid_values.clear()
    subject.mismatches.unknown_keys.clear()
    before = copy.deepcopy(record)
    after = subject.conform(record)
    assert after is record
    subject.validator.validate(after)
    json.dumps(after, allow_nan=False)
    assert not [path for path in paths_in(after) if at(after, path) == ""]
    found = subject.mismatches.invalid_values + subject.mismatches.unknown_keys
    missing = Counter(lost(before, after, subject.node, "")) - found
    assert not missing


def lost(before: Any, after: Any, node: JsonSchema, path: str) -> Iterator[str]:
    """Places where something stood before and nothing does after, but for what is left out on purpose."""
    before = without_envelope(before, node)
    if "properties" in node and isinstance(before, dict):
        yield from _lost_in_object(before, after, node, path)
    elif "items" in node and (items := as_list(before)) is not None:
        inner = after if isinstance(after, list) else [None] * len(items)
        assert len(inner) == len(items)
        for one_before, one_after in zip(items, inner, strict=True):
            yield from lost(one_before, one_after, node["items"], f"{path}[]")
    elif after is None and not is_empty(before, node):
        yield path


def _lost_in_object(before: Record, after: Any, node: JsonSchema, path: str) -> Iterator[str]:
    if is_placeholder(before, node):
        return
    sources = {child.get("x-source", name): name for name, child in node["properties"].items()}
    aliases = {alias: name for name, child in node["properties"].items() for alias in child.get("x-aliases", ())}
    sources = {**aliases, **sources}
    prefix = f"{path}." if path else ""
    ignored = IGNORED_EVERYWHERE.union(node.get("x-ignored-keys", ()))
    for key, value in before.items():
        if key in sources:
            name = sources[key]
            child_after = after.get(name) if isinstance(after, dict) else None
            yield from lost(value, child_after, node["properties"][name], prefix + name)
        elif key not in ignored:
            yield f"{prefix}{key}"


def without_envelope(value: Any, node: JsonSchema) -> Any:
    """A value in the form that its schema has: a list with or without its envelope, a date as object or as text."""
    if "properties" in node:
        names = node["properties"]
        if isinstance(value, list) and value and "results" in names:
            return {"results": value}
        return {"utc": value} if isinstance(value, str) and "utc" in names else value
    if "items" in node and isinstance(value, dict) and "results" not in node["items"].get("properties", ()):
        known = {"results", "metadata", "sum", *IGNORED_EVERYWHERE}
        return value["results"] if "results" in value and value.keys() <= known else value
    if node.get("format") == "date-time" and isinstance(value, dict) and "utc" in value:
        return value["utc"]
    return value


def as_list(value: object) -> list[Any] | None:
    if isinstance(value, dict) and value:
        return list(value.values()) if all(key.isdigit() for key in value) else [value]
    return value if isinstance(value, list) else None


def is_placeholder(value: Record, node: JsonSchema) -> bool:
    try:
        return "x-placeholder-id" in node and float(value["id"]) == 0
    except (KeyError, TypeError, ValueError, OverflowError):
        return False


def is_empty(value: Any, node: JsonSchema) -> bool:
    if value is None or value in ("", [], {}):
        return True
    if not isinstance(value, str):
        return value is False and ("properties" in node or "items" in node)
    if "properties" in node or "items" in node:
        return False
    unset = value.startswith("0000-00-00") or not value.strip("0:- ")  # a date of zeros, and the time beside it
    return (unset and (node.get("format") == "date-time" or "string" in node["type"])) or not value.strip()


def names_in(node: JsonSchema) -> set[str]:
    found = set(node.get("properties", ()))
    for child in (*node.get("properties", {}).values(), *filter(None, [node.get("items")])):
        found |= names_in(child)
    return found


NAMES = sorted(set().union(*(names_in(schema.load(stream)) for stream in STREAMS)))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["", " ", "0", "1", "7.0", "1e5", "yes", "n/a", "1,234.5", "-", "9" * 5000, "²"]),
    st.sampled_from([*TIMESTAMPS, *(value for value in NO_TIMESTAMPS if isinstance(value, str))]),
)
KEYS = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(["id", "utc", "local", "date", "time", "results", "metadata", "0", "1"]),
    st.text(max_size=4),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


@given(st.sampled_from(STREAMS), st.dictionaries(KEYS, JSON, max_size=12))
def test_any_json_conforms(stream: str, record: Record) -> None:
    assert_conforms(stream, record)


@given(st.sampled_from(STREAMS), st.data())
def test_any_json_in_any_column_conforms(stream: str, data: st.DataObject) -> None:
    properties = schema.load(stream)["properties"]
    names = [child.get("x-source", name) for name, child in properties.items()]
    assert_conforms(stream, {name: data.draw(JSON) for name in data.draw(st.sets(st.sampled_from(names), max_size=5))})


def _records() -> dict[str, list[Record]]:
    """Records of each stream as the emulator sends them."""
    with Emulator(work_orders=40, seed=11) as api:
        work_orders = [api.company.work_order(one) for one in api.company.visible_ids()]
    found: dict[str, list[Record]] = {"work_orders": work_orders}
    for entry in EMBEDDED:
        rows: list[Record] = []
        for record in work_orders:
            items: Any = record
            for key in entry.list_path.split("."):
                items = (items or {}).get(key)
            items = items.get("results") if isinstance(items, dict) else items
            for item in items or ():
                rows += item[entry.group_key] if entry.group_key else [item]
        found[entry.name] = rows
    return found


RECORDS = _records()


@pytest.mark.parametrize("stream", RECORDS)
def test_records_of_the_api_conform_without_invalid_values(stream: str) -> None:
    assert RECORDS[stream]
    for record in RECORDS[stream]:
        assert_conforms(stream, copy.deepcopy(record))
        assert not SUBJECTS[stream].mismatches.invalid_values


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything within a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from paths_in(inner, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _drop(container: Any, key: Any, _: object) -> None:
    del container[key]


def _replace(container: Any, key: Any, value: object) -> None:
    container[key] = value


def _add(container: Any, _: object, value: object) -> None:
    if isinstance(container, dict):
        container["added"] = value
    else:
        container.append(value)


def _wrap(container: Any, key: Any, _: object) -> None:
    container[key] = [container[key]]


def _as_php(container: Any, key: Any, _: object) -> None:
    if isinstance(container[key], list):
        container[key] = {str(3 * at): item for at, item in enumerate(container[key])}


CHANGES: list[Callable[[Any, Any, object], None]] = [_drop, _replace, _replace, _add, _wrap, _as_php]
POSSIBLE = sorted(stream for stream, records in RECORDS.items() if records)


@given(st.sampled_from(["work_orders", *POSSIBLE]), st.data())
def test_a_damaged_record_conforms(stream: str, data: st.DataObject) -> None:
    record = copy.deepcopy(data.draw(st.sampled_from(RECORDS[stream]), label="record"))
    for _ in range(data.draw(st.integers(1, 6), label="changes")):
        paths = list(paths_in(record))
        if not paths:
            break
        path = data.draw(st.sampled_from(paths), label="path")
        change = data.draw(st.sampled_from(CHANGES), label="change")
        change(at(record, path[:-1]), path[-1], data.draw(JSON, label="value"))
    assert_conforms(stream, record)


def test_a_hundred_levels_and_ten_megabytes_conform() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = {"pay": [deep], "location": {"city": deep}} if isinstance(deep, str) else {"pay": [deep]}
    text = "x" * 10_000_000
    assert_conforms("work_orders", {"id": 1, "title": text, "pay": deep, "location": [deep], "status": text})


def test_the_places_that_are_counted_are_limited() -> None:
    mismatches = Mismatches()
    conform = compile_conformer({"type": "object", "properties": {"id": {"type": "integer"}}}, mismatches)
    for number in range(5_000):
        conform({"id": 1, f"key{number}": 1, "usual": 2, "x" * 1_000_000: 3})
    counts = mismatches.unknown_keys
    assert len(counts) == MAX_PLACES + 1
    assert counts["usual"] == 5_000
    assert counts["x" * 200 + "…"] == 5_000
    assert counts[OTHERS] == 5_000 - (MAX_PLACES - 2)
    assert sum(counts.values()) == 3 * 5_000
