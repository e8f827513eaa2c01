"""When the turn of a row comes, in a list whose rows are requested one by one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tap_fieldnation.streams.company import latest_turn

NOON = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
IDS = st.integers(1, 2**31)
DAYS = st.floats(0.5, 400)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(timezone.utc))  # noqa: DTZ001
MICROSECOND = timedelta(microseconds=1)


@given(IDS, DAYS, MOMENTS)
def test_a_turn_comes_once_in_so_many_days(one: int, days: float, now: datetime) -> None:
    last = latest_turn(one, days, now)
    assert timedelta(0) <= now - last <= timedelta(days=days) + MICROSECOND


@given(IDS, DAYS, MOMENTS, st.lists(st.floats(0.01, 60), max_size=20))
def test_no_row_is_older_than_that_after_any_run(one: int, days: float, start: datetime, pauses: list[float]) -> None:
    """Runs at any moments: each reads a row where its turn came since the run before."""
    now = read_at = run_at = start
    for pause in pauses:
        now += timedelta(days=pause)
        if latest_turn(one, days, now) > run_at:
            read_at = now
        run_at = now
        assert now - read_at <= timedelta(days=days) + MICROSECOND


def test_turns_are_spread_evenly() -> None:
    turns = [latest_turn(one, 30, NOON) for one in range(1, 721)]
    passed = sorted((NOON - at).total_seconds() for at in turns)
    assert max(later - earlier for earlier, later in pairwise(passed)) < 3 * timedelta(days=30).total_seconds() / 720
