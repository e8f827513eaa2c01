"""What is written of what is read: only what changed, and everything once in `reconcile_days`."""

from __future__ import annotations

import dataclasses
import typing as t
from datetime import timedelta

import pytest

from tap_fieldnation.reading import changes
from tap_fieldnation.reading.sync_run import Options, SyncRun
from tests.unit.reading.model import Destination, Model

# Nothing is due to be written again while a test lasts.
OPTIONS = Options(page_size=50, reconcile=timedelta(days=3_000))
SIZES = {"small": 300, "large": 1_500}

each_size = pytest.mark.parametrize("work_orders", SIZES.values(), ids=SIZES)


def _synced(work_orders: int = 300, options: Options = OPTIONS) -> tuple[Model, Destination]:
    """An account, and what a first run has written of it."""
    model, destination = Model(4), Destination()
    model.fill(work_orders, 300)
    for row in model.rows.values():
        row.status = "Paid" if row.status == "Approved" else row.status  # they become closed as time goes by
    assert destination.run(model, options).complete
    assert set(destination.versions) == set(model.rows)
    return model, destination


def _written(model: Model, destination: Destination, options: Options = OPTIONS, **settings: t.Any) -> list[int]:
    """What the next run writes."""
    destination.written.clear()
    assert destination.run(model, options, **settings).complete
    return destination.written


def _open(model: Model) -> list[t.Any]:
    return [row for row in model.visible() if not model.closed(row)]


def _change(model: Model, row: t.Any, by: int = 1) -> None:
    row.content += by
    row.version += 1
    row.touched = model.now


@each_size
@pytest.mark.parametrize("hours", [0.1, 5, 23, 26, 50, 80, 24 * 20])
def test_a_run_without_changes_writes_nothing(work_orders: int, hours: float) -> None:
    model, destination = _synced(work_orders)
    model.now += timedelta(hours=hours)
    # After a pause of more than three days, what may have come meanwhile is read and written as history.
    of_pause = {row.id for row in model.rows.values() if model.now - row.created < timedelta(days=4, hours=hours)}
    assert set(_written(model, destination)) <= (of_pause if hours > 72 else set())


@each_size
def test_a_run_writes_what_changed_once(work_orders: int) -> None:
    model, destination = _synced(work_orders)
    for hours in (1, 1, 26, 30):
        model.now += timedelta(hours=hours)
        changed = _open(model)[::7]
        for row in changed:
            _change(model, row)
        new = [model.add(model.now, "Draft") for _ in range(5)]
        model.now += timedelta(minutes=1)
        assert sorted(_written(model, destination)) == sorted(row.id for row in (*changed, *new))


def test_all_is_written_again_within_reconcile_days() -> None:
    options = dataclasses.replace(OPTIONS, reconcile=timedelta(days=10))
    model, destination = _synced(1_500, options)
    written: set[int] = set()
    for _ in range(11):
        model.now += timedelta(days=1)
        written.update(_written(model, destination, options))
    assert written == set(model.rows), "a loss in the warehouse heals"


def test_an_older_state_writes_again_what_changed_since() -> None:
    model, destination = _synced()
    older = destination.state
    model.now += timedelta(hours=1)
    changed = _open(model)[:40]
    for row in changed:
        _change(model, row)
    assert len(_written(model, destination)) == 40
    destination.state = older
    assert sorted(_written(model, destination)) == sorted(row.id for row in changed)
    assert _written(model, destination) == []


def test_another_selection_writes_all_that_is_read_again() -> None:
    model, destination = _synced()
    model.now += timedelta(hours=1)
    both = ("work_order_tags", "work_orders")
    assert set(_written(model, destination, streams=both)) == set(model.rows), "the history is read again"
    assert _written(model, destination, streams=both) == []
    is_open = {row.id for row in _open(model)}
    assert is_open <= set(_written(model, destination)) <= set(model.rows)
    assert _written(model, destination) == []


def test_a_full_refresh_writes_everything() -> None:
    model, destination = _synced()
    assert set(_written(model, destination, full_refresh=True)) == set(model.rows)


class TestEachSafeguardIsNeeded:
    """Without it, the destination differs from the account."""

    def test_fingerprints_are_dropped_before_something_else_is_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def stale() -> set[int]:
            model, destination = _synced()
            model.now += timedelta(hours=1)
            changed = _open(model)[:30]
            for row in changed:
                _change(model, row)
            destination.run(model, OPTIONS, until=0)
            for row in changed:
                _change(model, row, by=-1)
            destination.run(model, OPTIONS)
            return {row.id for row in model.visible() if destination.versions[row.id] != row.version}

        assert stale() == set()
        monkeypatch.setattr(SyncRun, "announce", lambda *_: None)
        assert stale()

    def test_those_that_have_returned_are_written(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def removed() -> set[int]:
            model, destination = _synced()
            model.now += timedelta(hours=1)
            row = _open(model)[3]
            row.archived = True
            destination.run(model, OPTIONS)
            assert destination.removed == {row.id}
            row.archived = False
            model.now += timedelta(hours=1)
            destination.run(model, OPTIONS)
            return destination.removed

        assert removed() == set()
        monkeypatch.setattr(SyncRun, "remove", _remove_and_keep_fingerprint(SyncRun.remove))
        monkeypatch.setattr(SyncRun, "announce", lambda *_: None)
        monkeypatch.setattr(SyncRun, "is_changed", _by_fingerprint)
        assert removed()

    def test_a_killed_removal_is_taken_back(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def removed() -> set[int]:
            for until in range(20):
                model, destination = _synced()
                model.now += timedelta(hours=1)
                row = _open(model)[3]
                row.archived = True
                destination.run(model, OPTIONS, until=until)
                if destination.removed:
                    break
            row.archived = False
            destination.run(model, OPTIONS)
            return destination.removed

        assert removed() == set()
        monkeypatch.setattr(SyncRun, "announce", lambda *_: None)
        assert removed()

    def test_work_orders_whose_requests_were_not_made_are_written_again(self) -> None:
        model, destination = _synced()
        model.now += timedelta(hours=1)
        row = _open(model)[3]
        _change(model, row)
        run = destination.run(model, OPTIONS)
        run.keep_open([row.id])
        run.checkpoint()
        assert _written(model, destination) == [row.id]

    def test_slices_that_are_due_are_written_as_a_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def lost() -> set[int]:
            options = dataclasses.replace(OPTIONS, reconcile=timedelta(days=10))
            model, destination = _synced(300, options)
            model.now += timedelta(days=11)
            return set(model.rows) - set(_written(model, destination, options))

        assert lost() == set()
        monkeypatch.setattr(changes, "_is_old", lambda *_: False)
        assert lost()


def _by_fingerprint(run: SyncRun, batch: t.Any, work_order: int, fingerprint: int | None) -> bool:
    return batch.whole or fingerprint is None or run.cursor.fingerprints.get(work_order) != fingerprint


def _remove_and_keep_fingerprint(remove: t.Callable[..., None]) -> t.Callable[..., None]:
    def remove_only(run: SyncRun, ids: t.Sequence[int]) -> None:
        before = dict(run.cursor.fingerprints)
        remove(run, ids)
        run.cursor.fingerprints = before

    return remove_only
