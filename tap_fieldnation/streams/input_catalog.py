"""The input catalog, from which the tap takes columns, the selection, and keys that are columns.

Everything else in it, such as the names of streams and replication keys, is ignored.
"""

from __future__ import annotations

import typing as t

from singer_sdk.singerlib import Metadata, Schema, StreamMetadata

from tap_fieldnation.api.errors import CatalogError
from tap_fieldnation.hints import did_you_mean

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk.singerlib import Catalog, CatalogEntry
    from singer_sdk.streams import Stream

FULL_TABLE = "FULL_TABLE"
_NESTED = {"object", "array"}
_HOW_TO_SELECT = (
    "in the catalog that --discover prints, the entry of a stream's metadata with the breadcrumb [] needs "
    '"selected": true'
)


def normalize_entry(entry: CatalogEntry, stream: Stream) -> None:
    """Normalize an entry of a catalog, which may have been edited by hand, so that the SDK can work with it.

    Keys are always selected, and so is the replication key, because SCHEMA names it too.

    Raises:
        CatalogError: A key is not a column, or its column has objects or lists.
    """
    root = entry.metadata.get(())
    if not isinstance(root, StreamMetadata):
        entry.metadata[()] = root = StreamMetadata()
    columns = stream.schema["properties"]
    keys = list(dict.fromkeys(entry.key_properties or root.table_key_properties or stream.primary_keys or ()))
    for key in keys:
        if key not in columns:
            raise CatalogError(
                f"The catalog cannot be used: the keys of {stream.name} name {key}, which is not one of its columns: "
                "make a catalog with --discover."
            )
        types = columns[key]["type"]
        if _NESTED.intersection([types] if isinstance(types, str) else types):
            raise CatalogError(
                f"The catalog cannot be used: the keys of {stream.name} name {key}, which holds objects or lists: "
                "make a catalog with --discover."
            )
    method = entry.replication_method or root.forced_replication_method
    read_anew = method == FULL_TABLE and not stream.parent_stream_type
    root.table_key_properties = root.replication_key = root.forced_replication_method = None
    entry.stream, entry.key_properties, entry.replication_key = stream.name, keys, stream.replication_key
    entry.replication_method = FULL_TABLE if read_anew else None
    for metadata in entry.metadata.values():
        if metadata.inclusion == Metadata.InclusionType.UNSUPPORTED:  # no stream and no column is
            metadata.inclusion = Metadata.InclusionType.AVAILABLE
    root.inclusion = Metadata.InclusionType.AVAILABLE
    for key in filter(None, [*keys, stream.replication_key]):
        entry.metadata["properties", key] = Metadata(inclusion=Metadata.InclusionType.AUTOMATIC)
        entry.schema.properties = entry.schema.properties or {}
        entry.schema.properties.setdefault(key, Schema.from_dict(columns[key]))


def remarks(catalog: Catalog | None, streams: Mapping[str, Stream]) -> Iterator[str]:
    """A sentence for everything in a catalog that has no effect, and one if nothing is selected.

    Args:
        catalog: The input catalog, or None.
        streams: All streams by name, with the catalog applied.
    """
    for entry in catalog.streams if catalog else ():
        if stream := streams.get(entry.tap_stream_id):
            yield from _unmatched(entry, stream)
            if not stream.selected and _was_meant(entry):
                yield f"The catalog does not select {stream.name}, though it selects columns of it: {_HOW_TO_SELECT}."
        else:
            advice = did_you_mean(entry.tap_stream_id, streams, "--discover lists the streams")
            yield f"The catalog names {entry.tap_stream_id}, which is not a stream and has no effect: {advice}"
    if not any(stream.selected for stream in streams.values()):
        yield f"No stream is selected, so nothing is read: {_HOW_TO_SELECT} (in Meltano: name streams under select)."


def _was_meant(entry: CatalogEntry) -> bool:
    """Whether columns are selected, but not the stream itself."""
    root = entry.metadata.root
    columns = any(metadata.selected for breadcrumb, metadata in entry.metadata.items() if breadcrumb)
    return root.selected is None and root.selected_by_default is None and columns


def _unmatched(entry: CatalogEntry, stream: Stream) -> Iterator[str]:
    """A sentence for selected or deselected columns that neither exist nor are added by the schema of the entry."""
    schemas = stream.schema, entry.schema.to_dict()
    for breadcrumb, metadata in entry.metadata.items():
        if breadcrumb and metadata.selected is not None and not any(_exists(breadcrumb, one) for one in schemas):
            name = ".".join(breadcrumb[1::2]) or "/".join(breadcrumb)
            advice = did_you_mean(name, _names(stream.schema), "--discover lists the columns")
            yield f"The catalog names {stream.name}.{name}, which is not a column and has no effect: {advice}"


def _exists(breadcrumb: Iterable[str], schema: Mapping[str, t.Any]) -> bool:
    place: t.Any = schema
    for key in breadcrumb:
        place = place.get(key) if isinstance(place, dict) else None
    return isinstance(place, dict)


def _names(schema: Mapping[str, t.Any], prefix: str = "") -> Iterator[str]:
    """The columns, and the properties of those that are objects, as `column.property`."""
    for name, inner in schema.get("properties", {}).items():
        yield f"{prefix}{name}"
        yield from _names(inner, f"{prefix}{name}.")
