"""How the company lives on: a day at a time, or by a plan that moves it while somebody reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .dates import DAY
from .dice import Dice
from .moves import MOVES, Move, perform
from .state import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .company import Company

#: What a day does to a work order of a status: move, percent of them a day.
_DAILY: dict[int, tuple[tuple[str, float], ...]] = {
    Status.DRAFT: (("publish", 55), ("cancel", 2)),
    Status.PUBLISHED: (("assign", 28), ("route", 10), ("cancel", 2), ("unpublish", 1)),
    Status.ROUTED: (("assign", 35), ("unroute", 4), ("cancel", 2)),
    Status.ASSIGNED: (("unassign", 2), ("cancel", 1.5)),
    Status.WORK_DONE: (("approve", 35), ("incomplete", 4)),
    Status.APPROVED: (("pay", 14), ("unapprove", 1)),
    Status.PAID: (("unpaid", 0.02),),
    Status.CANCELLED: (("revert", 0.2),),
}
_EDITS = tuple(kind for kind in MOVES if kind not in {move for moves in _DAILY.values() for move, _ in moves})

#: Weights of the moves of a plan when none are given: every kind, the common ones more often.
EVERYTHING: dict[str, int] = {
    **dict.fromkeys(MOVES, 1),
    "create": 8,
    "archive": 3,
    "unarchive": 2,
    "tag": 2,
    "untag": 2,
}


def advance(company: Company, days: int = 1) -> list[Move]:
    """Let days pass: new work orders, steps, edits of about 4 % of the open ones, a few archived and back."""
    before = len(company.moves)
    with company.lock:
        for _ in range(days):
            begin = company.now
            company.skip(DAY)
            _day(company, begin)
        return company.moves[before:]


def _day(company: Company, begin: int) -> None:
    dice = Dice(f"{company.seed}/day/{len(company.moves)}/{len(company)}")
    for place in list(company.visible()):
        status = company.status_at(place)
        terminal = status in (Status.PAID, Status.CANCELLED)
        ident = company.id_at(place)
        chance = dice.below(10_000)
        if status == Status.ASSIGNED and dice.chance(60) and company.state(place).service < begin:
            perform(company, "work_done", ident, begin + dice.below(DAY))
            continue
        for kind, percent in _DAILY[status]:
            if chance < percent * 100:
                perform(company, kind, ident, begin + dice.below(DAY))
                break
            chance -= int(percent * 100)
        if dice.chance(0.1 if terminal else 4):
            perform(company, dice.pick(_EDITS), ident, begin + dice.below(DAY))
        if terminal and dice.chance(0.05):
            perform(company, "archive", ident, begin + dice.below(DAY))
    for place in company.hidden():
        if dice.chance(10):
            perform(company, "unarchive", company.id_at(place), begin + dice.below(DAY))
    count = max(1, round(company.rate))
    for number in range(count):
        perform(company, "create", at=begin + DAY * number // count)


class Plan:
    """A source of random moves: the same seed on the same company makes the same story.

    `weights` says how often each kind comes, by name: those of `moves.MOVES`, `create`, `archive`,
    `unarchive`.
    """

    def __init__(self, company: Company, seed: int, weights: Mapping[str, int] | None = None) -> None:
        self._company = company
        self._seed = seed
        self._kinds = [kind for kind, weight in (weights or EVERYTHING).items() for _ in range(weight)]
        self._round = 0

    def make(self, count: int = 1) -> list[Move]:
        """Make `count` moves now (fewer where nothing fits)."""
        made = []
        with self._company.lock:
            for _ in range(count):
                self._round += 1
                move = self._one(Dice(f"plan/{self._seed}/{self._round}"))
                if move is not None:
                    made.append(move)
        return made

    def _one(self, dice: Dice) -> Move | None:
        company = self._company
        kind = dice.pick(self._kinds)
        if kind == "create":
            return perform(company, "create")
        for _ in range(40):
            places = company.hidden() if kind == "unarchive" else company.visible()
            if not places:
                return None
            # Half of the moves happen to the youngest tenth, as in life.
            young = max(1, len(places) // 10)
            at = len(places) - 1 - dice.below(young) if dice.chance(50) else dice.below(len(places))
            move = perform(company, kind, company.id_at(places[at]))
            if move is not None:
                return move
        return None
