"""Peak memory of a first run, by size of the account and of its records: `python -m benchmarks.memory`.

The largest account takes a while, because it does not fit into the emulator's cache.
"""

from __future__ import annotations

import json
import sys
import typing as t

from benchmarks.common import MIB, Outcome, catalog, in_turns, median, report, run, serving
from tap_fieldnation.streams.catalog import EMBEDDED

SIZES = (2_000, 20_000, 200_000)
TIMES = 5
# A run over many work orders varies little and takes minutes, so it is run once.
ENOUGH, ONCE = 50_000, 1

SELECTIONS: t.Mapping[str, tuple[str, ...]] = {
    "small": ("work_order_tags",),
    "large": ("work_orders", *(entry.name for entry in EMBEDDED)),
}


def measure(work_orders: int, times: int) -> list[dict[str, t.Any]]:
    """First runs over an account of that size."""
    with serving(work_orders, warm=None) as api:
        runs = in_turns(
            times if work_orders < ENOUGH else ONCE,
            {
                name: lambda streams=streams: run(api, catalog(*streams))  # type: ignore[misc]
                for name, streams in SELECTIONS.items()
            },
        )
    return [_figure(work_orders, name, some) for name, some in runs.items()]


def _figure(work_orders: int, name: str, some: list[Outcome]) -> dict[str, t.Any]:
    cursor = some[0].state["bookmarks"]["work_orders"]["cursor"]
    return {
        "records": name,
        "work orders": work_orders,
        "open": len(cursor["open"]),
        "peak, MiB": median(some, lambda run: run.peak) / MIB,
        "rows": sum(some[0].rows.values()),
        "CPU, s": median(some, lambda run: run.cpu),
        "STATE, bytes": len(json.dumps(some[0].state)),
        "runs": len(some),
    }


def main() -> None:
    """Run the benchmark, print the figures and save them."""
    sizes = [int(size) for size in sys.argv[1:]] or SIZES
    figures = [figure for size in sizes for figure in measure(size, TIMES)]
    figures.sort(key=lambda figure: figure["records"], reverse=True)
    report("memory", "Peak memory of a first run", figures)


if __name__ == "__main__":
    main()
