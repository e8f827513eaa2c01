"""The cursor in STATE: it survives a round trip, can be merged, stays small, and damage is reported with its place."""

from __future__ import annotations

import copy
import json
import typing as t
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from meltano.core.utils import merge

from tap_fieldnation.api.errors import StateError
from tap_fieldnation.reading import cursor_state
from tap_fieldnation.reading.cursor import Cursor, Mark, Slice
from tap_fieldnation.reading.sync_run import Options
from tests.unit.reading.model import START, Destination, Model
from tests.unit.reading.promise import History

OPTIONS = Options(page_size=10)
TODAY = START.date()


def _account(work_orders: int = 600, days: int = 200) -> Model:
    model = Model(1)
    model.fill(work_orders, days)
    return model


def _loaded(state: object) -> Cursor:
    cursor = cursor_state.from_state(json.loads(json.dumps(state)), START + timedelta(days=365))
    assert cursor is not None
    return cursor


def test_comes_back_as_it_was() -> None:
    cursor = Destination().run(_account(), OPTIONS).cursor
    cursor.counts = {"work_order_messages": {number: number % 5 for number in cursor.open if number % 5}}
    cursor.removed = {5, 7}
    again = _loaded(cursor_state.to_state(cursor))
    assert cursor_state.to_state(again) == cursor_state.to_state(cursor)
    assert (set(again.open), again.counts, again.removed) == (set(cursor.open), cursor.counts, cursor.removed)


@pytest.mark.parametrize("messages", range(1, 80, 7))
def test_comes_back_from_any_point_of_the_history(messages: int) -> None:
    destination = Destination()
    destination.run(_account(), OPTIONS, until=messages)
    assert cursor_state.to_state(_loaded(destination.state)) == destination.state


def test_an_open_work_order_is_counted_in_the_slice_of_its_day() -> None:
    cursor = Destination().run(_account(), OPTIONS).cursor
    again = _loaded(cursor_state.to_state(cursor))
    assert len(cursor.slices) > 1
    for work_order, day in cursor.open.items():
        assert again.slice_of(again.open[work_order]) == cursor.slice_of(day)


def test_holds_all_keys_at_all_times() -> None:
    keys = set(cursor_state.to_state(Cursor()))
    destination = Destination()
    for until in (1, 20, None, 3, None):
        destination.run(_account(), OPTIONS, until=until)
        assert destination.state is not None
        assert set(destination.state) == keys
        assert not any(isinstance(value, dict) for value in destination.state.values())


@pytest.mark.usefixtures("untraced")
@given(st.integers(0, 2**32))
def test_a_merge_of_two_states_is_one_of_them(seed: int) -> None:
    """As Meltano merges them: `--merge-state`, and partial states of interrupted runs."""
    history, states = History(seed), []
    for number in range(3):
        history.play(number)
        states.append(json.loads(json.dumps(history.destination.state)))
    for older in filter(None, states):
        for newer in filter(None, states):
            merged = merge(copy.deepcopy(newer), copy.deepcopy(older))  # type: ignore[no-untyped-call]
            assert merged == newer
            assert json.loads(json.dumps(cursor_state.to_state(_loaded(merged)))) == newer


def test_a_newer_version_is_an_error_that_says_so() -> None:
    with pytest.raises(StateError, match=r"newer version of tap-fieldnation .*version 3.*upgrade the tap"):
        cursor_state.from_state({"version": 3}, START)


def test_of_the_first_version_open_work_orders_are_kept_and_the_history_is_read_again() -> None:
    cursor = cursor_state.from_state(
        {"version": 1, "company_id": 7, "open": [5, 2], "history": {"started_at": 1}}, START
    )
    assert cursor is not None
    assert (set(cursor.open), cursor.company_id, cursor.is_new) == ({5, 7}, 7, True)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("version", "one"),
        ("version", None),
        ("version", True),
        ("open", {"1": 2}),
        ("open", [1, "2"]),
        ("open", [1, 0]),
        ("open", [1]),  # in which slice it is counted is missing
        ("slices", [["2026-01-02", "2026-01-01", 1, *["2026-01-01T00:00:00Z"] * 3, None]]),
        ("slices", [["2026-01-01"]]),
        ("slices", [["2026-01-01", "9999-12-31", 1, *["2026-01-01T00:00:00Z"] * 3, None]]),
        ("slices", [["2026-01-01", "2026-01-01", -1, *["2026-01-01T00:00:00Z"] * 3, None]]),
        ("slices", [["2026-01-01", "2026-01-01", 1, *["0001-01-01T00:00:00Z"] * 3, None]]),
        ("slices", [["2026-01-01", "2026-01-01", 1, *["2026-01-01T00:00:00"] * 3, None]]),
        ("slices", "none"),
        ("started_at", "yesterday"),
        ("unread", ["2026-01-01"]),
        ("unread", [["2026-01-01", None, ["2026-01-01T00:00:00Z", None, 0, 100, 5, 5, 5, 5]]]),
        ("unread_added", [["2026-01-03", "2026-01-01"]]),
        ("added", "work_order_tags"),
        ("counts", [["work_order_messages", [1, 2, 3]]]),
        ("counts", {"work_order_messages": []}),
        ("counts", [["work_order_messages", "not base 85"]]),
        ("counts", [["work_order_messages", "1,2 0000000000"]]),
        ("counts", [["work_order_messages", "one c$@(M"]]),
        ("streams", "work_orders"),
        ("total", -1),
        ("since", 20260101),
        ("marks", [["2026-01-01T00:00:00Z", "5"]]),
    ],
)
def test_damage_is_an_error_that_says_where_and_how_to_start_over(key: str, value: t.Any) -> None:
    place = "open_slices" if value == [1] else key
    with pytest.raises(StateError, match=rf"damaged at .*cursor, '{place}.*read everything again"):
        cursor_state.from_state({"version": 2, key: value}, START)


def test_days_that_were_just_read_are_no_damage() -> None:
    """An earlier version wrote a STATE before it removed them."""
    read = [["2026-01-02", "2026-01-01", None]]
    cursor = cursor_state.from_state(
        {"version": 2, "unread": read, "unread_added": [*read, ["2026-01-05", None]]}, START
    )
    assert cursor is not None
    assert cursor.unread == []
    assert [part.first for part in cursor.unread_added] == [date(2026, 1, 5)]


@pytest.mark.parametrize("state", [5, "text", [], [1], True])
def test_what_is_no_cursor_at_all_is_damage(state: object) -> None:
    with pytest.raises(StateError, match="damaged at"):
        cursor_state.from_state(state, START)


@pytest.mark.parametrize(("counts", "most"), [(False, 44_000), (True, 48_000)])
def test_stays_small(*, counts: bool, most: int) -> None:
    model = Model(1)
    model.fill(20_000, 730)
    ids = sorted(model.rows)
    cursor = Cursor(company_id=7, started_at=START, created_filter="f_created_date", total=20_000)
    cursor.streams = [f"work_order_stream_{number}" for number in range(18)]
    cursor.open = {number: model.rows[number].created.date() for number in model.random.sample(ids, 4_000)}
    cursor.marks = [Mark(START - timedelta(hours=12 * n), ids[-1] - 50 * n) for n in reversed(range(8))]
    cursor.recent = set(ids[-200:])
    cursor.fingerprints = {number: model.random.getrandbits(48) for number in (*cursor.open, *cursor.recent)}
    if counts:
        # As in the emulator: half of them have no messages; and several counts are one large number.
        shown = [0, *(model.random.getrandbits(31) for _ in range(11))]
        cursor.counts = {
            "work_order_messages": {number: max(0, model.random.randrange(-4, 6)) for number in cursor.open},
            "work_order_requests": {number: model.random.choice(shown) for number in cursor.open},
        }
    cursor.slices = [
        Slice(TODAY - timedelta(days=100 * n + 99), TODAY - timedelta(days=100 * n), 4_000, START, START, START)
        for n in reversed(range(8))
    ]
    state = cursor_state.to_state(cursor)
    assert len(json.dumps(state, separators=(",", ":"))) <= most
    assert cursor_state.to_state(_loaded(state)) == state
