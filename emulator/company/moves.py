"""What can happen to a work order: steps forwards and back, edits of every kind, the archive and the way out of it.

`perform` does one move and writes it down in `company.moves`; `MOVES` has them by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.work_order.facts import Facts
from emulator.work_order.sections.basics import worn_tags
from emulator.work_order.sections.time_logs import ADDED, log_numbers

from .dates import DAY, HOUR
from .dice import Dice
from .directory import TAGS
from .state import APPROVED, ASSIGNED, CANCELED, PAID, PUBLISHED, ROUTED, WORK_DONE, Status, derived_status

if TYPE_CHECKING:
    from .company import Company
    from .state import Edits, State


@dataclass(frozen=True)
class Move:
    """Something that was done. `request` is the number of API requests that came before it, `at` an instant."""

    number: int
    request: int
    at: int
    kind: str
    work_order_id: int
    detail: str = ""


@dataclass(frozen=True)
class Mark:
    """A point in the company's story, to ask later what happened since."""

    moves: int
    visible: frozenset[int]


class _Doing:
    """One move while it is made."""

    def __init__(self, company: Company, state: State, at: int) -> None:
        self.company = company
        self.state = state
        self.at = max(at, state.last_step + 1)
        self.dice = Dice(f"{company.seed}/move/{len(company.moves)}")

    def facts(self) -> Facts:
        return Facts(self.company.directory, self.state)

    def edit(self) -> Edits:
        return self.state.edit()


#: Makes the change and says what it was, or returns None where the work order does not allow it.
_Act = Callable[[_Doing], "str | None"]


def _step(allowed: tuple[Status, ...], step: int) -> _Act:
    def act(doing: _Doing) -> str | None:
        state = doing.state
        if state.status not in allowed:
            return None
        state.steps[step] = doing.at
        if step == ASSIGNED and state.service < doing.at:
            state.service = (doing.at + doing.dice.between(1, 10) * DAY) // HOUR * HOUR
        if step == WORK_DONE:
            state.started = True
        if step >= WORK_DONE:
            state.trouble = False
        state.status = derived_status(state.steps)
        return ""

    return act


def _back(status: Status, *steps: int) -> _Act:
    """Undo steps of a work order that has this status."""

    def act(doing: _Doing) -> str | None:
        if doing.state.status != status:
            return None
        for step in steps:
            doing.state.steps[step] = 0
        doing.state.status = derived_status(doing.state.steps)
        return ""

    return act


def _count(name: str, *, published: bool = False) -> _Act:
    """Count one more edit of a kind."""

    def act(doing: _Doing) -> str | None:
        if published and not doing.state.steps[PUBLISHED]:
            return None
        edits = doing.edit()
        setattr(edits, name, getattr(edits, name) + 1)
        return ""

    return act


def _check_in(doing: _Doing) -> str | None:
    if doing.state.status != Status.ASSIGNED or doing.state.started:
        return None
    doing.state.started = True
    doing.state.service = min(doing.state.service, doing.at)
    return ""


def _reschedule(doing: _Doing) -> str | None:
    if doing.state.status in (Status.PAID, Status.CANCELLED):
        return None
    days = doing.dice.between(1, 9)
    doing.edit().schedule += days
    doing.state.service += days * DAY
    return f"{days} days later"


def _tag(doing: _Doing) -> str | None:
    worn = worn_tags(doing.facts())
    free = [at for at in range(len(TAGS)) if at not in worn]
    if not free:
        return None
    at = doing.dice.pick(free)
    edits = doing.edit()
    edits.tags_off.discard(at)
    edits.tags_on.append(at)
    return str(TAGS[at][0])


def _untag(doing: _Doing) -> str | None:
    worn = worn_tags(doing.facts())
    if not worn:
        return None
    at = doing.dice.pick(worn)
    doing.edit().tags_off.add(at)
    return str(TAGS[at][0])


def _untag_all(doing: _Doing) -> str | None:
    worn = worn_tags(doing.facts())
    doing.edit().tags_off.update(worn)
    return ",".join(str(TAGS[at][0]) for at in worn) if worn else None


def _log_time(doing: _Doing) -> str | None:
    if not doing.state.started:
        return None
    edits = doing.edit()
    edits.logs_on.append(doing.at)
    return str(doing.state.id * 100 + ADDED + len(edits.logs_on) - 1)


def _edit_log(doing: _Doing) -> str | None:
    numbers = log_numbers(doing.facts())
    if not numbers:
        return None
    number = doing.dice.pick(numbers)
    edits = doing.edit()
    edits.logs_changed[number] = edits.logs_changed.get(number, 0) + 1
    return str(doing.state.id * 100 + number)


def _remove_log(doing: _Doing) -> str | None:
    numbers = log_numbers(doing.facts())
    if not numbers:
        return None
    number = doing.dice.pick(numbers)
    doing.edit().logs_off.add(number)
    return str(doing.state.id * 100 + number)


def _trouble(*, report: bool) -> _Act:
    def act(doing: _Doing) -> str | None:
        if doing.state.trouble == report or doing.state.status not in (Status.PUBLISHED, Status.ASSIGNED):
            return None
        doing.state.trouble = report
        return ""

    return act


_AVAILABLE = (Status.PUBLISHED, Status.ROUTED)

MOVES: dict[str, _Act] = {
    "publish": _step((Status.DRAFT,), PUBLISHED),
    "route": _step((Status.PUBLISHED,), ROUTED),
    "assign": _step(_AVAILABLE, ASSIGNED),
    "work_done": _step((Status.ASSIGNED,), WORK_DONE),
    "approve": _step((Status.WORK_DONE,), APPROVED),
    "pay": _step((Status.APPROVED,), PAID),
    "cancel": _step((Status.DRAFT, *_AVAILABLE, Status.ASSIGNED), CANCELED),
    "unpublish": _back(Status.PUBLISHED, PUBLISHED),
    "unroute": _back(Status.ROUTED, ROUTED),
    "unassign": _back(Status.ASSIGNED, ASSIGNED),
    "incomplete": _back(Status.WORK_DONE, WORK_DONE),
    "unapprove": _back(Status.APPROVED, APPROVED),
    "unpaid": _back(Status.PAID, PAID),
    "revert": _back(Status.CANCELLED, CANCELED),
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
    "report_problem": _trouble(report=True),
    "resolve_problem": _trouble(report=False),
}


def perform(company: Company, kind: str, ident: int | None = None, at: int | None = None) -> Move | None:
    """Do one move; None where this work order does not allow it. `at` is the instant, now when left out.

    Besides those of MOVES: `create` (needs no id), `archive`, `unarchive`. KeyError for an unknown id or
    kind.
    """
    with company.lock:
        moment = company.now if at is None else at
        if kind == "create":
            return _create(company, moment)
        place = company.place_of(ident) if ident is not None else None
        if place is None or ident is None:
            raise KeyError(ident)
        if kind in ("archive", "unarchive"):
            if company.is_visible(place) != (kind == "archive"):
                return None
            (company.hide if kind == "archive" else company.show)(place)
            return _note(company, moment, kind, ident)
        doing = _Doing(company, company.state(place), moment)
        detail = MOVES[kind](doing)
        if detail is None:
            return None
        company.keep(doing.state)
        return _note(company, moment, kind, ident, detail)


def _create(company: Company, at: int) -> Move:
    late = bool(company.late_ids or company.late_seconds)
    late = late and Dice(f"{company.seed}/late/{len(company)}").chance(50)
    state = company.add(at, late=late)
    return _note(company, at, "create", state.id, "late" if late else "")


def _note(company: Company, at: int, kind: str, ident: int, detail: str = "") -> Move:
    move = Move(len(company.moves) + 1, company.requests, at, kind, ident, detail)
    company.moves.append(move)
    return move
