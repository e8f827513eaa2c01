"""Simulated activity of the company: day by day, or as random changes between the requests of a client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .changes import CHANGES, apply_change
from .dates import DAY
from .rng import Rng
from .state import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .company import Company
    from .history import Change

#: Status -> the changes that happen to such work orders, and to how many percent of them in a day.
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
_EDITS = tuple(kind for kind in CHANGES if kind not in {kind for daily in _DAILY.values() for kind, _ in daily})

#: Default weights of random changes: every kind, common ones more often.
DEFAULT_WEIGHTS: dict[str, int] = {
    **dict.fromkeys(CHANGES, 1),
    "create": 8,
    "archive": 3,
    "unarchive": 2,
    "tag": 2,
    "untag": 2,
}
_ATTEMPTS = 40


def advance(company: Company, days: int = 1) -> list[Change]:
    """Simulate days: new work orders, status changes, edits of about 4 % of the open ones, archiving and restoring."""
    before = len(company.changes)
    with company.lock:
        for _ in range(days):
            begin = company.now
            company.skip(DAY)
            _simulate_day(company, begin)
        return company.changes[before:]


def _simulate_day(company: Company, begin: int) -> None:
    rng = Rng(f"{company.seed}/day/{len(company.changes)}/{len(company)}")
    for index in list(company.visible()):
        status = company.status_at(index)
        is_closed = status in (Status.PAID, Status.CANCELLED)
        work_order_id = company.id_at(index)
        chance = rng.below(10_000)
        if status == Status.ASSIGNED and rng.chance(60) and company.state(index).service < begin:
            apply_change(company, "work_done", work_order_id, begin + rng.below(DAY))
            continue
        for kind, percent in _DAILY[status]:
            if chance < percent * 100:
                apply_change(company, kind, work_order_id, begin + rng.below(DAY))
                break
            chance -= int(percent * 100)
        if rng.chance(0.1 if is_closed else 4):
            apply_change(company, rng.pick(_EDITS), work_order_id, begin + rng.below(DAY))
        if is_closed and rng.chance(0.05):
            apply_change(company, "archive", work_order_id, begin + rng.below(DAY))
    for index in company.archived():
        if rng.chance(10):
            apply_change(company, "unarchive", company.id_at(index), begin + rng.below(DAY))
    count = max(1, round(company.daily_work_orders))
    for number in range(count):
        apply_change(company, "create", at=begin + DAY * number // count)


class RandomChanges:
    """A source of random changes: the same seed on the same company gives the same changes.

    `weights` maps kinds to their relative frequency: those of `changes.CHANGES`, `create`, `archive`, `unarchive`.
    """

    def __init__(self, company: Company, seed: int, weights: Mapping[str, int] | None = None) -> None:
        self._company = company
        self._seed = seed
        self._kinds = [kind for kind, weight in (weights or DEFAULT_WEIGHTS).items() for _ in range(weight)]
        self._number = 0

    def apply(self, count: int = 1) -> list[Change]:
        """Apply `count` changes now (fewer if no work order allows one)."""
        applied = []
        with self._company.lock:
            for _ in range(count):
                self._number += 1
                change = self._apply_one(Rng(f"plan/{self._seed}/{self._number}"))
                if change is not None:
                    applied.append(change)
        return applied

    def _apply_one(self, rng: Rng) -> Change | None:
        company = self._company
        kind = rng.pick(self._kinds)
        if kind == "create":
            return apply_change(company, "create")
        for _ in range(_ATTEMPTS):
            indexes = company.archived() if kind == "unarchive" else company.visible()
            if not indexes:
                return None
            # As in real accounts, half of the changes concern the newest tenth.
            newest = max(1, len(indexes) // 10)
            position = len(indexes) - 1 - rng.below(newest) if rng.chance(50) else rng.below(len(indexes))
            change = apply_change(company, kind, company.id_at(indexes[position]))
            if change is not None:
                return change
        return None
