"""The order of streams after a run that the time limit has stopped."""

from __future__ import annotations

import typing as t

import pytest

from tap_fieldnation.streams.company import CompanyStream
from tap_fieldnation.tap import TapFieldNation

CONFIG = {"client_id": "the-client-id", "client_secret": "the-client-secret"}
COMPANY = [
    name
    for name, stream in TapFieldNation(config=CONFIG).streams.items()
    if isinstance(stream, CompanyStream) and stream.selected
]


def tap_after(pending: t.Collection[str], *, interrupted: bool) -> TapFieldNation:
    """The tap with the STATE of a run that did not read some lists, and was interrupted in work orders or not."""
    cursor = {"version": 2, "step": "open" if interrupted else None}
    bookmarks: dict[str, t.Any] = {name: {"pending": name in pending} for name in COMPANY}
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
    assert read_by(tap_after((), interrupted=interrupted)) == ["work_orders", *COMPANY]
    assert read_by(TapFieldNation(config=CONFIG)) == ["work_orders", *COMPANY]


def test_lists_that_were_not_read_come_first_if_work_orders_used_up_the_time() -> None:
    pending = COMPANY[5:]
    assert read_by(tap_after(pending, interrupted=True)) == [*pending, "work_orders"]


def test_work_orders_come_first_if_lists_used_up_the_time() -> None:
    pending = COMPANY[5:]
    assert read_by(tap_after(pending, interrupted=False)) == ["work_orders", *pending]


def test_all_streams_are_there_once() -> None:
    tap = tap_after(COMPANY[5:], interrupted=True)
    assert sorted(tap.streams) == sorted(TapFieldNation(config=CONFIG).streams)


@pytest.mark.parametrize("bookmark", [{"pending": "yes"}, {"pending": 1}, {}])
def test_other_values_are_not_pending(bookmark: dict[str, t.Any]) -> None:
    tap = TapFieldNation(config=CONFIG, state={"bookmarks": {COMPANY[0]: bookmark}})
    assert read_by(tap) == ["work_orders", *COMPANY]
