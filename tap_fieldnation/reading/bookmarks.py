"""The keys that the tap adds to a stream's bookmark in STATE, beside the SDK's own.

- ``cursor``, of `work_orders`: see `cursor_state.py`.
- ``read``, of a stream with requests of its own: true once a run could read it. From then on a 403 or 404 is an error.
- ``pending``, of a company stream: true if `max_minutes` stopped a run before the stream was read; ``preferred``:
  whether it came before work orders in that run.
- ``finished_at``, of a company stream: when it was read, if that continued a run which `max_minutes` had stopped.
- ``position``, of a pending stream: how far it was read, in a form that the stream defines.
- ``fingerprint``, of a company stream: that of its rows, all of which were written at ``written_at``.
- ``details``, of a list that sends bare ids: how far its rows were requested one by one (`Details`).

`docs/how-it-reads.md` documents all of them for users.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import timedelta

from tap_fieldnation.api.errors import StateError
from tap_fieldnation.timestamps import format_utc, parse_utc

if t.TYPE_CHECKING:
    from collections.abc import MutableMapping
    from datetime import datetime

    StreamState = MutableMapping[str, t.Any]

CURSOR = "cursor"
READ = "read"
PENDING = "pending"
PREFERRED = "preferred"
FINISHED_AT = "finished_at"
POSITION = "position"
DETAILS = "details"
FINGERPRINT = "fingerprint"
WRITTEN_AT = "written_at"

# How far a time in STATE may be ahead of this machine's clock before it counts as wrong.
CLOCK_TOLERANCE = timedelta(minutes=5)

START_OVER = "give the run an earlier STATE, or none to read everything again (`meltano run --full-refresh`)"


def was_readable(state: StreamState) -> bool:
    """Whether the stream could be read before."""
    return bool(state.get(READ))


def mark_readable(state: StreamState) -> None:
    """Remember that the stream can be read."""
    state[READ] = True


def is_pending(state: StreamState) -> bool:
    """Whether the time limit kept the last run from reading the stream."""
    return state.get(PENDING) is True


def was_preferred(state: StreamState) -> bool:
    """Whether the stream came before work orders in the run that ended before it was read."""
    return state.get(PREFERRED) is True


def finished_at(state: StreamState) -> datetime | None:
    """When the stream was read, if that continued a run which the time limit had stopped."""
    return parse_utc(state.get(FINISHED_AT))


def mark_pending(state: StreamState, *, preferred: bool) -> None:
    """Remember that the time limit kept this run from reading the stream."""
    state[PENDING], state[PREFERRED] = True, preferred


def mark_finished(state: StreamState, now: datetime) -> None:
    """Remember that the stream was read, and drop its position."""
    state[FINISHED_AT] = format_utc(now) if is_pending(state) else None
    state[PENDING] = state[PREFERRED] = False
    state[POSITION] = []


def position(state: StreamState) -> list[t.Any]:
    """How far a pending stream was read; empty for the beginning."""
    saved = state.get(POSITION)
    return list(saved) if is_pending(state) and isinstance(saved, list) else []


def save_position(state: StreamState, *place: object) -> None:
    """Remember how far the stream was read."""
    state[POSITION] = list(place)


def is_written(state: StreamState, fingerprint: int, now: datetime, at_most: timedelta | None) -> bool:
    """Whether all rows of a list were written as they are now, no longer ago than `at_most`.

    A time in the future was written by a clock that was wrong, so it does not show how long ago that was.
    """
    written_at = parse_utc(state.get(WRITTEN_AT))
    if state.get(FINGERPRINT) != fingerprint or written_at is None:
        return False
    return at_most is None or -CLOCK_TOLERANCE <= now - written_at < at_most


def has_fingerprint(state: StreamState) -> bool:
    """Whether it is known what was written of the list."""
    return state.get(FINGERPRINT) is not None


def mark_written(state: StreamState, fingerprint: int | None, now: datetime | None) -> None:
    """Remember what was written of the list; None if only a part of it was, or is about to be written."""
    state[FINGERPRINT], state[WRITTEN_AT] = fingerprint, now and format_utc(now)


def was_interrupted(state: StreamState) -> bool:
    """Whether the last run stopped while it was reading work orders, according to their bookmark."""
    cursor = state.get(CURSOR)
    return isinstance(cursor, dict) and bool(cursor.get("step") or cursor.get("unread"))


def has_details(state: StreamState) -> bool:
    """Whether an earlier run requested the rows of the list one by one."""
    return bool(state.get(DETAILS))


@dataclass
class Details:
    """How far the rows of a list were requested one by one.

    Attributes:
        highest: The highest id that was requested.
        read_at: Rows that were due by then were read again; None before the first run.
    """

    highest: int = 0
    read_at: datetime | None = None

    @classmethod
    def load(cls, state: StreamState, stream: str) -> Details:
        """Read the details from the stream's bookmark.

        Raises:
            StateError: They do not have the form that `save` writes.
        """
        saved = state.get(DETAILS, {})
        if type(saved) is not dict or type(saved.get("highest", 0)) is not int:
            raise StateError(f"The STATE is damaged at bookmarks.{stream}.{DETAILS}: {START_OVER}.")
        return cls(saved.get("highest", 0), parse_utc(saved.get("read_at")))

    def save(self, state: StreamState) -> None:
        """Write the details to the stream's bookmark."""
        state[DETAILS] = {"highest": self.highest, "read_at": self.read_at and format_utc(self.read_at)}
