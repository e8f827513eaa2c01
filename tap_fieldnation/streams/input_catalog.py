"""The catalog that a run was given: its columns and its selection hold, and keys that are columns.

All else that is in it the tap knows better: what a stream is called, and how it is read.
"""

from __future__ import annotations

import typing as t

from singer_sdk.singerlib import Schema, StreamMetadata

from tap_fieldnation.api.errors import CatalogError

if t.TYPE_CHECKING:
    from singer_sdk.singerlib import CatalogEntry
    from singer_sdk.streams import Stream

FULL_TABLE = "FULL_TABLE"


def normalize_entry(entry: CatalogEntry, stream: Stream) -> None:
    """Make an entry of a catalog, which may have been edited by hand, one that the SDK can work with.

    Raises:
        CatalogError: Its keys are no columns.
    """
    root = entry.metadata.get(())
    if not isinstance(root, StreamMetadata):
        entry.metadata[()] = root = StreamMetadata()
    columns = stream.schema["properties"]
    keys = entry.key_properties or root.table_key_properties or stream.primary_keys or ()
    if unknown := [key for key in keys if key not in columns]:
        raise CatalogError(
            f"The catalog cannot be used: the keys of {stream.name} name {unknown[0]}, which is none of its columns: "
            "make a catalog with --discover."
        )
    method = entry.replication_method or root.forced_replication_method
    read_anew = method == FULL_TABLE and not stream.parent_stream_type
    root.table_key_properties = root.replication_key = root.forced_replication_method = None
    entry.stream, entry.key_properties, entry.replication_key = stream.name, list(keys), stream.replication_key
    entry.replication_method = FULL_TABLE if read_anew else None
    for key in keys:
        entry.schema.properties = entry.schema.properties or {}
        entry.schema.properties.setdefault(key, Schema.from_dict(columns[key]))
