"""Changes of work orders: status changes in both directions, edits of every kind, archiving and restoring.

`apply_change` applies one change and records it in `company.changes`; `CHANGES` has them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from emulator.work_order.facts import Facts
from emulator.work_order.sections.basics import current_tags
from emulator.work_order.sections.time_logs import FIRST_ADDED, log_numbers

from .dates import DAY, HOUR
from .directory import TAGS
from .history import Change
from .rng import Rng
from .state import APPROVED, ASSIGNED, CANCELED, PAID, PUBLISHED, ROUTED, WORK_DONE, Status, derived_status

if TYPE_CHECKING:
    from .company import Company
    from .state import Edits, State


class _Target:
    """The work order that a change is applied to, and the instant of the change."""

    def __init__(self, company: Company, state: State, at: int) -> None:
        self.company = company
        self.state = state
        self.at = max(at, state.last_step + 1)
        self.rng = Rng(f"{company.seed}/move/{len(company.changes)}")

    def facts(self) -> Facts:
        return Facts(self.company.directory, self.state)

    def edit(self) -> Edits:
        return self.state.edit()


#: Applies the change and returns its details, or None if the work order does not allow it.
_Apply = Callable[[_Target], "str | None"]


def _advance(allowed: tuple[Status, ...], step: int) -> _Apply:
    """Reach a milestone."""

    def apply(target: _Target) -> str | None:
        state = target.state
        if state.status not in allowed:
            return None
        state.steps[step] = target.at
        if step == ASSIGNED and state.service < target.at:
            state.service = (target.at + target.rng.between(1, 10) * DAY) // HOUR * HOUR
        if step == WORK_DONE:
            state.started = True
        if step >= WORK_DONE:
            state.has_problem = False
        state.status = derived_status(state.steps)
        return ""

    return apply


def _undo(status: Status, step: int) -> _Apply:
    """Undo the milestone of a work order that has this status."""

    def apply(target: _Target) -> str | None:
        if target.state.status != status:
            return None
        target.state.steps[step] = 0
        target.state.status = derived_status(target.state.steps)
        return ""

    return apply


def _count(name: str, *, published: bool = False) -> _Apply:
    """Increment a counter of `Edits`."""

    def apply(target: _Target) -> str | None:
        if published and not target.state.steps[PUBLISHED]:
            return None
        edits = target.edit()
        setattr(edits, name, getattr(edits, name) + 1)
        return ""

    return apply


def _check_in(target: _Target) -> str | None:
    if target.state.status != Status.ASSIGNED or target.state.started:
        return None
    target.state.started = True
    target.state.service = min(target.state.service, target.at)
    return ""


def _reschedule(target: _Target) -> str | None:
    if target.state.status in (Status.PAID, Status.CANCELLED):
        return None
    days = target.rng.between(1, 9)
    target.edit().schedule += days
    target.state.service += days * DAY
    return f"{days} days later"


def _tag(target: _Target) -> str | None:
    current = current_tags(target.facts())
    unused = [index for index in range(len(TAGS)) if index not in current]
    if not unused:
        return None
    index = target.rng.pick(unused)
    edits = target.edit()
    edits.tags_off.discard(index)
    edits.tags_on.append(index)
    return str(TAGS[index][0])


def _untag(target: _Target) -> str | None:
    current = current_tags(target.facts())
    if not current:
        return None
    index = target.rng.pick(current)
    target.edit().tags_off.add(index)
    return str(TAGS[index][0])


def _untag_all(target: _Target) -> str | None:
    current = current_tags(target.facts())
    target.edit().tags_off.update(current)
    return ",".join(str(TAGS[index][0]) for index in current) if current else None


def _log_time(target: _Target) -> str | None:
    if not target.state.started:
        return None
    edits = target.edit()
    edits.logs_on.append(target.at)
    return str(target.state.id * 100 + FIRST_ADDED + len(edits.logs_on) - 1)


def _edit_log(target: _Target) -> str | None:
    numbers = log_numbers(target.facts())
    if not numbers:
        return None
    number = target.rng.pick(numbers)
    edits = target.edit()
    edits.logs_changed[number] = edits.logs_changed.get(number, 0) + 1
    return str(target.state.id * 100 + number)


def _remove_log(target: _Target) -> str | None:
    numbers = log_numbers(target.facts())
    if not numbers:
        return None
    number = target.rng.pick(numbers)
    target.edit().logs_off.add(number)
    return str(target.state.id * 100 + number)


def _set_problem(*, is_open: bool) -> _Apply:
    def apply(target: _Target) -> str | None:
        state = target.state
        if state.has_problem == is_open or state.status not in (Status.PUBLISHED, Status.ASSIGNED):
            return None
        state.has_problem = is_open
        return ""

    return apply


_AVAILABLE = (Status.PUBLISHED, Status.ROUTED)

CHANGES: dict[str, _Apply] = {
    "publish": _advance((Status.DRAFT,), PUBLISHED),
    "route": _advance((Status.PUBLISHED,), ROUTED),
    "assign": _advance(_AVAILABLE, ASSIGNED),
    "work_done": _advance((Status.ASSIGNED,), WORK_DONE),
    "approve": _advance((Status.WORK_DONE,), APPROVED),
    "pay": _advance((Status.APPROVED,), PAID),
    "cancel": _advance((Status.DRAFT, *_AVAILABLE, Status.ASSIGNED), CANCELED),
    "unpublish": _undo(Status.PUBLISHED, PUBLISHED),
    "unroute": _undo(Status.ROUTED, ROUTED),
    "unassign": _undo(Status.ASSIGNED, ASSIGNED),
    "incomplete": _undo(Status.WORK_DONE, WORK_DONE),
    "unapprove": _undo(Status.APPROVED, APPROVED),
    "unpaid": _undo(Status.PAID, PAID),
    "revert": _undo(Status.CANCELLED, CANCELED),
    "check_in": _check_in,
    "retitle": _count("title"),
    "edit_pay": _count("pay"),
    "reschedule": _reschedule,
    "edit_description": _count("notes"),
    "edit_fields": _count("fields"),
    "add_file": _count("files"),
    "add_expense": _count("expenses"),
    "add_message": _count("messages", published=True),
    "add_request": _count("requests", published=True),
    "complete_task": _count("tasks"),
    "tag": _tag,
    "untag": _untag,
    "untag_all": _untag_all,
    "log_time": _log_time,
    "edit_log": _edit_log,
    "remove_log": _remove_log,
    "report_problem": _set_problem(is_open=True),
    "resolve_problem": _set_problem(is_open=False),
}


def apply_change(company: Company, kind: str, work_order_id: int | None = None, at: int | None = None) -> Change | None:
    """Apply one change at the instant `at` (default: now); None if the work order does not allow it.

    Kinds are those of CHANGES, `create` (without id), `archive` and `unarchive`. KeyError for an unknown id or kind.
    """
    with company.lock:
        at = company.now if at is None else at
        if kind == "create":
            return _create(company, at)
        index = company.index_of(work_order_id) if work_order_id is not None else None
        if index is None or work_order_id is None:
            raise KeyError(work_order_id)
        if kind in ("archive", "unarchive"):
            if company.is_visible(index) != (kind == "archive"):
                return None
            (company.hide if kind == "archive" else company.show)(index)
            return _record(company, at, kind, work_order_id)
        target = _Target(company, company.state(index), at)
        detail = CHANGES[kind](target)
        if detail is None:
            return None
        company.store(target.state)
        return _record(company, at, kind, work_order_id, detail)


def _create(company: Company, at: int) -> Change:
    late = bool(company.late_ids or company.late_seconds)
    late = late and Rng(f"{company.seed}/late/{len(company)}").chance(50)
    state = company.add(at, late=late)
    return _record(company, at, "create", state.id, "late" if late else "")


def _record(company: Company, at: int, kind: str, work_order_id: int, detail: str = "") -> Change:
    change = Change(len(company.changes) + 1, company.requests, at, kind, work_order_id, detail)
    company.changes.append(change)
    return change
