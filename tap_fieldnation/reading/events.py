"""What the steps of a run yield, and what is written of it."""

from __future__ import annotations

import enum
import typing as t
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tap_fieldnation.api.work_orders import Record


class Scope(enum.Enum):
    """Which of the work orders that are read are written."""

    ALL = enum.auto()
    CHANGED = enum.auto()  # since they were last written, as far as their fingerprints show; without one, all
    ADDED_STREAMS = enum.auto()  # the same, but without a fingerprint only the rows of the added streams


class Write(enum.Enum):
    """What to write for a work order that was read."""

    ALL = enum.auto()
    ADDED_STREAMS = enum.auto()  # the rows of the streams that were selected after it was written
    NOTHING = enum.auto()


class Outcome(t.NamedTuple):
    """The outcome of reading some days.

    Attributes:
        total: What the API counts in them; None if it repeatedly counted more than it returned.
        read_at: When the reading began.
        scope: Which of them were written.
    """

    total: int | None
    read_at: datetime
    scope: Scope


@dataclass(frozen=True)
class Batch:
    """Work orders to write, from one page.

    Attributes:
        records: The work orders.
        received_at: When they were received.
        scope: Which of them are written.
        read_again: Ids of those that the next run reads again, so that their fingerprints are kept.
    """

    records: Sequence[Record]
    received_at: datetime
    scope: Scope = Scope.ALL
    read_again: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Removal:
    """Open work orders that the API no longer returns."""

    ids: Sequence[int]
    detected_at: datetime


Event = Batch | Removal
