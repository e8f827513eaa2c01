"""A day of virtual time: tokens expire, servers fail every hour, work orders keep changing; nothing is missing."""

from __future__ import annotations

import gc
import itertools
import logging
import resource
import typing as t
from pathlib import Path

import pytest

from emulator import Emulator, VirtualClock
from emulator.company.simulation import DEFAULT_WEIGHTS
from tap_fieldnation.api.auth import TOKEN_PATH
from tests.whole.runs import Runner, small_catalog

pytestmark = pytest.mark.long

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from emulator.http import Request
    from tests.whole.runs import Ended

HOUR = 3_600.0
DAY = 24 * HOUR
KEYS = {
    "work_orders": ("id",),
    "work_order_tags": ("work_order_id", "id"),
    "work_order_messages": ("work_order_id", "msg_id"),
}
CLOSED = {"Paid", "Cancelled"}
# Changes of closed work orders: for `reconcile_days` to find out.
RECONCILED = {"unarchive": 0, "revert": 0, "unpaid": 0, "unapprove": 0}
# So slowly that a run takes longer than a token lives.
SLOWLY: dict[str, t.Any] = {"requests_per_minute": 0.3, "page_size": 20}
BURSTS = ("500", "502-status", "503-oauth", "504-errors", "408-error")
A_BURST = 4


def bursts(api: Emulator, time: VirtualClock) -> Callable[[Request], None]:
    """At the beginning of each hour some requests fail, one after another; how they do changes."""
    kinds = itertools.cycle(BURSTS)
    due = itertools.count(time.monotonic(), HOUR)
    until = next(due)

    def hook(_: Request) -> None:
        nonlocal until
        if time.monotonic() >= until:
            assert api.unserved_faults() == []
            until = next(due)
            api.faults([{"match": {"path": "/workorders*", "times": A_BURST}, "do": next(kinds)}])

    return hook


class Destination:
    """What a target that knows keys would hold: of each stream, the last row of each key."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[tuple[t.Any, ...], dict[str, t.Any]]] = {stream: {} for stream in KEYS}

    def load(self, ended: Ended) -> None:
        assert ended.code == 0, ended.last_line
        for stream, keys in KEYS.items():
            self.rows[stream].update({tuple(row[key] for key in keys): row for row in ended.rows.get(stream, [])})

    @property
    def orders(self) -> dict[int, dict[str, t.Any]]:
        """Work orders by id."""
        return {one: row for (one,), row in self.rows["work_orders"].items()}

    def current(self, stream: str) -> set[tuple[t.Any, ...]]:
        """The keys of the rows that were read with their work orders the last time."""
        read_at = {one: row["extracted_at"] for one, row in self.orders.items()}
        return {key for key, row in self.rows[stream].items() if row["extracted_at"] >= read_at[row["work_order_id"]]}


def _messages(api: Emulator, one: int) -> Iterator[dict[str, t.Any]]:
    for row in api.rows(f"/workorders/{one}/messages"):
        yield row
        yield from row["replies"]


def resident() -> int:
    """The memory of this process, bytes."""
    gc.collect()
    return resource.getpagesize() * int(Path("/proc/self/statm").read_text().split()[1])


def test_a_day_of_trouble_leaves_the_destination_as_the_api_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # pytest's handlers keep each record, and with it all that the exception that it tells of holds.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    time = VirtualClock()
    with Emulator(work_orders=200, days=60, seed=11, rate_limit=0, token_seconds=int(HOUR), clock=time) as api:
        api.plan(seed=5, every=2, path="/workorders", weights={**DEFAULT_WEIGHTS, **RECONCILED})
        api.before_request(bursts(api, time))
        runner, destination = Runner(api, tmp_path), Destination()
        selected = small_catalog(*KEYS)
        began = time.monotonic()
        state: dict[str, t.Any] | None = None
        hours, logins, requests, failed, memory = [], 0, 0, 0, []
        while time.monotonic() < began + DAY:
            ended = runner.run(catalog=selected, state=state, **SLOWLY)
            destination.load(ended)
            state = ended.state
            hours.append(ended.waited / HOUR)
            logins += len(api.log.of(TOKEN_PATH))
            failed += len(api.log.faults())
            requests += ended.requests
            memory.append(resident())
        changes = len(api.company.changes)

        api.stop_changes()
        api.faults([])
        destination.load(runner.run(catalog=selected, state=state))
        truth = {order["id"]: order for order in api.company.work_orders()}
    is_open = {one for one, order in truth.items() if order["status"]["name"] not in CLOSED}
    print(  # noqa: T201  (the figures of docs/reliability.md, with `pytest -s`)
        f"\na day: {len(hours)} runs, the longest {max(hours):.1f} h; {requests} requests, {failed} of them failed; "
        f"{logins} logins; {changes} changes; {len(is_open)} open work orders at the end; "
        f"memory grew by {(memory[-1] - memory[1]) / 2**20:.1f} MiB"
    )
    assert max(hours) > 2, "no run was longer than a token's life"
    assert logins > len(hours)
    assert failed >= A_BURST * 24
    assert changes > 100
    assert len(is_open) > 100
    assert truth.keys() <= destination.orders.keys()
    for one in is_open:
        row, order = destination.orders[one], truth[one]
        assert (row["title"], row["status_name"]) == (order["title"], order["status"]["name"])
    tags = {(one, tag["id"]) for one in is_open for tag in truth[one]["tags"]["results"]}
    assert {key for key in destination.current("work_order_tags") if key[0] in is_open} == tags
    messages = {(one, row["msg_id"]) for one in is_open for row in _messages(api, one)}
    assert messages <= destination.rows["work_order_messages"].keys()
    assert len(messages) > 100
    assert memory[-1] - memory[1] < 10 * 2**20
