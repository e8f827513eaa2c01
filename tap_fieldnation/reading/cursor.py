"""What a run leaves to the next one: its form in STATE, in ``bookmarks.work_orders.cursor``.

Written only after the records that it speaks of were emitted. `docs/how-it-reads.md` documents it for users.

All keys are written every time, and every value is a scalar or a list. Orchestrators merge states key by key (Meltano:
`--merge-state`, partial states), so a key that one state omits would come back from an older one.
"""

from __future__ import annotations

import bisect
import itertools
import typing as t
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

import msgspec

from tap_fieldnation.api.errors import StateError
from tap_fieldnation.reading.bookmarks import CURSOR, START_OVER
from tap_fieldnation.reading.packing import (
    pack_counts,
    pack_fingerprints,
    pack_ids,
    unpack_counts,
    unpack_fingerprints,
    unpack_ids,
)

VERSION = 2

# Creation days in STATE are between these. Field Nation is younger than the first.
EARLIEST, LATEST = date(1970, 1, 1), date(9000, 1, 1)
DAY = timedelta(days=1)

# How far a moment in STATE may be ahead of this machine's clock before it counts as wrong.
CLOCK_TOLERANCE = timedelta(minutes=5)

NO_FILTER = ""

# An account with no more work orders than that is read as a whole once a day.
SMALL_ACCOUNT = 1_000

T = t.TypeVar("T")
Natural = t.Annotated[int, msgspec.Meta(ge=0)]
Positive = t.Annotated[int, msgspec.Meta(ge=1)]


class Position(msgspec.Struct, array_like=True):
    """How far an interrupted pass has come.

    Attributes:
        began_at: When the pass began.
        last: The last day of its creation filter; None for a pass without one.
        page: The last page that was emitted.
        per_page: Work orders a page.
        total: What the server counted then.
        sent: How many ids were emitted.
        lowest: The lowest of them.
        highest: The highest id when the pass began.
        whole: Whether all of its work orders are written, those that did not change included.
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
        count: How many the API counts, as far as is known; None where what was read does not add up.
        read_at: Since when all of it was read.
        due_at: When it is due to be read and written again.
        checked_at: When its count was last compared with the API's.
        position: How far an interrupted reading has come.
        written_at: Since when all of it was written, changed or not; None for `read_at`.
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
        """Since when each of its work orders was written."""
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


# Of a slice: its last day, since when all of it was written, and how many work orders it has.
Span = tuple[date | None, datetime, int]


class _Form(msgspec.Struct):
    """The keys of the cursor in STATE. Ids are the first one, then the differences from one to the next."""

    version: int
    company_id: Natural | None = None
    started_at: datetime | None = None
    ran_at: datetime | None = None
    history_at: datetime | None = None
    since: date | None = None
    created_filter: str | None = None
    filter_echoed: bool = False
    streams: list[str] = []
    step: str | None = None
    reached: int | None = None
    open: list[int] = []
    open_slices: list[tuple[int, Positive]] = []
    removed: list[int] = []
    recent: list[int] = []
    marks: list[Mark] = []
    known_from: Natural = 0
    looked_at: datetime | None = None
    new_position: Position | None = None
    counts: list[tuple[str, str | list[Natural]]] = []  # a list in the first STATEs of this version
    slices: list[Slice] = []
    unread: list[Unread] = []
    added: list[str] = []
    unread_added: list[Unread] = []
    total: Natural | None = None
    fingerprints: str = ""
    closed: list[int] = []


class _FirstForm(msgspec.Struct):
    """What is kept of version 1."""

    company_id: Natural | None = None
    created_filter: str | None = None
    open: list[int] = []


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
        filter_echoed: Whether the server echoes it.
        streams: The streams that every run since the history included.
        step: The step of `steps` in which the last run was interrupted, or None.
        reached: The id at which an interrupted run stopped reading the open work orders.
        open: The work orders that can still change, with the day of their creation where it is known.
        removed: Ids that were recorded as removed lately: requested again, since some come back.
        recent: The known ids above the first of the `marks`.
        known_from: Above this id, all that is known is in `recent`, and counted in `slices`.
        marks: Highest ids at earlier times, oldest first.
        looked_at: When everything from the first of the `marks` on was last read.
        new_position: How far an interrupted reading of new work orders has come.
        counts: Stream -> open work order -> the number of the stream's rows that it showed last.
        slices: The history that was read, oldest first, without gaps.
        unread: The history that was not read yet.
        added: The child streams that were selected after the history was read, while it is read again for them.
        unread_added: The history that was not read yet for them.
        total: What the API counted when the history was begun.
        fingerprints: Work order -> a hash of what was last written of it and of its child records.
        corrected: Whether moments in the STATE were ahead of this machine's clock.
    """

    company_id: int | None = None
    started_at: datetime | None = None
    ran_at: datetime | None = None
    history_at: datetime | None = None
    since: date | None = None
    created_filter: str | None = None
    filter_echoed: bool = False
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
        """How many work orders the slices hold."""
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
        index = _index_of(day, [piece.first for piece in self.slices])
        return self.slices[index] if index >= 0 and day and day <= self.slices[index].last else None

    def change_count(self, day: date | None, change: int) -> None:
        """Count one work order more or less in the slice of its creation day."""
        piece = self.slice_of(day)
        if piece and piece.count is not None:
            piece.count = max(0, piece.count + change)

    def put_slice(self, new: Slice) -> None:
        """Replace whatever covers the days of a slice by it."""
        others = [piece for piece in self.slices if piece.last < new.first or piece.first > new.last]
        self.slices = sorted([*others, new], key=lambda piece: piece.first)

    def follow(self, found: dict[int, date | None]) -> bool:
        """Add open work orders; whether there are any that were not known."""
        new = {work_order: day for work_order, day in found.items() if work_order not in self.open}
        self.open.update(new)
        return bool(new)

    def confirmed(self, fingerprints: dict[int, int]) -> dict[int, int]:
        """Of some fingerprints, those that this cursor has too."""
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
        """Drop what was created before a day; what is left of a slice across it has to be read again."""
        self.slices = [piece for piece in self.slices if piece.last >= since]
        for piece in self.slices[:1]:
            if piece.first < since:
                piece.first, piece.count, piece.position = since, None, None
        self.unread = _from(since, self.unread)
        self.unread_added = _from(since, self.unread_added)

    def to_state(self) -> dict[str, t.Any]:
        """As plain JSON values."""
        ids = sorted(self.open)
        recent = sorted(self.recent.difference(ids))
        closed = sorted(self.fingerprints.keys() - self.open.keys() - self.recent) if self.is_small else []
        form = _Form(
            version=VERSION,
            company_id=self.company_id,
            started_at=self.started_at,
            ran_at=self.ran_at,
            history_at=self.history_at,
            since=self.since,
            created_filter=self.created_filter,
            filter_echoed=self.filter_echoed,
            streams=self.streams,
            step=self.step,
            reached=self.reached,
            open=pack_ids(ids),
            open_slices=self._open_slices(ids),
            removed=pack_ids(sorted(self.removed)),
            recent=pack_ids(sorted(self.recent)),
            marks=self.marks,
            known_from=self.known_from,
            looked_at=self.looked_at,
            new_position=self.new_position,
            counts=[
                (name, pack_counts([known.get(work_order, 0) for work_order in ids]))
                for name, known in sorted(self.counts.items())
            ],
            slices=self.slices,
            unread=self.unread,
            added=self.added,
            unread_added=self.unread_added,
            total=self.total,
            fingerprints=pack_fingerprints(
                [self.fingerprints.get(work_order, 0) for work_order in (*ids, *recent, *closed)]
            ),
            closed=pack_ids(closed),
        )
        return t.cast("dict[str, t.Any]", msgspec.to_builtins(form))

    def _open_slices(self, ids: list[int]) -> list[tuple[int, int]]:
        """For the open ids in their order: the number of the slice that counts them (-1 for none), and how many."""
        firsts = [piece.first for piece in self.slices]
        last = self.slices[-1].last if self.slices else EARLIEST
        days = (self.open[work_order] for work_order in ids)
        indexes = (-1 if day is None or day > last else _index_of(day, firsts) for day in days)
        return [(index, sum(1 for _ in run)) for index, run in itertools.groupby(indexes)]


def company_id_in(state: t.Mapping[str, t.Any]) -> int | None:
    """The company that a whole STATE belongs to, or None."""
    saved = state.get("bookmarks", {}).get("work_orders", {}).get(CURSOR)
    company_id = saved.get("company_id") if isinstance(saved, dict) else None
    return company_id if type(company_id) is int else None


def from_state(state: object, now: datetime) -> Cursor | None:
    """The cursor that a STATE holds, or None where it holds none.

    Args:
        state: The value of the key `cursor`.
        now: The current time. Moments after it were written by a clock that was wrong, and are corrected.

    Raises:
        StateError: It is of a newer version, or damaged; says how to go on.
    """
    if state is None:
        return None
    version = state.get("version") if isinstance(state, dict) else None
    if type(version) is int and version > VERSION:
        raise StateError(
            f"The STATE was written by a newer version of tap-fieldnation (its cursor has version {version}, this "
            f"one knows {VERSION}): upgrade the tap, or {START_OVER}."
        )
    place = "version"
    try:
        if not isinstance(state, dict) or type(version) is not int:
            raise TypeError  # noqa: TRY301
        place = "cursor"
        cursor = (
            _from_first_form(msgspec.convert(state, _FirstForm))
            if version == 1
            else _from_form(msgspec.convert(state, _Form))
        )
    except msgspec.ValidationError as error:
        place = str(error).rpartition("`$")[2].rstrip("`").lstrip(".") or "cursor"
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, IndexError) as error:
        place = str(error) if isinstance(error, _DamagedError) else place
    else:
        _correct_clocks(cursor, now)
        return cursor
    raise StateError(f"The STATE is damaged at bookmarks.work_orders.{CURSOR}, {place!r}: {START_OVER}.")


def _from(since: date, unread: list[Unread]) -> list[Unread]:
    """What is unread from a day on."""
    return [
        part if part.first >= since else Unread(since, part.last)
        for part in unread
        if part.last is None or part.last >= since
    ]


class _DamagedError(ValueError):
    """A value that fits its type but not the others; its text is the key."""


def _index_of(day: date | None, firsts: list[date]) -> int:
    """The number of the slice that covers a day, given their first days; -1 for none."""
    return -1 if day is None else bisect.bisect_right(firsts, day) - 1


def following(day: date) -> date:
    """The day after a day."""
    return shifted(day, 1)


def shifted(day: date, days: int) -> date:
    """A day some days later or earlier, within what STATE can hold."""
    ordinal = day.toordinal() + days
    return date.fromordinal(min(max(ordinal, EARLIEST.toordinal()), LATEST.toordinal()))


def _from_form(form: _Form) -> Cursor:
    _check_days(form)
    ids = _unpack("open", unpack_ids, form.open)
    days = [
        form.slices[index].first if 0 <= index < len(form.slices) else None
        for index, count in form.open_slices
        for _ in range(min(count, len(ids)))
    ]
    if len(days) != len(ids):
        raise _DamagedError("open_slices")
    recent = set(_unpack("recent", unpack_ids, form.recent))
    fingerprinted = [*ids, *sorted(recent.difference(ids)), *_unpack("closed", unpack_ids, form.closed)]
    fingerprints = _unpack("fingerprints", unpack_fingerprints, form.fingerprints, len(fingerprinted))
    return Cursor(
        company_id=form.company_id,
        started_at=form.started_at,
        ran_at=form.ran_at,
        history_at=form.history_at,
        since=form.since,
        created_filter=form.created_filter,
        filter_echoed=form.filter_echoed,
        streams=form.streams,
        step=form.step,
        reached=form.reached,
        open=dict(zip(ids, days, strict=True)),
        removed=set(_unpack("removed", unpack_ids, form.removed)),
        recent=recent,
        marks=form.marks,
        known_from=form.known_from,
        looked_at=form.looked_at,
        new_position=form.new_position,
        counts={name: _unpack("counts", _counts, known, ids) for name, known in form.counts},
        slices=form.slices,
        unread=form.unread,
        added=form.added,
        unread_added=form.unread_added,
        total=form.total,
        fingerprints={key: value for key, value in zip(fingerprinted, fingerprints, strict=True) if value},
    )


def _from_first_form(form: _FirstForm) -> Cursor:
    """Of version 1, which could not be merged, the open work orders are kept; the history is read again."""
    ids = _unpack("open", unpack_ids, form.open)
    return Cursor(company_id=form.company_id, created_filter=form.created_filter, open=dict.fromkeys(ids))


def _unpack(place: str, unpack: t.Callable[..., T], *packed: t.Any) -> T:
    """What a packed value of the cursor holds; damage is said to be in its place."""
    try:
        return unpack(*packed)
    except ValueError:
        raise _DamagedError(place) from None


def _counts(known: str | list[int], ids: list[int]) -> dict[int, int]:
    numbers = unpack_counts(known, len(ids)) if isinstance(known, str) else known
    return {work_order: number for work_order, number in zip(ids, numbers, strict=True) if number}


def _check_days(form: _Form) -> None:
    """Whether slices are in order, and all days and moments such as can be calculated with."""
    days: dict[str, t.Sequence[Slice | Unread]] = {
        "slices": form.slices,
        "unread": form.unread,
        "unread_added": form.unread_added,
    }
    for place, first, last in ((place, part.first, part.last) for place, parts in days.items() for part in parts):
        if first < EARLIEST or (last is not None and not first <= last <= LATEST):
            raise _DamagedError(place)
    if any(before.last >= after.first for before, after in itertools.pairwise(form.slices)):
        raise _DamagedError("slices")
    moments: dict[str, list[datetime | None]] = {
        "started_at": [form.started_at],
        "ran_at": [form.ran_at],
        "history_at": [form.history_at],
        "looked_at": [form.looked_at],
        "marks": [mark.at for mark in form.marks],
        "slices": [
            at for piece in form.slices for at in (piece.read_at, piece.due_at, piece.checked_at, piece.written_at)
        ],
    }
    for place, values in moments.items():
        if any(at and (at.tzinfo is None or not EARLIEST.year <= at.year <= LATEST.year) for at in values):
            raise _DamagedError(place)


def _correct_clocks(cursor: Cursor, now: datetime) -> None:
    """Treat what was stamped by a clock that was ahead as long due."""
    latest = now + CLOCK_TOLERANCE
    past = datetime(EARLIEST.year, EARLIEST.month, EARLIEST.day, tzinfo=timezone.utc)
    stamps = [
        cursor.started_at,
        cursor.ran_at,
        cursor.history_at,
        cursor.looked_at,
        *(mark.at for mark in cursor.marks),
    ]
    stamps += [at for piece in cursor.slices for at in (piece.read_at, piece.checked_at, piece.written_since)]
    cursor.corrected = any(at and at > latest for at in stamps)
    if not cursor.corrected:
        return
    cursor.started_at = cursor.started_at and min(cursor.started_at, now)
    cursor.ran_at = cursor.ran_at and min(cursor.ran_at, now)
    cursor.history_at = cursor.history_at and min(cursor.history_at, now)
    cursor.looked_at = None
    cursor.marks = [Mark(past if mark.at > latest else mark.at, mark.highest) for mark in cursor.marks]
    for piece in cursor.slices:
        if piece.read_at > latest or piece.written_since > latest:
            piece.read_at, piece.due_at, piece.written_at = past, now, past
        piece.checked_at = past
