"""Stream maps and flattening: checked before a run, with warnings if without effect, and errors in one sentence."""

from __future__ import annotations

import json
import logging
import re
import typing as t
from pathlib import Path

import pytest
from singer_sdk.exceptions import MappingError

from tap_fieldnation.api.errors import SettingsError
from tap_fieldnation.streams import maps
from tap_fieldnation.tap import TapFieldNation
from tests.whole.in_process import catalog

GOOD = {"client_id": "the-client-id", "client_secret": "the-client-secret"}
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "personal_data.json"
SELECTED = {"work_orders", "work_order_contacts", "clients"}


def make(stream_maps: t.Any = None, selected: set[str] | None = None, **config: t.Any) -> TapFieldNation:
    """A tap that has read its settings and its catalog."""
    given = {} if stream_maps is None else {"stream_maps": stream_maps}
    return TapFieldNation(config={**GOOD, **given, **config}, catalog=catalog(selected or SELECTED))


def columns(tap: TapFieldNation, stream: str) -> set[str]:
    return set(tap.mapper.stream_maps[stream][0].transformed_schema["properties"])


def refusal(stream_maps: t.Any = None, **config: t.Any) -> str:
    with pytest.raises((SettingsError, MappingError)) as caught:
        make(stream_maps, **config)
    return str(caught.value)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize("pattern", ["users", "user*", "[!c]*", "work_order_t*", "talent_pool*"])
@pytest.mark.parametrize(
    "definition",
    [
        {"x": "1"},
        {"x": "((("},
        {"__filter__": "((("},
        {"__alias__": "other"},
        {"__key_properties__": ["nothing"]},
        {},
        None,
    ],
    ids=repr,
)
def test_a_map_for_streams_that_are_not_selected_has_no_effect(pattern: str, definition: t.Any) -> None:
    tap = make({pattern: definition}, {"clients"})
    assert len(tap.streams) > 30
    for name, stream in tap.streams.items():
        if name in tap.mapper.stream_maps and not stream.selected:
            [only] = tap.mapper.stream_maps[name]
            assert only.stream_alias == name
            assert type(only).__name__ == "SameRecordTransform"


@pytest.mark.parametrize("name", sorted(json.loads(EXAMPLE.read_text())["stream_maps"]))
def test_the_example_goes_with_any_selection(name: str) -> None:
    example = json.loads(EXAMPLE.read_text())
    everything = {stream["tap_stream_id"] for stream in catalog()["streams"]}
    make(selected={name}, **example)
    make(selected=everything - {name}, **example)


@pytest.mark.parametrize(
    ("definition", "kept"),
    [
        ({"__else__": None}, ["company_id", "id"]),
        ({"__else__": "__NULL__", "name": "name"}, ["company_id", "id", "name"]),
        ({"__else__": None, "__key_properties__": ["name"]}, ["name"]),
        ({"__else__": None, "__key_properties__": []}, []),
        ({"__else__": None, "__key_properties__": ["id", "name"], "id": "str(id)"}, ["id", "name"]),
        ({"name": None, "__else__": None}, ["company_id", "id"]),
    ],
    ids=repr,
)
def test_keys_stay_where_all_else_is_dropped(definition: dict[str, t.Any], kept: list[str]) -> None:
    tap = make({"clients": definition})
    assert columns(tap, "clients") == set(kept)
    keys = tap.mapper.stream_maps["clients"][0].transformed_key_properties
    assert set(keys or ()) <= set(kept)


def test_a_map_for_a_column_that_is_not_selected_has_no_effect() -> None:
    stream_maps = {"work_order_contacts": {"email": "sha256(email)", "phone": "__NULL__", "short": "name[:1]"}}
    deselected = {"work_order_contacts.email", "work_order_contacts.phone"}
    tap = TapFieldNation(
        config={**GOOD, "stream_maps": stream_maps}, catalog=catalog({"work_order_contacts"}, deselected=deselected)
    )
    assert columns(tap, "work_order_contacts") & {"email", "phone", "short", "name"} == {"short", "name"}


EXPRESSIONS = [
    "",
    "  ",
    "(((",
    "x = 1",
    "import os",
    "a; b",
    "1\n2",
    "title if title else",
    "\0",
    "(" * 500,
    r"'\ud800'",
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=ascii)
@pytest.mark.parametrize("name", ["x", "title", "__filter__"])
def test_what_is_no_expression_is_refused_before_the_run(name: str, expression: str) -> None:
    assert refusal({"work_orders": {name: expression}}) == (
        f"Setting stream_maps cannot be used: stream_maps.work_orders.{name} is not an expression of Python: "
        "correct it."
    )


@pytest.mark.parametrize(
    ("option", "advice"),
    [
        ("__filtr__", "did you mean __filter__?"),
        ("__key_property__", "did you mean __key_properties__?"),
        ("__xyz__", "see the SDK's documentation of stream maps."),
    ],
)
def test_an_unknown_option_is_refused(option: str, advice: str) -> None:
    sentence = refusal({"work_orders": {option: "status_name == 'Paid'"}})
    assert (
        sentence == f"Setting stream_maps cannot be used: stream_maps.work_orders.{option} is not an option: {advice}"
    )


@pytest.mark.parametrize("alias", ["", "1 + 1", "[1]", "int", "1/0", "class", "a b", None], ids=repr)
def test_an_alias_that_is_no_name_is_refused(alias: str | None) -> None:
    assert refusal({"work_orders": {"__alias__": alias}}).startswith(
        "Setting stream_maps cannot be used for work_orders ("
    )


@pytest.mark.parametrize(
    ("stream_maps", "place"),
    [
        ([], "it"),
        ("canary4711", "it"),
        ({"__else__": "canary4711"}, "stream_maps.__else__"),
        ({"clients": "canary4711"}, "stream_maps.clients"),
        ({"clients": [{}]}, "stream_maps.clients"),
        ({"clients": {"name": 5}}, "stream_maps.clients.name"),
        ({"clients": {"name": {"a": 1}}}, "stream_maps.clients.name"),
        ({"clients": {"__source__": 5}}, "stream_maps.clients.__source__"),
        ({"clients": {"__filter__": True}}, "stream_maps.clients.__filter__"),
        ({"clients": {"__else__": "canary4711"}}, "stream_maps.clients.__else__"),
        ({"clients": {"__key_properties__": "id"}}, "stream_maps.clients.__key_properties__"),
        ({"clients": {"__key_properties__": [5]}}, "stream_maps.clients.__key_properties__.0"),
    ],
    ids=repr,
)
def test_a_wrong_type_is_told_by_its_place(stream_maps: t.Any, place: str) -> None:
    sentence = refusal(stream_maps)
    assert sentence == f"Setting stream_maps cannot be used: see `tap-fieldnation --about` for what {place} may be."


@pytest.mark.parametrize(
    ("config", "words"),
    [
        *(({"flattening_max_depth": value}, "flattening_max_depth cannot be used") for value in (-1, -5, 1.5, "x")),
        *(({"flattening_max_key_length": value}, "flattening_max_key_length cannot be used") for value in (-1, 0)),
        *(
            ({"flattening_max_key_length": length}, "flattening_max_key_length cannot be used: it changes names of key")
            for length in (1, 2, 5, 10)
        ),
        ({"flattening_separator": "_"}, "flattening_separator cannot be used: it makes two columns of "),
        ({"flattening_separator": 5}, "flattening_separator cannot be used"),
        ({"flattening_separator": []}, "flattening_separator cannot be used"),
        ({"flattening_enabled": "true"}, "flattening_enabled cannot be used"),
        ({"flattening_enabled": 1}, "flattening_enabled cannot be used"),
    ],
    ids=repr,
)
def test_flattening_that_cannot_work_is_refused(config: dict[str, t.Any], words: str) -> None:
    assert words in refusal(**{"flattening_enabled": True, "flattening_max_depth": 3, **config})


REMARKS: dict[str, tuple[dict[str, t.Any], str]] = {
    "an unknown stream": (
        {"user": {}},
        "Setting stream_maps has no effect for user, which is not a stream: did you mean users?",
    ),
    "an unknown source": (
        {"copy": {"__source__": "client"}},
        "Setting stream_maps has no effect for client, which is not a stream: did you mean clients?",
    ),
    "a pattern of no stream": (
        {"workorder_*": None},
        "Setting stream_maps has no effect for workorder_*, which is not a stream: did you mean work_orders?",
    ),
    "a column that is not there": (
        {"work_order_contacts": {"e_mail": "__NULL__"}},
        "Setting stream_maps removes e_mail from work_order_contacts, which has no such column: did you mean email?",
    ),
    "a column of none of the streams of a pattern": (
        {"work_order_*": {"nothing_at_all": None}},
        "Setting stream_maps removes nothing_at_all from work_order_*, which has no such column: ",
    ),
    "two maps for one stream": (
        {"work_order_contacts": {"email": "__NULL__"}, "work_order_*": {"x": "1"}},
        "Setting stream_maps has several maps for work_order_contacts (work_order_contacts, work_order_*), of which ",
    ),
    "two streams in one table": (
        {"*": {"__alias__": "all"}},
        "Setting stream_maps writes several streams as all, into one table: clients, work_order_contacts, work_orders.",
    ),
}


@pytest.mark.parametrize(("stream_maps", "sentence"), REMARKS.values(), ids=REMARKS)
def test_what_has_no_effect_is_said_once(
    caplog: pytest.LogCaptureFixture, stream_maps: dict[str, t.Any], sentence: str
) -> None:
    make(stream_maps)
    [found] = warnings(caplog)
    assert found.startswith(sentence)


@pytest.mark.parametrize(
    "stream_maps",
    [
        {"users": {"x": "1"}},
        {"*": {"email": None}},
        {"work_order_*": {"email": None}},
        {"clients": {}, "copy": {"__source__": "clients"}},
        {"users": {}, "user*": {}},
        {"__else__": None, "clients": {}},
    ],
    ids=repr,
)
def test_nothing_is_said_of_maps_that_match(caplog: pytest.LogCaptureFixture, stream_maps: dict[str, t.Any]) -> None:
    make(stream_maps)
    assert warnings(caplog) == []


def test_a_filter_on_work_orders_needs_them(caplog: pytest.LogCaptureFixture) -> None:
    make({"work_orders": {"__filter__": "status_name == 'Paid'"}}, {"work_order_tags"})
    [sentence] = warnings(caplog)
    assert sentence.startswith("Setting stream_maps has a filter on work_orders, which is not selected: ")


@pytest.mark.parametrize("value", [json.loads(EXAMPLE.read_text())["stream_map_config"]["salt"], ""])
def test_a_salt_that_everybody_knows(caplog: pytest.LogCaptureFixture, value: str) -> None:
    make(stream_map_config={"salt": value})
    [sentence] = warnings(caplog)
    assert sentence.startswith("Setting stream_map_config.salt is empty or the one of the published example")


def test_a_salt_of_ones_own(caplog: pytest.LogCaptureFixture) -> None:
    make(stream_map_config={"salt": "canary4711", "other": ""})
    assert warnings(caplog) == []
    assert maps.PUBLISHED_SALT in EXAMPLE.read_text()


RECORD = {"id": 1, "name": None, "about": "canary4711"}
FAILING: dict[str, tuple[str, str]] = {
    "a config that is missing": ("config['missing']", "needs missing in stream_map_config"),
    "a null": ("name.upper()", "fails on a record (AttributeDoesNotExist): correct it"),
    "a sum of types": ("about + 1", "fails on a record (TypeError): correct it"),
    "a number that is none": ("int(about)", "fails on a record (ValueError): correct it"),
    "a division by zero": ("1 / 0", "fails on a record (ZeroDivisionError): correct it"),
    "a key that is missing": ("_[about]", "fails on a record (KeyError): correct it"),
    "an unknown name": ("nmae", "names nmae, which is not one of the selected columns"),
    "an unknown function": ("nothing(id)", "fails on a record (FunctionNotDefined): correct it"),
    "a power without end": ("9 ** 9 ** 9", "fails on a record (NumberTooHigh): correct it"),
    "a text without end": ("'a' * 10 ** 9", "fails on a record (IterableTooLong): correct it"),
}


@pytest.mark.parametrize(("expression", "words"), FAILING.values(), ids=FAILING)
@pytest.mark.parametrize("name", ["x", "about", "__filter__"])
def test_an_expression_that_fails_is_named_without_the_record(name: str, expression: str, words: str) -> None:
    tap = make({"clients": {name: expression}})
    with pytest.raises(SettingsError) as caught:
        tap.mapper.stream_maps["clients"][0].transform(dict(RECORD))
    sentence = str(caught.value)
    assert sentence.startswith(f"Setting stream_maps cannot be used: the expression stream_maps.clients.{name} {words}")
    assert not re.search("canary4711", sentence)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"flattening_enabled": True, "flattening_max_depth": 3},
        {"stream_maps": {"work_order_attachments": {"name": "notes", "__else__": None}}},
        {"stream_maps": {"work_order_attachments": {"id": "id + 1"}}},
    ],
    ids=["nothing", "flattening", "all else dropped", "a key changed"],
)
def test_key_columns_come_first_whatever_the_order_in_the_catalog(config: dict[str, t.Any]) -> None:
    given = catalog({"work_order_attachments"})
    for entry in given["streams"]:
        entry["schema"]["properties"] = dict(reversed(entry["schema"]["properties"].items()))
    tap = TapFieldNation(config={**GOOD, **config}, catalog=given)
    [made] = tap.mapper.stream_maps["work_order_attachments"]
    first = list(made.transformed_schema["properties"])[:3]
    assert first == ["work_order_id", "folder_id", "id"] == list(made.transformed_key_properties or ())
