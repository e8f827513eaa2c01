"""CPU time for 10,000 work orders, compared with a lower bound and with a plain tap: `python -m benchmarks.cpu`.

Net of start-up: the time of a run over one page is subtracted from that of a run over 20 pages. All variants run in
turns; the figures are medians.
"""

from __future__ import annotations

import functools
import statistics
import sys
import typing as t

from benchmarks.common import (
    MIB,
    Outcome,
    Server,
    catalog,
    in_turns,
    median,
    read_messages,
    requested_columns,
    run,
    run_process,
    run_singer,
    save,
    serving,
    table,
)
from tap_fieldnation.api.auth import SCOPE, TOKEN_PATH
from tap_fieldnation.api.client import API_ROOT
from tap_fieldnation.api.work_orders import FIXED_PARAMS, PATH
from tap_fieldnation.streams.catalog import EMBEDDED

if t.TYPE_CHECKING:
    from collections.abc import Callable

Catalog = dict[str, t.Any]
Runner = t.Callable[[Server], Outcome]

MANY, FEW = 2_000, 100
TIMES = 7
UNIT = 10_000

FLATTENING = {"flattening_enabled": True, "flattening_max_depth": 3}
MAP = {"stream_maps": {"work_orders": {"title": None, "month": "created_at[:7]", "__filter__": "id > 0"}}}
# The plain tap has no created_at.
PLAIN_MAP = {"stream_maps": {"work_orders": {"title": None, "month": "milestones['created']['utc'][:7]"}}}
DESELECTED = (("properties", "description"), ("properties", "pay", "properties", "total"))


def floor(columns: str) -> Runner:
    """The lower bound: fetch, decode, encode."""

    def way(api: Server) -> Outcome:
        login = {"client_id": api.client_id, "client_secret": api.client_secret, "scope": SCOPE}
        given = {
            "login_url": f"{api.url}{TOKEN_PATH}",
            "login": {"grant_type": "client_credentials", **login},
            "url": f"{api.url}{API_ROOT}{PATH}",
            "params": {**FIXED_PARAMS, "columns": columns, "sort": "id", "order": "desc", "per_page": 100},
        }
        return run_process([sys.executable, "-m", "benchmarks.floor"], read_messages, given=given)

    return way


def plain(columns: str, **settings: object) -> Runner:
    """The plain tap."""

    def way(api: Server) -> Outcome:
        login = {"client_id": api.client_id, "client_secret": api.client_secret}
        config = {"api_url": api.url, "columns": columns, **login, **settings}
        return run_singer([sys.executable, "-m", "benchmarks.plain_tap"], {"config": config})

    return way


def ours(chosen: Catalog, **settings: t.Any) -> Runner:
    """This tap."""
    return lambda api: run(api, chosen, **settings)


def deselected(chosen: Catalog) -> Catalog:
    """A catalog without some properties of work orders."""
    for stream in chosen["streams"]:
        for entry in stream["metadata"]:
            if stream["tap_stream_id"] == "work_orders" and tuple(entry["breadcrumb"]) in DESELECTED:
                entry["metadata"]["selected"] = False
    return chosen


def cases(api: Server) -> dict[str, dict[str, Runner]]:
    """What is measured: case -> program -> function that runs it."""
    alone = catalog("work_orders")
    every = catalog("work_orders", *(entry.name for entry in EMBEDDED))
    few, all_columns = requested_columns(api, alone), requested_columns(api, every)
    return {
        "work_orders alone": {"floor": floor(few), "tap": ours(alone), "plain": plain(few)},
        "with all embedded streams": {"floor": floor(all_columns), "tap": ours(every), "plain": plain(all_columns)},
        "… two properties deselected": {"tap": ours(deselected(catalog(*_names(every))))},
        "… a stream map": {"tap": ours(every, **MAP), "plain": plain(all_columns, **PLAIN_MAP)},
        "… flattened": {"tap": ours(every, **FLATTENING), "plain": plain(all_columns, **FLATTENING)},
    }


def _names(chosen: Catalog) -> list[str]:
    return [
        stream["tap_stream_id"]
        for stream in chosen["streams"]
        for entry in stream["metadata"]
        if not entry["breadcrumb"] and entry["metadata"]["selected"]
    ]


def net(many: list[Outcome], few: list[Outcome], value: Callable[[Outcome], float]) -> float:
    """The median additional cost of a run over many work orders, compared with one over few, per `UNIT`."""
    more = statistics.median(value(one) - value(other) for one, other in zip(many, few, strict=True))
    return more * UNIT / (MANY - FEW)


def main() -> None:
    """Run the benchmark, print the figures and save them."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else TIMES
    with serving(MANY) as many, serving(FEW) as few:
        ways = {(case, name): way for case, named in cases(many).items() for name, way in named.items()}
        runs = in_turns(
            times,
            {
                (*key, size): functools.partial(way, api)
                for key, way in ways.items()
                for size, api in ((MANY, many), (FEW, few))
            },
        )
    figures, floor_cpu = [], 0.0
    for case, name in ways:
        of_many, of_few = runs[case, name, MANY], runs[case, name, FEW]
        cpu = net(of_many, of_few, lambda run: run.cpu)
        floor_cpu = cpu if name == "floor" else floor_cpu
        figures.append(
            {
                "read": case,
                "by": name,
                "CPU, s": cpu,
                "x floor": cpu / floor_cpu,
                "wall, s": net(of_many, of_few, lambda run: run.wall),
                "start-up CPU, s": median(of_few, lambda run: run.cpu) - cpu * FEW / UNIT,
                "records": sum(of_many[0].rows.values()),
                "peak, MiB": median(of_many, lambda run: run.peak) / MIB,
            }
        )
    table(
        f"{UNIT:,} work orders, net of start-up, from runs over {MANY:,} and {FEW:,}; medians of {times}",
        figures,
    )
    each = {" / ".join(map(str, key)): [run.figures() for run in some] for key, some in runs.items()}
    save("cpu", {"figures": figures, "runs": each})


if __name__ == "__main__":
    main()
