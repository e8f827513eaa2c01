"""Volatile values: those that change although the record itself did not, such as ratings by all companies.

They are written with the record, but do not count as a change of it: see `x-volatile` in the schemas.
"""

from __future__ import annotations

import typing as t

from tap_fieldnation.records.schema import VOLATILE

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from tap_fieldnation.records.conformer import Record
    from tap_fieldnation.records.schema import JsonSchema

# Stands for the items of a list.
ITEMS = ""

Path = tuple[str, ...]


def paths(schema: JsonSchema) -> Iterator[Path]:
    """The keys that lead to each volatile value of a schema; `ITEMS` for the items of a list."""
    for name, node in schema.get("properties", {}).items():
        if node.get(VOLATILE):
            yield (name,)
        else:
            yield from ((name, *below) for below in paths(node))
    if "items" in schema:
        yield from ((ITEMS, *below) for below in paths(schema["items"]))


def compile_hide(schema: JsonSchema, needed: Collection[str] = ()) -> Callable[[Record], Callable[[], None]]:
    """A function that sets the volatile values of a conformed record to null, and returns one that puts them back.

    Args:
        schema: Of the records.
        needed: Keys of values that it leaves as they are.
    """
    places = [path for path in paths(schema) if path[-1] not in needed]
    if not places:
        return lambda _: _restore_nothing

    def hide(record: Record) -> Callable[[], None]:
        hidden: list[tuple[Record, str, t.Any]] = []
        for *keys, name in places:
            for holder in _holders(record, keys):
                if name in holder:
                    hidden.append((holder, name, holder[name]))
                    holder[name] = None

        def restore() -> None:
            for holder, name, value in hidden:
                holder[name] = value

        return restore

    return hide


def _restore_nothing() -> None:
    pass


def _holders(value: t.Any, keys: list[str]) -> Iterator[Record]:
    for number, key in enumerate(keys):
        if key == ITEMS:
            for item in value if isinstance(value, list) else ():
                yield from _holders(item, keys[number + 1 :])
            return
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict):
        yield value
