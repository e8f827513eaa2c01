"""A STATE with the credentials of another company: nothing is written, and the STATE stays as it was."""

from __future__ import annotations

import typing as t

import pytest

from emulator import Emulator, VirtualClock
from tests.whole.in_process import catalog
from tests.whole.runs import Runner

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.whole.runs import Ended, State

OTHER = 30_000
KEPT = ("company_id", "open", "removed", "recent", "slices", "fingerprints")
STREAMS = ("work_orders", "work_order_removals", "work_order_coverage", "clients", "templates", "sync_runs")


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    with Emulator(work_orders=25, days=60, seed=3, rate_limit=0, clock=VirtualClock()) as api:
        yield Runner(api, tmp_path)


def run_as_other(runner: Runner, state: State, *selected: str) -> Ended:
    runner.time.advance(3_600)
    with Emulator(work_orders=60, seed=9, rate_limit=0, clock=runner.time, company_id=OTHER) as api:
        return Runner(api, runner.folder).run(catalog=catalog(selected), state=state)


def assert_refused(ended: Ended, before: State) -> None:
    assert ended.code == 1
    assert f"The STATE belongs to another company (id 20843) than these credentials (id {OTHER})" in ended.last_line
    assert ended.rows.keys() <= {"sync_runs"}
    if ended.state:
        was, found = (state["bookmarks"]["work_orders"]["cursor"] for state in (before, ended.state))
        assert {key: found[key] for key in KEPT} == {key: was[key] for key in KEPT}


def test_few_open_work_orders_that_are_not_found_are_not_taken_for_removed(runner: Runner) -> None:
    first = runner.run(catalog=catalog(STREAMS))
    cursor = first.state["bookmarks"]["work_orders"]["cursor"]
    assert 0 < len(cursor["open"]) < 20, "fewer than a mass removal"
    assert_refused(run_as_other(runner, first.state, *STREAMS), first.state)


def test_lists_are_not_written_where_they_are_read_first(runner: Runner) -> None:
    stopped = runner.run(catalog=catalog(STREAMS), max_minutes=0.03, requests_per_minute=60)
    assert stopped.code == 0, stopped.log
    assert stopped.state["bookmarks"]["clients"]["pending"]
    assert_refused(run_as_other(runner, stopped.state, *STREAMS), stopped.state)


def test_lists_are_not_written_where_no_work_order_is_read(runner: Runner) -> None:
    first = runner.run(catalog=catalog(STREAMS))
    assert_refused(run_as_other(runner, first.state, "clients"), first.state)
