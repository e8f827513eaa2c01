"""The few private calls of singer-sdk that the tap makes, in one place.

Each saves more than it risks; `tests/unit/streams/test_sdk.py` fails when a release of the SDK changes one of them.
"""

from __future__ import annotations

import functools
import json
import logging
import math
import sys
import typing as t

from singer_sdk.helpers._flattening import flatten_key
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.json import serialize_json
from singer_sdk.streams import Stream
from typing_extensions import override

from tap_fieldnation.api.errors import TapError
from tap_fieldnation.streams.input_catalog import normalize_entry
from tap_fieldnation.streams.writer import Writer

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from singer_sdk import Tap, metrics
    from singer_sdk.helpers.types import Record
    from singer_sdk.mapper import StreamMap
    from singer_sdk.singerlib import Catalog

    from tap_fieldnation.context import RunContext

# Lines that the SDK logs at INFO in every run and that do not help a user of this tap: deselected streams, one line for
# each, and the bookmark, which does not decide what this tap reads.
NOISE = frozenset(
    {
        "Added '%s' as child stream to '%s'",
        "Skipping deselected stream '%s'.",
        "Parsing env var for settings config...",
        "Skipping parse of env var settings...",
        "Starting incremental sync of '%s' with bookmark value: %s",
    }
)
UNHANDLED = "An unhandled error occurred while syncing '%s'"


def is_useful(record: logging.LogRecord) -> bool:
    """A logging filter that drops `NOISE`, and the SDK's error line if the tap ends with its own sentence.

    At the level DEBUG nothing is dropped.
    """
    noise = isinstance(sys.exc_info()[1], TapError) if record.msg == UNHANDLED else record.msg in NOISE
    return not noise or logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


class ConformedStream(Stream):
    """A stream whose records already fit their schema thanks to our conformer, so that the SDK need not conform them.

    The SDK's path from record to message (deselect, conform, map) takes several times as long as the rest of the tap:
    it looks up for each property of each record whether it is selected. Here the deselected properties are determined
    beforehand, and if nothing is deselected, mapped or flattened, a record is written unchanged.

    Args:
        tap: The SDK's tap.
        context: The run.

    Attributes:
        received_at: When the page of the current records was received.
        rows_written: Records written in this run.
        begun: Whether the sync of this stream has started.
    """

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    received_at: datetime | None = None
    rows_written = 0
    begun = False

    def __init__(self, tap: Tap, context: RunContext) -> None:
        super().__init__(tap)
        self.run_context = context
        self.logger.addFilter(is_useful)

    @override
    def get_record_counter(self, **kwargs: t.Any) -> metrics.Counter:
        """The SDK's counter of records, logged only at the end: until then the tap shows the progress."""
        self.begun = True
        self.run_context.begin()
        return super().get_record_counter(**{"log_interval": math.inf, **kwargs})

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Apply what a catalog may decide, and ignore the rest."""
        if entry := catalog.get_stream(self.name):
            normalize_entry(entry, self)
        super().apply_catalog(catalog)

    @property
    @override
    def partitions(self) -> None:
        """None, also where the STATE is of another tap whose streams have some."""
        return

    @override
    def get_batch_config(self, config: t.Mapping[str, t.Any]) -> None:
        """None: the tap writes no BATCH messages, and rejects the setting."""
        return

    @functools.cached_property
    def writes_unchanged(self) -> bool:
        """Whether records are written unchanged, because nothing is deselected, mapped or flattened."""
        [first, *more] = self.stream_maps
        return (
            not more
            and type(first) is SameRecordTransform
            and not first.flattening_enabled
            and all(self.mask.values())
            and self.effective_schema["properties"].keys() == self.schema["properties"].keys()
        )

    @override
    def _generate_record_messages(self, record: Record) -> Iterator[RecordMessage]:  # type: ignore[override]
        self.rows_written += 1
        for name, written in self.as_written(record):
            yield RecordMessage(
                stream=name, record=written, version=self._stream_version, time_extracted=self.received_at
            )

    def write_records(self, records: Iterable[Record]) -> Record | None:
        """Write records that were all received at `received_at`; returns the last one.

        A program that runs the tap in its own process can pass a writer of another class, which gets the SDK's message
        for each record.
        """
        read, writer = list(records), self._tap.message_writer
        if type(writer) is not Writer:
            for record in read:
                self._write_record_message(record)
        elif read:
            self.rows_written += len(read)
            written: Iterable[tuple[str, Record]] = (
                [(self.name, record) for record in read]
                if self.writes_unchanged
                else (message for record in read for message in self.as_written(record))
            )
            writer.write_records(written, version=self._stream_version, time_extracted=self.received_at)
            self.state_manager.is_flushed = False
        return read[-1] if read else None

    def as_written(self, record: Record) -> Iterator[tuple[str, Record]]:
        """The records to write for a record, with the stream names in their messages; it loses what is not selected."""
        if self.writes_unchanged:
            yield self.name, record
            return
        self.deselect(record)
        for map_ in self._maps:
            mapped = map_.transform(record)
            if mapped is None:
                continue
            if not map_.flattening_enabled:  # without keys that are not in SCHEMA because an older catalog omits them
                known = map_.transformed_schema["properties"]
                mapped = {key: value for key, value in mapped.items() if key in known}
            yield map_.stream_alias, mapped

    def deselect(self, record: Record) -> None:
        """Remove what is not selected from a record."""
        if self.writes_unchanged:
            return
        for parents, name in self._deselected:
            holder: t.Any = record
            for key in parents:
                holder = holder.get(key) if isinstance(holder, dict) else None
            if isinstance(holder, dict):
                holder.pop(name, None)

    @functools.cached_property
    def _maps(self) -> list[StreamMap]:
        """The stream's maps, with compiled flattening."""
        for map_ in self.stream_maps:
            if map_.flattening_enabled:
                map_.flatten_record = compile_flatten(map_)  # type: ignore[method-assign,assignment]
        return list(self.stream_maps)

    @functools.cached_property
    def _deselected(self) -> list[tuple[tuple[str, ...], str]]:
        """The deselected properties, each as the path of its object and its own key."""
        places = [place for place, selected in self.mask.items() if place and not selected]
        outermost = [place for place in places if self.mask[place[:-2]] or not place[:-2]]
        return [(place[1:-2:2], place[-1]) for place in outermost if set(place[::2]) == {"properties"}]


# The names of an object's keys in a flattened record: key -> (name, whether it is a column, the same for its own keys).
_Names = dict[str, tuple[str, bool, "_Names"]]
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def compile_flatten(map_: StreamMap) -> Callable[[Record], Record]:
    """The SDK's flattening for the records of one map, without keys that are not in its SCHEMA, such as null objects.

    The SDK builds the name of each key again for each record. Here each name is built once.
    """
    columns, options = map_.transformed_schema["properties"], map_.flattening_options
    if options is None:
        return lambda record: record
    max_level, separator, max_length = options.max_level, options.separator, options.max_key_length

    def flatten(value: Record, found: Record, names: _Names, parents: tuple[str, ...]) -> None:
        for key, item in value.items():
            known = names.get(key)
            if known is None:
                name = flatten_key(key, [*parents], separator, max_key_length=max_length)
                known = names[key] = name, name in columns, {}
            name, is_column, below = known
            kind = type(item)
            if is_column:
                found[name] = _as_json(item) if kind is dict or kind is list else item
            elif kind is dict and len(parents) < max_level:
                flatten(item, found, below, (*parents, key))

    names: _Names = {}

    def flatten_record(record: Record) -> Record:
        found: Record = {}
        flatten(record, found, names, ())
        return found

    return flatten_record


def _as_json(value: t.Any) -> str:
    """The same JSON as the SDK's, which is slower because it creates an encoder for each value."""
    if not value:
        return "{}" if type(value) is dict else "[]"
    try:
        return _encode(value)
    except (TypeError, ValueError):  # not a number, or of a type that only the SDK writes
        return serialize_json(value)


def write_schema(stream: Stream) -> None:
    """Write a stream's SCHEMA message."""
    stream._write_schema_message()  # noqa: SLF001


def start_version(stream: Stream) -> None:
    """Give the records of a full table the version of this run from now on."""
    stream._stream_version = stream._initialized_at // 1000  # noqa: SLF001


def activate_version(stream: Stream) -> None:
    """Write the ACTIVATE_VERSION message of a full table: the target may delete the rows of earlier versions."""
    version = stream._stream_version  # noqa: SLF001
    if version is not None:
        stream._write_activate_version_message(version)  # noqa: SLF001
