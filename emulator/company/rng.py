"""Pseudo-random numbers that depend on a key alone, so that any part of a company can be generated on its own."""

from __future__ import annotations

from hashlib import sha1, shake_128
from struct import Struct
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")
_WORDS = 16
_unpack = Struct(f"<{_WORDS}I").unpack


class Rng:
    """A random number generator seeded by a text key: the same key gives the same numbers on every machine."""

    __slots__ = ("_block", "_key", "_position", "_words")

    def __init__(self, key: str) -> None:
        self._key = key
        self._block = 0
        self._position = 0
        self._words: tuple[int, ...] = _unpack(shake_128(key.encode()).digest(_WORDS * 4))

    def below(self, limit: int) -> int:
        """An integer from 0 to `limit` - 1."""
        position = self._position
        if position == _WORDS:
            self._block += 1
            self._words = _unpack(shake_128(f"{self._key}#{self._block}".encode()).digest(_WORDS * 4))
            position = 0
        self._position = position + 1
        return self._words[position] % limit

    def between(self, low: int, high: int) -> int:
        """An integer from `low` to `high`, both inclusive."""
        return low + self.below(high - low + 1)

    def chance(self, percent: float) -> bool:
        """True with a probability of `percent` %."""
        return self.below(10_000) < percent * 100

    def pick(self, choices: Sequence[T]) -> T:
        """One of `choices`."""
        return choices[self.below(len(choices))]

    def sample(self, choices: Sequence[T], count: int) -> list[T]:
        """`count` distinct elements of `choices` in their order (fewer if there are not as many)."""
        left = list(range(len(choices)))
        taken = sorted(left.pop(self.below(len(left))) for _ in range(min(count, len(choices))))
        return [choices[index] for index in taken]

    def cents(self, low: int, high: int) -> float:
        """An amount of money in US dollars, with cents."""
        return self.between(low * 100, high * 100) / 100


def digest(key: str) -> str:
    """40 hexadecimal digits, the form of the API's `correlation_id`."""
    return sha1(key.encode(), usedforsecurity=False).hexdigest()


def uuid(key: str) -> str:
    """A UUID in its text form, derived from `key`."""
    h = shake_128(key.encode()).hexdigest(16)
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:32]}"
