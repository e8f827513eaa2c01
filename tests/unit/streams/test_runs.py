"""The row of a run: what it says, and that there is one for each run."""

from __future__ import annotations

import typing as t

import pytest

from tap_fieldnation.records import schema
from tap_fieldnation.streams.runs import RunsStream, runs_of
from tests.fakes import NOON, FakeClient, FakeClock
from tests.unit.streams.test_sdk import Collected, catalog_of, make_tap

if t.TYPE_CHECKING:
    from tap_fieldnation.tap import TapFieldNation

STATE = dict[str, t.Any]
LIST = "types_of_work"
BODIES: dict[str, object] = {"/types-of-work": [{"id": 1, "name": "Cabling"}]}


def tap_with(
    *streams: str, state: STATE | None = None, clock: FakeClock | None = None, **config: t.Any
) -> tuple[TapFieldNation, RunsStream, Collected]:
    """A tap, its stream of runs, and what it writes."""
    tap, writer = make_tap(catalog=catalog_of(*streams), **config)
    tap.load_state(state or {})
    vars(tap.context).update(client=FakeClient(BODIES), clock=clock or FakeClock())
    return tap, runs_of(tap.streams), writer


def rows_of(writer: Collected) -> list[dict[str, t.Any]]:
    return writer.records("sync_runs")


def test_a_complete_run() -> None:
    clock = FakeClock()
    tap, _, writer = tap_with(LIST, "sync_runs", clock=clock)
    tap.context.begin()
    clock.advance(90)
    tap.sync_all()
    [row] = rows_of(writer)
    assert row == {
        "started_at": "2026-03-01T12:00:00Z",
        "finished_at": "2026-03-01T12:01:30Z",
        "company_id": None,
        "mode": "first",
        "complete": True,
        "reason": None,
        "work_orders_read": None,
        "work_orders_written": None,
        "work_orders_counted": None,
        "work_orders_created": None,
        "work_orders_removed": None,
        "requests": 0,
        "retries": 0,
        "seconds_waited": 0.0,
        "tap_version": tap.plugin_version,
        "extracted_at": "2026-03-01T12:01:30Z",
    }
    assert row.keys() == schema.load("sync_runs")["properties"].keys()


def test_it_is_the_last_stream() -> None:
    tap, _, writer = tap_with(LIST, "sync_runs")
    tap.sync_all()
    assert [one["stream"] for one in writer.messages if one["type"] == "RECORD"] == [LIST, "sync_runs"]


def test_both_kinds_of_waits_count() -> None:
    clock = FakeClock()
    tap, _, writer = tap_with("sync_runs", clock=clock)
    requester = tap.context.requester
    for waiting, seconds in ((requester.rate_limiter.waiting, 1.25), (requester.backoff, 2.5)):
        with waiting:
            clock.advance(seconds)
    tap.sync_all()
    [row] = rows_of(writer)
    assert row["seconds_waited"] == 3.8


def test_a_run_that_the_time_limit_stopped_is_not_complete() -> None:
    tap, _, writer = tap_with("sync_runs")
    tap.context.stop_at_deadline("clients")
    tap.sync_all()
    [row] = rows_of(writer)
    assert (row["complete"], row["reason"]) == (False, "max_minutes was reached while clients was read")


def mode_of(writer: Collected) -> str:
    [row] = rows_of(writer)
    return str(row["mode"])


def test_without_work_orders_a_run_is_the_first_one_until_there_is_a_row() -> None:
    tap, _, writer = tap_with(LIST, "sync_runs")
    tap.sync_all()
    assert mode_of(writer) == "first"
    tap, _, writer = tap_with(LIST, "sync_runs", state=dict(tap.state))
    tap.sync_all()
    assert mode_of(writer) == "incremental"


def test_a_backfill_leaves_its_bookmark_as_it_was() -> None:
    before: STATE = {"bookmarks": {"sync_runs": {"replication_key_value": "2026-01-01T00:00:00Z"}}}
    before["bookmarks"]["sync_runs"]["replication_key"] = "started_at"
    tap, _, writer = tap_with("sync_runs", state=before, end_date="2026-01-31")
    tap.sync_all()
    assert mode_of(writer) == "backfill"
    assert tap.state["bookmarks"]["sync_runs"] == before["bookmarks"]["sync_runs"]
    tap, _, _ = tap_with("sync_runs", state=before)
    tap.sync_all()
    assert tap.state["bookmarks"]["sync_runs"]["replication_key_value"] == f"{NOON:%Y-%m-%dT%H:%M:%SZ}"


def test_a_run_that_fails_has_its_schema_and_its_row_once() -> None:
    _, runs, writer = tap_with("sync_runs")
    runs.write_failure("the reason")
    runs.write_failure("another one")
    assert [one["type"] for one in writer.messages] == ["SCHEMA", "RECORD"]
    [row] = rows_of(writer)
    assert (row["complete"], row["reason"]) == (False, "the reason")


def test_a_run_that_has_its_row_gets_no_other_one() -> None:
    tap, runs, writer = tap_with("sync_runs")
    tap.sync_all()
    runs.write_failure("stopped afterwards")
    assert [row["complete"] for row in rows_of(writer)] == [True]


@pytest.mark.parametrize("streams", [(), (LIST,)])
def test_it_is_not_written_where_it_is_not_selected(streams: tuple[str, ...]) -> None:
    tap, runs, writer = tap_with(*streams)
    runs.write_failure("the reason")
    assert writer.messages == []
    tap.sync_all()
    assert rows_of(writer) == []
