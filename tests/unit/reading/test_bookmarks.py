"""How far the rows of a list were requested one by one, as stored in STATE."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_fieldnation.api.errors import StateError
from tap_fieldnation.reading import bookmarks
from tap_fieldnation.reading.bookmarks import Details

MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2999, 1, 1), timezones=st.just(timezone.utc))  # noqa: DTZ001


@given(st.integers(0, 2**63), st.none() | MOMENTS)
def test_what_was_saved_is_loaded(highest: int, read_at: datetime | None) -> None:
    state: dict[str, Any] = {"replication_key": None}
    Details(highest, read_at).save(state)
    assert Details.load(json.loads(json.dumps(state)), "clients") == Details(highest, read_at)
    assert bookmarks.has_details(state)


def test_without_a_bookmark_nothing_was_requested() -> None:
    state: dict[str, Any] = {}
    assert Details.load(state, "clients") == Details(0, None)
    assert not bookmarks.has_details(state)
    assert state == {}


@pytest.mark.parametrize("saved", [None, 5, "x", [], {"highest": "9"}, {"highest": None}, {"highest": True}], ids=repr)
def test_a_damaged_bookmark_is_an_error_that_says_where(saved: object) -> None:
    with pytest.raises(StateError, match=r"^The STATE is damaged at bookmarks\.clients\.details: give the run an"):
        Details.load({"details": saved}, "clients")


@pytest.mark.parametrize("read_at", [None, "yesterday", 5, "9999-12-31T23:59:59-12:00"])
def test_a_time_that_is_none_counts_as_never(read_at: object) -> None:
    assert Details.load({"details": {"highest": 9, "read_at": read_at}}, "clients") == Details(9, None)


def test_a_stream_that_could_be_read_once_stays_readable() -> None:
    state: dict[str, Any] = {}
    assert not bookmarks.was_readable(state)
    bookmarks.mark_readable(state)
    assert bookmarks.was_readable(json.loads(json.dumps(state)))
