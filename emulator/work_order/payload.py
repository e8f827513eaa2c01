"""How work orders are encoded, apart from what they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from emulator.switches import Switches


@dataclass(frozen=True)
class Payload:
    """What the switches say of the content of work orders.

    `cut` is the maximum number of rows in an embedded list, and `hidden` the number of rows that its total counts
    besides those that the caller may see. `production` adds the keys that only production payloads have.
    """

    cut: int | None = None
    hidden: int = 0
    production: bool = True

    @classmethod
    def by(cls, switches: Switches) -> Payload:
        """The payload that some switches ask for."""
        return cls(switches.embedded_cut, switches.embedded_hidden, switches.production_keys)


DEFAULT = Payload()
