"""Finds the fields whose values differ when the same work orders are read twice: their names, never their values."""

from __future__ import annotations

import itertools
import typing as t

from tap_fieldnation.api.work_orders import decode_full
from tap_fieldnation.commands.samples import identifier
from tap_fieldnation.records.conformer import Mismatches, compile_conformer
from tap_fieldnation.records.volatile import compile_hide
from tap_fieldnation.streams.embedded import EmbeddedStream

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from singer_sdk.helpers.types import Record

    from tap_fieldnation.records.schema import JsonSchema
    from tap_fieldnation.streams.work_orders import WorkOrdersStream


def differences(stream: WorkOrdersStream, first: Iterable[Record], second: Iterable[Record]) -> list[str]:
    """The paths, prefixed with the stream's name, at which work orders differ between two readings.

    Volatile values, and fields that no stream has, are ignored.
    """
    children = stream.selected_children(EmbeddedStream)
    stable = {child.name: _compile_stable(child.conformed_schema) for child in children}
    stable_order = _compile_stable(stream.extended_schema)
    found: set[str] = set()
    later = {record["id"]: record for record in second}
    for record in first:
        if record["id"] not in later:
            continue
        pair = [decode_full(record), decode_full(later[record["id"]])]
        for child in children:  # before the work order, which loses these lists
            rows = ([stable[child.name](row) for row in child.items_in(one) if type(row) is dict] for one in pair)
            found.update(_differing(child.name, *rows))
        found.update(_differing(stream.name, *map(stable_order, pair)))
    return sorted(found)


def _compile_stable(schema: JsonSchema) -> Callable[[Record], Record]:
    """A function that makes a record fit its schema, without volatile values."""
    conform, hide = compile_conformer(schema, Mismatches()), compile_hide(schema)

    def stable(record: Record) -> Record:
        conformed = conform(record)
        hide(conformed)
        return conformed

    return stable


def _differing(path: str, first: t.Any, second: t.Any) -> Iterator[str]:
    if isinstance(first, dict) and isinstance(second, dict):
        for key in first.keys() | second.keys():
            yield from _differing(f"{path}.{identifier(key)}", first.get(key), second.get(key))
    elif _are_lists_of_one_length(first, second):
        inside = path if "." not in path else f"{path}[]"
        yield from itertools.chain.from_iterable(map(_differing, itertools.repeat(inside), first, second))
    elif first != second:
        yield path


def _are_lists_of_one_length(*values: Sequence[t.Any]) -> bool:
    return all(isinstance(value, list) for value in values) and len({len(value) for value in values}) == 1
