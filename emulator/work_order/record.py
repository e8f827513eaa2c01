"""A complete work order as Python values."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from .facts import Facts
from .sections import SECTIONS, is_sent, section

if TYPE_CHECKING:
    from emulator.company.directory import Directory
    from emulator.company.state import State
    from emulator.json import Json


def full_record(directory: Directory, state: State) -> dict[str, Json]:
    """All sections of a work order, with uncut lists."""
    facts = Facts(directory, state)
    encoded = msgspec.json.encode({name: section(name, facts) for name in SECTIONS if is_sent(name, facts)})
    return cast("dict[str, Json]", msgspec.json.decode(encoded))
