"""The proof: what was read against what the API says there is."""

from __future__ import annotations

import typing as t

from tap_fieldnation.api.errors import TapError
from tap_fieldnation.reading.scan import Scan
from tap_fieldnation.reading.slices import day_filter, everything, reread_slice

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tap_fieldnation.reading.sync_run import Batch, SyncRun

ROUNDS = 2


class IncompleteError(TapError):
    """The API counts more work orders than it hands out."""


def verify(reading: SyncRun, first: date | None = None, last: date | None = None) -> Iterator[Batch]:
    """See to it that no fewer work orders were sent than the API counts.

    Args:
        reading: The reading, its history just read.
        first: The first day of creation that was read, or None for all.
        last: The last one, or None for all.

    Raises:
        IncompleteError: The API does not hand out all that it counts, asked in any way.
    """
    wanted = day_filter(reading, first, last) or everything(reading)
    for _ in range(ROUNDS):
        reading.counted = reading.source.total(wanted)
        missing = reading.counted - _known(reading, first, last)
        if missing <= 0 or (yield from find_missing(reading, missing)):
            return
    for _ in range(ROUNDS):
        scan = Scan(lambda number: reading.source.page(number, wanted))
        for page, fresh in scan:
            yield from reading.emit(page, fresh)
        reading.counted, newer = _count_newer(reading, wanted, scan.highest)
        # What became visible late, behind the pass, is neither newer nor handed out: the next pass has it.
        if scan.is_complete or reading.counted - newer <= scan.count:
            return
    raise IncompleteError(
        f"work_orders: the API counts {reading.counted:,} work orders but handed out {scan.count:,}, slice by "
        "slice and in one pass: run again, and if it stays so report it to Field Nation (what was read is kept)."
    )


def _count_newer(reading: SyncRun, wanted: dict[str, str], highest: int) -> tuple[int, int]:
    """How many work orders there are, and how many of them are newer than an id."""
    newer, number = 0, 1
    while True:
        page = reading.source.page(number, wanted)
        on_page = sum(record["id"] > highest for record in page.records)
        newer += on_page
        if on_page < len(page.records) or number >= page.pages:
            return page.total, newer
        number += 1


def find_missing(reading: SyncRun, missing: int) -> t.Generator[Batch, None, bool]:
    """Read the slices again that hold more than is known of them, newest first, until `missing` are explained.

    Newest first, because what is missing was mostly created while we read.

    Returns:
        Whether they are, each slice proven.
    """
    proven = True
    for piece in list(reversed(reading.cursor.slices)):
        held = reading.source.total(day_filter(reading, piece.first, piece.last))
        if piece.count is None or held > piece.count:
            missing -= held - (piece.count or 0)
            proven &= yield from reread_slice(reading, piece)
            if missing <= 0:
                break
        else:
            piece.count = held
    return proven and missing <= 0


def _known(reading: SyncRun, first: date | None, last: date | None) -> int:
    return sum(
        piece.count or 0
        for piece in reading.cursor.slices
        if (first is None or piece.first >= first) and (last is None or piece.last <= last)
    )
