"""Rows as a plain-text table."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with a heading; numbers are right-aligned."""
    body = [list(row) for row in rows]
    lines = [list(heading), *([_text(value) for value in row] for row in body)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numbers = [all(isinstance(value, (int, Decimal)) for value in column) for column in zip(*body, strict=True)]
    rule = ["-" * width for width in widths]
    return "\n".join(_line(cells, widths, numbers) for cells in (lines[0], rule, *lines[1:]))


def _line(cells: Sequence[str], widths: Sequence[int], numbers: Sequence[bool]) -> str:
    padded = [
        cell.rjust(width) if number else cell.ljust(width)
        for cell, width, number in zip(cells, widths, numbers or [False] * len(widths), strict=True)
    ]
    return "  ".join(padded).rstrip()


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
