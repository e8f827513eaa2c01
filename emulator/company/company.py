"""The company: its work orders and the state of each.

To start with 200,000 work orders in seconds, only an id, a creation date, a status and a problem flag are stored for
each, and a `State` for those that changed. Everything else is generated on demand.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

from emulator.clock import Clock, SystemClock
from emulator.work_order.record import full_record

from .dates import DAY, HOUR, midnight
from .directory import COMPANY_ID, COMPANY_NAME, Directory
from .history import Change, Checkpoint
from .rng import Rng
from .state import STATUS_NAMES, State, initial_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from emulator.json import Json


FIRST_ID = 14_200_000
ID_RANGE = 1_000_000  # each company has work orders with ids of its own, as at Field Nation
_FEW = 64


class Company:
    """The account of one buyer. All public methods are thread-safe.

    `today` is the day on which the history ends (at 00:00 UTC); `days` is the length of the history.
    """

    def __init__(
        self,
        work_orders: int,
        seed: int,
        today: date | None = None,
        days: int = 365,
        clock: Clock | None = None,
        company_id: int = COMPANY_ID,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        wall = int(self.clock.wall())
        clock_today = datetime.fromtimestamp(wall, timezone.utc).date()
        self.today = today or clock_today
        self.seed = seed
        self.days = days
        self.id = company_id
        self.first_id = FIRST_ID + (company_id - COMPANY_ID) * ID_RANGE
        self.name = COMPANY_NAME
        self.directory = Directory(seed, company_id)
        self.lock = threading.RLock()
        self.changes: list[Change] = []
        self.revision = 0  # incremented by every change
        self.daily_work_orders = max(1.0, work_orders / days)
        self._ahead = 0 if self.today == clock_today else midnight(self.today) + 12 * HOUR - wall
        self._ids = array("q")
        self._created = array("q")
        self._status = bytearray()
        self._has_problem = bytearray()
        self._states: dict[int, State] = {}
        self._hidden: set[int] = set()
        # index -> number of the request and monotonic time from which on the work order is visible
        self._late: dict[int, tuple[int, float]] = {}
        self.requests = 0  # API requests so far
        self.late_ids = 0  # see the switches of these names
        self.late_seconds = 0.0
        self._counts: dict[int, int] = {}
        self._counted_revision = -1
        self._generate(work_orders)

    def _generate(self, count: int) -> None:
        until = midnight(self.today)
        begin = until - self.days * DAY
        rng = Rng(f"{self.seed}/gaps")
        work_order_id = self.first_id
        for index in range(count):
            work_order_id += 1 + rng.below(9)
            slot = (until - begin) * index // count, (until - begin) * (index + 1) // count
            created = begin + slot[0] + rng.below(max(1, slot[1] - slot[0]))
            self._append(initial_state(self.seed, index, work_order_id, created, until))

    def _append(self, state: State) -> None:
        self._ids.append(state.id)
        self._created.append(state.steps[0])
        self._status.append(state.status)
        self._has_problem.append(state.has_problem)

    # Time

    @property
    def now(self) -> int:
        """The current instant of the company: the clock's, plus what was skipped."""
        return int(self.clock.wall()) + self._ahead

    def skip(self, seconds: int) -> None:
        """Move the company's calendar further ahead of the clock."""
        self._ahead += seconds

    # Work orders by index: their number in order of creation, from 0. Ids increase with the index.

    def index_of(self, work_order_id: int) -> int | None:
        """The index of a work order, visible or not; None for an unknown id."""
        index = bisect_left(self._ids, work_order_id)
        return index if index < len(self._ids) and self._ids[index] == work_order_id else None

    def id_at(self, index: int) -> int:
        """The id of a work order."""
        return self._ids[index]

    def created_at(self, index: int) -> int:
        """The instant at which the work order was created."""
        return self._created[index]

    def status_at(self, index: int) -> int:
        """The status id, without generating the state."""
        return self._status[index]

    def has_problem_at(self, index: int) -> bool:
        """Whether the work order has an open problem."""
        return bool(self._has_problem[index])

    def is_visible(self, index: int) -> bool:
        """Whether the API shows the work order: not archived, and not late."""
        return index not in self._hidden

    def __len__(self) -> int:
        return len(self._ids)

    def created_between(self, first: int, last: int) -> Sequence[int]:
        """Indexes of the visible work orders created from instant `first` to before `last`."""
        return self._visible(bisect_left(self._created, first), bisect_left(self._created, last))

    def visible(self) -> Sequence[int]:
        """Indexes of all visible work orders."""
        return self._visible(0, len(self._ids))

    def _visible(self, low: int, high: int) -> Sequence[int]:
        with self.lock:
            hidden = self._hidden
            if not hidden or high <= low or (len(hidden) < _FEW and not any(low <= index < high for index in hidden)):
                return range(low, high)
            return [index for index in range(low, high) if index not in hidden]

    def state(self, index: int) -> State:
        """The state of a work order: stored if it changed, else generated."""
        stored = self._states.get(index)
        if stored is not None:
            return stored
        return initial_state(self.seed, index, self._ids[index], self._created[index], midnight(self.today))

    def version_at(self, index: int) -> int:
        """How often the work order was changed."""
        stored = self._states.get(index)
        return stored.version if stored is not None else 0

    def count_by_status(self) -> dict[int, int]:
        """The number of visible work orders by status id."""
        with self.lock:
            if self._counted_revision != self.revision:
                self._counts = {status: self._status.count(status) for status in STATUS_NAMES}
                for index in self._hidden:
                    self._counts[self._status[index]] -= 1
                self._counted_revision = self.revision
            return dict(self._counts)

    def count_with_problem(self) -> int:
        """The number of visible work orders with an open problem."""
        with self.lock:
            return self._has_problem.count(1) - sum(self._has_problem[index] for index in self._hidden)

    # Changes; `changes.apply_change` calls these and records the change.

    def store(self, state: State) -> None:
        """Store a changed state."""
        with self.lock:
            state.version += 1
            self._states[state.index] = state
            self._status[state.index] = state.status
            self._has_problem[state.index] = state.has_problem
            self.revision += 1

    def add(self, created: int, *, late: bool = False) -> State:
        """Add a new work order; a late one stays hidden for as long as the switches say."""
        with self.lock:
            index = len(self._ids)
            created = max(created, self._created[-1] if index else created)
            previous_id = self._ids[-1] if index else self.first_id
            work_order_id = previous_id + 1 + Rng(f"{self.seed}/gap/{index}").below(9)
            state = initial_state(self.seed, index, work_order_id, created, created)
            self._append(state)
            self._states[index] = state
            if late:
                self._hidden.add(index)
                self._late[index] = (self.requests + self.late_ids, self.clock.monotonic() + self.late_seconds)
            self.revision += 1
            return state

    def hide(self, index: int) -> None:
        """Archive a work order: no list and no filter shows it."""
        with self.lock:
            self._hidden.add(index)
            self._late.pop(index, None)
            self.revision += 1

    def show(self, index: int) -> None:
        """Make an archived or late work order visible."""
        with self.lock:
            self._hidden.discard(index)
            self._late.pop(index, None)
            self.revision += 1

    def archived(self) -> list[int]:
        """Indexes of the archived work orders, without late ones."""
        with self.lock:
            return sorted(self._hidden - self._late.keys())

    def count_request(self) -> None:
        """Count an API request, and make the late work orders visible that are due."""
        with self.lock:
            self.requests += 1
            now = self.clock.monotonic()
            due = [index for index, (number, at) in self._late.items() if number <= self.requests and at <= now]
            for index in due:
                self.show(index)

    # History, for tests

    def checkpoint(self) -> Checkpoint:
        """The current point in the history."""
        with self.lock:
            return Checkpoint(len(self.changes), frozenset(self.visible_ids()))

    def changes_since(self, checkpoint: Checkpoint) -> list[Change]:
        """The changes after a checkpoint."""
        with self.lock:
            return self.changes[checkpoint.changes :]

    def always_visible_since(self, checkpoint: Checkpoint) -> set[int]:
        """Ids of the work orders that were visible at a checkpoint and at all times since."""
        archived = {change.work_order_id for change in self.changes_since(checkpoint) if change.kind == "archive"}
        return set(checkpoint.visible) - archived

    # Expected data, for tests

    def visible_ids(self) -> list[int]:
        """Ids of all visible work orders, ascending."""
        return [self._ids[index] for index in self.visible()]

    def ids_with_status(self, *statuses: int) -> list[int]:
        """Ids of the visible work orders with one of these status ids."""
        return [self._ids[index] for index in self.visible() if self._status[index] in statuses]

    def work_order(self, work_order_id: int) -> dict[str, Json]:
        """A work order as the API sends it, with all sections and uncut lists. KeyError for an unknown id."""
        index = self.index_of(work_order_id)
        if index is None:
            raise KeyError(work_order_id)
        with self.lock:
            return full_record(self.directory, self.state(index))

    def work_orders(self, ids: Iterable[int] | None = None) -> list[dict[str, Json]]:
        """`work_order` for each of `ids`, by default for all that are visible."""
        return [self.work_order(work_order_id) for work_order_id in (self.visible_ids() if ids is None else ids)]
