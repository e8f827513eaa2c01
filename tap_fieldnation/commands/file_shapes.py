"""The structure of the files that the command line names, as far as the SDK relies on it.

Each is one type, with which msgspec checks a whole catalog in a fiftieth of the time that a JSON Schema takes. Only if
there is an error, the JSON Schema of the same type is used to find the property.
"""

from __future__ import annotations

import typing as t

import msgspec
from singer_sdk.typing import DEFAULT_JSONSCHEMA_VALIDATOR

Text = str | None
Flag = bool | None
Keys = list[str] | None
AnyObject = dict[str, t.Any]


class _Config(msgspec.Struct):
    pass


class _Bookmark(msgspec.Struct):
    partitions: list[AnyObject] = []
    progress_markers: AnyObject = {}


class _State(msgspec.Struct):
    bookmarks: dict[str, _Bookmark] = {}


class _Schema(msgspec.Struct, kw_only=True):
    type: list[str] | str = ""
    properties: dict[str, _Schema] = {}
    items: _Schema | msgspec.UnsetType = msgspec.UNSET
    all_of: list[AnyObject] = msgspec.field(name="allOf", default=[])
    any_of: list[AnyObject] = msgspec.field(name="anyOf", default=[])
    one_of: list[AnyObject] = msgspec.field(name="oneOf", default=[])


class _StreamSchema(_Schema, kw_only=True):
    properties: dict[str, _Schema]


class _Metadata(msgspec.Struct, rename="kebab"):
    selected: Flag = None
    selected_by_default: Flag = None
    inclusion: Text = None
    forced_replication_method: Text = None
    replication_key: Text = None
    table_key_properties: Keys = None


class _MetadataEntry(msgspec.Struct):
    breadcrumb: list[str]
    metadata: _Metadata


class _Stream(msgspec.Struct):
    tap_stream_id: str
    schema: _StreamSchema
    replication_key: Text = None
    replication_method: Text = None
    key_properties: Keys = None
    metadata: list[_MetadataEntry] = []


class _Catalog(msgspec.Struct):
    streams: list[_Stream]


SHAPES: t.Mapping[str, type[msgspec.Struct]] = {"config": _Config, "state": _State, "catalog": _Catalog}


def find_difference(kind: str, content: object) -> str | None:
    """How the content of a file differs from the structure of its kind, as a clause: where, and what is expected there.

    The actual value is never shown, because it can be a secret.

    Args:
        kind: A key of `SHAPES`.
        content: The decoded JSON.
    """
    shape = SHAPES[kind]
    try:
        msgspec.convert(content, shape)
    except msgspec.ValidationError:
        error = next(DEFAULT_JSONSCHEMA_VALIDATOR(msgspec.json.schema(shape)).iter_errors(content))
    else:
        return None
    # of alternatives, the one that was meant: what is wrong is within it
    error = max((error, *error.context), key=lambda found: len(found.absolute_path))
    where = ".".join(map(str, error.absolute_path))
    return f"{where or 'the top level'} {_expected(error)}"


def _expected(error: t.Any) -> str:
    expected = error.validator_value
    if error.validator == "required":
        return f"lacks {next(name for name in expected if name not in error.instance)}"
    kinds = [alternative["type"] for alternative in expected] if error.validator == "anyOf" else [expected]
    return f"must be of type {' or '.join(kinds)}"
