"""Compact encodings of long lists of numbers in STATE, which is written after each page."""

from __future__ import annotations

import base64
import itertools
import typing as t
import zlib

if t.TYPE_CHECKING:
    from collections.abc import Sequence

FINGERPRINT_BYTES = 6


def pack_ids(ids: Sequence[int]) -> list[int]:
    """Encode ascending ids as the first one, followed by the differences from one to the next."""
    return [following - before for before, following in zip([0, *ids], ids, strict=False)]


def unpack_ids(differences: Sequence[int]) -> list[int]:
    """Decode ids that `pack_ids` encoded.

    Raises:
        ValueError: They are not ascending.
    """
    if any(difference <= 0 for difference in differences[1:]):
        raise ValueError
    return list(itertools.accumulate(differences))


def pack_fingerprints(fingerprints: Sequence[int]) -> str:
    """Encode fingerprints as six bytes each, in base 85; empty if all of them are 0, which means that there is none."""
    data = b"".join(fingerprint.to_bytes(FINGERPRINT_BYTES, "big") for fingerprint in fingerprints)
    return base64.b85encode(data).decode() if any(data) else ""


def unpack_fingerprints(text: str, length: int) -> list[int]:
    """Decode this many fingerprints.

    Raises:
        ValueError: There are more, or fewer.
    """
    data = base64.b85decode(text)
    if len(data) not in {0, length * FINGERPRINT_BYTES}:
        raise ValueError
    return _split(data, FINGERPRINT_BYTES) if data else [0] * length


def pack_counts(counts: Sequence[int]) -> str:
    """Encode counts as the list of distinct values and, compressed, the index of the value in each place."""
    values = sorted(set(counts))
    places = {value: place for place, value in enumerate(values)}
    data = b"".join(places[count].to_bytes(_width(values), "big") for count in counts)
    return f"{','.join(map(str, values))} {base64.b85encode(zlib.compress(data)).decode()}"


def unpack_counts(text: str, length: int) -> list[int]:
    """Decode this many counts.

    Raises:
        ValueError: There are more, or fewer, or they cannot be decoded.
    """
    head, _, tail = text.partition(" ")
    values = [int(value) for value in head.split(",") if value]
    try:
        data = zlib.decompressobj().decompress(base64.b85decode(tail), _width(values) * length + 1)
        counts = [values[place] for place in _split(data, _width(values))]
    except (IndexError, zlib.error) as error:
        raise ValueError from error
    if len(counts) != length:
        raise ValueError
    return counts


def _width(values: Sequence[int]) -> int:
    """How many bytes an index into these values takes."""
    return max(1, (len(values).bit_length() + 7) // 8)


def _split(data: bytes, width: int) -> list[int]:
    return [int.from_bytes(data[start : start + width], "big") for start in range(0, len(data), width)]
