"""The little that is kept of a work order: when it was made, how far it has come, what was edited since.

All else (title, pay, children …) is drawn from seed and id when somebody asks, see `emulator.work_order`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from .dates import DAY, HOUR
from .dice import Dice

# Places in `State.steps`, in the order of the lifecycle; the API's names for them stand in MILESTONES.
CREATED, PUBLISHED, ROUTED, ASSIGNED, WORK_DONE, APPROVED, PAID, CANCELED = range(8)
MILESTONES = ("created", "published", "routed", "assigned", "workdone", "approved", "paid", "canceled")


class Status(IntEnum):
    """Status ids of the older reference and the Android app; 2 and 9 are both 'available', 9 when routed."""

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

# Of a thousand work orders so many are cancelled on their way, and so many more stuck for good at some stage.
_CANCELLED = 100
_STUCK = 24


@dataclass
class Edits:
    """What people changed in a work order since it was made; counters say how often."""

    title: int = 0
    pay: int = 0
    schedule: int = 0  # days by which the service date was moved
    notes: int = 0
    fields: int = 0
    files: int = 0
    expenses: int = 0
    messages: int = 0
    requests: int = 0
    tasks: int = 0
    tags_on: list[int] = field(default_factory=list)  # places in directory.TAGS
    tags_off: set[int] = field(default_factory=set)
    logs_on: list[int] = field(default_factory=list)  # instants of check-in
    logs_off: set[int] = field(default_factory=set)  # numbers of time logs
    logs_changed: dict[int, int] = field(default_factory=dict)  # number of a time log -> how often


NO_EDITS = Edits()


class State:
    """One work order as far as it is kept. `steps` has an instant for each of MILESTONES, 0 = not yet."""

    __slots__ = ("edits", "id", "place", "service", "started", "status", "steps", "trouble", "version")

    def __init__(self, place: int, ident: int, status: int, steps: list[int], service: int) -> None:
        self.place = place  # number in order of creation, from 0
        self.id = ident
        self.status = status
        self.steps = steps
        self.service = service  # instant at which the service window begins
        self.started = False  # somebody has checked in
        self.trouble = False  # a problem is reported and not resolved
        self.version = 0  # grows with each change
        self.edits = NO_EDITS

    @property
    def last_step(self) -> int:
        """Instant of the latest milestone."""
        return max(self.steps)

    def edit(self) -> Edits:
        """The edits, ready to be changed."""
        if self.edits is NO_EDITS:
            self.edits = Edits()
        return self.edits


def derived_status(steps: list[int]) -> int:
    """The status id that milestones stand for."""
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


def initial_state(seed: int, place: int, ident: int, created: int, until: int) -> State:
    """A work order as it stands at the instant `until`: old ones mostly paid, young ones on the way.

    A few are stuck for good at every stage, as in real accounts.
    """
    dice = Dice(f"{seed}/{ident}/life")
    published = created + dice.between(5, 1_800) * 60
    routed = published + dice.between(5, 300) * 60 if dice.chance(35) else 0
    assigned = max(published, routed) + dice.between(20, 8_000) * 60
    service = (assigned + dice.between(1, 20) * DAY) // (HOUR // 2) * (HOUR // 2)
    done = service + dice.between(50, 420) * 60 + dice.below(60)
    approved = done + dice.between(300, 13_000) * 60 + dice.below(60)
    paid = approved + dice.between(3, 30) * DAY
    steps = [created, published, routed, assigned, done, approved, paid, 0]

    fate = dice.below(1_000)
    if fate < _CANCELLED + _STUCK:
        last = (CREATED, PUBLISHED, ASSIGNED, WORK_DONE)[dice.below(4)] if fate < _CANCELLED else dice.below(6)
        if last == ROUTED and not routed:
            last = PUBLISHED
        for step in range(last + 1, PAID + 1):
            steps[step] = 0
        if fate < _CANCELLED:
            steps[CANCELED] = steps[last] + dice.between(1, 90) * HOUR
    for step, at in enumerate(steps):
        if at > until:
            steps[step] = 0
    state = State(place, ident, derived_status(steps), steps, service)
    state.started = bool(steps[WORK_DONE]) or (state.status == Status.ASSIGNED and service < until)
    state.trouble = dice.chance(8) and state.status in OPEN
    return state
