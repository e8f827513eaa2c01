"""Behavior of singer-sdk that we rely on beyond its documented interface: a release that changes it fails here.

And that our own way from record to message shows in nothing: selection, maps and flattening work as in any tap.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import json
import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from singer_sdk.helpers._flattening import FlatteningOptions
from singer_sdk.helpers._state import StateWriter
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib import Catalog, RecordMessage, SelectionMask, StateMessage
from singer_sdk.streams import Stream
from typing_extensions import override

from emulator import Emulator
from tap_fieldnation.api.errors import TapError
from tap_fieldnation.records import lifted, schema
from tap_fieldnation.records.conformer import Mismatches, compile_conformer
from tap_fieldnation.streams import sdk
from tap_fieldnation.streams.catalog import embedded_paths
from tap_fieldnation.streams.sdk import ConformedStream
from tap_fieldnation.streams.writer import Writer
from tap_fieldnation.tap import TapFieldNation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.singerlib.encoding.simple import Message

RECEIVED_AT = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
WORK_ORDERS = 30


class Collected(Writer):
    """Keeps what a tap writes, as a target gets it."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []

    @override
    def write_message(self, message: Message) -> None:
        self.messages.append(json.loads(bytes(self.format_message(message))))

    def records(self, stream: str) -> list[dict[str, Any]]:
        return [one["record"] for one in self.messages if one["type"] == "RECORD" and one["stream"] == stream]

    def schema(self, stream: str) -> dict[str, Any]:
        [found] = [one["schema"] for one in self.messages if one["type"] == "SCHEMA" and one["stream"] == stream]
        return dict(found)


@pytest.fixture(scope="module")
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=WORK_ORDERS, seed=7, rate_limit=0) as running:
        yield running


def make_tap(
    api: Emulator | None = None, *, catalog: dict[str, Any] | None = None, **config: Any
) -> tuple[TapFieldNation, Collected]:
    """A tap whose messages are kept."""
    writer = Collected()
    settings = {
        "client_id": api.client_id if api else "the-client-id",
        "client_secret": api.client_secret if api else "the-client-secret",
        "api_url": api.url if api else "http://127.0.0.1:9",
        "requests_per_minute": 100_000,
        **config,
    }
    return TapFieldNation(config=settings, catalog=catalog, message_writer=writer), writer


@functools.cache
def own_catalog() -> str:
    return json.dumps(TapFieldNation(config={}, validate_config=False).catalog_dict)


def catalog_of(*streams: str, without: tuple[tuple[str, ...], ...] = ()) -> dict[str, Any]:
    """The tap's own catalog, with some streams selected, and some properties (of whichever stream) not."""
    found: dict[str, Any] = json.loads(own_catalog())
    for entry in found["streams"]:
        for metadata in entry["metadata"]:
            place = tuple(metadata["breadcrumb"])
            if not place:
                metadata["metadata"]["selected"] = entry["tap_stream_id"] in streams
            elif place in without:
                metadata["metadata"]["selected"] = False
    return found


def read(api: Emulator, *streams: str, without: tuple[tuple[str, ...], ...] = (), **config: Any) -> Collected:
    """What a whole run writes."""
    tap, writer = make_tap(api, catalog=catalog_of(*streams, without=without), **config)
    tap.sync_all()
    tap.context.transport.session.close()
    return writer


def stream_of(tap: TapFieldNation, name: str = "work_orders") -> ConformedStream:
    stream = tap.streams[name]
    assert isinstance(stream, ConformedStream)
    stream.received_at = RECEIVED_AT
    return stream


@pytest.fixture(scope="module")
def conformed(api: Emulator) -> list[dict[str, Any]]:
    """The emulator's work orders, as `work_orders` has them before they are written."""
    conform = compile_conformer(schema.without(schema.load("work_orders"), embedded_paths()), Mismatches())
    records = []
    for number in api.company.visible_ids():
        record = conform(json.loads(json.dumps(api.company.work_order(number))))
        lifted.compile_lift("work_orders")(record)
        record["extracted_at"] = "2026-03-01T12:00:00Z"
        records.append(record)
    return records


# The private parts, by what they do.


def test_a_record_is_written_as_a_message() -> None:
    tap, writer = make_tap()
    stream_of(tap)._write_record_message({"id": 1})
    assert writer.messages == [
        {"type": "RECORD", "stream": "work_orders", "record": {"id": 1}, "time_extracted": "2026-03-01T12:00:00Z"}
    ]


def test_the_sdk_asks_the_stream_for_the_messages_of_a_record() -> None:
    tap, writer = make_tap()
    stream = stream_of(tap)

    class Twice(type(stream)):  # type: ignore[misc]
        def _generate_record_messages(self, record: dict[str, Any]) -> Iterator[RecordMessage]:
            yield from 2 * list(super()._generate_record_messages(record))

    stream.__class__ = Twice
    stream._write_record_message({"id": 1})
    assert len(writer.messages) == 2


def test_the_schema_is_written_without_references() -> None:
    tap, writer = make_tap()
    stream_of(tap)._write_schema_message()
    *children, message, last = writer.messages
    assert {one["type"] for one in (*children, last)} == {"SCHEMA"}
    assert last["stream"] == "work_order_coverage"
    assert all(one["stream"].startswith("work_order_") for one in children)
    assert (message["type"], message["stream"], message["key_properties"]) == ("SCHEMA", "work_orders", ["id"])
    assert message["schema"]["properties"].keys() == schema.load("work_orders")["properties"].keys()
    assert "$ref" not in json.dumps(message)


def test_state_is_written_when_it_has_changed_however_deep_and_only_then() -> None:
    written: list[Any] = []

    class Keeping(Writer):
        @override
        def write_message(self, message: Message) -> None:
            assert isinstance(message, StateMessage)
            written.append(copy.deepcopy(message.value))

    writer = StateWriter(Keeping())
    state: Any = {"bookmarks": {"work_orders": {"cursor": {"open": [1]}}}}
    writer.write_state(state)
    writer.write_state(state)
    assert len(written) == 1
    state["bookmarks"]["work_orders"]["cursor"]["open"].append(2)
    writer.write_state(state)
    writer.write_state(copy.deepcopy(state))
    assert [value["bookmarks"]["work_orders"]["cursor"]["open"] for value in written] == [[1], [1, 2]]


def test_a_streams_state_is_a_part_of_the_taps() -> None:
    tap, writer = make_tap()
    stream = stream_of(tap)
    stream.stream_state["cursor"] = {"version": 1}
    assert tap.state["bookmarks"]["work_orders"]["cursor"] == {"version": 1}
    tap.state_writer.write_state(stream.tap_state)
    assert writer.messages == [{"type": "STATE", "value": {"bookmarks": {"work_orders": {"cursor": {"version": 1}}}}}]


def test_a_record_moves_the_bookmark_of_its_stream() -> None:
    tap, _ = make_tap()
    for name in ("work_orders", "work_order_tags"):
        stream_of(tap, name)._increment_stream_state({"extracted_at": "2026-03-01T12:00:00Z"})
        assert tap.state["bookmarks"][name] == {
            "replication_key": "extracted_at",
            "replication_key_value": "2026-03-01T12:00:00Z",
        }


def test_the_mask_says_of_each_property_whether_it_is_selected() -> None:
    tap, _ = make_tap()
    mask = stream_of(tap).mask
    assert isinstance(mask, SelectionMask)
    assert {("properties", name) for name in schema.load("work_orders")["properties"]} <= mask.keys()
    assert ("properties", "pay", "properties", "total") in mask
    assert all(mask.values())
    tap, _ = make_tap(catalog=catalog_of("work_orders", without=(("properties", "pay", "properties", "total"),)))
    deselected = [place for place, selected in stream_of(tap).mask.items() if not selected]
    assert deselected == [("properties", "pay", "properties", "total")]


def test_without_a_map_a_stream_has_the_one_that_changes_nothing() -> None:
    tap, _ = make_tap()
    [one] = stream_of(tap).stream_maps
    assert type(one) is SameRecordTransform
    assert not one.flattening_enabled
    record = {"id": 1}
    assert one.transform(record) is record
    assert one.get_filter_result(record) is True
    assert (one.stream_alias, one.transformed_schema["properties"].keys()) == (
        "work_orders",
        stream_of(tap).schema["properties"].keys(),
    )


def test_a_stream_can_choose_its_level_of_conformance() -> None:
    tap, _ = make_tap()
    stream = stream_of(tap)
    assert stream.TYPE_CONFORMANCE_LEVEL is TypeConformanceLevel.NONE
    [message] = Stream._generate_record_messages(stream, {"id": 1, "stalled": 1, "unknown": 2})
    assert message.record == {"id": 1, "stalled": 1, "unknown": 2}


def test_a_full_table_ends_with_the_version_of_its_records() -> None:
    tap, writer = make_tap()
    stream = stream_of(tap, "tags")
    sdk.start_version(stream)
    stream._write_record_message({"id": 1})
    sdk.activate_version(stream)
    record, activation = writer.messages
    assert activation == {"type": "ACTIVATE_VERSION", "stream": "tags", "version": record["version"]}
    now = datetime.now(timezone.utc).timestamp()
    assert now - 600 < record["version"] <= now


def test_without_a_version_none_is_activated() -> None:
    tap, writer = make_tap()
    sdk.activate_version(stream_of(tap, "tags"))
    assert writer.messages == []


def test_the_sdk_selects_streams_by_the_catalog() -> None:
    tap, _ = make_tap(catalog=catalog_of("work_orders", "work_order_tags"))
    selected = {name for name, stream in tap.streams.items() if stream.selected}
    assert selected == {"work_orders", "work_order_tags"}
    assert isinstance(tap.input_catalog, Catalog)
    assert {child.name for child in stream_of(tap).child_streams} > {"work_order_tags", "work_order_removals"}


@pytest.mark.parametrize(
    ("text", "error", "level", "said"),
    [
        ("Skipping deselected stream '%s'.", None, logging.INFO, False),
        ("Skipping deselected stream '%s'.", None, logging.DEBUG, True),
        ("Not read: %s", None, logging.INFO, True),
        (sdk.UNHANDLED, TapError("The secret is wrong."), logging.INFO, False),
        (sdk.UNHANDLED, KeyError("nobody foresaw it"), logging.INFO, True),
    ],
)
def test_noise_is_logged_at_debug_only(
    text: str, error: Exception | None, level: int, *, said: bool, caplog: pytest.LogCaptureFixture
) -> None:
    tap, _ = make_tap()
    for logger in (tap.logger, stream_of(tap, "tags").logger):
        caplog.clear()
        with caplog.at_level(level, logger.name), contextlib.suppress(Exception):
            _log(logger, text, error)
        assert bool(caplog.records) is said


def _log(logger: logging.Logger, text: str, error: Exception | None) -> None:
    if error is None:
        logger.info(text, "tags")
        return
    try:
        raise error  # noqa: TRY301
    except Exception:
        logger.error(text, "tags")  # noqa: TRY400  as the SDK does
        raise


# The same record by our way and by the SDK's.


def test_a_record_is_the_same_by_our_way_and_by_the_sdks(conformed: list[dict[str, Any]]) -> None:
    tap, _ = make_tap()
    stream = stream_of(tap)
    assert stream.writes_unchanged
    for record in conformed:
        [ours] = stream._generate_record_messages(copy.deepcopy(record))
        stream.TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.RECURSIVE
        [theirs] = Stream._generate_record_messages(stream, copy.deepcopy(record))
        assert ours.record == theirs.record == record
        assert (ours.stream, ours.version) == (theirs.stream, theirs.version)
        assert ours.time_extracted == RECEIVED_AT


MAPS: dict[str, tuple[tuple[tuple[str, ...], ...], dict[str, Any]]] = {
    "a property deselected": ((("properties", "pay"),), {}),
    "a nested property deselected": ((("properties", "pay", "properties", "total"),), {}),
    "flattening": ((), {"flattening_enabled": True, "flattening_max_depth": 1}),
    "deep flattening": ((), {"flattening_enabled": True, "flattening_max_depth": 5}),
    "an alias": ((), {"stream_maps": {"work_orders": {"__alias__": "orders"}}}),
    "a property removed": ((), {"stream_maps": {"work_orders": {"title": None}}}),
    "a property added": ((), {"stream_maps": {"work_orders": {"double": "id * 2"}}}),
    "a copy": ((), {"stream_maps": {"copy": {"__source__": "work_orders", "__else__": None, "id": "id"}}}),
    "a filter": ((), {"stream_maps": {"work_orders": {"__filter__": "id % 2 == 0"}}}),
}


@pytest.mark.parametrize(("without", "config"), MAPS.values(), ids=MAPS)
def test_selected_mapped_and_flattened_records_are_the_sdks(
    conformed: list[dict[str, Any]], without: tuple[tuple[str, ...], ...], config: dict[str, Any]
) -> None:
    tap, _ = make_tap(catalog=catalog_of("work_orders", without=without), **config)
    stream = stream_of(tap)
    # Of another tap, as our way changes how the stream's maps flatten.
    other = stream_of(make_tap(catalog=catalog_of("work_orders", without=without), **config)[0])
    assert not stream.writes_unchanged
    columns = {one.stream_alias: one.transformed_schema["properties"].keys() for one in stream.stream_maps}
    count = 0
    for record in conformed:
        ours = list(stream._generate_record_messages(copy.deepcopy(record)))
        theirs = list(Stream._generate_record_messages(other, copy.deepcopy(record)))
        assert [message.stream for message in ours] == [message.stream for message in theirs]
        for our, their in zip(ours, theirs, strict=True):
            assert our.record.keys() <= columns[our.stream]
            assert our.record == {key: value for key, value in their.record.items() if key in columns[their.stream]}
            assert our.time_extracted == RECEIVED_AT
            count += 1
    assert count


# Flattening: the SDK's own function is the reference.

COLUMN_NAMES = st.sampled_from(["a", "b", "id", "type", "a__b", "aVeryLongName", "another_long_name"])
ANY_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.decimals()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(COLUMN_NAMES, inner, max_size=3)),
    max_leaves=8,
)
NODES = st.recursive(
    st.sampled_from(["string", "integer", "number", "boolean", "array", "object"]).map(
        lambda kind: {"type": [kind, "null"]}
    ),
    lambda inner: st.dictionaries(COLUMN_NAMES, inner, max_size=4).map(
        lambda properties: {"type": ["object", "null"], "properties": properties}
    ),
    max_leaves=12,
)


def records_of(node: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that mostly fit a schema, and some of any kind."""
    if "properties" not in node:
        return ANY_JSON
    inner = {name: records_of(child) for name, child in node["properties"].items()}
    return st.one_of(st.fixed_dictionaries({}, optional=inner), st.none(), ANY_JSON)


def assert_flattens_as_the_sdk(map_: SameRecordTransform, records: list[dict[str, Any]]) -> None:
    """Several records, as the names that the first ones need are used again."""
    columns = map_.transformed_schema["properties"]
    flatten = sdk.compile_flatten(map_)
    for record in records:
        before = repr(record)
        theirs = {name: value for name, value in map_.flatten_record(record).items() if name in columns}
        ours = flatten(record)
        assert repr(list(ours.items())) == repr(list(theirs.items()))
        assert repr(record) == before


@given(st.data())
def test_any_record_is_flattened_as_the_sdk_does(data: st.DataObject) -> None:
    properties = data.draw(st.dictionaries(COLUMN_NAMES, NODES, max_size=5), label="properties")
    options = FlatteningOptions(
        enabled=True,
        max_level=data.draw(st.integers(1, 4), label="depth"),
        separator=data.draw(st.sampled_from(["__", "_", "."]), label="separator"),
        max_key_length=data.draw(st.sampled_from([5, 12, 255]), label="length"),
    )
    try:
        map_ = SameRecordTransform("s", {"type": "object", "properties": properties}, (), options)
    except ValueError:  # two columns of the same name
        assume(False)  # noqa: FBT003
    fields = {name: records_of(node) for name, node in properties.items()}
    record = st.one_of(st.fixed_dictionaries({}, optional=fields), st.dictionaries(COLUMN_NAMES, ANY_JSON, max_size=4))
    assert_flattens_as_the_sdk(map_, data.draw(st.lists(record, min_size=1, max_size=3), label="records"))


@pytest.mark.parametrize("depth", [1, 2, 3, 8])
@pytest.mark.parametrize("length", [40, 63, 255])
def test_work_orders_are_flattened_as_the_sdk_does(conformed: list[dict[str, Any]], depth: int, length: int) -> None:
    options = FlatteningOptions(enabled=True, max_level=depth, max_key_length=length)
    columns = schema.public(schema.without(schema.load("work_orders"), embedded_paths()))
    assert_flattens_as_the_sdk(SameRecordTransform("work_orders", columns, ("id",), options), conformed)


# Whole runs.


def test_a_run_writes_each_work_order_and_its_children_once(api: Emulator) -> None:
    written = read(api, "work_orders", "work_order_tags", "work_order_tasks")
    ids = sorted(record["id"] for record in written.records("work_orders"))
    assert ids == sorted(api.company.visible_ids())
    truth = {number: api.company.work_order(number) for number in ids}
    tags = {(row["work_order_id"], row["id"]) for row in written.records("work_order_tags")}
    assert tags == {(number, tag["id"]) for number in ids for tag in truth[number]["tags"]["results"]}
    assert not written.records("work_order_signatures")


def test_a_deselected_nested_property_is_in_neither_schema_nor_record(api: Emulator) -> None:
    place = ("properties", "location", "properties", "city")
    written = read(api, "work_orders", without=(place,))
    assert "city" not in written.schema("work_orders")["properties"]["location"]["properties"]
    locations = [record["location"] for record in written.records("work_orders") if record["location"]]
    assert len(locations) > WORK_ORDERS / 2
    assert not [location for location in locations if "city" in location]
    assert [record for record in written.records("work_orders") if record["location_city"]]


@pytest.mark.parametrize("depth", [1, 3])
def test_flattening_writes_exactly_the_columns_of_its_schema(api: Emulator, depth: int) -> None:
    written = read(api, "work_orders", "work_order_tasks", flattening_enabled=True, flattening_max_depth=depth)
    for stream in ("work_orders", "work_order_tasks"):
        columns = written.schema(stream)["properties"]
        records = written.records(stream)
        assert records
        for record in records:
            assert record.keys() <= columns.keys()
        assert [name for name in columns if "__" in name]
    assert {record["id"]: record["pay__total"] for record in written.records("work_orders")} == {
        record["id"]: record["pay_total"] for record in written.records("work_orders")
    }


def test_an_alias_holds_for_a_stream_and_for_one_embedded_in_it(api: Emulator) -> None:
    written = read(
        api,
        "work_orders",
        "work_order_tags",
        stream_maps={"work_orders": {"__alias__": "orders"}, "work_order_tags": {"__alias__": "labels"}},
    )
    assert len(written.records("orders")) == WORK_ORDERS == len(api.company.visible_ids())
    assert written.records("labels")
    assert not written.records("work_orders")
    assert not written.records("work_order_tags")
    assert written.schema("labels")


def test_a_filter_of_work_orders_applies_to_their_children_too(api: Emulator) -> None:
    written = read(
        api,
        "work_orders",
        "work_order_tasks",
        stream_maps={"work_orders": {"__filter__": "id % 2 == 0"}},
    )
    ids = {record["id"] for record in written.records("work_orders")}
    assert ids == {number for number in api.company.visible_ids() if number % 2 == 0}
    parents = {row["work_order_id"] for row in written.records("work_order_tasks")}
    assert parents
    assert parents <= ids


def test_children_can_be_mapped_on_their_own(api: Emulator) -> None:
    written = read(
        api,
        "work_orders",
        "work_order_tasks",
        stream_maps={"work_order_tasks": {"__filter__": "work_order_id % 2 == 0", "label": None, "twice": "id * 2"}},
    )
    rows = written.records("work_order_tasks")
    assert rows
    assert all(row["work_order_id"] % 2 == 0 and row["twice"] == 2 * row["id"] for row in rows)
    assert not [row for row in rows if "label" in row]


def test_columns_that_an_older_catalog_lacks_are_left_out(api: Emulator) -> None:
    catalog = catalog_of("work_orders")
    [entry] = [one for one in catalog["streams"] if one["tap_stream_id"] == "work_orders"]
    for name in ("title", "pay"):
        del entry["schema"]["properties"][name]
        entry["metadata"] = [one for one in entry["metadata"] if one["breadcrumb"][:2] != ["properties", name]]
    tap, written = make_tap(api, catalog=catalog)
    tap.sync_all()
    tap.context.transport.session.close()
    assert len(written.records("work_orders")) == WORK_ORDERS
    for record in written.records("work_orders"):
        assert record.keys() <= written.schema("work_orders")["properties"].keys()
        assert "title" not in record
        assert "pay_total" in record
