"""What a run reads, depending on its settings, its selection, and the STATE of the last run."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, timedelta

import pytest

from tap_fieldnation.api.errors import StateError
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
        run = destination.run(model, dataclasses.replace(OPTIONS, since=earlier))
        assert set(destination.versions) == _created_from(model, earlier)
        closed_and_known = {
            row.id for row in model.visible() if model.closed(row) and row.created.date() >= self.SINCE
        } - run.cursor.recent
        sent_again = closed_and_known & set(destination.sent)
        assert len(sent_again) <= 20, "beside the page of the newest ones"

    def test_taken_away_all_that_is_older_is_read_and_no_more(self) -> None:
        model, destination = _account(), Destination()
        destination.run(model, dataclasses.replace(OPTIONS, since=self.SINCE))
        _later(model, hours=2)
        run = destination.run(model, OPTIONS)
        assert set(destination.versions) == set(model.rows)
        older = len(model.rows) - len(_created_from(model, self.SINCE))
        assert len(model.requests) < older / 10 + len(run.cursor.open) / 10 + 15

    def test_moved_to_a_later_day_older_ones_are_forgotten_and_not_called_removed(self) -> None:
        model, destination = _account(), Destination()
        destination.run(model, OPTIONS)
        _later(model, hours=2)
        destination.sent.clear()
        run = destination.run(model, dataclasses.replace(OPTIONS, since=self.SINCE))
        assert destination.removed == set()
        assert set(run.cursor.open) <= _created_from(model, self.SINCE - timedelta(days=1))
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
        assert destination.reread_because == "the catalog sets FULL_TABLE for work_orders"

    def test_why_all_is_read_again_is_said_once(self) -> None:
        model, destination = _account(50), Destination()
        reasons = []
        for streams in (("work_orders",), ("work_order_tags", "users", "work_orders"), ("users", "work_orders")):
            for _ in range(2):
                destination.run(model, OPTIONS, streams=streams)
                reasons.append(destination.reread_because)
                _later(model, hours=1)
        assert reasons == ["", "", "the last run did not include users, work_order_tags", "", "", ""]

    def test_an_earlier_start_is_a_reason_where_days_cannot_be_asked_for(self) -> None:
        model, destination = _account(50), Destination()
        model.filter_name = None
        for days in (50, 100):
            destination.run(model, dataclasses.replace(OPTIONS, since=TODAY - timedelta(days=days)))
        assert destination.reread_because == "start_date is earlier than in the last run"


class TestNew:
    """How many of the work orders that a run reads no earlier one has read."""

    def test_of_a_first_run_all_are_new(self) -> None:
        model, destination = _account(), Destination()
        assert destination.run(model, OPTIONS).new == len(model.rows)

    def test_of_a_resumed_first_run_the_others_are(self) -> None:
        model, destination = _account(), Destination()
        first = destination.run(model, OPTIONS, max_requests=20)
        assert 0 < first.new < len(model.rows)
        again = first.new + destination.run(model, OPTIONS).new - len(model.rows)
        assert 0 <= again <= OPTIONS.page_size, "at most a page is read again that STATE does not show"

    def test_of_a_run_that_reads_all_again_none_is(self) -> None:
        model, destination = _account(), Destination()
        destination.run(model, OPTIONS)
        _later(model, hours=1)
        run = destination.run(model, OPTIONS, streams=("users", "work_orders"))
        assert (run.new, run.read) == (0, len(model.rows))

    @pytest.mark.parametrize("pause", [timedelta(hours=1), timedelta(days=30)])
    def test_of_a_later_run_those_created_since(self, pause: timedelta) -> None:
        model, destination = _account(), Destination()
        destination.run(model, OPTIONS)
        model.now += pause
        for hours in range(3):
            model.add(model.now - timedelta(hours=hours), "assigned")
        run = destination.run(model, OPTIONS)
        assert run.new == 3
        assert run.read > 3


class TestReconcile:
    @pytest.mark.usefixtures("untraced")
    def test_no_closed_work_order_is_older_than_asked_for_and_the_cost_is_spread(self) -> None:
        model, destination = _account(2000, 300), Destination()
        for row in list(model.rows.values())[:-200]:
            row.status = "Paid"
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
    is_open = len(destination.run(model, OPTIONS).cursor.open)
    assert set(destination.versions) == set(model.rows)
    filtered = [filters for filters in model.requests if model.filter_name in filters]
    assert len(filtered) > 70, "in slices, not back from the newest"
    assert len(model.requests) < 800 / 10 + is_open / 10 + 25, "and nothing older than the pause again"
