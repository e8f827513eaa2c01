"""Dates as the API writes them: `{"utc": "2018-11-07 13:00:00", "local": {"date": …, "time": …}}`.

`utc` has no zone; `local` is the time of the work order's site. An unset date is the same object with empty
strings. Inside the emulator an instant is an integer: seconds since the epoch, UTC; 0 means 'not yet'.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from emulator.json import Json

DAY = 86_400
HOUR = 3_600
EMPTY = msgspec.Raw(b'{"utc":"","local":{"date":"","time":""}}')

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
    """The day (counted from the epoch) of an instant, in UTC or at `offset` seconds from it."""
    return (at + offset) // DAY


def stamp(at: int) -> str:
    """`YYYY-MM-DD HH:MM:SS` in UTC, empty for 0."""
    if not at:
        return ""
    day, rest = divmod(at, DAY)
    return f"{day_name(day)} {_MINUTES[rest // 60]}{_SECONDS[rest % 60]}"


def local(at: int, offset: int) -> dict[str, str]:
    """The `local` half of a date: what a clock on the site shows."""
    day, rest = divmod(at + offset, DAY)
    return {"date": day_name(day), "time": _MINUTES[rest // 60] + _SECONDS[rest % 60]}


def moment(at: int, offset: int) -> Json:
    """A whole date object; `offset` is the site's distance from UTC in seconds."""
    if not at:
        return EMPTY
    return {"utc": stamp(at), "local": local(at, offset)}


def iso(at: int) -> str:
    """RFC 3339 with `Z`, which a few fields use instead of the usual form."""
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
