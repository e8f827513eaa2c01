"""Estimates what a run would read, and how many requests that takes."""

from __future__ import annotations

import math
import typing as t

from tap_fieldnation.api.work_orders import CREATED_NAMES, created_between
from tap_fieldnation.reading.changes import due_slices
from tap_fieldnation.reading.completeness import slices_to_check
from tap_fieldnation.reading.slices import day_filter, horizon

if t.TYPE_CHECKING:
    from tap_fieldnation.reading.sync_run import SyncRun


class Part(t.NamedTuple):
    """A part of what a run reads.

    Attributes:
        name: What it is.
        work_orders: How many it reads; None for a part that reads none.
        requests: The minimum number of requests.
    """

    name: str
    work_orders: int | None
    requests: int


def parts(run: SyncRun) -> list[Part]:
    """The parts of a run; makes one or two requests."""
    history = _history(run)
    return [*history, *(_changes(run) if not run.is_first else [Part("check", None, len(history) + 1)])]


def _history(run: SyncRun) -> list[Part]:
    cursor, size = run.cursor, run.options.page_size
    unread = [*cursor.unread, *cursor.unread_added]
    count = 0
    for part in unread:
        names = (cursor.created_filter,) if cursor.created_filter else CREATED_NAMES
        count += run.source.total(created_between(part.first, part.last or horizon(run), names))
    return [Part("history", count, math.ceil(count / size) + 2)] if unread else []


def _changes(run: SyncRun) -> list[Part]:
    cursor, size = run.cursor, run.options.page_size
    new = 0
    if cursor.created_filter and cursor.started_at and not cursor.unread:
        new = run.source.total(day_filter(run, cursor.started_at.date(), horizon(run)))
    due = sum(piece.count or 0 for piece in due_slices(run))
    is_open = 0 if cursor.unread_added else len(run.unread_open)  # they are part of that history
    return [
        Part("open", is_open, math.ceil(is_open / size)),
        Part("new", new, max(1, math.ceil(new / size))),
        Part("check", None, min(len(cursor.slices), len(slices_to_check(run)) + 1)),
        Part("reconcile", due, math.ceil(due / size)),
    ]
