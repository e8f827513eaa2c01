"""Rows as the API sends them, made into rows of a stream."""

from __future__ import annotations

import functools
import typing as t

from tap_fieldnation.records import schema
from tap_fieldnation.records.conformer import Findings, compile_conformer

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from singer_sdk.helpers.types import Record

EXTRACTED_AT = "extracted_at"
WORK_ORDER_ID = "work_order_id"


def at_path(value: t.Any, path: str) -> t.Any:
    """What stands at a dotted path of nested objects, or None."""
    for key in _keys(path):
        if type(value) is not dict:
            return None
        value = value.get(key)
    return value


@functools.cache
def _keys(path: str) -> list[str]:
    return path.split(".")


class RowBuilder:
    """Cleans the rows of one stream, and counts what did not fit.

    Args:
        name: The stream's.
        keys: Its key columns; a row that lacks one cannot be loaded, and is counted.

    Attributes:
        findings: What did not fit.
        keyless: How many rows had no key.
    """

    def __init__(self, name: str, keys: Sequence[str]) -> None:
        self.findings = Findings()
        self.keyless = 0
        self._keys = keys
        self._walk = compile_conformer(schema.load(name), self.findings)

    def rows(self, items: Iterable[t.Any], **columns: t.Any) -> Iterator[Record]:
        """The rows of some items, each with further columns."""
        for item in items:
            if type(item) is not dict:
                self.findings.nulled["(row)"] += 1
                continue
            row = self._walk(item)
            row.update(columns)
            for key in self._keys:
                if row.get(key) is None:
                    self.keyless += 1
                    break
            else:
                yield row


def with_lifted(items: Iterable[t.Any], lift: Mapping[str, str]) -> Iterator[t.Any]:
    """The items, with values from within them lifted to the top."""
    for item in items:
        if type(item) is dict:
            item.update((column, at_path(item, path)) for column, path in lift.items())
        yield item
