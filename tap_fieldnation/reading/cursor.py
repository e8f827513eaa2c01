"""What a run leaves to the next one: its form in STATE, in ``bookmarks.work_orders.cursor``.

Documented for people in `docs/how-it-reads.md`. Written only after what it speaks of was emitted.
"""

from __future__ import annotations

import itertools
import typing as t
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from tap_fieldnation.api.errors import StateError
from tap_fieldnation.timestamps import parse_utc

VERSION = 1
KEY = "cursor"

# What is known lies between these, and can be reckoned with.
EARLIEST, LATEST = date(1970, 1, 1), date(9000, 1, 1)

START_OVER = "give the run an earlier STATE, or none to read everything again (`meltano run --full-refresh`)"

State = dict[str, t.Any]


@dataclass
class Slice:
    """Work orders by the days of their creation.

    Attributes:
        first: The first day.
        last: The last day.
        count: How many are known of it; None where that has to be found out.
        read_at: When it was last read as a whole.
        due_at: When it is due to be read again, for a `reconcile_days` that does not change.
    """

    first: date
    last: date
    count: int | None
    read_at: datetime
    due_at: datetime


@dataclass
class Position:
    """How far the pass over a slice (or over everything) has come.

    Attributes:
        last: The slice's last day, or None for a pass without days.
        page: The last page that was handed on.
        per_page: Work orders a page.
        total: What the server counted then.
        sent: Ids handed on.
        lowest: The lowest of them.
    """

    last: date | None
    page: int
    per_page: int
    total: int
    sent: int
    lowest: int


@dataclass
class History:
    """Days of creation that are still to be read.

    Attributes:
        started_at: When the first run that reads it began.
        next: The first day not read yet; None where the oldest day is still to be found out.
        last: The last day to read; None for 'until now'.
        total: How many work orders the API counted in it at the start; None for unknown.
        position: How far the current slice has come, or None between slices.
    """

    started_at: datetime
    next: date | None
    last: date | None
    position: Position | None = None
    total: int | None = None


@dataclass
class Cursor:
    """Everything that a run leaves to the next one.

    Attributes:
        company_id: Whose work orders these are.
        started_at: When the last complete run began.
        since: The `start_date` that was read from, or None.
        created_filter: The name of the creation filter that the server understands; "" for none; None for unknown.
        streams: The streams that every run since the history has served.
        open: Ids of the work orders that can still change.
        reached: The id up to which an interrupted run has read the open ones again.
        slices: What was read, by day of creation.
        history: What was not read yet, or None.
        counts: Stream -> open work order -> how many rows of the stream it showed when they were last read.
        recent: Ids of work orders created shortly before or since `started_at`, which the next run meets again.
        total: What the API counted at the end of the last complete run.
    """

    company_id: int | None = None
    started_at: datetime | None = None
    since: date | None = None
    created_filter: str | None = None
    streams: list[str] = field(default_factory=list)
    open: set[int] = field(default_factory=set)
    reached: int | None = None
    slices: list[Slice] = field(default_factory=list)
    history: History | None = None
    counts: dict[str, dict[int, int]] = field(default_factory=dict)
    recent: set[int] = field(default_factory=set)
    total: int | None = None

    def to_state(self) -> State:
        """As plain JSON values, small and readable; ids as the first one and the differences from then on."""
        state: State = {"version": VERSION, "streams": self.streams}
        optional = {
            "company_id": self.company_id,
            "started_at": _text(self.started_at),
            "since": _text(self.since),
            "created_filter": self.created_filter,
            "open": _differences(self.open),
            "reached": self.reached,
            "recent": _differences(self.recent),
            "total": self.total,
        }
        state.update((name, value) for name, value in optional.items() if value is not None and value != [])
        # A list a stream, in the order of the open ids.
        counts = {name: [known.get(one, 0) for one in sorted(self.open)] for name, known in self.counts.items()}
        if any(map(any, counts.values())):
            state["counts"] = {name: numbers for name, numbers in counts.items() if any(numbers)}
        state["slices"] = [
            [_text(piece.first), _text(piece.last), piece.count, _text(piece.read_at), _text(piece.due_at)]
            for piece in self.slices
        ]
        if self.history:
            state["history"] = _history_state(self.history)
        return state


def from_state(state: object) -> Cursor | None:
    """The cursor that a STATE holds, or None where it holds none.

    Raises:
        StateError: It is of a newer version, or damaged; says how to go on.
    """
    if state is None:
        return None
    place = KEY
    try:
        if not isinstance(state, dict):
            raise TypeError  # noqa: TRY301
        place = "version"
        version = _integer(state["version"])
        if version > VERSION:
            raise StateError(
                f"The STATE was written by a newer version of tap-fieldnation (its cursor is of version {version}, "
                f"this one knows {VERSION}): upgrade the tap, or {START_OVER}."
            )
        cursor = Cursor()
        for place, read in _READERS.items():
            if place in state:
                setattr(cursor, place, read(state[place]))
        place = "counts"
        cursor.counts = _counts(state.get(place, {}), sorted(cursor.open))
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, IndexError):
        cursor = None
    if cursor is None:
        raise StateError(f"The STATE is damaged at bookmarks.work_orders.{KEY}, {place!r}: {START_OVER}.")
    return cursor


def _text(value: date | datetime | None) -> str | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return f"{value.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
    return value.isoformat()


def _history_state(history: History) -> State:
    state: State = {"started_at": _text(history.started_at)}
    if history.next:
        state["next"] = _text(history.next)
    if history.last:
        state["last"] = _text(history.last)
    if history.total is not None:
        state["total"] = history.total
    if position := history.position:
        state["position"] = [
            _text(position.last),
            position.page,
            position.per_page,
            position.total,
            position.sent,
            position.lowest,
        ]
    return state


def _differences(ids: set[int]) -> list[int]:
    ordered = sorted(ids)
    return [following - before for before, following in zip([0, *ordered], ordered, strict=False)]


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError
    return value


def _natural(value: object) -> int:
    if (number := _integer(value)) < 0:
        raise ValueError
    return number


def _ids(value: object) -> set[int]:
    if not isinstance(value, list):
        raise TypeError
    return set(itertools.accumulate(_integer(item) for item in value))


def _moment(value: object) -> datetime:
    at = parse_utc(value)
    if at is None or not EARLIEST.year <= at.year <= LATEST.year:
        raise ValueError
    return at


def _day(value: object) -> date:
    if not isinstance(value, str):
        raise TypeError
    if (day := date.fromisoformat(value)) < EARLIEST:
        raise ValueError
    return day


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _slice(value: t.Any) -> Slice:
    first, last, count, read_at, due_at = value
    piece = Slice(
        _day(first), _day(last), None if count is None else _natural(count), _moment(read_at), _moment(due_at)
    )
    if piece.first > piece.last:
        raise ValueError
    return piece


def _slices(value: t.Any) -> list[Slice]:
    if not isinstance(value, list):
        raise TypeError
    slices = [_slice(item) for item in value]
    if any(one.last >= other.first for one, other in itertools.pairwise(slices)):
        raise ValueError
    return slices


def _position(value: t.Any) -> Position:
    last, *numbers = value
    page, per_page, total, sent, lowest = (_integer(number) for number in numbers)
    if page < 1 or per_page < 1 or total < 0 or sent < 0:
        raise ValueError
    return Position(None if last is None else _day(last), page, per_page, total, sent, lowest)


def _history(value: t.Any) -> History:
    return History(
        _moment(value["started_at"]),
        _day(value["next"]) if "next" in value else None,
        _day(value["last"]) if "last" in value else None,
        _position(value["position"]) if "position" in value else None,
        _natural(value["total"]) if "total" in value else None,
    )


def _counts(value: t.Any, ids: list[int]) -> dict[str, dict[int, int]]:
    counts = {}
    for name, numbers in value.items():
        if len(numbers) != len(ids):
            raise ValueError
        counts[_str(name)] = {one: _natural(number) for one, number in zip(ids, numbers, strict=True) if number}
    return counts


def _names(value: object) -> list[str]:
    if not isinstance(value, list):
        raise TypeError
    return [_str(item) for item in value]


_READERS: t.Mapping[str, t.Callable[[t.Any], t.Any]] = {
    "company_id": _natural,
    "started_at": _moment,
    "since": _day,
    "created_filter": _str,
    "streams": _names,
    "open": _ids,
    "reached": _integer,
    "recent": _ids,
    "total": _natural,
    "slices": _slices,
    "history": _history,
}

DAY = timedelta(days=1)
