"""The promise of `docs/how-it-reads.md` on random histories, and that each safeguard is needed for it."""

from __future__ import annotations

import typing as t
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_fieldnation.api.errors import ApiError
from tap_fieldnation.api.work_orders import CREATED_NAMES
from tap_fieldnation.reading import changes, completeness, cursor, cursor_state, history, scan, slices, steps, sync_run
from tap_fieldnation.reading.completeness import IncompleteError, MassRemovalError
from tap_fieldnation.reading.sync_run import Options, SyncRun
from tests.unit.reading.model import START, Destination, Model, Rates, Shuffled
from tests.unit.reading.promise import broken_by

SEEDS = st.integers(0, 2**32)
TRIES = range(300)
BUSY = Rates(insert=0.5, archive=0.5, late=0.2)


@pytest.mark.usefixtures("untraced")
@given(SEEDS)
@example(193060603)
@example(301713)  # start_date leaves no work order
def test_the_promise_holds_after_each_complete_run(seed: int) -> None:
    assert broken_by(seed) == []


@pytest.mark.parametrize("seed", range(16))
def test_the_promise_holds_in_a_few_histories(seed: int) -> None:
    """With coverage, of which no other test of random histories has any."""
    assert broken_by(seed) == []


@pytest.mark.usefixtures("untraced")
@given(SEEDS, st.sampled_from(["insert", "archive", "late", "back_date", "give_back"]))
def test_the_promise_holds_in_an_account_that_changes_with_every_request(seed: int, kind: str) -> None:
    assert broken_by(seed, runs=3, rates=Rates(**{"insert": 0.5, "archive": 0.1, kind: 1.0})) == []


def _some_seed_breaks(**settings: t.Any) -> bool:
    def breaks(seed: int) -> bool:
        try:
            return bool(broken_by(seed, runs=3, **settings))
        except (ApiError, IncompleteError, MassRemovalError):
            return True

    return any(breaks(seed) for seed in TRIES)


def _lost(model: Model, options: Options, hours: int = 24) -> set[int]:
    """What is missing in the destination after a first run, and hourly runs that follow."""
    destination = Destination()
    destination.run(model, options)
    for _ in range(hours):
        model.now += timedelta(hours=1)
        destination.run(model, options)
    return {row.id for row in model.visible() if row.visible_from < model.now - timedelta(hours=1)} - set(
        destination.versions
    )


@pytest.mark.usefixtures("untraced")
class TestEachSafeguardIsNeeded:
    """Without it, something is lost, stale or said to be removed."""

    def test_descending_order(self) -> None:
        assert _some_seed_breaks(rates=BUSY, ascending=True)

    def test_the_step_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(scan, "pages_to_step_back", lambda *_: -1)
        assert _some_seed_breaks(rates=BUSY)

    def test_no_prefetching_where_rows_are_inserted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        days: list[date] = []
        prefetch = Shuffled.prefetch

        def recorded(self: Shuffled, keys: t.Iterable[t.Any]) -> None:
            keys = list(keys)
            days.extend(key[0][1] for key in keys if isinstance(key[0][1], date))
            prefetch(self, keys)

        monkeypatch.setattr(Shuffled, "prefetch", recorded)
        model = Model(1, cap=10)
        model.fill(600, 20)
        Destination().run(model, Options(page_size=10))
        settled = START.date() - timedelta(days=slices.SETTLED_AFTER)
        assert days
        assert max(days) <= settled
        monkeypatch.setattr(slices.Pages, "_is_settled", lambda *_: True)
        Destination().run(model, Options(page_size=10))
        assert max(days) > settled

    def test_no_duplicates_within_a_pass(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def sent() -> int:
            model = Model(1, Rates(insert=1, archive=1), filter_name=None, cap=10)
            model.fill(300, 30)
            destination = Destination()
            destination.run(model)
            return sum(Counter(destination.sent).values())

        few = sent()
        monkeypatch.setattr(scan.Scan, "_fresh", lambda _, records, __: list(records))
        assert sent() > few

    def test_the_check_that_a_filter_is_supported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def rows_sent() -> int:
            model = Model(1, filter_name=None, echo=False)
            model.fill(1200, 300)
            destination = Destination()
            destination.run(model, Options(page_size=25))
            return len(destination.sent)

        once = rows_sent()
        assert once < 1.2 * 1200
        monkeypatch.setattr(history, "_try_filters", lambda *_: CREATED_NAMES[0])
        with pytest.raises(ApiError, match="ignored"):
            rows_sent()
        monkeypatch.setattr(slices, "check_filter", lambda *_: None)
        assert rows_sent() > 1.5 * once, "each slice gets all work orders of a server that ignores the filter"

    def test_the_confirmation_of_removals(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def said_to_be_removed() -> list[int]:
            model, destination = Model(1), Destination()
            model.fill(300, 30)
            destination.run(model)
            model.now += timedelta(hours=2)
            model.hide_once = {row.id for row in model.visible() if not model.closed(row)}
            destination.run(model, Options(accept_mass_removals=True))
            return destination.removals

        assert said_to_be_removed() == []
        monkeypatch.setattr(changes, "_confirm", lambda *_: iter(()))
        assert said_to_be_removed()

    def test_the_suspicion_of_mass_removals(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def removed() -> set[int]:
            model, destination = Model(1), Destination()
            model.fill(200, 30)
            destination.run(model)
            model.hidden = True
            with pytest.raises(MassRemovalError):
                destination.run(model)
            return destination.removed

        assert removed() == set()
        monkeypatch.setattr(completeness, "MASS_NUMBER", 10**6)
        with pytest.raises(pytest.fail.Exception):
            removed()

    def test_the_second_pass_where_rows_are_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def lost() -> set[int]:
            model = Model(1)
            model.fill(2000, 200)
            model.leave_out_once = set(list(model.rows)[300:1900:400])
            return _lost(model, Options(page_size=10), 0)

        assert lost() == set()
        monkeypatch.setattr(slices, "MAX_PASSES", 1)
        monkeypatch.setattr(steps, "check_slices", lambda _: iter(()))
        with pytest.raises(IncompleteError):
            lost()

    def test_the_daily_look_at_what_is_new(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def lost() -> set[int]:
            model = Model(1)
            model.fill(3000, 300)
            model.add(model.now, "Paid", timedelta(hours=8))
            for _ in range(300):
                model._insert()
            return _lost(model, Options(), 30)

        assert lost() == set()
        monkeypatch.setattr(changes, "_floor", lambda run, **_: run.cursor.marks[-1].highest)
        assert lost()

    def test_the_overlap_of_an_hour(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def lost() -> set[int]:
            model = Model(1)
            model.fill(3000, 300)
            destination = Destination()
            destination.run(model)
            for _ in range(3):
                model.now += timedelta(hours=1)
                destination.run(model)
            late = model.add(model.now, "Draft", timedelta(minutes=20))
            for _ in range(150):
                model._insert()
            for _ in range(2):
                destination.run(model)
                model.now += timedelta(hours=1)
            return {late.id} - set(destination.versions)

        assert lost() == set()
        monkeypatch.setattr(changes, "OVERLAP", timedelta(days=-1))
        assert lost()

    def test_the_counts_of_slices(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def lost() -> set[int]:
            model = Model(1)
            model.fill(3000, 300)
            row = model.rows[sorted(model.rows)[1000]]
            row.visible_from = model.now + timedelta(hours=3)
            return _lost(model, Options())

        assert lost() == set()
        monkeypatch.setattr(steps, "check_slices", lambda _: iter(()))
        assert lost()

    def test_the_rotation_through_slices(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def lost() -> set[int]:
            model = Model(1)
            model.fill(2200, 300)
            rows = list(model.rows.values())
            for row in rows[:2000]:
                row.status = "Paid"
            rows[1900].archived = True
            destination, options = Destination(), Options(page_size=25)
            destination.run(model, options)
            rows[100].archived, rows[1900].archived = True, False
            for _ in range(24):
                model.now += timedelta(hours=1)
                destination.run(model, options)
            return {rows[1900].id} - set(destination.versions)

        assert lost() == set()
        monkeypatch.setattr(completeness, "slices_to_check", lambda _: [])
        assert lost()

    def test_small_accounts_are_read_daily(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def lost() -> set[int]:
            model = Model(1)
            model.fill(900, 300)
            rows = [row for row in model.rows.values() if model.closed(row)]
            rows[100].archived = True
            destination = Destination()
            destination.run(model)
            rows[100].archived, rows[101].archived = False, True
            for _ in range(24):
                model.now += timedelta(hours=1)
                destination.run(model)
            return {rows[100].id} - set(destination.versions)

        assert lost() == set()
        monkeypatch.setattr(cursor, "SMALL_ACCOUNT", 0)
        assert lost()

    def test_removed_ones_are_requested_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def stale() -> bool:
            model, options = Model(1), Options(reconcile=None)
            model.fill(3000, 300)
            destination = Destination()
            destination.run(model, options)
            row = next(row for row in model.visible() if not model.closed(row))
            other = next(row for row in model.visible() if model.closed(row))
            row.archived = True
            destination.run(model, options)
            row.archived, other.archived = False, True
            row.version += 1
            destination.run(model, options)
            return destination.versions[row.id] != row.version

        assert not stale()
        monkeypatch.setattr(sync_run, "MAX_REMOVED", -10_000)
        assert stale()

    def test_resuming_from_the_lowest_id(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def lost() -> bool:
            for stopped_after in range(5, 60, 3):
                model, destination = Model(1), Destination()
                model.fill(500, 300)
                hidden = sorted(model.rows)[3]
                model.rows[hidden].archived = True
                options = Options(page_size=10, reconcile=None)
                destination.run(model, options, max_requests=stopped_after)
                position = (destination.state or {"unread": []})["unread"]
                if position and position[0][2]:
                    sent = sorted(set(destination.sent[10:]))
                    for work_order in sent[-3:]:
                        model.rows[work_order].archived = True
                    model.rows[hidden].archived = False
                destination.run(model, options)
                if {row.id for row in model.visible()} - set(destination.versions):
                    return True
            return False

        assert not lost()

        def as_before(self: scan.Scan, *_: object) -> bool:
            self._resume = None
            return True

        monkeypatch.setattr(scan.Scan, "_finds_place", as_before)
        monkeypatch.setattr(steps, "check_slices", lambda _: iter(()))
        assert lost()

    def test_the_turn_of_steps_after_an_interruption(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def reached() -> set[int]:
            model, destination = Model(1), Destination()
            model.fill(400, 20)
            options = Options(page_size=10)
            destination.run(model, options)
            old = model.add(model.now - timedelta(days=10), "Paid")
            for row in model.visible():
                row.status = "Draft" if row is not old else "Paid"
            destination.run(model, options)
            new = model.add(model.now, "Draft")
            for _ in range(40):
                model.now += timedelta(hours=1)
                destination.run(model, options, max_requests=12)
            return {new.id} - set(destination.versions)

        assert reached() == set()
        monkeypatch.setattr(SyncRun, "begin", lambda *_: None)
        assert reached()

    def test_corrected_clocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def oldest() -> timedelta:
            model, destination = Model(1), Destination()
            model.fill(3000, 300)
            model.now += timedelta(days=2000)
            destination.run(model)
            model.now -= timedelta(days=2000)
            options = Options(reconcile=timedelta(days=5))
            destination.sent.clear()
            for _ in range(12):
                model.now += timedelta(days=1)
                destination.run(model, options)
            return timedelta(days=5 if set(destination.sent) == set(model.rows) else 2000)

        assert oldest() == timedelta(days=5)
        monkeypatch.setattr(cursor_state, "_correct_clocks", lambda *_: None)
        assert oldest() > timedelta(days=5)
