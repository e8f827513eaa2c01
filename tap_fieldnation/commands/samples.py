"""Finds fields in a few records of each stream that this version does not know: names and types, but no values."""

from __future__ import annotations

import copy
import re
import typing as t
from collections import defaultdict

from tap_fieldnation.records.conformer import Mismatches, compile_conformer
from tap_fieldnation.records.schema import SOURCE
from tap_fieldnation.streams.embedded import EmbeddedStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Record

    from tap_fieldnation.records.schema import JsonSchema
    from tap_fieldnation.streams.work_orders import WorkOrdersStream

# A key with another form may be data, such as the name of a person.
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")
_KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def identifier(name: str) -> str:
    """A name that is safe to show to others: `*` if it may be data."""
    return name if _IDENTIFIER.fullmatch(name.replace(" ", "_")) else "*"


class _Stream:
    """The columns of a stream that its records are compared with, and the differences."""

    def __init__(self, schema: JsonSchema) -> None:
        self.mismatches = Mismatches()
        self.conform = compile_conformer(schema, self.mismatches)
        # The columns, by their keys in a record. Those of lifted columns have dots.
        self.columns = {node.get(SOURCE, name) for name, node in schema["properties"].items()}


class Samples:
    """Records of several streams, as the API sends them."""

    def __init__(self) -> None:
        self._unknown: dict[str, set[str]] = defaultdict(set)
        self._unfit: dict[str, set[str]] = defaultdict(set)
        self._streams: dict[str, _Stream] = {}

    def add(self, stream: str, schema: JsonSchema, rows: Iterable[t.Any]) -> None:
        """Examine some rows of a stream, without changing them."""
        if stream not in self._streams:
            self._streams[stream] = _Stream(schema)
        known = self._streams[stream]
        mismatches = known.mismatches
        for row in rows:
            if type(row) is not dict:
                continue
            lifted = {key: value for key, value in row.items() if key in known.columns and "." in key}
            masked = {**_masked({key: value for key, value in row.items() if key not in lifted}), **lifted}
            known.conform(copy.deepcopy(masked))
            for found, counter in ((self._unknown, mismatches.unknown_keys), (self._unfit, mismatches.invalid_values)):
                for path in counter:
                    found[f"{stream}.{path}"].update(_kinds_at(masked, path.replace("[]", ".[]").split(".")))
                counter.clear()

    def add_work_orders(self, stream: WorkOrdersStream, records: Iterable[Record]) -> None:
        """Examine some work orders, and the rows of the lists within them."""
        children = stream.selected_children(EmbeddedStream)
        for record in records:
            self.add(stream.name, stream.extended_schema, [record])
            for child in children:
                self.add(child.name, child.conformed_schema, child.items_in(record))

    def unknown(self) -> list[str]:
        """Fields that this version does not know, each with its types."""
        return _described(self._unknown)

    def unfit(self) -> list[str]:
        """Fields whose values do not have the type that this version expects, each with the actual types."""
        return _described(self._unfit)


def _described(fields: dict[str, set[str]]) -> list[str]:
    return [f"{path} ({', '.join(sorted(kinds)) or 'null'})" for path, kinds in sorted(fields.items())]


def _masked(value: t.Any) -> t.Any:
    """A copy with `*` instead of each key that may be data."""
    if type(value) is list:
        return [_masked(item) for item in value]
    if type(value) is not dict:
        return value
    if value and all(map(str.isdecimal, value)):  # PHP encodes a list with a gap as an object
        return {key: _masked(item) for key, item in value.items()}
    return {key if _IDENTIFIER.fullmatch(key) else "*": _masked(item) for key, item in value.items()}


def _kinds_at(value: t.Any, keys: list[str]) -> set[str]:
    """The JSON types of the values at a path; none for null."""
    if not keys:
        return {_KINDS[type(value)]} if type(value) in _KINDS else set()
    if keys[0] == "[]":
        items = value.values() if type(value) is dict else value if type(value) is list else ()
        return set().union(*(_kinds_at(item, keys[1:]) for item in items))
    return _kinds_at(value.get(keys[0]), keys[1:]) if type(value) is dict else set()
