"""Whatever the API sends becomes what the schema says; what cannot is null and counted; no record is lost."""

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
from tap_fieldnation.records.conformer import OMITTED_EVERYWHERE, Findings, compile_conformer
from tap_fieldnation.streams.catalog import ELSEWHERE, EMBEDDED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_fieldnation.records.schema import Node

BIG = 2**63


def cleaned(node: Node, value: object, **more: Node) -> tuple[Any, Findings]:
    """A value in a record's property `x`, cleaned, and what was found."""
    findings = Findings()
    walk = compile_conformer({"type": "object", "properties": {"x": node, **more}}, findings)
    return walk({"x": copy.deepcopy(value)}).get("x"), findings


def one(kind: str, **more: object) -> Node:
    return {"type": [kind, "null"], **more}


MOMENT = one("string", format="date-time")
LINK = one("string", **{"x-strip-query": True})
LOCAL = one("object", properties={"date": one("string"), "time": one("string")})
DATE = one("object", properties={"utc": MOMENT, "local": LOCAL})
PERSON = one("object", **{"x-placeholder-id": 0}, properties={"id": one("integer"), "name": one("string")})
CHANGE = one("object", properties={"utc": MOMENT, "local": LOCAL, "by": PERSON})
FLAT = one("object", properties={"utc": MOMENT, "date": one("string"), "time": one("string")})
ZONED = one("object", properties={"utc": MOMENT, "local": LOCAL, "time_zone": one("string")})

FITS = [
    # strings
    ("string", "", ""),
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
def test_a_loose_value_becomes_one_of_its_type(kind: str, value: object, expected: object) -> None:
    found, findings = cleaned(one(kind), value)
    assert found == expected
    assert type(found) is type(expected)
    assert findings == Findings()


@pytest.mark.parametrize(
    ("kind", "value"),
    DOES_NOT_FIT,
    ids=[f"{at} {kind} {short(value)}" for at, (kind, value) in enumerate(DOES_NOT_FIT)],
)
def test_a_value_that_cannot_be_one_of_its_type_becomes_null_and_is_counted(kind: str, value: object) -> None:
    found, findings = cleaned(one(kind), value)
    assert found is None
    assert findings == Findings(nulled=Counter(x=1))


MOMENTS = {
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
NO_MOMENTS = (
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
    {"utc": "2018-11-07 13:00:00"},
)


@pytest.mark.parametrize(("text", "expected"), MOMENTS.items())
def test_a_moment_becomes_rfc_3339_in_utc(text: str, expected: str | None) -> None:
    assert cleaned(MOMENT, text) == (expected, Findings())


@pytest.mark.parametrize("value", NO_MOMENTS, ids=[f"{at} {short(value)}" for at, value in enumerate(NO_MOMENTS)])
def test_what_is_no_moment_becomes_null_and_is_counted(value: object) -> None:
    assert cleaned(MOMENT, value) == (None, Findings(nulled=Counter(x=1)))


DAY = {"date": "2018-11-07", "time": "08:00:00"}
UNSET = {"date": "", "time": ""}
ZERO = {"date": "0000-00-00", "time": "00:00:00"}
NOBODY = {"id": 0, "name": ""}
SOMEBODY = {"id": 7, "name": "A"}

DATES: list[tuple[str, Node, object, object]] = [
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


def said(value: object) -> object:
    """A value without what is null in it, and without what then is empty."""
    if not isinstance(value, dict):
        return value
    inner = {key: said(item) for key, item in value.items()}
    return {key: item for key, item in inner.items() if item is not None} or None


@pytest.mark.parametrize(("node", "value", "expected"), [case[1:] for case in DATES], ids=[case[0] for case in DATES])
def test_a_date_keeps_its_shape_and_an_unset_one_is_null(node: Node, value: object, expected: object) -> None:
    found, findings = cleaned(node, value)
    assert said(found) == expected
    assert (found is None) == (expected is None)
    assert findings == Findings()


@pytest.mark.parametrize(
    ("value", "expected", "places"),
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
        ("2018-11-07 13:00:00", None, ["x"]),
        (1541595600, None, ["x"]),
        (["2018-11-07"], None, ["x"]),
        (True, None, ["x"]),
    ],
)
def test_what_does_not_fit_a_date_is_counted_where_it_stands(
    value: object, expected: object, places: list[str]
) -> None:
    found, findings = cleaned(DATE, value)
    assert said(found) == expected
    assert sorted(findings.nulled.elements()) == places
    assert not findings.unknown


@pytest.mark.parametrize("extra", [{"zone": "CST"}, {"zone": ""}])
def test_a_key_that_a_date_has_besides_is_dropped_and_counted(extra: dict[str, str]) -> None:
    set_ = {"utc": "2018-11-07 13:00:00", "local": DAY}
    found, findings = cleaned(DATE, {**set_, **extra})
    assert said(found) == {"utc": "2018-11-07T13:00:00Z", "local": DAY}
    assert findings.unknown == Counter({"x.zone": 1})
    found, findings = cleaned(DATE, {**set_, "local": {"date": "2018-11-07", **extra}})
    assert said(found) == {"utc": "2018-11-07T13:00:00Z", "local": {"date": "2018-11-07"}}
    assert findings.unknown == Counter({"x.local.zone": 1})


@pytest.mark.parametrize("id_", [0, "0", 0.0, False], ids=repr)
def test_a_placeholder_for_nobody_is_null(id_: object) -> None:
    assert cleaned(PERSON, {"id": id_, "name": "N/A"}) == (None, Findings())


@pytest.mark.parametrize(
    "value", [{"id": 7, "name": ""}, {"id": None, "name": "A"}, {"name": "A"}, {"id": -1, "name": ""}]
)
def test_somebody_is_not_taken_for_a_placeholder(value: Node) -> None:
    assert cleaned(PERSON, value) == (value, Findings())


def test_where_id_0_is_an_ordinary_id_it_stays() -> None:
    node = one("object", properties={"id": one("integer")})
    assert cleaned(node, {"id": 0}) == ({"id": 0}, Findings())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://files.example/a.jpg?Expires=1&Signature=x%2B", "https://files.example/a.jpg"),
        ("https://files.example/a.jpg", "https://files.example/a.jpg"),
        ("https://files.example/a.jpg?", "https://files.example/a.jpg"),
        ("https://files.example/a.jpg?a=1?b=2", "https://files.example/a.jpg"),
        ("", ""),
        ([], None),
    ],
)
def test_a_signed_link_keeps_its_path_and_loses_its_query(value: object, expected: object) -> None:
    assert cleaned(LINK, value) == (expected, Findings())


def test_a_link_that_is_none_is_counted() -> None:
    assert cleaned(LINK, {"href": "https://files.example"}) == (None, Findings(nulled=Counter(x=1)))


def test_where_there_can_be_one_item_only_it_may_come_by_itself() -> None:
    assert cleaned(one("array", items=PERSON), SOMEBODY) == ([SOMEBODY], Findings())
    assert cleaned(one("array", items=PERSON), NOBODY) == ([None], Findings())


NUMBERS = one("array", items=one("integer"))


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
def test_a_list_may_come_as_php_writes_one(value: object, expected: object) -> None:
    assert cleaned(NUMBERS, value) == (expected, Findings())


@pytest.mark.parametrize(
    ("value", "places"),
    [
        (5, ["x"]),
        ("1,2", ["x"]),
        (True, ["x"]),
        ({"a": 1}, ["x[]"]),
        ({"0": 1, "a": 2}, ["x[]"]),
        ([1, "two", [3], {"a": 4}], ["x[]"] * 3),
    ],
)
def test_what_does_not_fit_a_list_is_counted(value: object, places: list[str]) -> None:
    _, findings = cleaned(NUMBERS, value)
    assert sorted(findings.nulled.elements()) == places


@pytest.mark.parametrize("value", [5, "text", True, [1], [{}], ["a"]])
def test_what_is_no_object_is_null_and_counted(value: object) -> None:
    assert cleaned(PERSON, value) == (None, Findings(nulled=Counter(x=1)))


@pytest.mark.parametrize("value", [None, "", [], False])
def test_what_stands_for_an_empty_object_is_null_quietly(value: object) -> None:
    assert cleaned(PERSON, value) == (None, Findings())


def test_keys_that_the_schema_does_not_name_are_dropped_and_counted() -> None:
    node: Node = {
        "type": "object",
        "properties": {"a": one("integer"), "b": one("array", items=one("object", properties={"c": one("string")}))},
    }
    findings = Findings()
    walk = compile_conformer(node, findings)
    for _ in range(2):
        record = walk({"a": 1, "new": {"x": 1}, "b": [{"c": "d", "new": 1}, {"new": None, "e": []}]})
        assert record == {"a": 1, "b": [{"c": "d"}, {}]}
    assert findings == Findings(unknown=Counter({"new": 2, "b[].new": 4, "b[].e": 2}))


def test_keys_that_are_left_out_on_purpose_are_dropped_uncounted() -> None:
    node: Node = {
        "type": "object",
        "x-left-out": ["hash"],
        "properties": {
            "a": one("object", **{"x-left-out": ["map"]}, properties={"b": one("integer"), "hash": one("string")})
        },
    }
    findings = Findings()
    walk = compile_conformer(node, findings)
    everywhere = dict.fromkeys(OMITTED_EVERYWHERE, 1)
    record = walk({"hash": 1, **everywhere, "a": {"b": 1, "hash": "kept", "map": {}, **everywhere}})
    assert record == {"a": {"b": 1, "hash": "kept"}}
    assert findings == Findings()


def test_what_another_stream_holds_is_cut_uncounted() -> None:
    node: Node = {"type": "object", "properties": {"pay": one("object", properties={"total": one("number")})}}
    findings = Findings()
    walk = compile_conformer(node, findings, cut=frozenset({"tags", "pay.bonuses"}))
    assert walk({"tags": [1], "pay": {"total": "5", "bonuses": [1], "tags": [1]}}) == {"pay": {"total": 5.0}}
    assert findings == Findings(unknown=Counter({"pay.tags": 1}))


def test_a_property_can_have_another_name_at_its_source() -> None:
    node: Node = {
        "type": "object",
        "properties": {"order_number": one("integer", **{"x-source": "order"}), "other": one("integer")},
    }
    findings = Findings()
    walk = compile_conformer(node, findings)
    assert walk({"order": "7", "other": 1}) == {"order_number": 7, "other": 1}
    assert walk({"other": 1}) == {"other": 1}
    assert findings == Findings()
    assert walk({"order": "x", "order_number": 5}) == {"order_number": None}
    assert findings == Findings(unknown=Counter(order_number=1), nulled=Counter(order_number=1))


def test_a_record_is_cleaned_in_place_and_returned() -> None:
    record: Node = {"x": "5"}
    findings = Findings()
    assert compile_conformer({"type": "object", "properties": {"x": one("integer")}}, findings)(record) is record
    assert record == {"x": 5}


# What follows holds for any JSON at all.

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
    """One stream: its schema, a walker, and a validator of what comes out."""

    def __init__(self, stream: str) -> None:
        self.node = schema.load(stream)
        self.findings = Findings()
        self.cut = ELSEWHERE if stream == "work_orders" else frozenset()
        self.walk = compile_conformer(self.node, self.findings, cut=self.cut)
        self.validator = Draft7Validator(strict(self.public()), format_checker=FORMATS)
        self.places = Counter[str]()

    def public(self) -> Node:
        node: Node = schema.public(self.node)
        # Keys and moments that the stream adds itself are not the walker's.
        for key, inner in node["properties"].items():
            if isinstance(inner["type"], str):
                node["properties"][key] = {**inner, "type": [inner["type"], "null"]}
        return node


SUBJECTS = {stream: Subject(stream) for stream in STREAMS}


def assert_cleaned(stream: str, record: Node) -> None:
    """Clean a record; it fits its schema, can be written, and nothing is lost that was not counted."""
    subject = SUBJECTS[stream]
    subject.findings.nulled.clear()
    subject.findings.unknown.clear()
    before = copy.deepcopy(record)
    after = subject.walk(record)
    assert after is record
    subject.validator.validate(after)
    json.dumps(after, allow_nan=False)
    found = subject.findings.nulled + subject.findings.unknown
    missing = Counter(lost(before, after, subject.node, "", subject.cut)) - found
    assert not missing


def lost(before: Any, after: Any, node: Node, place: str, cut: frozenset[str]) -> Iterator[str]:
    """Places where something stood before and nothing does after, but for what is left out on purpose."""
    if "properties" in node and isinstance(before, dict):
        yield from _lost_in_object(before, after, node, place, cut)
    elif "items" in node and (items := as_list(before)) is not None:
        inner = after if isinstance(after, list) else [None] * len(items)
        assert len(inner) == len(items)
        for one_before, one_after in zip(items, inner, strict=True):
            yield from lost(one_before, one_after, node["items"], f"{place}[]", cut)
    elif after is None and not says_nothing(before, node):
        yield place


def _lost_in_object(before: Node, after: Any, node: Node, place: str, cut: frozenset[str]) -> Iterator[str]:
    if is_placeholder(before, node):
        return
    sources = {child.get("x-source", name): name for name, child in node["properties"].items()}
    prefix = f"{place}." if place else ""
    left_out = OMITTED_EVERYWHERE.union(node.get("x-left-out", ()))
    for key, value in before.items():
        if key in sources:
            name = sources[key]
            child_after = after.get(name) if isinstance(after, dict) else None
            yield from lost(value, child_after, node["properties"][name], prefix + name, cut)
        elif key not in left_out and f"{prefix}{key}" not in cut:
            yield f"{prefix}{key}"


def as_list(value: object) -> list[Any] | None:
    if isinstance(value, dict) and value:
        return list(value.values()) if all(key.isdigit() for key in value) else [value]
    return value if isinstance(value, list) else None


def is_placeholder(value: Node, node: Node) -> bool:
    try:
        return "x-placeholder-id" in node and float(value["id"]) == 0
    except (KeyError, TypeError, ValueError, OverflowError):
        return False


def says_nothing(value: Any, node: Node) -> bool:
    if value is None or value in ("", [], {}):
        return True
    if not isinstance(value, str):
        return value is False and ("properties" in node or "items" in node)
    if "properties" in node or "items" in node:
        return False
    unset = value.startswith("0000-00-00") or not value.strip("0:- ")  # a date of zeros, and the time beside it
    return (unset and (node.get("format") == "date-time" or "string" in node["type"])) or not value.strip()


def names_in(node: Node) -> set[str]:
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
    st.sampled_from([*MOMENTS, *(value for value in NO_MOMENTS if isinstance(value, str))]),
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
def test_any_json_is_made_to_fit(stream: str, record: Node) -> None:
    assert_cleaned(stream, record)


@given(st.sampled_from(STREAMS), st.data())
def test_any_json_at_any_one_place_is_made_to_fit(stream: str, data: st.DataObject) -> None:
    properties = schema.load(stream)["properties"]
    names = [child.get("x-source", name) for name, child in properties.items()]
    assert_cleaned(stream, {name: data.draw(JSON) for name in data.draw(st.sets(st.sampled_from(names), max_size=5))})


def _records() -> dict[str, list[Node]]:
    """Records of each stream as the emulator sends them."""
    with Emulator(work_orders=40, seed=11) as api:
        work_orders = [api.company.work_order(one) for one in api.company.visible_ids()]
    found: dict[str, list[Node]] = {"work_orders": work_orders}
    for entry in EMBEDDED:
        rows: list[Node] = []
        for record in work_orders:
            items: Any = record
            for key in entry.place.split("."):
                items = (items or {}).get(key)
            items = items.get("results") if isinstance(items, dict) else items
            for item in items or ():
                rows += item[entry.inner] if entry.inner else [item]
        found[entry.name] = rows
    return found


RECORDS = _records()


@pytest.mark.parametrize("stream", RECORDS)
def test_what_the_api_sends_fits_and_nothing_of_it_is_nulled(stream: str) -> None:
    assert RECORDS[stream]
    for record in RECORDS[stream]:
        assert_cleaned(stream, copy.deepcopy(record))
        assert not SUBJECTS[stream].findings.nulled


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything within a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places_in(inner, (*path, key))


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
def test_a_record_that_is_damaged_anywhere_is_made_to_fit(stream: str, data: st.DataObject) -> None:
    record = copy.deepcopy(data.draw(st.sampled_from(RECORDS[stream]), label="record"))
    for _ in range(data.draw(st.integers(1, 6), label="changes")):
        paths = list(places_in(record))
        if not paths:
            break
        path = data.draw(st.sampled_from(paths), label="path")
        change = data.draw(st.sampled_from(CHANGES), label="change")
        change(at(record, path[:-1]), path[-1], data.draw(JSON, label="value"))
    assert_cleaned(stream, record)


def test_a_hundred_levels_and_ten_megabytes_are_made_to_fit() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = {"pay": [deep], "location": {"city": deep}} if isinstance(deep, str) else {"pay": [deep]}
    text = "x" * 10_000_000
    assert_cleaned("work_orders", {"id": 1, "title": text, "pay": deep, "location": [deep], "status": text})
