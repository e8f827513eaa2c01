"""The names that SQL of users relies on: streams, their keys, and their columns (also nested ones) with types."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.streams import Stream

Snapshot = dict[str, dict[str, t.Any]]


def snapshot(streams: Iterable[Stream]) -> Snapshot:
    """Keys and columns of these streams."""
    return {
        stream.name: {"keys": list(stream.primary_keys), "columns": dict(_columns(stream.schema))} for stream in streams
    }


def _columns(node: dict[str, t.Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, child in node.get("properties", {}).items():
        yield from _column(child, f"{path}.{name}" if path else name)


def _column(node: dict[str, t.Any], path: str) -> Iterator[tuple[str, str]]:
    yield path, kind(node)
    yield from _columns(node, path)
    if "items" in node:
        yield from _column(node["items"], f"{path}[]")


def kind(node: dict[str, t.Any]) -> str:
    """The type of a property other than null; its format, if it has one."""
    kinds = [node["type"]] if isinstance(node["type"], str) else node["type"]
    return str(node.get("format", kinds[0]))


def broken(old: Snapshot, new: Snapshot) -> list[str]:
    """Everything that was removed or changed: such a change needs a new major version."""
    changes = []
    for stream, before in old.items():
        if stream not in new:
            changes.append(f"{stream} is gone")
            continue
        after = new[stream]
        if before["keys"] != after["keys"]:
            changes.append(f"{stream} has other keys: {', '.join(after['keys'])}")
        for column, type_before in before["columns"].items():
            type_after = after["columns"].get(column)
            if type_after is None:
                changes.append(f"{stream}.{column} is gone")
            elif type_after != type_before:
                changes.append(f"{stream}.{column} was {type_before} and is {type_after}")
    return changes
