"""The schema files: one a stream, and `common.json` for the shapes that they share."""

from __future__ import annotations

import functools
import json
import typing as t
from pathlib import Path

Node = dict[str, t.Any]

COMMON = "common.json"
_PACKAGE = Path(__file__).resolve().parent.parent

# Our own keywords, read by the walker, and of no use to a target.
PLACEHOLDER_ID = "x-placeholder-id"
STRIP_QUERY = "x-strip-query"
LEFT_OUT = "x-left-out"
SOURCE = "x-source"


@functools.cache
def folder() -> Path:
    """Where the schema files are: in the package (a wheel) or beside it (an editable install)."""
    for place in (_PACKAGE / "schemas", _PACKAGE.parent / "schemas"):
        if (place / COMMON).is_file():
            return place
    msg = "the schema files are missing: install tap-fieldnation again"
    raise FileNotFoundError(msg)


@functools.cache
def load(stream: str) -> Node:
    """A stream's schema with every ``$ref`` replaced by what it refers to; our own keywords still in it."""
    return t.cast("Node", _resolved(_read(f"{stream}.json")))


def public(node: t.Any) -> t.Any:
    """A copy of a schema as it is written into SCHEMA messages and the catalog: without our own keywords."""
    if isinstance(node, dict):
        return {key: public(value) for key, value in node.items() if not key.startswith("x-")}
    if isinstance(node, list):
        return [public(item) for item in node]
    return node


@functools.cache
def _read(name: str) -> Node:
    return t.cast("Node", json.loads((folder() / name).read_text(encoding="utf-8")))


def _resolved(node: t.Any) -> t.Any:
    if isinstance(node, list):
        return [_resolved(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" not in node:
        return {key: _resolved(value) for key, value in node.items()}
    file, _, place = node["$ref"].partition("#/definitions/")
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return {**_resolved(_read(file or COMMON)["definitions"][place]), **beside}
