"""Catalogs that were edited by hand: keys are always written, and there is a warning for whatever has no effect."""

from __future__ import annotations

import copy
import logging
import typing as t

import pytest

from tap_fieldnation.api.errors import CatalogError
from tap_fieldnation.tap import TapFieldNation
from tests.whole.in_process import catalog

GOOD = {"client_id": "the-client-id", "client_secret": "the-client-secret"}
STREAMS = ("work_orders", "work_order_tags", "work_order_messages", "clients", "users")
Entry = dict[str, t.Any]
HOW = '"selected": true'


def edited(change: t.Callable[[dict[str, Entry]], object], selected: t.Iterable[str] = STREAMS) -> dict[str, t.Any]:
    """The catalog of some streams, changed."""
    entries = {
        one["tap_stream_id"]: one for one in catalog(set(selected))["streams"] if one["tap_stream_id"] in STREAMS
    }
    change(entries)
    return {"streams": list(entries.values())}


def set_metadata(entry: Entry, *breadcrumb: str, **metadata: object) -> None:
    entry["metadata"] = [one for one in entry["metadata"] if tuple(one["breadcrumb"]) != breadcrumb]
    named = {name.replace("_", "-"): value for name, value in metadata.items()}
    entry["metadata"].append({"breadcrumb": list(breadcrumb), "metadata": named})


def make(given: dict[str, t.Any], **config: t.Any) -> TapFieldNation:
    return TapFieldNation(config={**GOOD, **config}, catalog=copy.deepcopy(given))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


DESELECTED: list[dict[str, t.Any]] = [
    {"selected": False},
    {"selected": False, "inclusion": "available"},
    {"inclusion": "unsupported"},
    {"inclusion": "unsupported", "selected": False},
    {"selected_by_default": False},
    {},
]


@pytest.mark.parametrize("metadata", DESELECTED, ids=repr)
@pytest.mark.parametrize("config", [{}, {"flattening_enabled": True, "flattening_max_depth": 5}], ids=["", "flattened"])
def test_keys_cannot_be_deselected(metadata: dict[str, t.Any], config: dict[str, t.Any]) -> None:
    def change(entries: dict[str, Entry]) -> None:
        for entry in entries.values():
            for column in entry["schema"]["properties"]:
                set_metadata(entry, "properties", column, **metadata)
            set_metadata(entry, selected=True)

    tap = make(edited(change), **config)
    for name in STREAMS:
        [map_] = tap.mapper.stream_maps[name]
        stream = tap.streams[name]
        keys = {*stream.primary_keys, *filter(None, [stream.replication_key])}
        assert keys <= map_.transformed_schema["properties"].keys()
        assert stream.selected


def test_another_key_is_selected_too() -> None:
    def change(entries: dict[str, Entry]) -> None:
        entries["work_orders"]["key_properties"] = ["id", "status_id", "id"]
        set_metadata(entries["work_orders"], "properties", "status_id", selected=False)

    tap = make(edited(change))
    [map_] = tap.mapper.stream_maps["work_orders"]
    assert map_.transformed_key_properties == ["id", "status_id"]
    assert "status_id" in map_.transformed_schema["properties"]
    assert "status" in tap.streams["work_orders"].sections  # type: ignore[attr-defined]


@pytest.mark.parametrize("key", ["location", "tags", "qualifications"])
def test_a_key_that_holds_no_value_is_refused(key: str) -> None:
    def change(entries: dict[str, Entry]) -> None:
        entries["work_orders"]["key_properties"] = ["id", key]

    with pytest.raises(CatalogError, match=f"the keys of work_orders name {key}, which "):
        make(edited(change))


NOTHING: dict[str, dict[str, t.Any]] = {
    "no streams": {"streams": []},
    "no stream selected": catalog(set()),
    "no metadata": edited(lambda entries: [entry.update(metadata=[]) for entry in entries.values()]),
    "metadata left out": edited(lambda entries: [entry.pop("metadata") for entry in entries.values()]),
    "in the schema, as of old": edited(
        lambda entries: [
            (entry["schema"].update(selected=True), entry.update(metadata=[])) for entry in entries.values()
        ]
    ),
    "beside the name": edited(lambda entries: [entry.update(metadata=[], selected=True) for entry in entries.values()]),
    "other streams only": {"streams": [{"tap_stream_id": "orders", "schema": {"properties": {}}, "metadata": []}]},
}


@pytest.mark.parametrize("given", NOTHING.values(), ids=NOTHING)
def test_selecting_nothing_is_said_with_how_to_select(
    caplog: pytest.LogCaptureFixture, given: dict[str, t.Any]
) -> None:
    make(given)
    [*_, sentence] = warnings(caplog)
    assert sentence.startswith("No stream is selected, so nothing is read: ")
    assert HOW in sentence
    assert "Meltano" in sentence


def _columns_alone(entries: dict[str, Entry]) -> None:
    set_metadata(entries["clients"])
    set_metadata(entries["clients"], "properties", "name", selected=True)


UNKNOWN: dict[str, tuple[t.Callable[[dict[str, Entry]], object], str]] = {
    "a stream": (
        lambda entries: entries["users"].update(tap_stream_id="user"),
        "The catalog names user, which is not a stream and has no effect: did you mean users?",
    ),
    "a stream like none": (
        lambda entries: entries["users"].update(tap_stream_id="xyz"),
        "The catalog names xyz, which is not a stream and has no effect: --discover lists the streams.",
    ),
    "a column that is selected": (
        lambda entries: set_metadata(entries["clients"], "properties", "nmae", selected=True),
        "The catalog names clients.nmae, which is not a column and has no effect: did you mean name?",
    ),
    "a column that is not": (
        lambda entries: set_metadata(entries["work_orders"], "properties", "descripton", selected=False),
        "The catalog names work_orders.descripton, which is not a column and has no effect: did you mean description?",
    ),
    "a property of a column": (
        lambda entries: set_metadata(
            entries["work_orders"], "properties", "location", "properties", "citi", selected=False
        ),
        "The catalog names work_orders.location.citi, which is not a column and has no effect: did you mean ",
    ),
    "half a breadcrumb": (
        lambda entries: set_metadata(entries["clients"], "name", selected=False),
        "The catalog names clients.name, which is not a column and has no effect: did you mean name?",
    ),
    "columns without their stream": (
        _columns_alone,
        "The catalog does not select clients, though it selects columns of it: ",
    ),
}


@pytest.mark.parametrize(("change", "sentence"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_matches_nothing_is_said_once(
    caplog: pytest.LogCaptureFixture, change: t.Callable[[dict[str, Entry]], object], sentence: str
) -> None:
    make(edited(change))
    [found] = warnings(caplog)
    assert found.startswith(sentence)


def _add(entry: Entry, *breadcrumb: str) -> None:
    place = entry["schema"]
    for key in breadcrumb[:-1]:
        place = place[key]
    place[breadcrumb[-1]] = {"type": ["string", "null"]}
    set_metadata(entry, *breadcrumb, selected=True)


def test_nothing_is_said_of_a_column_that_the_catalog_adds(caplog: pytest.LogCaptureFixture) -> None:
    def change(entries: dict[str, Entry]) -> None:
        _add(entries["clients"], "properties", "new_field")
        _add(entries["work_orders"], "properties", "location", "properties", "new_field")

    make(edited(change), stream_maps={"clients": {"new_field": None}})
    assert warnings(caplog) == []


def test_nothing_is_said_of_a_catalog_as_discovered(caplog: pytest.LogCaptureFixture) -> None:
    make(catalog())
    make(catalog({"users"}, deselected={"users.email"}))
    assert warnings(caplog) == []


def test_a_state_of_another_tap_is_said(caplog: pytest.LogCaptureFixture) -> None:
    TapFieldNation(config=dict(GOOD), state={"bookmarks": {"orders": {}, "clients": {"read": True}}})
    [sentence] = warnings(caplog)
    assert sentence.startswith("The STATE names orders, which is not a stream and has no effect: ")
