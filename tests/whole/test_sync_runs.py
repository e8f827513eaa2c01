"""Each run has a row in `sync_runs`, and each range of days written as a whole one in `work_order_coverage`."""

from __future__ import annotations

import itertools
import json
import re
import signal
import subprocess
import sys
import typing as t
from datetime import date, datetime, timedelta, timezone

import pytest

from emulator import Emulator, VirtualClock
from tests.whole import in_process
from tests.whole.runs import Ended, Runner

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORK_ORDERS = 90
SELECTED = ("work_orders", "work_order_coverage", "tags", "sync_runs")
HOUR = timedelta(hours=1).total_seconds()


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    with Emulator(work_orders=WORK_ORDERS, days=30, seed=6, rate_limit=0, clock=VirtualClock()) as api:
        yield Runner(api, tmp_path)


def run(runner: Runner, state: dict[str, t.Any] | None = None, **settings: t.Any) -> Ended:
    return runner.run(catalog=in_process.catalog(SELECTED), state=state, page_size=20, **settings)


def row_of(ended: Ended) -> dict[str, t.Any]:
    """The row of a run, which is the last record that it wrote."""
    [row] = ended.rows["sync_runs"]
    records = [line for line in ended.output.splitlines() if '"type":"RECORD"' in line]
    assert json.loads(records[-1])["stream"] == "sync_runs"
    assert moment(row["started_at"]) <= moment(row["finished_at"])
    assert row["extracted_at"] == row["finished_at"]
    return row


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def some(row: dict[str, t.Any], *names: str) -> tuple[t.Any, ...]:
    return tuple(row[name] for name in names)


OUTCOME = ("mode", "complete", "reason")
NUMBERS = tuple(f"work_orders_{name}" for name in ("read", "written", "counted", "created", "removed"))


def test_first_and_later_runs(runner: Runner) -> None:
    first = run(runner)
    row = row_of(first)
    assert some(row, *OUTCOME) == ("first", True, None)
    assert some(row, *NUMBERS) == (WORK_ORDERS, WORK_ORDERS, WORK_ORDERS, 0, 0)
    assert row["requests"] == first.requests
    assert row["company_id"] == runner.api.company.id
    assert row["retries"] == row["seconds_waited"] == 0

    gone, edited, *_ = runner.api.company.ids_with_status(1, 2, 3)
    assert runner.api.change("archive", gone)
    assert runner.api.change("edit_description", edited)
    runner.time.advance(HOUR)
    second = run(runner, first.state)
    row = row_of(second)
    assert some(row, *OUTCOME) == ("incremental", True, None)
    read = f"work_orders: {row['work_orders_read']} of {WORK_ORDERS - 1} read"
    assert read in second.log, "as the log says"
    assert some(row, *NUMBERS[1:]) == (1, WORK_ORDERS - 1, 0, 1)
    assert moment(row["started_at"]) - moment(row_of(first)["started_at"]) >= timedelta(hours=1)


def test_a_backfill(runner: Runner) -> None:
    first = run(runner)
    runner.time.advance(HOUR)
    last = min(row["created_at"] for row in first.rows["work_orders"])[:10]
    ended = run(runner, first.state, end_date=last)
    row = row_of(ended)
    assert some(row, *OUTCOME) == ("backfill", True, None)
    assert 0 < row["work_orders_written"] < WORK_ORDERS
    assert "work_order_coverage" not in ended.rows


def test_a_run_that_the_time_limit_stops(runner: Runner) -> None:
    state: dict[str, t.Any] | None = None
    outcomes = []
    for _ in range(12):
        ended = run(runner, state, requests_per_minute=60, max_minutes=8 / 60)
        assert ended.code == 0
        outcomes.append(some(row_of(ended), *OUTCOME))
        state = ended.state
        if outcomes[-1][1]:
            break
        runner.time.advance(60)
    assert outcomes[0] == ("first", False, "max_minutes was reached while work_orders was read")
    assert outcomes[-1][1:] == (True, None)


def test_an_error_in_the_middle_of_a_run(runner: Runner) -> None:
    runner.api.faults([{"match": {"path": "/workorders", "nth": 4, "times": 0}, "do": "500"}])
    ended = run(runner, max_retries=1)
    assert ended.code == 1
    row = row_of(ended)
    assert some(row, *OUTCOME) == ("first", False, ended.last_line)
    assert 0 < row["work_orders_read"] < WORK_ORDERS
    assert row["retries"] >= 1
    assert row["seconds_waited"] > 0


def test_wrong_credentials(runner: Runner) -> None:
    """No row: `meltano config test` takes any record as a proof that the settings are right."""
    ended = run(runner, client_secret="not-the-secret")
    assert ended.code == 1
    assert ended.rows == {}


def test_it_can_be_deselected(runner: Runner) -> None:
    runner.api.faults([{"match": {"path": "/workorders", "nth": 5, "times": 0}, "do": "500"}])
    ended = runner.run(catalog=in_process.catalog(["work_orders"]), page_size=20, max_retries=0)
    assert ended.code == 1
    assert ended.rows.keys() == {"work_orders"}
    assert '"sync_runs"' not in ended.output


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_middle_of_a_run(tmp_path: Path, by: signal.Signals) -> None:
    with Emulator(work_orders=300, seed=6, rate_limit=0, latency=0.02) as api:
        config = in_process.settings(api, page_size=5)
        for name, content in {"config": config, "catalog": in_process.catalog(SELECTED)}.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        command = [sys.executable, "-m", "tap_fieldnation", "--config", "config.json", "--catalog", "catalog.json"]
        messages = []
        with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout
            for line in process.stdout:
                messages.append(json.loads(line))
                if len(messages) == 60:
                    process.send_signal(by)
        assert process.returncode == 128 + by
    kinds = [(message["type"], message.get("stream")) for message in messages]
    place = kinds.index(("RECORD", "sync_runs"))
    assert kinds[place - 1] == ("SCHEMA", "sync_runs")
    assert kinds[place + 1 :] in ([], [("STATE", None)]), "STATE, unless the one before is the same"
    row = messages[place]["record"]
    assert some(row, *OUTCOME) == ("first", False, f"stopped by {by.name}")
    assert 0 < row["work_orders_read"] < 300


Spans = dict[str, tuple[str | None, str, int]]


def spans_of(*runs: Ended) -> Spans:
    """The table of spans that some runs leave: first day -> last day, read at, work orders."""
    rows = [row for ended in runs for row in ended.rows.get("work_order_coverage", [])]
    return {row["first_day"]: (row["last_day"], row["read_at"], row["work_orders"]) for row in rows}


def valid(spans: Spans) -> list[tuple[date, date]]:
    return sorted(
        (date.fromisoformat(first), date.fromisoformat(last)) for first, (last, _, _) in spans.items() if last
    )


def day_of(runner: Runner) -> date:
    return datetime.fromtimestamp(runner.time.wall(), timezone.utc).date()


def test_spans_cover_all_days_that_are_settled(runner: Runner) -> None:
    first = run(runner)
    spans = spans_of(first)
    days = valid(spans)
    assert days[0][0] == date(1970, 1, 1)
    assert days[-1][1] == day_of(runner) - timedelta(days=2)
    assert all(after - before == timedelta(days=1) for (_, before), (after, _) in itertools.pairwise(days))
    assert sum(number for _, _, number in spans.values()) <= WORK_ORDERS
    started, finished = (moment(row_of(first)[name]).replace(microsecond=0) for name in ("started_at", "finished_at"))
    assert all(started <= moment(read_at) <= finished for _, read_at, _ in spans.values())
    runner.time.advance(HOUR)
    assert spans_of(run(runner, first.state)) == {}, "nothing was settled meanwhile"


def test_spans_are_loaded_after_their_work_orders(runner: Runner) -> None:
    """Targets load streams in the order of their SCHEMA messages: no work order looks archived meanwhile."""
    messages = map(json.loads, run(runner).output.splitlines())
    order = [message["stream"] for message in messages if message["type"] == "SCHEMA"]
    assert order.index("work_orders") < order.index("work_order_coverage")


def assert_no_span_is_later_than_its_work_orders(runs: list[Ended]) -> None:
    spans = spans_of(*runs)
    newest = {row["id"]: row for ended in runs for row in ended.rows.get("work_orders", [])}
    assert len(newest) == WORK_ORDERS
    within = 0
    for row in newest.values():
        created = date.fromisoformat(row["created_at"][:10])
        for first, last in valid(spans):
            if first <= created <= last:
                assert moment(row["extracted_at"]) >= moment(spans[first.isoformat()][1]), "every one that exists"
                within += 1
    assert within > WORK_ORDERS / 2


def test_spans_grow_with_the_days(runner: Runner) -> None:
    runs = [run(runner)]
    for _ in range(3):
        runner.time.advance(24 * HOUR)
        runs.append(run(runner, runs[-1].state))
    spans = spans_of(*runs)
    assert valid(spans)[-1][1] == day_of(runner) - timedelta(days=2)
    assert_no_span_is_later_than_its_work_orders(runs)


@pytest.mark.parametrize("minutes", [0.04, 0.06, 0.08, 0.1, 0.12])
def test_spans_of_an_interrupted_run_begin_before_all_that_it_wrote(runner: Runner, minutes: float) -> None:
    """Its newest page is written before the slice that these work orders are of, and not again with it."""
    stopped = run(runner, max_minutes=minutes, requests_per_minute=60)
    assert "max_minutes was reached" in stopped.last_line
    runner.time.advance(24 * HOUR)
    runs = [stopped, run(runner, stopped.state)]
    numbers = [int(number) for ended in runs for number in re.findall(r"(\S+) (?:new|updated)", ended.last_line)]
    assert len(numbers) == 4
    assert min(numbers) >= 0
    assert_no_span_is_later_than_its_work_orders(runs)


def test_spans_before_a_later_start_date_are_void(runner: Runner) -> None:
    first = run(runner)
    since = day_of(runner) - timedelta(days=10)
    runner.time.advance(HOUR)
    second = run(runner, first.state, start_date=since.isoformat())
    spans = spans_of(first, second)
    assert valid(spans)[0][0] == since
    assert spans["1970-01-01"][0] is None
    runner.time.advance(HOUR)
    third = run(runner, second.state, start_date=since.isoformat())
    assert spans_of(third) == {}


def test_spans_and_lists_are_written_again_without_their_bookmarks(runner: Runner) -> None:
    first = run(runner)
    runner.time.advance(HOUR)
    rest = {"bookmarks": {"work_orders": first.state["bookmarks"]["work_orders"]}}
    second = run(runner, rest)
    assert valid(spans_of(second)) == valid(spans_of(first))
    assert second.rows["tags"]
    assert "work_orders" not in second.rows, "unchanged"


def test_spans_are_written_once_the_company_is_known(tmp_path: Path) -> None:
    with Emulator(work_orders=0, days=30, seed=6, rate_limit=0, forbidden="/templates", clock=VirtualClock()) as api:
        empty = Runner(api, tmp_path)
        first = run(empty)
        assert spans_of(first) == {}
        assert "Not read: tags: no work order or template shows the company's id; set company_id." in first.log
        told = [row["company_id"] for row in run(empty, company_id=7).rows["work_order_coverage"]]
        assert set(told) == {7}
        assert api.change("create")
        empty.time.advance(HOUR)
        second = run(empty, first.state)
        assert {row["company_id"] for row in second.rows["work_order_coverage"]} == {api.company.id}
        assert valid(spans_of(second))[0][0] == date(1970, 1, 1)
        assert second.rows["tags"]


def test_spans_that_are_selected_later_are_written_at_once(runner: Runner) -> None:
    without = in_process.catalog(set(SELECTED) - {"work_order_coverage"})
    first = runner.run(catalog=without, page_size=20)
    runner.time.advance(HOUR)
    second = run(runner, first.state)
    assert "work_orders" not in second.rows, "the history is not read again"
    assert valid(spans_of(second))[0][0] == date(1970, 1, 1)
    third = runner.run(catalog=without, page_size=20, state=second.state)
    assert valid(spans_of(run(runner, third.state))) == valid(spans_of(second)), "they may have changed meanwhile"
