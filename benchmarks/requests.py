"""Requests of a first run and of an incremental run, compared with the minimum: `python -m benchmarks.requests`."""

from __future__ import annotations

import json
import random
import sys
import typing as t

from benchmarks.common import catalog, report, run
from emulator import Emulator

# The number of work orders, and the days of their history: the longer it is, the fewer of them are open.
ACCOUNTS = ((2_500, 365), (10_000, 365), (100_000, 365), (100_000, 1_300))
NEW, CHANGED, PAGE = 50, 100, 100
EDITS = ("retitle", "edit_pay", "reschedule", "tag", "log_time")


def measure(work_orders: int, days: int) -> dict[str, t.Any]:
    """A first run, changes, an incremental run; with few columns, because only requests are counted."""
    chosen = catalog("work_order_tags")
    with Emulator(work_orders=work_orders, days=days, seed=1, rate_limit=0) as api:
        first = run(api, chosen)
        first_requests = len(api.log)
        cursor = first.state["bookmarks"]["work_orders"]["cursor"]
        chance = random.Random(1)
        for _ in range(NEW):
            api.change("create")
        visible = api.company.visible_ids()
        changed = 0
        while changed < CHANGED:
            changed += api.change(chance.choice(EDITS), chance.choice(visible)) is not None
        api.reset_log()
        run(api, chosen, first.state)
        next_requests = len(api.log)
    is_open = len(cursor["open"])
    pages = -(-work_orders // PAGE)
    least = 1 + -(-is_open // PAGE) + -(-NEW // PAGE)
    return {
        "work orders": work_orders,
        "days": days,
        "open": is_open,
        "first run": first_requests,
        "least": 1 + pages,
        "allowed": int(1.05 * pages) + 15,
        "next run": next_requests,
        "least then": least,
        "allowed then": -(-is_open // PAGE) + -(-NEW // PAGE) + 5,
        "all again": 1 + pages,
        "state, bytes": len(json.dumps(first.state)),
    }


def main() -> None:
    """Run the benchmark, print the figures and save them."""
    accounts = [(int(size), 365) for size in sys.argv[1:]] or ACCOUNTS
    figures = [measure(*account) for account in accounts]
    report(
        "requests",
        f"Requests, including the token's; before the next run there are {NEW} new and {CHANGED} changed work orders",
        figures,
    )


if __name__ == "__main__":
    main()
