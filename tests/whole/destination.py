"""A warehouse in memory: rows by their keys, as several runs leave them."""

from __future__ import annotations

import functools
import typing as t

from tests.whole import in_process, truth

Row = dict[str, t.Any]
Key = tuple[t.Any, ...]
Rows = t.Mapping[str, t.Sequence[Row]]

EXTRACTED_AT = "extracted_at"
# Of these streams every run has rows of its own.
OF_RUNS = frozenset({"sync_runs", "work_order_coverage", "work_order_removals"})


@functools.cache
def keys() -> dict[str, tuple[str, ...]]:
    """The key columns of each stream."""
    streams = in_process.catalog()["streams"]
    return {stream["tap_stream_id"]: tuple(stream["key_properties"]) for stream in streams}


class Destination:
    """Loads what runs write.

    Args:
        runs: The rows of some runs, by stream.

    Attributes:
        tables: Stream -> key -> row.
    """

    def __init__(self, *runs: Rows) -> None:
        self.tables: dict[str, dict[Key, Row]] = {}
        for rows in runs:
            self.load(rows)

    def load(self, rows: Rows) -> None:
        """Insert or update the rows of a run."""
        for stream, found in rows.items():
            table = self.tables.setdefault(stream, {})
            table.update({tuple(row[key] for key in keys()[stream]): row for row in found})

    def removed(self) -> set[int]:
        """Work orders whose removal is not older than they are."""
        orders = self.tables.get("work_orders", {})
        removals = self.tables.get("work_order_removals", {}).values()
        return {
            row["work_order_id"]
            for row in removals
            if (order := orders.get((row["work_order_id"],))) and row["detected_at"] >= order[EXTRACTED_AT]
        }

    def current(self, work_orders: t.Collection[int]) -> dict[str, dict[Key, Row]]:
        """Of the work orders that exist and of their current child rows, what does not depend on when they were read.

        Args:
            work_orders: Those that exist. Closed ones that do not stay in the table.
        """
        orders = {key: row for key, row in self.tables.get("work_orders", {}).items() if key[0] in work_orders}
        found = {"work_orders": orders}
        for stream in truth.EMBEDDED:
            found[stream] = {
                key: row
                for key, row in self.tables.get(stream, {}).items()
                if (order := orders.get((row["work_order_id"],))) and row[EXTRACTED_AT] >= order[EXTRACTED_AT]
            }
        others = self.tables.keys() - found.keys() - OF_RUNS
        found.update({stream: self.tables[stream] for stream in others})
        return {
            stream: {key: {**row, EXTRACTED_AT: ""} for key, row in table.items()} for stream, table in found.items()
        }
