"""Fingerprints, which show whether a record differs from what was last written."""

from __future__ import annotations

import hashlib
import typing as t

import msgspec

from tap_fieldnation.api.errors import SettingsError
from tap_fieldnation.reading.packing import FINGERPRINT_BYTES
from tap_fieldnation.records import schema
from tap_fieldnation.records.volatile import compile_hide
from tap_fieldnation.streams.maps import STREAM_MAPS, words_in
from tap_fieldnation.streams.rows import EXTRACTED_AT

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from singer_sdk.helpers.types import Record

    from tap_fieldnation.streams.sdk import ConformedStream

# Replaces the time at which a record was received, which does not count as a difference.
NO_TIME = "1970-01-01T00:00:00Z"

# Settings that affect what is written, besides the catalog.
SHAPING = (STREAM_MAPS, "stream_map_config", "faker_config")

NO_COUNTS: Mapping[str, t.Any] = {}

_encode = msgspec.json.Encoder(enc_hook=str, order="sorted").encode


class Fingerprints:
    """Fingerprints of records of some streams; they depend on the tap's version, the selection and the stream maps.

    Records of other streams are ignored.

    Args:
        streams: The selected streams whose records belong together.
        config: The settings.
        version: Of the tap.
    """

    def __init__(self, streams: Sequence[ConformedStream], config: Mapping[str, t.Any], version: str) -> None:
        shape = [
            version,
            [config.get(name) for name in SHAPING],
            [
                [stream.name, map_.stream_alias, map_.transformed_schema, map_.transformed_key_properties]
                for stream in streams
                for map_ in stream.stream_maps
            ],
        ]
        needed = {stream.name: words_in(config.get(STREAM_MAPS), stream.name) for stream in streams}
        self._hide = {name: compile_hide(schema.load(name), words) for name, words in needed.items()}
        self._mapped_by_time = {name for name, words in needed.items() if EXTRACTED_AT in words}
        self._salted = hashlib.sha256(_encode(shape))

    def of(
        self, rows: Iterable[tuple[ConformedStream, Iterable[Record]]], counts: Mapping[str, t.Any] = NO_COUNTS
    ) -> int:
        """The fingerprint of some rows; never 0.

        Args:
            rows: The rows by stream; their order within a stream does not matter.
            counts: The number of rows of other streams, by stream name.
        """
        known = [(name, count) for name, count in counts.items() if name in self._hide]
        digest = self._salted.copy()
        digest.update(_encode(known))
        for stream, records in rows:
            if stream.name not in self._hide:
                continue
            written = sorted(filter(None, (self._encoded(stream, record) for record in records)))
            if written:
                digest.update(b"".join((*written, stream.name.encode())))
        return int.from_bytes(digest.digest()[:FINGERPRINT_BYTES], "big") or 1

    def _encoded(self, stream: ConformedStream, record: Record) -> bytes:
        """What is written for a record, without volatile values unless a stream map needs them; empty if nothing is.

        If a stream map needs the time, which must make no difference: the names under which the record is written, and
        the record without the map.
        """
        extracted_at, by_time = record[EXTRACTED_AT], stream.name in self._mapped_by_time
        names = [name for name, _ in stream.as_written(record)] if by_time else []
        record[EXTRACTED_AT] = NO_TIME
        stream.deselect(record)
        restore = self._hide[stream.name](record)
        try:
            if by_time:
                return _encode([names, record]) if names else b""
            return _encode_messages(stream, record)
        except SettingsError:
            restore()
            return _encode_messages(stream, record)
        finally:
            restore()
            record[EXTRACTED_AT] = extracted_at


def _encode_messages(stream: ConformedStream, record: Record) -> bytes:
    messages = list(stream.as_written(record))
    return _encode(messages) if messages else b""
