"""Work orders as bytes. A section is encoded once per version of its work order and then served from memory.

A page of a hundred work orders is a join of such fragments, so it costs the emulator a few milliseconds;
the first reading of a work order costs the drawing and encoding of the sections that were asked for, no
others.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, cast

import msgspec

from .facts import Facts
from .sections import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from emulator.company.company import Company
    from emulator.json import Json

_encode = msgspec.json.Encoder().encode
_COMMA = b","


class Content:
    """The fragments of one company, at most `limit` bytes of them, the least recently used dropped first."""

    def __init__(self, company: Company, cut: int | None = None, limit: int = 96 * 2**20) -> None:
        self._company = company
        self._cut = cut
        self._limit = limit
        self._held = 0
        self._kept: OrderedDict[int, tuple[int, dict[str, bytes]]] = OrderedDict()

    def item(self, place: int, sections: Iterable[str]) -> bytes:
        """One work order with these sections, as JSON. Call it under `company.lock`."""
        fragments, missing = self._fragments(place, sections)
        if missing:
            facts = Facts(self._company.directory, self._company.state(place), self._cut)
            for name in missing:
                fragment = b'"%b":%b' % (name.encode(), _encode(SECTIONS[name](facts)))
                fragments[name] = fragment
                self._held += len(fragment)
            while self._held > self._limit and len(self._kept) > 1:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._held -= sum(map(len, dropped.values()))
        return b"{%b}" % _COMMA.join([fragments[name] for name in sections])

    @property
    def held(self) -> int:
        """Bytes that are kept."""
        return self._held

    def _fragments(self, place: int, sections: Iterable[str]) -> tuple[dict[str, bytes], list[str]]:
        version = self._company.version_at(place)
        kept = self._kept.get(place)
        if kept is None or kept[0] != version:
            if kept is not None:
                self._held -= sum(map(len, kept[1].values()))
            kept = (version, {})
            self._kept[place] = kept
        self._kept.move_to_end(place)
        fragments = kept[1]
        return fragments, [name for name in sections if name not in fragments]


def decoded(company: Company, place: int) -> dict[str, Json]:
    """A whole work order as Python values, with nothing cut."""
    facts = Facts(company.directory, company.state(place))
    return cast(
        "dict[str, Json]",
        msgspec.json.decode(_encode({name: section(facts) for name, section in SECTIONS.items()})),
    )


def stub(company: Company, place: int) -> bytes:
    """What the API sends of a work order when no columns were named: hardly anything."""
    return b'{"id":%d,"schedule":{"status_id":%d}}' % (company.id_at(place), company.status_at(place))
