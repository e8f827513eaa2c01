"""Formats numbers and durations for people, as several commands print them."""

from __future__ import annotations

MINUTES_AN_HOUR = 60.0
SECONDS_A_MINUTE = 60.0

TOO_SHORT = "Setting max_minutes ended this command before it was done: set a longer time limit, or leave it out."


def count(number: int, singular: str, plural: str = "") -> str:
    """A number of things: ``1 request``, ``1,200 requests``."""
    return f"{number:,} {singular if number == 1 else plural or f'{singular}s'}"


def duration(minutes: float) -> str:
    """A duration: ``40 s``, ``29 min``, ``3.5 h``."""
    if minutes < 1:
        return f"{SECONDS_A_MINUTE * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 2 * MINUTES_AN_HOUR else f"{minutes / MINUTES_AN_HOUR:.1f} h"
