"""A cache of encoded sections: each is encoded once per version of its work order.

A page of a hundred work orders is then a join of cached bytes and takes a few milliseconds; on a miss, only the
requested sections are generated and encoded.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from .facts import Facts
from .payload import DEFAULT, Payload
from .sections import is_sent, section

if TYPE_CHECKING:
    from collections.abc import Sequence

    from emulator.company.company import Company

_encode = msgspec.json.Encoder().encode


class SectionCache:
    """The encoded sections of a company's work orders, at most `limit` bytes; least recently used ones go first."""

    def __init__(self, company: Company, payload: Payload = DEFAULT, limit: int = 96 * 2**20) -> None:
        self._company = company
        self.payload = payload
        self._limit = limit
        self._size = 0
        self._entries: OrderedDict[int, tuple[int, dict[str, bytes]]] = OrderedDict()

    def record(self, index: int, names: Sequence[str]) -> bytes:
        """A work order with these sections, as JSON. The caller holds `company.lock`."""
        cached = self._cached(index)
        missing = [name for name in names if name not in cached]
        if missing:
            facts = Facts(self._company.directory, self._company.state(index), self.payload)
            for name in missing:
                if not is_sent(name, facts):
                    continue
                cached[name] = b'"%b":%b' % (name.encode(), _encode(section(name, facts)))
                self._size += len(cached[name])
            while self._size > self._limit and len(self._entries) > 1:
                _, (_, evicted) = self._entries.popitem(last=False)
                self._size -= sum(map(len, evicted.values()))
        return b"{%b}" % b",".join([cached[name] for name in names if name in cached])

    @property
    def size(self) -> int:
        """The number of cached bytes."""
        return self._size

    def _cached(self, index: int) -> dict[str, bytes]:
        """The cached sections of the current version of a work order."""
        version = self._company.version_at(index)
        entry = self._entries.get(index)
        if entry is None or entry[0] != version:
            if entry is not None:
                self._size -= sum(map(len, entry[1].values()))
            entry = (version, {})
            self._entries[index] = entry
        self._entries.move_to_end(index)
        return entry[1]


def stub(company: Company, index: int) -> bytes:
    """What the API sends of a work order if the request names no columns."""
    return b'{"id":%d,"schedule":{"status_id":%d}}' % (company.id_at(index), company.status_at(index))
