"""Builds the rows of a stream from the objects that the API sends."""

from __future__ import annotations

import functools
import typing as t

from tap_fieldnation.records import lifted
from tap_fieldnation.records.conformer import Mismatches, compile_conformer

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from singer_sdk.helpers.types import Record

    from tap_fieldnation.records.schema import JsonSchema

EXTRACTED_AT = "extracted_at"
COMPANY_ID = "company_id"
WORK_ORDER_ID = "work_order_id"


def get_nested(value: t.Any, path: str) -> t.Any:
    """The value at a dotted path of nested objects, or None."""
    for key in _keys(path):
        if type(value) is not dict:
            return None
        value = value.get(key)
    return value


@functools.cache
def _keys(path: str) -> list[str]:
    return path.split(".")


class RowBuilder:
    """Conforms the rows of one stream, adds their lifted columns, and counts what does not fit.

    Args:
        stream: Its name.
        schema: Of the rows, with the tap's own keywords.
        keys: Its key columns; a row with null in one of them cannot be loaded, and is dropped.

    Attributes:
        mismatches: What did not fit the schema.
        rows_without_key: How many rows were dropped because they have no key.
    """

    def __init__(self, stream: str, schema: JsonSchema, keys: Sequence[str]) -> None:
        self.mismatches = Mismatches()
        self.rows_without_key = 0
        self._keys = keys
        self._conform = compile_conformer(schema, self.mismatches)
        self._lift = lifted.compile_lift(stream)

    def rows(self, items: Iterable[t.Any], **columns: t.Any) -> Iterator[Record]:
        """The rows of these items, which are conformed in place, with additional columns in each."""
        conform, lift, keys = self._conform, self._lift, self._keys
        for item in items:
            if type(item) is not dict:
                self.mismatches.invalid_values["(row)"] += 1
                continue
            row = conform(item)
            lift(row)
            row.update(columns)
            for key in keys:
                if row.get(key) is None:
                    self.rows_without_key += 1
                    break
            else:
                yield row
