"""The stored state of a work order: its milestones and the edits since its creation.

Everything else (title, pay, child records …) is generated from seed and id on demand, see `emulator.work_order`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from .dates import DAY, HOUR
from .rng import Rng

# Indexes into `State.steps`, in the order of the lifecycle; MILESTONES has the API's names.
CREATED, PUBLISHED, ROUTED, ASSIGNED, WORK_DONE, APPROVED, PAID, CANCELED = range(8)
MILESTONES = ("created", "published", "routed", "assigned", "workdone", "approved", "paid", "canceled")


class Status(IntEnum):
    """Status ids of the older reference and the Android app; 2 and 9 are both 'available', 9 is routed."""

    DRAFT = 1
    PUBLISHED = 2
    ASSIGNED = 3
    WORK_DONE = 4
    APPROVED = 5
    PAID = 6
    CANCELLED = 7
    ROUTED = 9


STATUS_NAMES: dict[int, str] = {
    Status.DRAFT: "Draft",
    Status.PUBLISHED: "Published",
    Status.ROUTED: "Routed",
    Status.ASSIGNED: "Assigned",
    Status.WORK_DONE: "Work Done",
    Status.APPROVED: "Approved",
    Status.PAID: "Paid",
    Status.CANCELLED: "Cancelled",
}
OPEN = frozenset({Status.DRAFT, Status.PUBLISHED, Status.ROUTED, Status.ASSIGNED, Status.WORK_DONE})

# Of a thousand work orders, this many are cancelled, and this many never get past some milestone.
_CANCELLED = 100
_STUCK = 24


@dataclass
class Edits:
    """The edits of a work order since its creation; integers count how often."""

    title: int = 0
    pay: int = 0
    schedule: int = 0  # days by which the service date was postponed
    notes: int = 0
    fields: int = 0
    files: int = 0
    expenses: int = 0
    messages: int = 0
    requests: int = 0
    tasks: int = 0
    tags_on: list[int] = field(default_factory=list)  # indexes into directory.TAGS
    tags_off: set[int] = field(default_factory=set)
    logs_on: list[int] = field(default_factory=list)  # instants of check-in
    logs_off: set[int] = field(default_factory=set)  # numbers of time logs
    logs_changed: dict[int, int] = field(default_factory=dict)  # number of a time log -> how often


NO_EDITS = Edits()


class State:
    """The state of one work order. `steps` has an instant for each of MILESTONES, 0 = not reached."""

    __slots__ = ("edits", "has_problem", "id", "index", "service", "started", "status", "steps", "version")

    def __init__(self, index: int, work_order_id: int, status: int, steps: list[int], service: int) -> None:
        self.index = index  # number in order of creation, from 0
        self.id = work_order_id
        self.status = status
        self.steps = steps
        self.service = service  # start of the service window
        self.started = False  # the provider has checked in
        self.has_problem = False  # a reported problem is not resolved
        self.version = 0  # incremented by every change
        self.edits = NO_EDITS

    @property
    def last_step(self) -> int:
        """The instant of the latest milestone."""
        return max(self.steps)

    def edit(self) -> Edits:
        """The edits, to be modified."""
        if self.edits is NO_EDITS:
            self.edits = Edits()
        return self.edits


def derived_status(steps: list[int]) -> int:
    """The status id that follows from the milestones."""
    order = (
        (CANCELED, Status.CANCELLED),
        (PAID, Status.PAID),
        (APPROVED, Status.APPROVED),
        (WORK_DONE, Status.WORK_DONE),
        (ASSIGNED, Status.ASSIGNED),
        (ROUTED, Status.ROUTED),
        (PUBLISHED, Status.PUBLISHED),
    )
    return next((int(status) for step, status in order if steps[step]), int(Status.DRAFT))


def initial_state(seed: int, index: int, work_order_id: int, created: int, until: int) -> State:
    """The state of a work order at the instant `until`: old ones are mostly paid, recent ones in progress.

    As in real accounts, a few never get past some milestone.
    """
    rng = Rng(f"{seed}/{work_order_id}/life")
    published = created + rng.between(5, 1_800) * 60
    routed = published + rng.between(5, 300) * 60 if rng.chance(35) else 0
    assigned = max(published, routed) + rng.between(20, 8_000) * 60
    service = (assigned + rng.between(1, 20) * DAY) // (HOUR // 2) * (HOUR // 2)
    done = service + rng.between(50, 420) * 60 + rng.below(60)
    approved = done + rng.between(300, 13_000) * 60 + rng.below(60)
    paid = approved + rng.between(3, 30) * DAY
    steps = [created, published, routed, assigned, done, approved, paid, 0]

    fate = rng.below(1_000)
    if fate < _CANCELLED + _STUCK:
        last = (CREATED, PUBLISHED, ASSIGNED, WORK_DONE)[rng.below(4)] if fate < _CANCELLED else rng.below(6)
        if last == ROUTED and not routed:
            last = PUBLISHED
        for step in range(last + 1, PAID + 1):
            steps[step] = 0
        if fate < _CANCELLED:
            steps[CANCELED] = steps[last] + rng.between(1, 90) * HOUR
    for step, at in enumerate(steps):
        if at > until:
            steps[step] = 0
    state = State(index, work_order_id, derived_status(steps), steps, service)
    state.started = bool(steps[WORK_DONE]) or (state.status == Status.ASSIGNED and service < until)
    state.has_problem = rng.chance(8) and state.status in OPEN
    return state
