"""What a run reads: by its settings, its selection, and what the last run left."""

from __future__ import annotations

import dataclasses
import json
import threading
import typing as t
from datetime import date, timedelta

import pytest

from tap_fieldnation.api.errors import StateError
from tap_fieldnation.reading import cursor as cursors
from tap_fieldnation.reading.cursor import Cursor, Slice
from tap_fieldnation.reading.prefetcher import Prefetcher
from tap_fieldnation.reading.sync_run import Options
from tests.unit.reading.model import START, Destination, Model

OPTIONS = Options(page_size=10)
TODAY = START.date()


def _account(work_orders: int = 600, days: int = 200) -> Model:
    model = Model(1)
    model.fill(work_orders, days)
    return model


def _created_from(model: Model, first: date, last: date = date.max) -> set[int]:
    return {row.id for row in model.visible() if first <= row.created.date() <= last}


def _later(model: Model, **pause: float) -> None:
    model.now += timedelta(**pause)
    model.requests.clear()


class TestStartDate:
    SINCE = TODAY - timedelta(days=50)

    def test_only_what_was_created_since_is_read(self) -> None:
        model, destination = _account(), Destination()
        destination.run(model, dataclasses.replace(OPTIONS, since=self.SINCE))
        assert set(destination.versions) == _created_from(model, self.SINCE)

    def test_without_a_creation_filter_too(self) -> None:
        model, destination = _account(), Destination()
        model.filter_name = None
        destination.run(model, dataclasses.replace(OPTIONS, since=self.SINCE))
        days = timedelta(days=1)  # the API's day may be that of the site, so a day more is let through
        assert _created_from(model, self.SINCE) <= set(destination.versions) <= _created_from(model, self.SINCE - days)

    def test_moved_to_an_earlier_day_the_missing_history_is_read_and_no_more(self) -> None:
        model, destination = _account(), Destination()
        destination.run(model, dataclasses.replace(OPTIONS, since=self.SINCE))
        _later(model, hours=2)
        destination.sent.clear()
        earlier = self.SINCE - timedelta(days=50)
        reading = destination.run(model, dataclasses.replace(OPTIONS, since=earlier))
        assert set(destination.versions) == _created_from(model, earlier)
        closed_and_known = {
            row.id for row in model.visible() if model.closed(row) and row.created.date() >= self.SINCE
        } - reading.cursor.recent
        reread_slice = closed_and_known & set(destination.sent)
        assert len(reread_slice) <= 20, "beside the page of the newest ones"

    def test_taken_away_all_that_is_older_is_read_and_no_more(self) -> None:
        model, destination = _account(), Destination()
        destination.run(model, dataclasses.replace(OPTIONS, since=self.SINCE))
        _later(model, hours=2)
        reading = destination.run(model, OPTIONS)
        assert set(destination.versions) == set(model.rows)
        older = len(model.rows) - len(_created_from(model, self.SINCE))
        assert len(model.requests) < older / 10 + len(reading.cursor.open) / 10 + 15

    def test_moved_to_a_later_day_older_ones_are_forgotten_and_not_called_removed(self) -> None:
        model, destination = _account(), Destination()
        destination.run(model, OPTIONS)
        _later(model, hours=2)
        destination.sent.clear()
        reading = destination.run(model, dataclasses.replace(OPTIONS, since=self.SINCE))
        assert destination.removed == set()
        assert reading.cursor.open <= _created_from(model, self.SINCE - timedelta(days=1))
        assert set(destination.sent) <= _created_from(model, self.SINCE - timedelta(days=1))


class TestEndDate:
    FIRST, LAST = TODAY - timedelta(days=90), TODAY - timedelta(days=60)

    def test_a_bounded_backfill_reads_its_days_and_leaves_the_state_as_it_was(self) -> None:
        model, destination = _account(), Destination()
        destination.run(model, OPTIONS)
        before = json.dumps(destination.state)
        destination.sent.clear()
        destination.run(model, dataclasses.replace(OPTIONS, since=self.FIRST, until=self.LAST))
        assert set(destination.sent) == _created_from(model, self.FIRST, self.LAST)
        assert json.dumps(destination.state) == before


class TestSelection:
    def test_a_stream_selected_later_gets_its_history(self) -> None:
        model, destination = _account(), Destination()
        destination.run(model, OPTIONS, streams=("work_orders",))
        _later(model, hours=1)
        destination.sent.clear()
        destination.run(model, OPTIONS, streams=("work_order_tags", "work_orders"))
        assert set(destination.sent) == set(model.rows)

    def test_one_left_out_of_a_run_gets_it_again(self) -> None:
        model, destination = _account(), Destination()
        both = ("work_order_tags", "work_orders")
        for streams in (both, ("work_orders",)):
            destination.run(model, OPTIONS, streams=streams)
            _later(model, hours=1)
        destination.sent.clear()
        destination.run(model, OPTIONS, streams=both)
        assert set(destination.sent) == set(model.rows)

    def test_the_same_ones_again_get_what_can_have_changed(self) -> None:
        model, destination = _account(), Destination()
        for _ in range(2):
            destination.sent.clear()
            destination.run(model, OPTIONS, streams=("work_order_tags", "work_orders"))
            _later(model, hours=1)
        assert len(destination.sent) < len(model.rows)

    def test_full_table_reads_all_in_each_run(self) -> None:
        model, destination = _account(), Destination()
        for _ in range(2):
            destination.sent.clear()
            destination.run(model, OPTIONS, full_refresh=True)
            assert set(destination.sent) == set(model.rows)
            _later(model, hours=1)


class TestReconcile:
    def test_no_closed_work_order_is_older_than_asked_for_and_the_cost_is_spread(self) -> None:
        model, destination = _account(2000, 300), Destination()
        options = dataclasses.replace(OPTIONS, reconcile=timedelta(days=10))
        destination.run(model, options)
        read_at = dict.fromkeys(model.rows, model.now)
        costs = []
        for _ in range(60):
            _later(model, hours=12)
            destination.sent.clear()
            destination.run(model, options)
            costs.append(len(model.requests))
            read_at.update(dict.fromkeys(destination.sent, model.now))
            ages = [model.now - at for at in read_at.values()]
            assert max(ages) <= timedelta(days=10.5)
        quiet, busiest = min(costs), max(costs)
        assert busiest <= quiet + 2 * 45, "no more than two slices in a run"

    def test_never_means_never(self) -> None:
        model, destination = _account(), Destination()
        options = dataclasses.replace(OPTIONS, reconcile=None)
        destination.run(model, options)
        _later(model, days=2)
        for _ in range(30):
            destination.run(model, options)
            _later(model, days=2)
        destination.sent.clear()
        destination.run(model, options)
        assert len(destination.sent) < len(model.rows)


class TestAnotherCompany:
    def test_is_an_error_that_names_both(self) -> None:
        model, destination = _account(), Destination()
        destination.run(model, OPTIONS)
        assert destination.state is not None
        destination.state["company_id"] = 8
        _later(model, hours=1)
        with pytest.raises(StateError, match=r"another company \(id 8\).*id 7"):
            destination.run(model, OPTIONS)


def test_a_long_pause_is_read_in_slices_and_ahead() -> None:
    model, destination = _account(), Destination()
    destination.run(model, OPTIONS)
    for _ in range(20):
        _later(model, days=1)
        for _ in range(40):
            model._insert()
    destination.run(model, OPTIONS)
    assert set(destination.versions) == set(model.rows)
    filtered = [filters for filters in model.requests if model.filter_name in filters]
    assert len(filtered) > 70, "in slices, not back from the newest"
    is_open = len(cursors.from_state(destination.state, START).open) if destination.state else 0  # type: ignore[union-attr]
    assert len(model.requests) < 800 / 10 + is_open / 10 + 25, "and nothing older than the pause again"


def test_no_more_pages_are_held_than_threads_and_one() -> None:
    held, most = 0, 0
    lock = threading.Lock()

    def fetch(key: int) -> int:
        nonlocal held, most
        with lock:
            held += 1
            most = max(most, held)
        return key

    ahead = Prefetcher(fetch, 4)
    for number in range(100):
        assert ahead.get(number) == number
        ahead.prefetch(range(number + 1, 100))
        with lock:
            held -= 1
    assert most <= 5


def test_what_a_thread_meets_is_raised_where_the_answer_is_asked_for() -> None:
    def fetch(key: int) -> int:
        if key == 2:
            raise ValueError(key)
        return key

    ahead = Prefetcher(fetch, 4)
    ahead.prefetch([1, 2, 3])
    assert ahead.get(1) == 1
    with pytest.raises(ValueError, match="2"):
        ahead.get(2)
    ahead.cancel()


class TestCursor:
    def test_comes_back_as_it_was(self) -> None:
        model, destination = _account(), Destination()
        cursor = destination.run(model, OPTIONS).cursor
        cursor.counts = {"work_order_messages": {one: one % 5 for one in cursor.open if one % 5}}
        again = cursors.from_state(json.loads(json.dumps(cursor.to_state())), START)
        assert again is not None
        assert again.to_state() == cursor.to_state()
        assert (again.open, again.counts) == (cursor.open, cursor.counts)

    def test_in_the_middle_of_the_history_too(self) -> None:
        model, destination = _account(), Destination()
        destination.run(model, OPTIONS, until=20)
        again = cursors.from_state(destination.state, START)
        assert again is not None
        assert again.history is not None
        assert again.history.position is not None
        assert again.to_state() == destination.state

    def test_a_newer_version_is_an_error_that_says_so(self) -> None:
        with pytest.raises(StateError, match=r"newer version of tap-fieldnation .*version 2.*upgrade the tap"):
            cursors.from_state({"version": 2}, START)

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("version", "one"),
            ("version", None),
            ("open", {"1": 2}),
            ("open", [1, "2"]),
            ("slices", [["2026-01-02", "2026-01-01", 1, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"]]),
            ("slices", [["2026-01-01"]]),
            ("slices", "none"),
            ("started_at", "yesterday"),
            ("history", []),
            ("history", {"started_at": "2026-01-01T00:00:00Z", "position": [None, 0, 100, 5, 5, 5]}),
            ("counts", {"work_order_messages": [1, 2, 3]}),
            ("streams", "work_orders"),
            ("total", -1),
            ("since", 20260101),
        ],
    )
    def test_damage_is_an_error_that_says_where_and_how_to_start_over(self, key: str, value: t.Any) -> None:
        with pytest.raises(StateError, match=rf"damaged at .*cursor, '{key}'.*read everything again"):
            cursors.from_state({"version": 1, key: value}, START)

    @pytest.mark.parametrize(("counts", "most"), [(False, 24_000), (True, 32_000)])
    def test_stays_small(self, counts: bool, most: int) -> None:  # noqa: FBT001
        model = Model(1)
        model.fill(20_000, 730)
        ids = sorted(model.rows)
        cursor = Cursor(company_id=7, started_at=START, created_filter="f_created_date", total=20_000)
        cursor.streams = [f"work_order_stream_{number}" for number in range(18)]
        cursor.open = set(model.random.sample(ids, 4_000))
        if counts:
            names = ("work_order_messages", "work_order_requests")
            cursor.counts = {name: {one: model.random.randrange(12) for one in cursor.open} for name in names}
        cursor.slices = [
            Slice(TODAY - timedelta(days=100 * n + 99), TODAY - timedelta(days=100 * n), 4_000, START, START)
            for n in reversed(range(8))
        ]
        state = cursor.to_state()
        assert len(json.dumps(state, separators=(",", ":"))) <= most
        again = cursors.from_state(json.loads(json.dumps(state, START)))
        assert again is not None
        assert (again.open, again.to_state()) == (cursor.open, state)
