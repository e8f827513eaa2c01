"""Work orders that become visible out of order, or disappear: late, back-dated, from the archive, by permission."""

from __future__ import annotations

import dataclasses
import re
import typing as t
from datetime import timedelta

import pytest

from tap_fieldnation.api.work_orders import CREATED_NAMES
from tap_fieldnation.reading.completeness import MASS_NUMBER, MassRemovalError
from tap_fieldnation.reading.sync_run import Options
from tests.unit.reading.model import Destination, Model, Rates

pytestmark = pytest.mark.usefixtures("untraced")

OPTIONS = Options()
HOUR = timedelta(hours=1)
FILTERS = [CREATED_NAMES[0], None]


def _synced(work_orders: int = 3000, days: float = 300, **settings: t.Any) -> tuple[Model, Destination]:
    model, destination = Model(3, **settings), Destination()
    model.fill(work_orders, days)
    for row in list(model.rows.values())[:-1000]:
        row.status = "Paid"  # each run reads those that are not
    destination.run(model, OPTIONS)
    return model, destination


def _run_for(model: Model, destination: Destination, hours: int, every: int = 1, options: Options = OPTIONS) -> None:
    for _ in range(0, hours, every):
        model.now += every * HOUR
        destination.run(model, options)


@pytest.mark.parametrize("filter_name", FILTERS)
@pytest.mark.parametrize("every", [1, 6, 24])
def test_a_late_work_order_is_sent_within_a_day_whatever_else_happens(every: int, filter_name: str | None) -> None:
    model, destination = _synced(filter_name=filter_name)
    late = model.add(model.now, "Paid", timedelta(hours=3))
    for _ in range(150):
        model._insert()
    _run_for(model, destination, every, every)
    for _ in range(3):
        model._archive()
    model._insert()
    late.visible_from = min(late.visible_from, model.now)
    _run_for(model, destination, 24, every)
    assert late.id in destination.versions


def test_back_dated_work_orders_do_not_hide_new_ones() -> None:
    model, destination = _synced(2000)
    model.now += HOUR
    for row in [row for row in model.visible() if model.closed(row)][:60]:
        row.archived = True
    new = [model.add(model.now, "Draft") for _ in range(50)]
    old = model.add(model.now - timedelta(days=200), "Paid")
    ancient = model.add(model.now - timedelta(days=2000), "Paid")
    destination.run(model, OPTIONS)
    assert {old.id, ancient.id, *(row.id for row in new)} <= set(destination.versions)


def test_what_is_older_than_everything_known_is_reconciled() -> None:
    model, destination = _synced(200)
    options = dataclasses.replace(OPTIONS, reconcile=timedelta(days=3))
    ancient = model.add(model.now - timedelta(days=5000), "Paid")
    _run_for(model, destination, 24, 24, options)
    ancient.version += 1
    _run_for(model, destination, 24 * 5, 24, options)
    assert destination.versions[ancient.id] == 2


@pytest.mark.parametrize("filter_name", FILTERS)
def test_gained_permission_for_many_older_work_orders(filter_name: str | None) -> None:
    model = Model(3, filter_name=filter_name)
    model.fill(3000, 300)
    for row in list(model.rows.values())[:-1000]:
        row.status = "Paid"
    for row in list(model.rows.values())[::5]:
        row.archived = True
    destination = Destination()
    destination.run(model, OPTIONS)
    for row in model.rows.values():
        row.archived = False
    _run_for(model, destination, 24)
    assert set(destination.versions) == set(model.rows)


@pytest.mark.parametrize("filter_name", FILTERS)
def test_open_work_orders_that_are_gone_for_one_run_are_followed_once_they_are_back(filter_name: str | None) -> None:
    model, destination = _synced(filter_name=filter_name)
    options = dataclasses.replace(OPTIONS, reconcile=None)
    gone = [row for row in model.visible() if not model.closed(row)][:15]
    for row in gone:
        row.archived = True
    _run_for(model, destination, 1, options=options)
    assert destination.removed == {row.id for row in gone}
    for row in gone:
        row.archived, row.version = False, row.version + 1
    _run_for(model, destination, 1, options=options)
    assert destination.removed == set()
    for row in gone:
        row.version += 1
    _run_for(model, destination, 1, options=options)
    assert all(destination.versions[row.id] == 3 for row in gone)


def test_a_return_and_a_removal_of_closed_ones_in_different_slices_do_not_cancel_out() -> None:
    model = Model(3)
    model.fill(2200, 300)
    rows = list(model.rows.values())
    for row in rows[:2000]:
        row.status = "Paid"
    old, recent = rows[100], rows[1900]
    recent.archived = True
    destination, options = Destination(), Options(page_size=25)
    destination.run(model, options)
    recent.archived, old.archived = False, True
    _run_for(model, destination, 24, options=options)
    assert recent.id in destination.versions


def test_in_a_small_account_they_do_not_cancel_out_in_one_slice_either() -> None:
    model = Model(3)
    model.fill(900, 300)
    rows = [row for row in model.rows.values() if model.closed(row)]
    rows[100].archived = True
    destination = Destination()
    destination.run(model, OPTIONS)
    rows[100].archived, rows[101].archived = False, True
    _run_for(model, destination, 24)
    assert rows[100].id in destination.versions


def test_archived_closed_work_orders_correct_the_count_and_cost_no_reading() -> None:
    model, destination = _synced()
    closed = [row for row in model.visible() if model.closed(row)]
    for row in closed[:200]:
        row.archived = True
    removed = 0
    for _ in range(24):
        model.now += HOUR
        model.requests.clear()
        run = destination.run(model, OPTIONS)
        removed += run.removed
        assert len(model.requests) <= len(run.cursor.open) / 100 + 8
    assert removed == 200
    assert destination.removed == set()


class TestMassRemovals:
    @pytest.mark.parametrize("filter_name", FILTERS)
    def test_an_account_that_is_empty_for_one_run(self, filter_name: str | None) -> None:
        model, destination = _synced(200, filter_name=filter_name)
        state = destination.state
        model.hidden = True
        model.now += HOUR
        with pytest.raises(MassRemovalError, match=r"only 0 of .* run once with accept_mass_removals"):
            destination.run(model, OPTIONS)
        assert destination.removed == set()
        assert destination.state is not None
        assert state is not None
        assert destination.state["open"] == state["open"]
        assert destination.state["started_at"] == state["started_at"]
        model.hidden = False
        run = destination.run(model, OPTIONS)
        assert set(run.cursor.open) == {row.id for row in model.visible() if not model.closed(row)}

    def test_most_of_the_open_ones(self) -> None:
        model, destination = _synced(200)
        is_open = [row for row in model.visible() if not model.closed(row)]
        for row in is_open[10:]:
            row.archived = True
        model.now += HOUR
        with pytest.raises(MassRemovalError, match=rf"only 10 of {len(is_open)} open work orders"):
            destination.run(model, OPTIONS)
        assert destination.removed == set()

    def test_are_accepted_by_a_setting(self) -> None:
        model, destination = _synced(200)
        is_open = [row.id for row in model.visible() if not model.closed(row)]
        model.hidden = True
        model.now += HOUR
        destination.run(model, dataclasses.replace(OPTIONS, accept_mass_removals=True))
        assert destination.removed == set(is_open)

    def test_a_few_are_removals_like_any(self) -> None:
        model, destination = Model(1), Destination()
        for _ in range(MASS_NUMBER - 1):
            model.add(model.now, "Draft")
        destination.run(model, OPTIONS)
        model.hidden = True
        model.now += HOUR
        destination.run(model, OPTIONS)
        assert destination.removed == set(model.rows)

    def test_a_full_refresh_of_an_account_that_is_empty(self) -> None:
        model, destination = _synced(200)
        model.hidden = True
        with pytest.raises(MassRemovalError):
            destination.run(model, OPTIONS, full_refresh=True)


@pytest.mark.parametrize("filter_name", FILTERS)
def test_start_date_moved_to_an_earlier_day(filter_name: str | None) -> None:
    model, destination = Model(1, filter_name=filter_name), Destination()
    model.fill(301, 300)
    today = model.now.date()
    destination.run(model, dataclasses.replace(OPTIONS, since=today - timedelta(days=100)))
    model.now += HOUR
    destination.run(model, dataclasses.replace(OPTIONS, since=today - timedelta(days=400)))
    assert set(destination.versions) == set(model.rows)


def test_a_total_that_is_always_one_too_high_is_warned_of_and_does_not_fail() -> None:
    model, destination = Model(1, excess=1), Destination()
    model.fill(300, 200)
    run = destination.run(model, OPTIONS)
    assert run.complete
    assert set(destination.versions) == set(model.rows)
    assert any(
        re.search(r"counts (\d+) work orders .* the same (\d+) twice", warning) for warning in destination.warnings
    )
    destination.warnings.clear()
    model.now += HOUR
    model.requests.clear()
    assert destination.run(model, OPTIONS).complete
    assert len(model.requests) <= len(run.cursor.open) / 100 + 8
    assert destination.warnings == []


@pytest.mark.parametrize("lag", [5, 60])
@pytest.mark.parametrize("seed", range(6))
def test_totals_that_lag_behind_by_seconds(seed: int, lag: int) -> None:
    model, destination = Model(seed, Rates(insert=0.05, archive=0.05), lag=lag), Destination()
    model.fill(300, 200)
    for _ in range(30):
        assert destination.run(model, dataclasses.replace(OPTIONS, page_size=10)).complete
        model.now += HOUR
        model._insert()
        model._archive()
    model.rates = Rates()
    _run_for(model, destination, 24)
    visible = {row.id for row in model.visible() if row.visible_from <= model.now - HOUR * 2}
    assert visible <= set(destination.versions)
