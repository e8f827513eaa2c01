"""Loads the schema files: one for each stream, and `common.json` with the definitions that they share."""

from __future__ import annotations

import functools
import json
import typing as t
from pathlib import Path

if t.TYPE_CHECKING:
    from collections.abc import Iterable

JsonSchema = dict[str, t.Any]

COMMON = "common.json"
_PACKAGE = Path(__file__).resolve().parent.parent

# The tap's own keywords. The conformer reads them; `public` removes them, because targets have no use for them.
PLACEHOLDER_ID = "x-placeholder-id"
STRIP_QUERY = "x-strip-query"
IGNORED_KEYS = "x-ignored-keys"
# A value that changes although the record did not: no reason to write the record again.
VOLATILE = "x-volatile"
# The key of a property in the API, if it differs; other keys under which the API may send it; and the value of a key
# column that the API does not send.
SOURCE = "x-source"
ALIASES = "x-aliases"
DEFAULT = "x-default"


@functools.cache
def folder() -> Path:
    """The folder of the schema files: within the package (a wheel) or next to it (an editable install)."""
    for candidate in (_PACKAGE / "schemas", _PACKAGE.parent / "schemas"):
        if (candidate / COMMON).is_file():
            return candidate
    msg = "the schema files are missing: install tap-fieldnation again"
    raise FileNotFoundError(msg)


@functools.cache
def load(stream: str) -> JsonSchema:
    """The schema of a stream with every ``$ref`` resolved, including the tap's own keywords."""
    return t.cast("JsonSchema", _resolved(_read(f"{stream}.json")))


def without(schema: JsonSchema, paths: Iterable[str]) -> JsonSchema:
    """A copy of the schema without some properties; the conformer drops their keys and does not count them.

    An object that would have no property left is removed itself.

    Args:
        schema: Of an object, with the tap's own keywords.
        paths: Dotted paths in the names of the API (``tags``, ``pay.bonuses``); paths that do not exist are ignored.
    """
    for path in paths:
        schema = _without(schema, path)
    return schema


def extended(own: JsonSchema, other: t.Any) -> JsonSchema:
    """A copy of a schema with the additional properties of another one, including nested ones.

    Args:
        own: Of an object or an array, with the tap's own keywords.
        other: The same schema, as a user may have changed it; whatever does not fit is ignored.
    """
    if not isinstance(other, dict):
        return own
    if "items" in own:
        return {**own, "items": extended(own["items"], other.get("items"))}
    added = other.get("properties")
    if "properties" not in own or not isinstance(added, dict):
        return own
    properties: dict[str, JsonSchema] = dict(own["properties"])
    for name, node in added.items():
        if name in properties:
            properties[name] = extended(properties[name], node)
        elif isinstance(node, dict):
            properties[name] = node
    return {**own, "properties": properties}


def public(node: t.Any) -> t.Any:
    """A copy of a schema for SCHEMA messages and the catalog: without the tap's own keywords."""
    if isinstance(node, dict):
        return {key: public(value) for key, value in node.items() if not key.startswith("x-")}
    if isinstance(node, list):
        return [public(item) for item in node]
    return node


def _without(schema: JsonSchema, path: str) -> JsonSchema:
    key, _, rest = path.partition(".")
    properties: dict[str, JsonSchema] = dict(schema["properties"])
    name = next((name for name, child in properties.items() if child.get(SOURCE, name) == key), key)
    if rest and "properties" in properties.get(name, ()):
        child = _without(properties[name], rest)
        if child["properties"]:
            return {**schema, "properties": {**properties, name: child}}
    properties.pop(name, None)
    return {**schema, "properties": properties, IGNORED_KEYS: [*schema.get(IGNORED_KEYS, ()), key]}


@functools.cache
def _read(name: str) -> JsonSchema:
    return t.cast("JsonSchema", json.loads((folder() / name).read_text(encoding="utf-8")))


def _resolved(node: t.Any) -> t.Any:
    if isinstance(node, list):
        return [_resolved(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {key: _resolved(value) for key, value in node.items()}
    file, _, name = node["$ref"].partition("#/definitions/")
    overrides = {key: value for key, value in node.items() if key != "$ref"}
    return {**_resolved(_read(file or COMMON)["definitions"][name]), **overrides}
