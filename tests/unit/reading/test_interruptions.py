"""Any point of a run can be the last: what was read stays read, and the next run continues from there."""

from __future__ import annotations

import dataclasses
import typing as t
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from tap_fieldnation.api.work_orders import CREATED_NAMES, IDS
from tap_fieldnation.reading.cursor_state import from_state, to_state
from tap_fieldnation.reading.sync_run import OPEN_PER_PAGE, PAGES_A_SLICE, Options, SyncRun
from tests.unit.reading.model import START, Destination, Model, Rates

pytestmark = pytest.mark.usefixtures("untraced")

OPTIONS = Options(page_size=10)
# For tests whose examples are histories of many runs.
fewer_examples = settings(max_examples=settings().max_examples // 4)


def _account(
    work_orders: int = 600, days: float = 200, seed: int = 1, *, closed_only: bool = False, **settings: t.Any
) -> Model:
    model = Model(seed, **settings)
    model.fill(work_orders, days)
    for row in model.rows.values() if closed_only else ():
        row.status = "Paid"
    return model


def _later(model: Model, **pause: float) -> None:
    model.now += timedelta(**pause)
    model.requests.clear()


def _current(model: Model) -> dict[int, int]:
    return {row.id: row.version for row in model.visible()}


@fewer_examples
@given(st.integers(0, 2**32), st.integers(1, 6))
def test_a_killed_first_run_loses_nothing(seed: int, kills: int) -> None:
    model, destination = _account(seed=seed, rates=Rates(archive=0.05)), Destination()
    before = {row.id for row in model.visible()}
    for _ in range(kills):
        destination.run(model, OPTIONS, until=model.random.randrange(1, 12))
    assert destination.run(model, OPTIONS).complete
    assert before - model.ever_hidden <= set(destination.versions)


def test_a_run_can_be_killed_after_each_of_its_states() -> None:
    """Among them the one after which days that are settled now were read, but still count as unread."""
    for number in range(1, 60):
        model, destination = _account(40, 6), Destination()
        destination.run(model, OPTIONS)
        _later(model, days=2)
        model._insert()
        destination.run(model, OPTIONS, streams=("users", "work_orders"), until_state=number)
        _later(model, hours=1)
        run = destination.run(model, OPTIONS, streams=("users", "work_orders"))
        assert run.complete
        assert set(_current(model)) <= set(destination.versions)


@pytest.mark.parametrize("stopped_after", range(2, 8))
def test_start_date_is_moved_to_an_earlier_day_while_a_full_refresh_is_interrupted(stopped_after: int) -> None:
    """What was created since it began has higher ids than all that existed then."""
    model, destination = _account(300, 20), Destination()
    first, earlier = (START.date() - timedelta(days=days) for days in (1, 9))
    late, early = (dataclasses.replace(OPTIONS, since=day) for day in (first, earlier))
    destination.run(model, late)
    destination.run(model, late, full_refresh=True, max_requests=stopped_after)
    for _ in range(25):
        model._insert()
    _later(model, minutes=10)
    assert destination.run(model, early).complete
    assert {row.id for row in model.rows.values() if row.created.date() >= earlier} <= set(destination.versions)


def test_a_killed_first_run_does_not_begin_again() -> None:
    model, destination = _account(2000), Destination()
    destination.run(model, OPTIONS)
    all_requests = len(model.requests)
    open_again = -(-len(destination.run(model, OPTIONS).cursor.open) // 10)
    model.requests.clear()
    destination = Destination()
    destination.run(model, OPTIONS, until=120)
    before = len(model.requests)
    destination.run(model, OPTIONS)
    assert len(model.requests) - before < open_again + all_requests - 120 + PAGES_A_SLICE + 10


@pytest.mark.parametrize("filter_name", [CREATED_NAMES[0], None])
def test_new_and_archived_work_orders_while_a_first_run_is_interrupted(filter_name: str | None) -> None:
    """As many as were created have left the part that was read, so the total is as it was."""
    for stopped_after in range(1, 12):
        model = _account(90, 1, filter_name=filter_name)
        destination = Destination()
        destination.run(model, OPTIONS, max_requests=stopped_after)
        sent = sorted(destination.versions)
        for work_order in sent[:7]:
            model.rows[work_order].archived = True
        for _ in range(min(7, len(sent))):
            model._insert()
        assert destination.run(model, OPTIONS).complete
        assert set(_current(model)) <= set(destination.versions)


@pytest.mark.parametrize("stopped_after", range(5, 60, 6))
def test_rows_come_and_go_while_a_first_run_is_interrupted(stopped_after: int) -> None:
    """One that was read is archived and one that was not comes back: the total is as it was, a third row moves."""
    model, destination = _account(500, 300), Destination()
    hidden = sorted(model.rows)[3]
    model.rows[hidden].archived = True
    destination.run(model, OPTIONS, max_requests=stopped_after)
    state = destination.state
    assert state
    _later(model, hours=1)
    sent = sorted(set(destination.sent[10:]))
    if sent:
        model.rows[sent[-1]].archived = True
    model.rows[hidden].archived = False
    assert destination.run(model, OPTIONS).complete
    assert set(_current(model)) <= set(destination.versions)


class Reader(Destination):
    """A target that gives each STATE to a run, as a kill after any of them would."""

    readable = 0

    @override
    def _save(self, run: SyncRun) -> None:
        super()._save(run)
        assert from_state(self.state, run.clock())
        self.readable += 1


@pytest.mark.parametrize("filter_name", [CREATED_NAMES[0], None])
def test_every_state_can_be_read(filter_name: str | None) -> None:
    model, destination = _account(200, 30, filter_name=filter_name), Reader()
    since = (START - timedelta(days=20)).date()
    for options in (dataclasses.replace(OPTIONS, since=since), OPTIONS, OPTIONS, OPTIONS):
        assert destination.run(model, options).complete
        _later(model, days=2)
    for streams in (("work_orders", "tags"), ("work_orders",)):
        assert destination.run(model, OPTIONS, streams=streams).complete
    assert destination.readable > 50


def test_a_stop_after_the_history_does_not_repeat_it() -> None:
    def account() -> Model:
        model = _account(2000)
        for row in list(model.rows.values())[:-300]:
            row.status = "Paid"
        return model

    model = account()
    Destination().run(model, OPTIONS)
    whole = len(model.requests)
    for stopped_after in range(whole - 8, whole):
        model, destination = account(), Destination()
        destination.run(model, OPTIONS, max_requests=stopped_after)
        _later(model, hours=1)
        run = destination.run(model, OPTIONS)
        assert run.complete
        assert len(model.requests) <= len(run.cursor.open) / 10 + 12


def test_a_stop_after_a_long_pause_does_not_repeat_what_was_read() -> None:
    model, destination = _account(), Destination()
    destination.run(model, OPTIONS)
    for _ in range(20):
        _later(model, days=1)
        for _ in range(60):
            model._insert()
    destination.run(model, OPTIONS, max_requests=125)
    _later(model, hours=1)
    run = destination.run(model, OPTIONS)
    assert run.complete
    assert set(destination.versions) == set(_current(model))
    assert len(model.requests) <= len(run.cursor.open) / 10 + 40


class TestTimeLimit:
    """`max_minutes` that is worth so many requests."""

    @pytest.mark.parametrize("requests", [6, 11, 21, 40])
    def test_a_first_sync_completes_after_finitely_many_runs(self, requests: int) -> None:
        model, destination = _account(400, closed_only=True), Destination()
        for _ in range(20 + 400 // requests):
            if destination.run(model, OPTIONS, max_requests=requests).complete:
                break
            _later(model, hours=1)
        else:
            pytest.fail("it never completes")
        assert set(destination.versions) == set(model.rows)

    def test_three_thousand_work_orders_by_21_requests_a_run(self) -> None:
        model, destination, options = _account(3000, 365), Destination(), Options()
        for row in list(model.rows.values())[:2500]:
            row.status = "Paid"
        for _ in range(3):
            destination.run(model, options, max_requests=21)
            _later(model, hours=1)
        assert destination.run(model, options, max_requests=21).complete
        assert set(destination.versions) == set(model.rows)

    def test_open_work_orders_come_first_and_a_due_slice_is_continued(self) -> None:
        model, destination = _account(5000, 100), Destination()
        options = Options(reconcile=timedelta(days=5))
        for row in list(model.rows.values())[:4400]:
            row.status = "Paid"
        destination.run(model, options)
        reread: set[int] = set()
        for day in range(12):
            _later(model, days=1)
            for row in model.visible():
                if not model.closed(row):
                    row.version += 1
            before = {row.id: row.version for row in model.visible() if not model.closed(row)}
            destination.sent.clear()
            destination.run(model, options, max_requests=20)
            reread.update(destination.sent)
            if day % 2:
                continue  # every other run may begin with what was interrupted
            assert before.items() <= destination.versions.items() or day == 0
        assert len(reread) == 5000

    @fewer_examples
    @given(st.integers(0, 2**32), st.integers(6, 20))
    def test_nothing_starves(self, seed: int, requests: int) -> None:
        model, destination = _account(300, 20, seed=seed), Destination()
        destination.run(model, OPTIONS)
        for row in model.visible():
            if not model.closed(row):
                row.version += 1
        model._insert()
        back_dated = model.add(model.now - timedelta(days=10), "Paid")
        _later(model, hours=2)
        for _ in range(60):
            destination.run(model, OPTIONS, max_requests=requests)
            model.now += timedelta(minutes=30)
        assert _current(model) == destination.versions
        assert back_dated.id in destination.versions


@fewer_examples
@given(st.integers(0, 2**32))
def test_runs_that_are_always_killed_still_reach_all_open_work_orders(seed: int) -> None:
    model, destination = _account(300, 20, seed=seed), Destination()
    destination.run(model, OPTIONS)
    for row in model.visible():
        if not model.closed(row):
            row.version += 1
    _later(model, hours=2)
    for _ in range(60):
        destination.run(model, OPTIONS, until=4)
    assert _current(model) == destination.versions


@pytest.mark.parametrize("stopped_after", range(2, 80, 5))
def test_what_an_interrupted_reconcile_shows_to_be_open_is_followed(stopped_after: int) -> None:
    model, destination = _account(300, 200), Destination()
    options = dataclasses.replace(OPTIONS, reconcile=timedelta(days=5))
    for row in model.visible():
        row.status = "Paid"
    destination.run(model, options)
    for row in model.visible():
        row.status = "Assigned"
    _later(model, days=2.5)
    destination.sent.clear()
    destination.run(model, options, max_requests=stopped_after)
    reopened = set(destination.sent)
    for row in model.visible():
        row.version += 1
    _later(model, hours=1)
    assert destination.run(model, dataclasses.replace(options, reconcile=None)).complete
    assert all(destination.versions[work_order] == 2 for work_order in reopened)


def _written_before_their_slice(model: Model, destination: Destination, run: SyncRun) -> list[int]:
    """Work orders that look archived: they were last written before the time since which their whole slice was."""
    return [
        row.id
        for first, (last, written_since, _) in run.cursor.coverage().items()
        for row in model.visible()
        if last and first <= row.created.date() <= last and destination.written_at[row.id] < written_since
    ]


@pytest.mark.parametrize("stopped_after", range(2, 12))
def test_what_a_first_run_wrote_before_it_was_interrupted_is_not_taken_to_be_archived(stopped_after: int) -> None:
    """It writes the newest page first, here of eight days, and not again when it comes to their slice."""
    model, destination, options = _account(300, 60), Destination(), Options(page_size=40)
    destination.run(model, options, max_requests=stopped_after)
    _later(model, hours=1)
    run = destination.run(model, options)
    assert run.complete
    assert sum(count for *_, count in run.cursor.coverage().values()) > 280
    assert _written_before_their_slice(model, destination, run) == []


@pytest.mark.parametrize("stopped_after", range(2, 80, 5))
def test_what_an_interrupted_reconcile_had_written_is_not_taken_to_be_archived(stopped_after: int) -> None:
    """Neither are open work orders, which are read, and written if they changed, before the slices that are due."""
    model, destination = _account(300, 200), Destination()
    options = dataclasses.replace(OPTIONS, reconcile=timedelta(days=5))
    destination.run(model, options)
    for row in model.visible():
        if not model.closed(row):
            row.content, row.status = row.content + 1, "Paid"
    _later(model, days=6)
    destination.run(model, options, max_requests=stopped_after)
    _later(model, hours=1)
    run = destination.run(model, options)
    assert run.complete
    assert _written_before_their_slice(model, destination, run) == []


def test_started_at_and_history_change_in_one_step() -> None:
    model, destination, seen = _account(), Destination(), []

    def save(run: SyncRun) -> None:
        state = to_state(run.cursor)
        seen.append((state["started_at"] is None, state["history_at"] is None))
        destination.state = state

    destination._save = save  # type: ignore[method-assign]
    destination.run(model, OPTIONS)
    assert set(seen) == {(True, False), (False, True)}
    assert seen[-1] == (False, True)


def test_state_is_written_less_often_as_it_grows() -> None:
    model, destination = _account(10, 2), Destination()
    sizes: list[int] = []

    def saves(is_open: int) -> int:
        run = destination.run(model, OPTIONS)
        run.cursor.open = dict.fromkeys(range(is_open), START.date())
        sizes.clear()
        run.save = lambda run: sizes.append(len(run.cursor.open))
        for _ in range(200):
            run.checkpoint(page=True)
        return len(sizes)

    assert saves(0) == 200
    assert saves(OPEN_PER_PAGE - 1) == 200
    assert 3 <= saves(200_000) <= 5


def test_an_open_work_order_is_requested_once_a_run() -> None:
    model, destination = _account(), Destination()
    destination.run(model, OPTIONS)
    _later(model, hours=1)
    run = destination.run(model, OPTIONS)
    requested = [number for filters in model.requests if IDS in filters for number in filters[IDS].split(",")]
    assert len(requested) == len(set(requested)) == len(run.cursor.open)
