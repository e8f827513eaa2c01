"""The order of streams after a run that the time limit has stopped."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import pytest

from tap_fieldnation.streams.company import CompanyStream
from tap_fieldnation.tap import TapFieldNation
from tap_fieldnation.timestamps import format_utc

CONFIG = {"client_id": "the-client-id", "client_secret": "the-client-secret"}
COMPANY = [
    name
    for name, stream in TapFieldNation(config=CONFIG).streams.items()
    if isinstance(stream, CompanyStream) and stream.selected
]


def tap_after(
    pending: t.Collection[str], *, interrupted: bool = False, preferred: bool = False, finished: timedelta | None = None
) -> TapFieldNation:
    """The tap with the STATE of a run that the time limit has stopped.

    Args:
        pending: The lists that it did not read.
        interrupted: Whether the work orders are incomplete.
        preferred: Whether the pending lists came first in that run.
        finished: How long ago the others were read as a part of an interrupted sync, or None.
    """
    at = None if finished is None else format_utc(datetime.now(timezone.utc) - finished)
    cursor = {"version": 2, "step": "open" if interrupted else None}
    bookmarks: dict[str, t.Any] = {
        name: {"pending": name in pending, "preferred": preferred, "finished_at": None if name in pending else at}
        for name in COMPANY
    }
    bookmarks["work_orders"] = {"cursor": cursor}
    return TapFieldNation(config=CONFIG, state={"bookmarks": bookmarks})


def read_by(tap: TapFieldNation) -> list[str]:
    """The selected streams that the tap syncs by themselves, in order."""
    return [
        name
        for name, stream in tap.streams.items()
        if stream.selected and not stream.parent_stream_type and not getattr(stream, "already_read", False)
    ]


@pytest.mark.parametrize("interrupted", [False, True])
def test_work_orders_come_first(interrupted: bool) -> None:  # noqa: FBT001
    assert read_by(tap_after((), interrupted=interrupted)) == ["work_orders", *COMPANY, "sync_runs"]
    assert read_by(TapFieldNation(config=CONFIG)) == ["work_orders", *COMPANY, "sync_runs"]


@pytest.mark.parametrize("interrupted", [False, True])
def test_lists_that_were_not_read_take_turns_with_work_orders(interrupted: bool) -> None:  # noqa: FBT001
    pending = COMPANY[5:]
    assert read_by(tap_after(pending, interrupted=interrupted)) == [*pending, "work_orders", "sync_runs"]
    assert read_by(tap_after(pending, interrupted=interrupted, preferred=True)) == [
        "work_orders",
        *pending,
        "sync_runs",
    ]


def test_lists_that_were_read_are_not_read_again_until_work_orders_are_complete() -> None:
    hour, two_days = timedelta(hours=1), timedelta(days=2)
    assert read_by(tap_after((), interrupted=True, finished=hour)) == ["work_orders", "sync_runs"]
    assert read_by(tap_after((), interrupted=False, finished=hour)) == ["work_orders", *COMPANY, "sync_runs"]
    assert read_by(tap_after((), interrupted=True, finished=two_days)) == ["work_orders", *COMPANY, "sync_runs"]
    assert read_by(tap_after((), interrupted=True, finished=-two_days)) == ["work_orders", *COMPANY, "sync_runs"]


def test_all_streams_are_there_once() -> None:
    tap = tap_after(COMPANY[5:], interrupted=True)
    assert sorted(tap.streams) == sorted(TapFieldNation(config=CONFIG).streams)


@pytest.mark.parametrize("bookmark", [{"pending": "yes"}, {"pending": 1}, {}])
def test_other_values_are_not_pending(bookmark: dict[str, t.Any]) -> None:
    tap = TapFieldNation(config=CONFIG, state={"bookmarks": {COMPANY[0]: bookmark}})
    assert read_by(tap) == ["work_orders", *COMPANY, "sync_runs"]
