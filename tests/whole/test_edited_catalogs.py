"""Catalogs that were edited by hand: the tap reads on with its own names and keys, or says what is wrong."""

from __future__ import annotations

import copy
import json
import typing as t

import pytest

from emulator import Emulator, VirtualClock
from tests.whole.runs import Runner, small_catalog

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.whole.runs import Catalog, Ended

Change = t.Callable[[t.Any], None]  # of the streams of a catalog, by name
KEYS = {"clients": ["company_id", "id"], "work_orders": ["id"], "work_order_tags": ["work_order_id", "id"]}
BOTH = {"forced-replication-method": "INCREMENTAL", "replication-key": "name"}


def _entry(name: str, **values: t.Any) -> Change:
    return lambda streams: streams[name].update(values)


def _root(name: str, **values: t.Any) -> Change:
    def change(streams: t.Any) -> None:
        [root] = [entry for entry in streams[name]["metadata"] if not entry["breadcrumb"]]
        root["metadata"].update({key.replace("_", "-"): value for key, value in values.items()})

    return change


def _without(name: str, *place: str) -> Change:
    def change(streams: t.Any) -> None:
        *way, last = (name, *place)
        for key in way:
            streams = streams[key]
        del streams[last]

    return change


TAKEN: dict[str, Change] = {
    "a name that differs": _entry("clients", stream="customers"),
    "a name that is a number": _entry("work_orders", stream=5),
    "a name that is a list": _entry("work_order_tags", stream=["x"]),
    "a name of another stream": _entry("clients", stream="work_orders"),
    "no name": _without("clients", "stream"),
    "an alias that is none": _entry("clients", stream_alias={"a": 1}),
    "a replication key that is no column": _entry("work_orders", replication_key="nothing"),
    "a replication key of an embedded stream that is no column": _entry("work_order_tags", replication_key="nothing"),
    "no replication key": _entry("work_orders", replication_key=None),
    "no replication key, of an embedded stream": _without("work_order_tags", "replication_key"),
    "an empty replication key": _entry("work_orders", replication_key=""),
    "company data by increments": _entry("clients", replication_method="INCREMENTAL"),
    "company data by increments of a column": _entry("clients", replication_method="INCREMENTAL", replication_key="id"),
    "company data by increments, in metadata": _root("clients", **BOTH),
    "a replication method that is none": _entry("work_orders", replication_method="SOMETIMES"),
    "work orders by log": _entry("work_orders", replication_method="LOG_BASED"),
    "an embedded stream read whole": _entry("work_order_tags", replication_method="FULL_TABLE"),
    "no keys": _entry("clients", key_properties=[]),
    "keys that are null": _entry("work_order_tags", key_properties=None),
    "no keys at all": _without("work_orders", "key_properties"),
    "a key that the schema lacks": _without("work_orders", "schema", "properties", "id"),
    "the time of reading that the schema lacks": _without("work_orders", "schema", "properties", "extracted_at"),
    "no columns": _entry("clients", schema={"properties": {}}),
    "metadata of a column that is none": lambda streams: streams["clients"]["metadata"].append(
        {"breadcrumb": ["properties", "nothing", "at", "all"], "metadata": {"selected": False}}
    ),
}
REFUSED: dict[str, tuple[Change, str]] = {
    "a key that is no column": (
        _entry("clients", key_properties=["id", "nothing"]),
        "The catalog cannot be used: the keys of clients name nothing, which is not one of its columns: make a catalog",
    ),
    "a key that is no column, in metadata": (
        lambda streams: (
            streams["clients"].update(key_properties=None),
            _root("clients", table_key_properties=["x"])(streams),
        )[1],
        "the keys of clients name x",
    ),
    "a key that is no text": (_entry("clients", key_properties=[5]), "key_properties.0 must be of type string"),
    "a replication key that is no text": (_entry("work_orders", replication_key=5), "replication_key must be of type"),
    "alternatives that are none": (
        lambda streams: streams["clients"]["schema"]["properties"].update(name={"anyOf": 5}),
        "schema.properties.name.anyOf must be of type array",
    ),
}


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    with Emulator(work_orders=60, days=400, seed=3, rate_limit=0, clock=VirtualClock()) as api:
        yield Runner(api, tmp_path_factory.mktemp("edited"))


@pytest.fixture(scope="module")
def as_discovered(runner: Runner) -> Ended:
    ended = runner.run(catalog=small_catalog(*KEYS))
    assert ended.code == 0, ended.log
    assert ended.rows.keys() == KEYS.keys()
    return ended


def edited(change: Callable[[t.Any], object]) -> Catalog:
    streams = {stream["tap_stream_id"]: stream for stream in copy.deepcopy(small_catalog(*KEYS)["streams"])}
    change(streams)
    return {"streams": list(streams.values())}


@pytest.mark.parametrize("change", TAKEN.values(), ids=TAKEN)
def test_the_tap_keeps_its_names_and_keys(runner: Runner, as_discovered: Ended, change: Change) -> None:
    ended = runner.run(catalog=edited(change))
    assert ended.code == 0, ended.last_line
    messages = [json.loads(line) for line in ended.output.splitlines()]
    schemas = [message for message in messages if message["type"] == "SCHEMA"]
    assert {schema["stream"]: schema["key_properties"] for schema in schemas} == KEYS
    assert {schema["stream"] for schema in schemas if schema.get("bookmark_properties")} == KEYS.keys() - {"clients"}
    for schema in schemas:
        assert set(schema["key_properties"]) <= schema["schema"]["properties"].keys()
    for stream, keys in KEYS.items():
        rows, due = ({tuple(row[key] for key in keys) for row in one.rows[stream]} for one in (ended, as_discovered))
        assert rows == due
    assert ended.state.keys() == as_discovered.state.keys()
    assert ended.state["bookmarks"].keys() == as_discovered.state["bookmarks"].keys()


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_an_impossible_edit_is_refused_in_a_sentence(runner: Runner, change: Change, words: str) -> None:
    ended = runner.run(catalog=edited(change))
    assert ended.code == 1
    assert words in ended.last_line
    assert ended.last_line.endswith(": make a catalog with --discover.")
    assert "Traceback" not in ended.log
    assert ended.requests == 0


def test_keys_may_be_other_columns(runner: Runner) -> None:
    ended = runner.run(catalog=edited(_entry("work_orders", key_properties=["id", "extracted_at"])))
    assert ended.code == 0, ended.last_line
    assert '"key_properties":["id","extracted_at"]' in ended.output


def test_a_stream_that_is_not_listed_is_not_read(runner: Runner, as_discovered: Ended) -> None:
    for name in KEYS:
        ended = runner.run(catalog=edited(_without(name)))
        assert ended.code == 0, ended.last_line
        assert ended.rows.keys() == KEYS.keys() - {name}
        for stream in ended.rows:
            assert len(ended.rows[stream]) == len(as_discovered.rows[stream])


def test_full_table_in_the_catalog_reads_all_work_orders_again(runner: Runner) -> None:
    settings: dict[str, t.Any] = {"reconcile_days": 0, "page_size": 10}
    first = runner.run(catalog=edited(lambda _: None), **settings)
    runner.time.advance(86_400)
    full_table = _entry("work_orders", replication_method="FULL_TABLE")
    for change, is_whole in ((full_table, True), (lambda _: None, False)):
        ended = runner.run(catalog=edited(change), state=first.state, **settings)
        assert (ended.ids("work_orders") == first.ids("work_orders")) is is_whole
