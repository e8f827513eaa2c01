"""The one place that parses dates and timestamps; it formats timestamps as RFC 3339 in UTC.

Formats in Field Nation's documentation and payloads: ``2018-11-07 13:00:00`` (UTC, without a time zone), the same with
microseconds, ``2025-01-01T09:00:00Z``; for an unset one ``""`` or ``0000-00-00 00:00:00``.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timezone

PLAIN_LENGTH = len("2018-11-07 13:00:00")
# Checked because different versions of Python accept different other formats, such as 20260131 or 2026-W05.
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ]|$)")


def to_rfc3339(text: str) -> str | None:
    """The timestamp as ``2018-11-07T13:00:00Z``, or None if it is unset.

    Raises:
        ValueError: It is not a timestamp.
        OverflowError: It is out of range in UTC.
    """
    if len(text) == PLAIN_LENGTH and text[10] == " " and text[:4] != "0000":
        datetime.fromisoformat(text)  # raises if it is none
        return f"{text.replace(' ', 'T', 1)}Z"
    text = text.strip()
    return None if is_unset(text) else format_utc(_parse(text))


def is_unset(text: str) -> bool:
    """Whether the text stands for 'no date'."""
    return not text or text.startswith("0000-00-00")


def format_utc(moment: datetime) -> str:
    """A timestamp as RFC 3339 in UTC; one without a time zone is taken as UTC."""
    return f"{_in_utc(moment).replace(tzinfo=None).isoformat()}Z"


def parse_utc(text: object) -> datetime | None:
    """The timestamp in UTC, or None if it is unset or not a timestamp."""
    if not isinstance(text, str) or is_unset(text := text.strip()):
        return None
    try:
        return _in_utc(_parse(text))
    except (OverflowError, ValueError):
        return None


def parse_day(text: str) -> date:
    """The day in UTC of ``2026-01-31``, or of a timestamp such as ``2026-01-31T23:00:00-05:00``.

    Raises:
        TypeError: It is not a string.
        ValueError: It is not a date.
        OverflowError: It is out of range in UTC.
    """
    if not _DAY.match(text):
        raise ValueError(text)
    return _in_utc(_parse(text)).date()


def _parse(text: str) -> datetime:
    return datetime.fromisoformat(f"{text[:-1]}+00:00" if text[-1] in "zZ" else text)


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
