"""Of what a run reads, it writes only what changed, and everything once in `reconcile_days`."""

from __future__ import annotations

import dataclasses
import typing as t
from datetime import timedelta

import pytest

from tap_fieldnation.reading import changes
from tap_fieldnation.reading.cursor_state import from_state
from tap_fieldnation.reading.events import Scope, Write
from tap_fieldnation.reading.sync_run import Options, SyncRun
from tests.unit.reading.model import START, Destination, Model, fingerprint_of

if t.TYPE_CHECKING:
    from tap_fieldnation.reading.cursor import Cursor

# Nothing is due to be written again while a test lasts.
OPTIONS = Options(page_size=50, reconcile=timedelta(days=3_000))
SIZES = {"small": 300, "large": 1_500}

BOTH = ("work_order_tags", "work_orders")

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


def test_a_smaller_selection_writes_all_that_is_read_again() -> None:
    model, destination = _synced()
    model.now += timedelta(hours=1)
    assert _written(model, destination, streams=BOTH) == []
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
        monkeypatch.setattr(SyncRun, "what_to_write", _by_fingerprint)
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


class TestAddedStream:
    @each_size
    def test_its_rows_alone_are_written_of_what_did_not_change(self, work_orders: int) -> None:
        model, destination = _synced(work_orders)
        model.now += timedelta(hours=1)
        changed = _open(model)[::7]
        for row in changed:
            _change(model, row)
        new = [model.add(model.now, "Draft") for _ in range(5)]
        model.now += timedelta(minutes=1)
        assert sorted(_written(model, destination, streams=BOTH)) == sorted(row.id for row in (*changed, *new))
        assert destination.rows["work_order_tags"].keys() == model.rows.keys()
        assert destination.reread_because == "the last run did not include work_order_tags"
        model.now += timedelta(hours=1)
        assert _written(model, destination, streams=BOTH) == []
        assert destination.reread_because == ""

    def test_new_work_orders_are_written_as_a_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def written() -> bool:
            model, destination = _synced(1_500)
            model.now += timedelta(hours=1)
            row = model.add(model.now, "Paid")
            model.now += timedelta(minutes=1)
            return row.id in _written(model, destination, streams=BOTH)

        assert written()
        monkeypatch.setattr(SyncRun, "_read_again", lambda *_: frozenset())
        assert not written(), "closed ones without a fingerprint are taken for known ones"

    def test_a_killed_run_leaves_no_fingerprint_of_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def outdated() -> bool:
            """Whether STATE lets the next run add rows to those that the killed run wrote of a work order."""
            for until in range(1, 30):
                model, destination = _synced(1_500)
                model.now += timedelta(hours=1)
                destination.run(model, OPTIONS, streams=BOTH, until=until)
                known = _loaded(destination).fingerprints
                begun = destination.rows["work_order_tags"].keys() & known.keys()
                if any(known[number] != fingerprint_of(model.rows[number], BOTH) for number in begun):
                    return True
            return False

        assert not outdated()
        monkeypatch.setattr(SyncRun, "announce", lambda *_: None)
        assert outdated()

    def test_what_is_known_of_the_history_stays(self) -> None:
        model, destination = _synced(1_500)
        before = {first: span[:2] for first, span in _loaded(destination).coverage().items()}
        model.now += timedelta(hours=1)
        _written(model, destination, streams=BOTH)
        assert {first: span[:2] for first, span in _loaded(destination).coverage().items()} == before

    @pytest.mark.parametrize("killed", [True, False])
    def test_an_interrupted_reading_is_continued(self, killed: bool) -> None:  # noqa: FBT001
        model, destination = _synced(1_500)
        model.now += timedelta(hours=1)
        while not destination.state or not destination.state["unread_added"]:
            limit: dict[str, t.Any] = {"until": 5} if killed else {"max_requests": 5}
            destination.run(model, OPTIONS, streams=BOTH, **limit)
        begun = len(destination.rows["work_order_tags"])
        assert 0 < begun < 1_500
        requests = len(model.requests)
        written = set(_written(model, destination, streams=BOTH))
        assert written <= {row.id for row in _open(model)}, "at most those of the page at which it was killed"
        assert len(written) <= OPTIONS.page_size * killed
        assert len(model.requests) - requests < 1_500 / OPTIONS.page_size + 15
        assert destination.rows["work_order_tags"].keys() == model.rows.keys()

    def test_another_one_added_meanwhile_starts_it_again(self) -> None:
        model, destination = _synced(1_500)
        destination.run(model, OPTIONS, streams=BOTH, max_requests=5)
        assert _written(model, destination, streams=("users", *BOTH)) is not None
        assert destination.rows["users"].keys() == destination.rows["work_order_tags"].keys() == model.rows.keys()

    def test_one_deselected_meanwhile_is_left_alone(self) -> None:
        model, destination = _synced(1_500)
        destination.run(model, OPTIONS, streams=BOTH, max_requests=5)
        begun = len(destination.rows["work_order_tags"])
        requests = len(model.requests)
        _written(model, destination)
        assert len(destination.rows["work_order_tags"]) == begun
        assert len(model.requests) - requests < 1_500 / OPTIONS.page_size
        assert not _loaded(destination).unread_added

    @pytest.mark.parametrize("filter_name", [None, "f_created_date"])
    def test_an_earlier_start_date_at_the_same_time(self, filter_name: str | None) -> None:
        model, destination = Model(4, filter_name=filter_name), Destination()
        model.fill(600, 300)
        since = (model.now - timedelta(days=100)).date()
        destination.run(model, dataclasses.replace(OPTIONS, since=since))
        destination.run(model, OPTIONS, streams=BOTH)
        assert destination.contents.keys() == destination.rows["work_order_tags"].keys() == model.rows.keys()

    def test_work_orders_added_to_their_child_streams_are_all_written(self) -> None:
        model, destination = Model(4), Destination()
        model.fill(300, 300)
        destination.run(model, OPTIONS, streams=("work_order_tags",))
        assert len(_written(model, destination, streams=BOTH)) == 300


def _loaded(destination: Destination) -> Cursor:
    found = from_state(destination.state, START)
    assert found is not None
    return found


def _by_fingerprint(run: SyncRun, batch: t.Any, work_order: int, fingerprint: int | None, *_: object) -> Write:
    same = fingerprint is not None and run.cursor.fingerprints.get(work_order) == fingerprint
    return Write.NOTHING if same and batch.scope is not Scope.ALL else Write.ALL


def _remove_and_keep_fingerprint(remove: t.Callable[..., None]) -> t.Callable[..., None]:
    def remove_only(run: SyncRun, ids: t.Sequence[int]) -> None:
        before = dict(run.cursor.fingerprints)
        remove(run, ids)
        run.cursor.fingerprints = before

    return remove_only
