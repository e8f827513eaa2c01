"""What users' SQL relies on: names of streams, their keys, and their columns with types, nested ones included."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.streams import Stream

Snapshot = dict[str, dict[str, t.Any]]


def snapshot(streams: Iterable[Stream]) -> Snapshot:
    """The streams as they are."""
    return {
        stream.name: {"keys": list(stream.primary_keys), "columns": dict(_columns(stream.schema))} for stream in streams
    }


def _columns(node: dict[str, t.Any], place: str = "") -> Iterator[tuple[str, str]]:
    for name, child in node.get("properties", {}).items():
        yield from _column(child, f"{place}.{name}" if place else name)


def _column(node: dict[str, t.Any], place: str) -> Iterator[tuple[str, str]]:
    yield place, kind(node)
    yield from _columns(node, place)
    if "items" in node:
        yield from _column(node["items"], f"{place}[]")


def kind(node: dict[str, t.Any]) -> str:
    """The one type of a property, other than null; a format says more than it."""
    kinds = [node["type"]] if isinstance(node["type"], str) else node["type"]
    return str(node.get("format", kinds[0]))


def broken(old: Snapshot, new: Snapshot) -> list[str]:
    """What was there and is gone, or is another now: a change that needs a new major version."""
    found = []
    for stream, before in old.items():
        if stream not in new:
            found.append(f"{stream} is gone")
            continue
        after = new[stream]
        if before["keys"] != after["keys"]:
            found.append(f"{stream} has other keys: {', '.join(after['keys'])}")
        for column, type_before in before["columns"].items():
            type_after = after["columns"].get(column)
            if type_after is None:
                found.append(f"{stream}.{column} is gone")
            elif type_after != type_before:
                found.append(f"{stream}.{column} was {type_before} and is {type_after}")
    return found
