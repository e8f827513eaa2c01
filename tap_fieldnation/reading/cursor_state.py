"""The format of the cursor in STATE (``bookmarks.work_orders.cursor``).

It is written only after the records that it covers were emitted. `docs/how-it-reads.md` documents it for users.

All keys are written every time, and every value is a scalar or a list. Orchestrators merge states key by key (Meltano:
`--merge-state`, partial states), so a key that one state omits would come back from an older one.
"""

from __future__ import annotations

import itertools
import typing as t
from datetime import date, datetime, timezone

import msgspec

from tap_fieldnation.api.errors import StateError
from tap_fieldnation.reading.bookmarks import CLOCK_TOLERANCE, CURSOR, START_OVER
from tap_fieldnation.reading.cursor import (
    EARLIEST,
    LATEST,
    Cursor,
    Mark,
    Natural,
    Position,
    Positive,
    Slice,
    Unread,
    following,
    slice_index,
)
from tap_fieldnation.reading.packing import (
    pack_counts,
    pack_fingerprints,
    pack_ids,
    unpack_counts,
    unpack_fingerprints,
    unpack_ids,
)

VERSION = 2

T = t.TypeVar("T")


class _Form(msgspec.Struct):
    """The keys of the cursor in STATE. Ids are stored as the first one, then the differences between neighbors."""

    version: int
    company_id: Natural | None = None
    started_at: datetime | None = None
    ran_at: datetime | None = None
    history_at: datetime | None = None
    since: date | None = None
    created_filter: str | None = None
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
    """The keys of version 1 that are still of use."""

    company_id: Natural | None = None
    created_filter: str | None = None
    open: list[int] = []


_PACKED = {"version", "open", "open_slices", "removed", "recent", "counts", "fingerprints", "closed"}
# The attributes of the cursor that STATE has as they are.
_PLAIN = [name for name in _Form.__struct_fields__ if name not in _PACKED]


def to_state(cursor: Cursor) -> dict[str, t.Any]:
    """The value for STATE, in plain JSON types."""
    ids = sorted(cursor.open)
    recent = sorted(cursor.recent.difference(ids))
    closed = sorted(cursor.fingerprints.keys() - cursor.open.keys() - cursor.recent) if cursor.is_small else []
    form = _Form(
        version=VERSION,
        open=pack_ids(ids),
        open_slices=_open_slices(cursor, ids),
        removed=pack_ids(sorted(cursor.removed)),
        recent=pack_ids(sorted(cursor.recent)),
        counts=[
            (name, pack_counts([known.get(work_order, 0) for work_order in ids]))
            for name, known in sorted(cursor.counts.items())
        ],
        fingerprints=pack_fingerprints(
            [cursor.fingerprints.get(work_order, 0) for work_order in (*ids, *recent, *closed)]
        ),
        closed=pack_ids(closed),
        **{name: getattr(cursor, name) for name in _PLAIN},
    )
    return t.cast("dict[str, t.Any]", msgspec.to_builtins(form))


def _open_slices(cursor: Cursor, ids: list[int]) -> list[tuple[int, int]]:
    """The runs of open ids that the same slice counts: the slice's index (-1 for none), and the number of ids."""
    firsts = [piece.first for piece in cursor.slices]
    last = cursor.slices[-1].last if cursor.slices else EARLIEST
    days = (cursor.open[work_order] for work_order in ids)
    indexes = (-1 if day is None or day > last else slice_index(day, firsts) for day in days)
    return [(index, sum(1 for _ in run)) for index, run in itertools.groupby(indexes)]


def company_id_in(state: t.Mapping[str, t.Any]) -> int | None:
    """The company that an entire STATE belongs to, or None."""
    saved = state.get("bookmarks", {}).get("work_orders", {}).get(CURSOR)
    company_id = saved.get("company_id") if isinstance(saved, dict) else None
    return company_id if type(company_id) is int else None


def from_state(state: object, now: datetime) -> Cursor | None:
    """The cursor in a STATE, or None if there is none.

    Args:
        state: The value of the key `cursor`.
        now: The current time. Later times were written by a clock that was wrong, and are corrected.

    Raises:
        StateError: It has a newer version, or is damaged; the text says what to do.
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
        if version == 1:
            cursor = _from_first_form(msgspec.convert(state, _FirstForm))
        else:
            cursor = _from_form(msgspec.convert(state, _Form))
    except msgspec.ValidationError as error:
        place = str(error).rpartition("`$")[2].rstrip("`").lstrip(".") or "cursor"
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, IndexError) as error:
        place = str(error) if isinstance(error, _DamagedError) else place
    else:
        _correct_clocks(cursor, now)
        return cursor
    raise StateError(f"The STATE is damaged at bookmarks.work_orders.{CURSOR}, {place!r}: {START_OVER}.")


class _DamagedError(ValueError):
    """A value has the right type but contradicts other values; the text is the key."""


def _from_form(form: _Form) -> Cursor:
    form.unread = [part for part in form.unread if not _is_just_read(part)]
    form.unread_added = [part for part in form.unread_added if not _is_just_read(part)]
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
        open=dict(zip(ids, days, strict=True)),
        removed=set(_unpack("removed", unpack_ids, form.removed)),
        recent=recent,
        counts={name: _unpack("counts", _counts, known, ids) for name, known in form.counts},
        fingerprints={key: value for key, value in zip(fingerprinted, fingerprints, strict=True) if value},
        **{name: getattr(form, name) for name in _PLAIN},
    )


def _is_just_read(part: Unread) -> bool:
    """Whether all days were read; the first versions wrote a STATE before they removed such a part."""
    return part.is_read and part.first == following(part.last or LATEST)


def _from_first_form(form: _FirstForm) -> Cursor:
    """The cursor of version 1, which could not be merged: the open work orders are kept, the history is read again."""
    ids = _unpack("open", unpack_ids, form.open)
    return Cursor(company_id=form.company_id, created_filter=form.created_filter, open=dict.fromkeys(ids))


def _unpack(place: str, unpack: t.Callable[..., T], *packed: t.Any) -> T:
    """Unpack a value of the cursor; damage is reported with the key of the value."""
    try:
        return unpack(*packed)
    except ValueError:
        raise _DamagedError(place) from None


def _counts(known: str | list[int], ids: list[int]) -> dict[int, int]:
    numbers = unpack_counts(known, len(ids)) if isinstance(known, str) else known
    return {work_order: number for work_order, number in zip(ids, numbers, strict=True) if number}


def _check_days(form: _Form) -> None:
    """Check that the slices are in order, and that all days and times are within the supported range."""
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
    """Treat whatever has a timestamp from a clock that was ahead as long overdue."""
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
