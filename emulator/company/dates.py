"""Dates as the API sends them: `{"utc": "2018-11-07 13:00:00", "local": {"date": …, "time": …}}`.

`utc` has no zone; `local` is in the time zone of the work order's location. An unset date is the same object with
empty strings. Within the emulator an instant is an integer: seconds since the epoch, UTC; 0 means unset.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from emulator.json import Json

DAY = 86_400
HOUR = 3_600
EMPTY_DATE = msgspec.Raw(b'{"utc":"","local":{"date":"","time":""}}')

_EPOCH = date(1970, 1, 1)
_MINUTES = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(1440)]
_SECONDS = [f":{second:02d}" for second in range(60)]


@lru_cache(maxsize=20_000)
def day_name(day: int) -> str:
    """`YYYY-MM-DD` of a day counted from the epoch."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def midnight(day: date) -> int:
    """The instant at which `day` begins in UTC."""
    return (day - _EPOCH).days * DAY


def day_of(at: int, offset: int = 0) -> int:
    """The day of an instant, counted from the epoch, in UTC or at an `offset` of seconds from it."""
    return (at + offset) // DAY


def utc_text(at: int) -> str:
    """`YYYY-MM-DD HH:MM:SS` in UTC, empty for 0."""
    if not at:
        return ""
    day, seconds = divmod(at, DAY)
    return f"{day_name(day)} {_MINUTES[seconds // 60]}{_SECONDS[seconds % 60]}"


def local(at: int, offset: int) -> dict[str, str]:
    """The `local` part of a date object; `offset` is the location's offset from UTC in seconds."""
    day, seconds = divmod(at + offset, DAY)
    return {"date": day_name(day), "time": _MINUTES[seconds // 60] + _SECONDS[seconds % 60]}


def date_object(at: int, offset: int) -> Json:
    """A date object; `offset` is the location's offset from UTC in seconds."""
    if not at:
        return EMPTY_DATE
    return {"utc": utc_text(at), "local": local(at, offset)}
