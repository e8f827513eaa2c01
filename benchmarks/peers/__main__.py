"""The same account read by this tap and by alternatives: `python -m benchmarks.peers`.

While nothing changes, while the company is active, and a day later. Page size, columns and order are the same. Each
alternative has its own environment, created on the first run with the pinned versions next to this file.
"""

from __future__ import annotations

import functools
import json
import sys
import typing as t
from dataclasses import dataclass

import msgspec

from benchmarks.common import (
    MIB,
    Outcome,
    Output,
    Server,
    catalog,
    in_turns,
    median,
    report,
    requested_columns,
    run,
    run_process,
    run_singer,
    serving,
)
from benchmarks.peers import programs
from tap_fieldnation.streams.catalog import EMBEDDED

WORK_ORDERS = 2_500
TIMES = 5
# Changes of the company before each request: at one request a second, a busy hour.
MOVES, SEED = 2, 7

UNCHANGED, CHANGING, LATER = "unchanged", "changing", "a day later"

Runner = t.Callable[[Server, "dict[str, t.Any] | None"], Outcome]

# The tables that dlt creates for the lists that are embedded streams in our tap.
TABLES = {
    "__".join(("work_orders", *entry.list_path.split("."), *envelope, *((entry.group_key,) if entry.group_key else ())))
    for entry in EMBEDDED
    for envelope in ([("results",)] if entry.group_key else [(), ("results",)])
}
STREAMS = ("work_orders", *(entry.name for entry in EMBEDDED))


@dataclass(frozen=True)
class Read:
    """A run, and what it read of the account.

    Attributes:
        outcome: What it cost.
        requests: Its requests, including the token's.
        lost: Work orders that existed during the whole run and were not read.
        children: Rows of embedded lists.
    """

    outcome: Outcome
    requests: int
    lost: int
    children: int


class _Record(msgspec.Struct):
    id: t.Any = None


class _Message(msgspec.Struct):
    type: str
    stream: str = ""
    record: _Record | None = None


def read_singer(lines: t.IO[bytes]) -> Output:
    """The output of a tap, with the ids of its work orders."""
    decoder = msgspec.json.Decoder(_Message)
    rows: dict[str, int] = {}
    ids = set()
    for line in lines:
        message = decoder.decode(line)
        if message.record:
            rows[message.stream] = rows.get(message.stream, 0) + 1
            if message.stream == "work_orders":
                ids.add(message.record.id)
    return Output(rows, {}, frozenset(ids))


def read_dlt(lines: t.IO[bytes]) -> Output:
    """The last line of the output of the pipeline."""
    result = json.loads(lines.read().splitlines()[-1])
    return Output(
        {name: count for name, count in result["rows"].items() if name in TABLES}, {}, frozenset(result["ids"])
    )


def ways(columns: str) -> dict[str, Runner]:
    """The programs: name -> function that runs it."""
    chosen = catalog(*STREAMS)
    msdk, dlt = programs.msdk(), programs.dlt()

    def run_ours(api: Server, state: dict[str, t.Any] | None) -> Outcome:
        return run(api, chosen, state, read=read_singer)

    # The others have no incremental sync for this API: they read everything again.

    def run_msdk(api: Server, _: object) -> Outcome:
        return run_singer(msdk, {"config": programs.msdk_config(api, columns)}, read_singer)

    def run_dlt(api: Server, _: object) -> Outcome:
        return run_process(dlt, read_dlt, programs.dlt_given(api, columns))

    return {
        "tap-fieldnation": run_ours,
        "tap-rest-api-msdk": run_msdk,
        "dlt": run_dlt,
    }


def read(way: Runner, columns: str, kind: str) -> Read:
    """One run over a fresh account."""
    with serving(WORK_ORDERS, warm=columns) as api:
        state, known = None, set()
        if kind == LATER:
            state, known = run(api, catalog(*STREAMS)).state, set(api.control("truth"))
            api.control("advance", {"days": 1})
            api.control("reset-log", {})
        elif kind == CHANGING:
            api.plan(seed=SEED, every=1, changes=MOVES)
        before, earlier = set(api.control("truth")), len(api.control("changes"))
        outcome = way(api, state)
        archived = {
            change["work_order_id"] for change in api.control("changes")[earlier:] if change["kind"] == "archive"
        }
        always = before.intersection(api.control("truth")) - archived
        rows = {name: count for name, count in outcome.rows.items() if name != "work_orders"}
        return Read(outcome, api.requests, len(always - outcome.output.ids - known), sum(rows.values()))


def figure(name: str, kind: str, some: list[Read]) -> dict[str, t.Any]:
    """A row of the table."""
    return {
        "account": kind,
        "read by": name,
        "requests": int(median(some, lambda one: one.requests)),
        "CPU, s": median(some, lambda one: one.outcome.cpu),
        "wall, s": median(some, lambda one: one.outcome.wall),
        "peak, MiB": median(some, lambda one: one.outcome.peak) / MIB,
        "work orders": int(median(some, lambda one: len(one.outcome.output.ids))),
        "lost": int(median(some, lambda one: one.lost)),
        "lost at worst": max(one.lost for one in some),
        "child rows": int(median(some, lambda one: one.children)),
    }


def main() -> None:
    """Run the benchmark, print the figures and save them."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else TIMES
    with serving(100) as api:
        columns = requested_columns(api, catalog(*STREAMS))
    each = ways(columns)
    runs = in_turns(
        times,
        {
            (kind, name): functools.partial(read, way, columns, kind)
            for kind in (UNCHANGED, CHANGING, LATER)
            for name, way in each.items()
        },
    )
    figures = [figure(name, kind, some) for (kind, name), some in runs.items()]
    report(
        "peers",
        f"{WORK_ORDERS:,} work orders, including start-up; changing: {MOVES} changes before each request",
        figures,
    )


if __name__ == "__main__":
    main()
