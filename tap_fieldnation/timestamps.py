"""Field Nation's ways of writing a moment, as RFC 3339 in UTC.

Seen in its documentation and payloads: ``2018-11-07 13:00:00`` (UTC, no zone), the same with microseconds,
``2025-01-01T09:00:00Z``; and for an unset one ``""`` or ``0000-00-00 00:00:00``.
"""

from __future__ import annotations

from datetime import datetime, timezone

PLAIN_LENGTH = len("2018-11-07 13:00:00")


def to_rfc3339(text: str) -> str | None:
    """The moment as ``2018-11-07T13:00:00Z``, or None where it is unset.

    Raises:
        ValueError: It is no date and time.
    """
    if len(text) == PLAIN_LENGTH and text[10] == " " and text[:4] != "0000":
        datetime.fromisoformat(text)  # proves that it is one
        return f"{text.replace(' ', 'T', 1)}Z"
    text = text.strip()
    if is_unset(text):
        return None
    return format_utc(datetime.fromisoformat(f"{text[:-1]}+00:00" if text[-1] in "zZ" else text))


def is_unset(text: str) -> bool:
    """Whether this stands for 'no date'."""
    return not text or text.startswith("0000-00-00")


def format_utc(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC; one without a time zone is in UTC already."""
    moment = moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)
    return f"{moment.replace(tzinfo=None).isoformat()}Z"


def parse_utc(text: object) -> datetime | None:
    """The moment that one of the API's texts stands for, or None where it is unset or none."""
    if not isinstance(text, str):
        return None
    try:
        plain = to_rfc3339(text)
    except (OverflowError, ValueError):
        return None
    return None if plain is None else datetime.fromisoformat(f"{plain[:-1]}+00:00")
