"""The time limit ends a run cleanly, at whichever request it strikes, and the next run completes it."""

from __future__ import annotations

import json
import re
import threading
import typing as t

import pytest
from typing_extensions import override

from emulator import Emulator
from tap_fieldnation.api.clock import Clock
from tap_fieldnation.api.errors import DeadlineExceeded
from tap_fieldnation.context import RunContext
from tests.whole import in_process
from tests.whole.runs import Ended, run

if t.TYPE_CHECKING:
    from pathlib import Path

# Lists within work orders that are cut, company lists without details, streams that cost a request each.
STREAMS = (
    "clients",
    "locations",
    "talent_pool_groups",
    "work_orders",
    "work_order_messages",
    "work_order_requests",
    "work_order_expenses",
    "users",
)
WORK_ORDERS = 6


class Striking(Clock):
    """A clock on which the time limit is reached at the N-th request.

    Args:
        number: Of that request, from 1.
        waits: Whether it is reached when that request fails and waits to be tried again; else before it is sent.
    """

    def __init__(self, number: int, *, waits: bool) -> None:
        self._left, self._waits = number, waits
        self._lock = threading.Lock()
        super().__init__()

    @override
    def check_deadline(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left < 0 or (self._left == 0 and not self._waits):
                raise DeadlineExceeded

    @override
    def sleep(self, seconds: float) -> None:
        if self._left <= 0:
            raise DeadlineExceeded


def new_emulator() -> Emulator:
    return Emulator(work_orders=WORK_ORDERS, days=40, seed=4, rate_limit=0, embedded_cut=1, ignore_columns=True)


def run_until(api: Emulator, folder: Path, clock: Clock | None, state: dict[str, t.Any] | None) -> Ended:
    catalog = in_process.catalog(STREAMS)
    # One request at a time, so that the N-th one is the same in each run.
    settings = in_process.settings(api, page_size=2, max_concurrent_requests=1, max_minutes=60)
    arguments = []
    for name, content in {"config": settings, "catalog": catalog, "state": state}.items():
        if content is not None:
            (folder / f"{name}.json").write_text(json.dumps(content))
            arguments += [f"--{name}", str(folder / f"{name}.json")]
    api.reset_log()
    with pytest.MonkeyPatch.context() as patch:
        if clock:
            patch.setattr(RunContext, "clock", clock)
        ended = run(*arguments)
    ended.requests = len(api.log)
    return ended


def rows(*runs: Ended) -> dict[str, set[str]]:
    """The rows of each stream."""
    return {
        stream: {
            json.dumps({**row, "extracted_at": None}, sort_keys=True)
            for one in runs
            for row in one.rows.get(stream, ())
        }
        for stream in STREAMS
    }


@pytest.mark.long
@pytest.mark.parametrize("waits", [False, True])
def test_the_time_limit_strikes_at_each_request_of_a_run(tmp_path: Path, *, waits: bool) -> None:
    with new_emulator() as api:
        whole = run_until(api, tmp_path, None, None)
        kinds = [re.sub(r"\d+", "N", f"{entry.path} {sorted(entry.params)}") for entry in api.log]
    assert whole.code == 0
    assert all(rows(whole).values()), "some stream has no rows: the run shows nothing of it"
    # The first and the last request of each kind.
    numbers = {kinds.index(kind) + 1 for kind in kinds} | {len(kinds) - kinds[::-1].index(kind) for kind in kinds}
    assert len(numbers) > 15
    for number in sorted(numbers):
        with new_emulator() as api:
            if waits:
                api.faults([{"match": {"nth": number}, "do": "503"}])
            ended = run_until(api, tmp_path, Striking(number, waits=waits), None)
            assert ended.requests == number - (not waits)
            api.faults([])
            assert ended.code == 0, (number, ended.last_line)
            assert "Traceback" not in ended.log
            assert ended.log.count("the next run continues from there") == 1, number
            assert "max_minutes was reached" in ended.last_line
            assert ended.state, number
            after = run_until(api, tmp_path, None, ended.state)
            assert after.code == 0, (number, after.last_line)
            assert rows(ended, after) == rows(whole), number
