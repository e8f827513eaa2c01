"""The few private calls of singer-sdk that the tap makes, in one place.

Each saves more than it risks; `tests/unit/streams/test_sdk.py` fails when a release of the SDK changes one of them.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import logging
import math
import sys
import typing as t

from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib import RecordMessage
from singer_sdk.streams import Stream
from typing_extensions import override

from tap_fieldnation.api.errors import TapError
from tap_fieldnation.streams import input_catalog

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from singer_sdk import metrics
    from singer_sdk.helpers.types import Record
    from singer_sdk.singerlib import Catalog
    from singer_sdk.singerlib.encoding.simple import Message


# The collector's thresholds while a run reads: the first is the number of new objects.
COLLECT_AFTER = (100_000, 50, 50)
M_ARENA_MAX = -8  # of malloc.h

# Lines that the SDK logs at INFO in every run, and that tell a user of this tap nothing: which streams there are and
# are not selected; and where the bookmark is, which here decides nothing.
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
    """A filter for loggers: no noise, and no error beside the sentence that a foreseen one ends with.

    At the level DEBUG everything is said.
    """
    noise = isinstance(sys.exc_info()[1], TapError) if record.msg == UNHANDLED else record.msg in NOISE
    return not noise or logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


class ConformedStream(Stream):
    """A stream whose records are made to fit their schema by our walker, so that the SDK need not do it again.

    The SDK's way from record to message (deselect, conform, map) costs several times what the rest of the tap does: it
    looks up each property of each record to see whether it is selected. Here those that are not are known beforehand,
    and where nothing is deselected, mapped or flattened a record is written as it is.
    """

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    # When the page that the current records are from was received.
    received_at: datetime | None = None
    rows_written = 0
    begun = False  # whether it is, or was, this stream's turn

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger.addFilter(is_useful)

    @override
    def get_record_counter(self, **kwargs: t.Any) -> metrics.Counter:
        """The SDK's counter of records, told at the end only: in between, `progress` tells how far it is."""
        self.begun = True
        return super().get_record_counter(**{"log_interval": math.inf, **kwargs})

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take from a catalog what it may decide."""
        if entry := catalog.get_stream(self.name):
            input_catalog.normalize_entry(entry, self)
        super().apply_catalog(catalog)

    @functools.cached_property
    def _written_as_is(self) -> bool:
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
        if self._written_as_is:
            yield RecordMessage(
                stream=self.name, record=record, version=self._stream_version, time_extracted=self.received_at
            )
            return
        for parents, name in self._deselected:
            holder: t.Any = record
            for key in parents:
                holder = holder.get(key) if isinstance(holder, dict) else None
            if isinstance(holder, dict):
                holder.pop(name, None)
        for map_ in self.stream_maps:
            mapped = map_.transform(record)
            if mapped is None:
                continue
            # What SCHEMA does not name: keys that an older catalog lacks, and null objects, which flattening leaves.
            known = map_.transformed_schema["properties"]
            yield RecordMessage(
                stream=map_.stream_alias,
                record={key: value for key, value in mapped.items() if key in known},
                version=self._stream_version,
                time_extracted=self.received_at,
            )

    @functools.cached_property
    def _deselected(self) -> list[tuple[tuple[str, ...], str]]:
        """The properties to leave out, each as the keys that lead to its object and its own."""
        places = [place for place, selected in self.mask.items() if place and not selected]
        outermost = [place for place in places if self.mask[place[:-2]] or not place[:-2]]
        return [(place[1:-2:2], place[-1]) for place in outermost if set(place[::2]) == {"properties"}]


def tune_gc() -> None:
    """Let the garbage collector look less often, and never at what is there by now: called at the start of a run.

    A page of work orders is tens of thousands of objects, none of them in a cycle: they go when their page goes. At
    Python's own thresholds the collector would look through each page a dozen times, for nothing.
    """
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def limit_malloc_arenas() -> None:
    """Let all threads take memory from the same place; called before there are any.

    By default glibc gives each its own, and what a page leaves free there serves no other thread: some 25 MiB in all.
    Other C libraries do not, and do not have the function.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def start_version(stream: Stream) -> None:
    """Mark the records of a full table from now on with the version of this run."""
    stream._stream_version = stream._initialized_at // 1000  # noqa: SLF001


def activate_version(stream: Stream) -> None:
    """Tell the target that a full table is there: it may delete the rows of earlier versions."""
    version = stream._stream_version  # noqa: SLF001
    if version is not None:
        stream._write_activate_version_message(version)  # noqa: SLF001


class Writer(MsgSpecWriter):
    """Writes messages one after another, and says whether it is in the middle of one.

    Attributes:
        busy: Whether a message is being written: another one now would tear it.
        leave: What to do once the message is written, set by a signal that came meanwhile.
    """

    busy = False
    leave: t.Callable[[], None] | None = None
    _held: bytearray | None = None

    @override
    def write_message(self, message: Message) -> None:
        if self._held is not None:
            self._held += self.format_message(message)
            return
        self.busy = True
        super().write_message(message)
        self._done()

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Write what is written in a block at its end, by one call of the system for many small messages."""
        self.busy = True
        self._held = held = bytearray()
        try:
            yield
        finally:
            self._held = None
            sys.stdout.buffer.write(held)
            sys.stdout.flush()
            self._done()

    def _done(self) -> None:
        self.busy = False
        if self.leave is not None:
            self.leave()
