"""The budget holds for the whole run, by the emulator's own log: under threads, retries, logins and long waits."""

from __future__ import annotations

import bisect
import random
import threading
import typing as t
from itertools import pairwise

import pytest
from typing_extensions import override

from emulator import Emulator, VirtualClock
from tests.fakes import FakeTransport, SharedClock, make_api, response
from tests.whole.in_process import run
from tests.whole.runs import Runner, small_catalog

if t.TYPE_CHECKING:
    from pathlib import Path

    from tap_fieldnation.api.clock import Clock
    from tap_fieldnation.api.transport import Response

MINUTE = 60.0
CATALOG = ("work_orders", "work_order_messages")


def most_within(times: list[float], seconds: float) -> int:
    """The most of these that lie within so many seconds."""
    return max(bisect.bisect_left(times, at + seconds) - number for number, at in enumerate(times))


def some_faults(seed: int, count: int) -> t.Iterator[dict[str, t.Any]]:
    """Something goes wrong with every few requests: once, or with several in a row."""
    chance = random.Random(seed)
    yield {"match": {"path": "/workorders*", "nth": 2}, "do": "401"}
    at = 3
    while at < count:
        fault = chance.choice(["500-status", "502-oauth", "429-seconds", "reset-before", "401", "cut-json"])
        times = 1 if fault == "401" else chance.choice([1, 1, 2, 8])
        yield {"match": {"path": "/workorders*", "nth": at, "times": times}, "do": fault, "seconds": 40}
        at += times + chance.randrange(2, 25)


@pytest.mark.parametrize(("per_minute", "threads"), [(60, 8), (50, 4), (7, 3)])
def test_never_more_than_the_budget_in_any_minute(tmp_path: Path, per_minute: int, threads: int) -> None:
    # The emulator refuses what is above the budget of the setting: were there any, the log would have a 429 more.
    with Emulator(work_orders=200, days=300, seed=5, rate_limit=per_minute, clock=VirtualClock()) as api:
        faults = list(some_faults(seed=per_minute, count=150))
        api.faults(faults)
        settings: dict[str, t.Any] = {
            "requests_per_minute": per_minute,
            "max_concurrent_requests": threads,
            "page_size": 2,
            "max_retries": 20,  # one request can be met again and again
        }
        ended = Runner(api, tmp_path).run(catalog=small_catalog(*CATALOG), **settings)
        assert ended.code == 0, ended.last_line
        assert ended.ids("work_orders") == set(api.company.visible_ids())
        assert api.unserved_faults() == []
        served = api.log.faults()
        assert len(served) == sum(rule["match"].get("times", 1) for rule in faults)
        assert not [entry for entry in api.log if entry.status == 429 and not entry.fault]
        times = [entry.at for entry in api.log]
        assert times == sorted(times)
        assert per_minute - 2 <= most_within(times, MINUTE) <= per_minute
        assert len(api.log.of("/authentication/api/oauth/token")) > 1


class Times(FakeTransport):
    """Fails so many requests at first, and notes when each one came."""

    def __init__(self, clock: Clock, failures: int) -> None:
        super().__init__([*[response(503)] * failures, response(200, {})])
        self._clock = clock
        self.times: list[float] = []

    @override
    def get(
        self, path: str, params: t.Mapping[str, object], token: str, on_send: t.Callable[[], None] = lambda: None
    ) -> Response:
        self.times.append(self._clock.monotonic())
        return super().get(path, params, token, on_send)


def test_threads_that_fail_together_do_not_retry_together() -> None:
    random.seed(2)
    threads = 8
    clock = SharedClock(threads)
    transport = Times(clock, failures=threads)
    client = make_api(transport, clock, per_minute=1e9).client

    def work() -> None:
        with clock.participate():
            client.get("/x", {})

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    first, again = transport.times[:threads], transport.times[threads:]
    assert first == pytest.approx([first[0]] * threads, abs=1e-3)
    assert len(again) == threads
    assert again[0] - first[0] >= 1
    assert again[-1] - again[0] > 0.5
    assert most_within(again, 0.1) <= 3


def test_after_a_429_the_threads_do_not_retry_together_either(tmp_path: Path) -> None:
    with Emulator(work_orders=60, days=40, seed=5, rate_limit=0, clock=VirtualClock()) as api:
        api.faults([{"match": {"path": "/workorders", "nth": 6, "times": 1}, "do": "429-seconds", "seconds": 100}])
        settings: dict[str, t.Any] = {"max_concurrent_requests": 8, "page_size": 2, "requests_per_minute": 60}
        ended = Runner(api, tmp_path).run(catalog=small_catalog("work_orders"), **settings)
        assert ended.code == 0, ended.last_line
        (limited,) = [entry for entry in api.log if entry.fault]
        after = [entry.at for entry in api.log if entry.at > limited.at]
        assert after[0] - limited.at >= 100
        assert all(later - earlier > 0.99 for earlier, later in pairwise(after))


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_in_flight_than_the_setting_says(threads: int) -> None:
    # Pages are read ahead, and so are the messages of the work orders on them: the two together keep to it.
    latency = 0.02
    with Emulator(work_orders=60, days=90, seed=5, rate_limit=0, latency=latency) as api:
        run(api, small_catalog(*CATALOG), max_concurrent_requests=threads, page_size=4)
        began = [entry.at for entry in api.log.of("/workorders*")]
    assert len(began) > 30
    assert max(sum(at - latency < other <= at for other in began) for at in began) == threads
