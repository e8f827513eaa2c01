"""The company: which work orders there are, and what state each is in.

Kept small on purpose, so that 200,000 work orders start in seconds: one array entry a work order for id,
creation, status; a `State` only for those that moved. Everything else is drawn on demand.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

from emulator.clock import Clock, SystemClock
from emulator.work_order.content import decoded

from .dates import DAY, HOUR, midnight
from .dice import Dice
from .directory import COMPANY_ID, COMPANY_NAME, Directory
from .moves import Mark, Move
from .state import STATUS_NAMES, State, initial_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emulator.json import Json


FIRST_ID = 14_200_000
_FEW = 64


class Company:
    """One buyer's account. All public methods may be called from any thread.

    `today` is the day on which the history ends (at 00:00 UTC); `days` is how far it reaches back.
    """

    def __init__(
        self,
        work_orders: int,
        seed: int,
        today: date | None = None,
        days: int = 365,
        clock: Clock | None = None,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        wall = int(self.clock.wall())
        real_today = datetime.fromtimestamp(wall, timezone.utc).date()
        self.today = today or real_today
        self.seed = seed
        self.days = days
        self.id = COMPANY_ID
        self.name = COMPANY_NAME
        self.directory = Directory(seed)
        self.lock = threading.RLock()
        self.moves: list[Move] = []
        self.revision = 0
        self.rate = max(1.0, work_orders / days)  # new work orders a day
        self._skew = 0 if self.today == real_today else midnight(self.today) + 12 * HOUR - wall
        self._ids = array("q")
        self._created = array("q")
        self._status = bytearray()
        self._trouble = bytearray()
        self._states: dict[int, State] = {}
        self._hidden: set[int] = set()
        # place -> number of the request and monotonic instant from which on it shows
        self._late: dict[int, tuple[int, float]] = {}
        self.requests = 0  # of the API, so far
        self.late_ids = 0  # see the switches of these names
        self.late_seconds = 0.0
        self._counts: dict[int, int] = {}
        self._counted = -1  # the revision that they are of
        self._fill(work_orders)

    def _fill(self, count: int) -> None:
        until = midnight(self.today)
        begin = until - self.days * DAY
        dice = Dice(f"{self.seed}/gaps")
        ident = FIRST_ID
        for place in range(count):
            ident += 1 + dice.below(9)
            slot = (until - begin) * place // count, (until - begin) * (place + 1) // count
            created = begin + slot[0] + dice.below(max(1, slot[1] - slot[0]))
            self._append(initial_state(self.seed, place, ident, created, until))

    def _append(self, state: State) -> None:
        self._ids.append(state.id)
        self._created.append(state.steps[0])
        self._status.append(state.status)
        self._trouble.append(state.trouble)

    # What time it is

    @property
    def now(self) -> int:
        """The company's present instant: the clock's, moved on by `skip`."""
        return int(self.clock.wall()) + self._skew

    def skip(self, seconds: int) -> None:
        """Let the company's calendar run ahead of the clock."""
        self._skew += seconds

    # Finding work orders. A 'place' is a work order's number in order of creation, from 0; ids rise with it.

    def place_of(self, ident: int) -> int | None:
        """The place of a work order, whether it is visible or not."""
        place = bisect_left(self._ids, ident)
        return place if place < len(self._ids) and self._ids[place] == ident else None

    def id_at(self, place: int) -> int:
        """The id at a place."""
        return self._ids[place]

    def created_at(self, place: int) -> int:
        """When the work order was created."""
        return self._created[place]

    def status_at(self, place: int) -> int:
        """The status id, without building the state."""
        return self._status[place]

    def trouble_at(self, place: int) -> bool:
        """Whether a problem is open."""
        return bool(self._trouble[place])

    def is_visible(self, place: int) -> bool:
        """Neither archived nor still to show up."""
        return place not in self._hidden

    def __len__(self) -> int:
        return len(self._ids)

    def between(self, first: int, last: int) -> Sequence[int]:
        """Visible places created from instant `first` to before `last`, in order of creation."""
        low = bisect_left(self._created, first)
        high = bisect_left(self._created, last)
        return self._visible(low, high)

    def visible(self) -> Sequence[int]:
        """All visible places, in order of creation."""
        return self._visible(0, len(self._ids))

    def _visible(self, low: int, high: int) -> Sequence[int]:
        with self.lock:
            hidden = self._hidden
            if not hidden or high <= low or (len(hidden) < _FEW and not any(low <= at < high for at in hidden)):
                return range(low, high)
            return [place for place in range(low, high) if place not in hidden]

    def state(self, place: int) -> State:
        """The state at a place; the kept one where it moved, else drawn anew."""
        kept = self._states.get(place)
        if kept is not None:
            return kept
        return initial_state(self.seed, place, self._ids[place], self._created[place], midnight(self.today))

    def version_at(self, place: int) -> int:
        """How often the work order was changed."""
        kept = self._states.get(place)
        return kept.version if kept is not None else 0

    def count_by_status(self) -> dict[int, int]:
        """Visible work orders by status id."""
        with self.lock:
            if self._counted != self.revision:
                self._counts = {status: self._status.count(status) for status in STATUS_NAMES}
                for place in self._hidden:
                    self._counts[self._status[place]] -= 1
                self._counted = self.revision
            return dict(self._counts)

    def count_in_trouble(self) -> int:
        """Visible work orders with an open problem."""
        with self.lock:
            return self._trouble.count(1) - sum(self._trouble[place] for place in self._hidden)

    # Changing them (used by `moves`, which also writes down what was done)

    def keep(self, state: State) -> None:
        """Take over a changed state."""
        with self.lock:
            state.version += 1
            self._states[state.place] = state
            self._status[state.place] = state.status
            self._trouble[state.place] = state.trouble
            self.revision += 1

    def add(self, created: int, *, late: bool = False) -> State:
        """A new work order; a late one stays hidden for as long as the switches say."""
        with self.lock:
            place = len(self._ids)
            created = max(created, self._created[-1] if place else created)
            ident = (self._ids[-1] if place else FIRST_ID) + 1 + Dice(f"{self.seed}/gap/{place}").below(9)
            state = initial_state(self.seed, place, ident, created, created)
            self._append(state)
            self._states[place] = state
            if late:
                self._hidden.add(place)
                self._late[place] = (self.requests + self.late_ids, self.clock.monotonic() + self.late_seconds)
            self.revision += 1
            return state

    def hide(self, place: int) -> None:
        """Archive: the work order drops out of every list and filter."""
        with self.lock:
            self._hidden.add(place)
            self._late.pop(place, None)
            self.revision += 1

    def show(self, place: int) -> None:
        """The way back from the archive."""
        with self.lock:
            self._hidden.discard(place)
            self._late.pop(place, None)
            self.revision += 1

    def hidden(self) -> list[int]:
        """Places that are archived (those that only show up late are left out)."""
        with self.lock:
            return sorted(self._hidden - self._late.keys())

    def tick(self) -> list[int]:
        """One more request was made: returns the places that show up with it."""
        with self.lock:
            self.requests += 1
            now = self.clock.monotonic()
            due = [place for place, (number, at) in self._late.items() if number <= self.requests and at <= now]
            for place in due:
                self.show(place)
            return due

    # What was done, for tests

    def mark(self) -> Mark:
        """This point in the story."""
        with self.lock:
            return Mark(len(self.moves), frozenset(self.visible_ids()))

    def moves_since(self, mark: Mark) -> list[Move]:
        """What was done since."""
        with self.lock:
            return self.moves[mark.moves :]

    def stayed(self, mark: Mark) -> set[int]:
        """Ids that the API showed at `mark` and at every moment since."""
        gone = {move.work_order_id for move in self.moves_since(mark) if move.kind == "archive"}
        return set(mark.visible) - gone

    # The truth, for tests

    def visible_ids(self) -> list[int]:
        """Ids of all work orders that the API shows now, rising."""
        return [self._ids[place] for place in self.visible()]

    def ids_with_status(self, *statuses: int) -> list[int]:
        """Ids of the visible work orders with one of these status ids."""
        return [self._ids[place] for place in self.visible() if self._status[place] in statuses]

    def work_order(self, ident: int) -> dict[str, Json]:
        """A work order with every section, nothing cut, as the API would send it. KeyError where unknown."""
        place = self.place_of(ident)
        if place is None:
            raise KeyError(ident)
        with self.lock:
            return decoded(self, place)

    def work_orders(self, ids: Iterable[int] | None = None) -> list[dict[str, Json]]:
        """`work_order` for each of `ids`, or for all that are visible."""
        return [self.work_order(ident) for ident in (self.visible_ids() if ids is None else ids)]
