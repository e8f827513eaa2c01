"""Checks that nothing is missing: compares the slices with what the API counts, and detects implausible removals."""

from __future__ import annotations

import math
import typing as t

from tap_fieldnation.api.errors import TapError
from tap_fieldnation.reading.events import Scope
from tap_fieldnation.reading.slices import Pages, day_filter, has_filter, read_days

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_fieldnation.reading.cursor import Slice
    from tap_fieldnation.reading.events import Batch
    from tap_fieldnation.reading.sync_run import SyncRun

# At least this many open work orders, and more than this share of them, do not disappear between two runs.
MASS_NUMBER = 20
MASS_SHARE = 0.7

_ACCEPT = (
    "nothing was recorded as removed, and STATE stays as it was. If they were really removed, run once with "
    "accept_mass_removals=true; if not, check the credentials and run again."
)


class IncompleteError(TapError):
    """The API counts more work orders than it returns."""


class MassRemovalError(TapError):
    """More work orders disappeared than is plausible."""


def check_not_emptied(run: SyncRun, total: int) -> None:
    """Check that an account with work orders is not suddenly empty.

    Raises:
        MassRemovalError: It is empty.
    """
    known = run.cursor.known
    if not run.options.since:  # open and recent ones may be from days before it, which are not counted
        known = max(known, len(run.cursor.open), len(run.cursor.recent))
    if total == 0 and known >= MASS_NUMBER and not run.options.accept_mass_removals:
        raise MassRemovalError(f"work_orders: the API returned only 0 of at least {known:,} work orders: {_ACCEPT}")


def check_removals(run: SyncRun, removed: Sequence[int]) -> None:
    """Check that the open work orders do not disappear almost all at once.

    Raises:
        MassRemovalError: Most of them disappeared in this run.
    """
    known = len(run.cursor.open)
    if len(removed) >= MASS_NUMBER and len(removed) > MASS_SHARE * known and not run.options.accept_mass_removals:
        text = f"work_orders: the API returned only {known - len(removed):,} of {known:,} open work orders: {_ACCEPT}"
        raise MassRemovalError(text)


def check_slices(run: SyncRun) -> Iterator[Batch]:
    """Compare the known counts of the slices with those of the API: the total, and some slices one by one in turn.

    A slice in which the API counts more work orders is read again. If it counts fewer, closed work orders were removed,
    and the known count is corrected.
    """
    if not has_filter(run):
        yield from _check_account(run)
        return
    cursor = run.cursor
    due = slices_to_check(run)
    surplus = 0
    if len(due) < len(cursor.slices):
        total = run.source.total(day_filter(run, cursor.slices[0].first, cursor.slices[-1].last))
        surplus = total - cursor.known
    for piece in sorted(cursor.slices, key=lambda piece: piece.first, reverse=True):
        if piece.count is not None and surplus <= 0 and piece not in due:
            continue
        total = run.source.total(day_filter(run, piece.first, piece.last))
        surplus -= total - (piece.count or 0)
        if piece.count is None or total > piece.count:
            yield from reread(run, piece)
        else:
            run.correct_count(piece, total)
            run.checkpoint(page=True)


def slices_to_check(run: SyncRun) -> list[Slice]:
    """The slices to compare in this run, so that each is compared once a day."""
    waiting = sorted(run.cursor.slices, key=lambda piece: piece.checked_at)
    number = math.ceil(len(waiting) * run.share_of_day)
    return [piece for index, piece in enumerate(waiting) if index < number or run.is_due(piece.checked_at)]


def reread(run: SyncRun, piece: Slice, scope: Scope = Scope.ALL) -> Iterator[Batch]:
    """Read a slice again, or resume an interrupted reading of it.

    Args:
        run: The run.
        piece: The slice.
        scope: Which of its work orders are written.
    """
    with Pages(run) as pages:
        outcome = yield from read_days(run, pages, (piece.first, piece.last), piece, scope)
    run.settle(piece, outcome, join=False)
    run.checkpoint()


def require_complete(run: SyncRun) -> None:
    """End the run with an error if a slice was read several times and is still incomplete.

    Raises:
        IncompleteError: There is such a slice.
    """
    unproven = [piece for piece in run.cursor.slices if piece.count is None]
    if unproven:
        first, last = unproven[0].first, unproven[-1].last
        raise IncompleteError(
            f"work_orders: the API counts more work orders created from {first} to {last} than it returns, even when "
            "they are read again: run again, and report it to Field Nation if it stays so (what was read is kept)."
        )


def _check_account(run: SyncRun) -> Iterator[Batch]:
    """The same for an account that can only be read in one pass, without those inserted after the step `new`."""
    for piece in run.cursor.slices:
        newer, number, pages, total = 0, 1, 1, 0
        while number <= pages:
            page = run.source.page(number, {})
            on_page = sum(record["id"] > run.cursor.marks[-1].highest for record in page.records)
            newer, total, pages = newer + on_page, page.total, page.pages if on_page == len(page.records) else 0
            number += 1
        if piece.count is None or total - newer > piece.count:
            yield from reread(run, piece)
        else:
            run.correct_count(piece, total - newer)
