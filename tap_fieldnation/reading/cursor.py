"""The cursor, which a run leaves to the next one. `cursor_state.py` has its format in STATE."""

from __future__ import annotations

import bisect
import typing as t
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import msgspec

# Creation days in STATE are between these. Field Nation is younger than the first.
EARLIEST, LATEST = date(1970, 1, 1), date(9000, 1, 1)
DAY = timedelta(days=1)

NO_FILTER = ""

# An account with no more work orders than this is read as a whole once a day.
SMALL_ACCOUNT = 1_000

Natural = t.Annotated[int, msgspec.Meta(ge=0)]
Positive = t.Annotated[int, msgspec.Meta(ge=1)]


class Position(msgspec.Struct, array_like=True):
    """How far an interrupted pass has come.

    Attributes:
        began_at: When the pass began.
        last: The last day of its creation filter; None for a pass without one.
        page: The last page that was emitted.
        per_page: Work orders per page.
        total: What the server counted then.
        sent: How many ids were emitted.
        lowest: The lowest of them.
        highest: The highest id when the pass began.
        whole: Whether all of its work orders are written, including unchanged ones.
    """

    began_at: datetime
    last: date | None
    page: Positive
    per_page: Positive
    total: Natural
    sent: Natural
    lowest: int
    highest: int
    whole: bool = True


class Slice(msgspec.Struct, array_like=True):
    """The work orders of some creation days, all of which are over.

    Attributes:
        first: The first day.
        last: The last day.
        count: The known number of work orders; None if what was read does not match what the API counts.
        read_at: The time since which all of it has been read.
        due_at: When it is due to be read and written again.
        checked_at: When its count was last compared with the API's.
        position: How far an interrupted reading has come.
        written_at: The time since which all of it has been written, changed or not; None if that is `read_at`.
    """

    first: date
    last: date
    count: Natural | None
    read_at: datetime
    due_at: datetime
    checked_at: datetime
    position: Position | None = None
    written_at: datetime | None = None

    @property
    def written_since(self) -> datetime:
        """The time since which each of its work orders has been written."""
        return self.written_at or self.read_at


class Mark(msgspec.Struct, array_like=True):
    """The highest id at some time: work orders that were inserted later have higher ones."""

    at: datetime
    highest: Natural


class Unread(msgspec.Struct, array_like=True):
    """Creation days whose history is still to be read; `last` is None for 'until now'."""

    first: date
    last: date | None
    position: Position | None = None

    @property
    def is_read(self) -> bool:
        """Whether no day is left."""
        return self.last is not None and self.first > self.last


# A slice's last day, the time since which all of it has been written, and its number of work orders.
Span = tuple[date | None, datetime, int]


@dataclass
class Cursor:
    """Everything that a run leaves to the next one.

    Attributes:
        company_id: The company that the work orders belong to.
        started_at: When the last complete run began.
        ran_at: When the last run began, complete or not.
        history_at: When the reading of the history began, until a run is complete after it.
        since: The `start_date` that was read from, or None.
        created_filter: The creation filter that the server supports; "" for none; None for unknown.
        streams: The streams that every run since the history included.
        step: The step of `steps` in which the last run was interrupted, or None.
        reached: The id at which an interrupted run stopped reading the open work orders.
        open: The work orders that can still change, with the day of their creation where it is known.
        removed: Ids that were recorded as removed lately: requested again, since some come back.
        recent: The known ids above the first of the `marks`.
        known_from: Above this id, all known ids are in `recent`, and counted in `slices`.
        marks: Highest ids at earlier times, oldest first.
        looked_at: When everything from the first of the `marks` on was last read.
        new_position: How far an interrupted reading of new work orders has come.
        counts: Stream -> open work order -> the number of the stream's rows that it last showed.
        slices: The history that was read, oldest first, without gaps.
        unread: The history that was not read yet.
        added: The child streams that were selected after the history was read, while it is read again for them.
        unread_added: The history that was not read yet for the added streams.
        total: What the API counted when the history was begun.
        fingerprints: Work order -> a hash of what was last written of it and of its child records.
        corrected: Whether times in the STATE were ahead of this machine's clock.
    """

    company_id: int | None = None
    started_at: datetime | None = None
    ran_at: datetime | None = None
    history_at: datetime | None = None
    since: date | None = None
    created_filter: str | None = None
    streams: list[str] = field(default_factory=list)
    step: str | None = None
    reached: int | None = None
    open: dict[int, date | None] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    recent: set[int] = field(default_factory=set)
    marks: list[Mark] = field(default_factory=list)
    known_from: int = 0
    looked_at: datetime | None = None
    new_position: Position | None = None
    counts: dict[str, dict[int, int]] = field(default_factory=dict)
    slices: list[Slice] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    unread_added: list[Unread] = field(default_factory=list)
    total: int | None = None
    fingerprints: dict[int, int] = field(default_factory=dict)
    corrected: bool = False

    @property
    def is_new(self) -> bool:
        """Whether no run has begun to read the history."""
        return self.started_at is None and self.history_at is None

    @property
    def frontier(self) -> date:
        """The first day that no slice covers yet."""
        return following(self.slices[-1].last) if self.slices else (self.since or EARLIEST)

    @property
    def known(self) -> int:
        """How many work orders the slices contain."""
        return sum(piece.count or 0 for piece in self.slices)

    @property
    def floor(self) -> int | None:
        """The id above which each known id is in `recent`; None before the first mark."""
        return self.marks[0].highest if self.marks else None

    @property
    def is_small(self) -> bool:
        """Whether the account is read as a whole once a day, and all of its fingerprints are kept."""
        return max(self.known, self.total or 0) <= SMALL_ACCOUNT

    def slice_of(self, day: date | None) -> Slice | None:
        """The slice that covers a creation day."""
        index = slice_index(day, [piece.first for piece in self.slices])
        return self.slices[index] if index >= 0 and day and day <= self.slices[index].last else None

    def change_count(self, day: date | None, change: int) -> None:
        """Count one work order more or less in the slice of its creation day."""
        piece = self.slice_of(day)
        if piece and piece.count is not None:
            piece.count = max(0, piece.count + change)

    def put_slice(self, new: Slice) -> None:
        """Put a slice in place of whatever covers its days."""
        others = [piece for piece in self.slices if piece.last < new.first or piece.first > new.last]
        self.slices = sorted([*others, new], key=lambda piece: piece.first)

    def follow(self, found: dict[int, date | None]) -> bool:
        """Add open work orders; returns whether any of them was not known."""
        new = {work_order: day for work_order, day in found.items() if work_order not in self.open}
        self.open.update(new)
        return bool(new)

    def confirmed(self, fingerprints: dict[int, int]) -> dict[int, int]:
        """Those of some fingerprints that this cursor has too."""
        return {key: value for key, value in fingerprints.items() if self.fingerprints.get(key) == value}

    def coverage(self) -> dict[date, Span]:
        """The slices that were written as a whole, by their first day."""
        return {piece.first: (piece.last, piece.written_since, piece.count or 0) for piece in self.slices}

    def restart(self, now: datetime, since: date | None, until: date | None = None) -> None:
        """Read the history again, or some days of it. Open work orders stay known, so that removals are noticed."""
        self.started_at, self.history_at = None, now
        self.step = self.reached = self.new_position = self.looked_at = self.total = None
        self.recent, self.marks, self.known_from, self.slices = set(), [], 0, []
        self.unread = [Unread(since or EARLIEST, until)]
        self.added, self.unread_added = [], []
        self.counts, self.fingerprints = {}, {}

    def read_for(self, names: t.Iterable[str], since: date | None) -> None:
        """Read the history again for child streams that were not selected before."""
        self.added = sorted({*self.added, *names})
        self.unread_added = [Unread(since or EARLIEST, None)]
        for name in names:
            self.counts.pop(name, None)

    def drop_added(self, selected: t.Collection[str]) -> None:
        """Forget the added streams that are not selected any more."""
        self.added = [name for name in self.added if name in selected]
        if not self.added:
            self.unread_added = []

    def forget_before(self, since: date) -> None:
        """Drop what was created before a day; the rest of a slice that contains that day has to be read again."""
        self.slices = [piece for piece in self.slices if piece.last >= since]
        for piece in self.slices[:1]:
            if piece.first < since:
                piece.first, piece.count, piece.position = since, None, None
        self.unread = _from(since, self.unread)
        self.unread_added = _from(since, self.unread_added)


def _from(since: date, unread: list[Unread]) -> list[Unread]:
    """The unread days from a day on."""
    return [
        part if part.first >= since else Unread(since, part.last)
        for part in unread
        if part.last is None or part.last >= since
    ]


def slice_index(day: date | None, firsts: list[date]) -> int:
    """The index of the slice that covers a day, given the first days of all; -1 for none."""
    return -1 if day is None else bisect.bisect_right(firsts, day) - 1


def following(day: date) -> date:
    """The day after a day."""
    return shifted(day, 1)


def shifted(day: date, days: int) -> date:
    """The day this many days later or earlier, within the range that STATE can hold."""
    ordinal = day.toordinal() + days
    return date.fromordinal(min(max(ordinal, EARLIEST.toordinal()), LATEST.toordinal()))
