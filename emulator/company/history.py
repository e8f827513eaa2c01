"""Records of what happened to the company's work orders."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One change. `request` is the number of API requests before it, `at` an instant."""

    number: int
    request: int
    at: int
    kind: str
    work_order_id: int
    detail: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """A point in the history: the number of changes before it, and the work orders visible at it."""

    changes: int
    visible: frozenset[int]
