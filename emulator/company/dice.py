"""Draws that depend on a key alone, so that a company can be rebuilt piece by piece from its seed."""

from __future__ import annotations

from hashlib import sha1, shake_128
from struct import Struct
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
_WORDS = 16
_unpack = Struct(f"<{_WORDS}I").unpack


class Dice:
    """A sequence of draws made from a text key: the same key gives the same draws on every machine."""

    __slots__ = ("_at", "_key", "_round", "_words")

    def __init__(self, key: str) -> None:
        self._key = key
        self._round = 0
        self._at = 0
        self._words: tuple[int, ...] = _unpack(shake_128(key.encode()).digest(_WORDS * 4))

    def below(self, limit: int) -> int:
        """An integer from 0 to `limit` - 1."""
        at = self._at
        if at == _WORDS:
            self._round += 1
            self._words = _unpack(shake_128(f"{self._key}#{self._round}".encode()).digest(_WORDS * 4))
            at = 0
        self._at = at + 1
        return self._words[at] % limit

    def between(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both possible."""
        return low + self.below(high - low + 1)

    def chance(self, percent: float) -> bool:
        """True in `percent` of 100 draws."""
        return self.below(10_000) < percent * 100

    def pick(self, choices: Sequence[T]) -> T:
        """One of `choices`."""
        return choices[self.below(len(choices))]

    def some(self, choices: Sequence[T], count: int) -> list[T]:
        """`count` different ones of `choices`, in their own order (fewer where there are not as many)."""
        left = list(range(len(choices)))
        taken = sorted(left.pop(self.below(len(left))) for _ in range(min(count, len(choices))))
        return [choices[at] for at in taken]

    def cents(self, low: int, high: int) -> float:
        """An amount of money in US dollars, with cents."""
        return self.between(low * 100, high * 100) / 100


def digest(key: str) -> str:
    """40 hexadecimal digits, the form of the API's `correlation_id`."""
    return sha1(key.encode(), usedforsecurity=False).hexdigest()


def uuid(key: str) -> str:
    """A UUID in its text form, made from `key`."""
    h = shake_128(key.encode()).hexdigest(16)
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:32]}"
