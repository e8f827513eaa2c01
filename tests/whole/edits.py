"""Edits of work orders that the next run reads again."""

from __future__ import annotations

import itertools
import typing as t

from emulator.company.state import Status

if t.TYPE_CHECKING:
    from emulator import Emulator

UNFINISHED = (Status.DRAFT, Status.PUBLISHED, Status.ROUTED, Status.ASSIGNED, Status.WORK_DONE)
KINDS = ("retitle", "add_expense", "tag", "edit_pay", "edit_description", "untag", "reschedule")


def unfinished(api: Emulator) -> list[int]:
    """Ids of the work orders that every run reads."""
    return api.company.ids_with_status(*UNFINISHED)


def edit(api: Emulator, number: int) -> set[int]:
    """Edit so many unfinished work orders, each in one of several ways, and return their ids."""
    kinds, edited, found = itertools.cycle(KINDS), set[int](), unfinished(api)
    for one in found[:: max(1, len(found) // number)] + found:
        if len(edited) < number and one not in edited and api.change(next(kinds), one):
            edited.add(one)
    assert len(edited) == number
    return edited
