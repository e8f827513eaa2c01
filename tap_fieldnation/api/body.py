"""Decompresses a body piece by piece, up to a limit, so that a small response cannot use all memory."""

from __future__ import annotations

import typing as t
import zlib

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# The `Accept-Encoding` of the requests. `zlib` can stop at a limit; decoders of other encodings may not be able to.
ENCODINGS = "gzip, deflate"

# A page has up to 100 work orders of usually 20 to 200 kB. As many responses are in memory as requests are in flight.
MAX_BODY = 64 * 2**20

_PIECE = 2**18
# The same limit as in `urllib3`.
_MAX_ENCODINGS = 5
# A server has no reason to send more than one; millions of empty ones would take minutes.
_MAX_MEMBERS = 1_000
_NAMES = frozenset({"gzip", "x-gzip", "deflate"})
_GZIP_OR_ZLIB, _RAW_DEFLATE = 32 + zlib.MAX_WBITS, -zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"


class BodyTooLargeError(Exception):
    """The body is larger than the limit once it is decompressed."""


class EncodingError(Exception):
    """The body does not have the encoding that its header names, or has one that was not requested."""


def decompressed(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The pieces of a body, decompressed.

    Args:
        pieces: The body as it is received.
        encoding: The header `Content-Encoding`: the names of the encodings in the order in which they were applied.

    Raises:
        BodyTooLargeError: There are more bytes than `MAX_BODY`, at the end or between two encodings.
        EncodingError: The body cannot be decompressed.
    """
    names = [name for part in encoding.lower().split(",") if (name := part.strip()) not in {"", "identity"}]
    if len(names) > _MAX_ENCODINGS or not _NAMES.issuperset(names):
        raise EncodingError
    pieces = _limited(pieces)
    for name in reversed(names):
        pieces = _limited(_unzipped(pieces, name))
    yield from pieces


def _limited(pieces: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_BODY:
            raise BodyTooLargeError
        yield piece


def _unzipped(pieces: Iterable[bytes], name: str) -> Iterator[bytes]:
    """One encoding removed: any number of gzip members, or deflate with or without the header of zlib."""
    stream: t.Any = None
    members = 1
    try:
        for piece in pieces:
            rest = piece
            if stream is None and rest:
                stream = zlib.decompressobj(_format(name, rest))
            while rest:
                if stream.eof:
                    if not rest.startswith(_GZIP_MAGIC[:1]):
                        break  # padding after the last member
                    members += 1
                    if members > _MAX_MEMBERS:
                        raise EncodingError
                    stream = zlib.decompressobj(_GZIP_OR_ZLIB)
                yield stream.decompress(rest, _PIECE)
                rest = stream.unused_data if stream.eof else stream.unconsumed_tail
        if stream is not None:
            yield stream.flush()  # at most some hundred bytes, as no input is left
    except zlib.error:
        raise EncodingError from None
    if stream is not None and not stream.eof:
        raise EncodingError


def _format(name: str, start: bytes) -> int:
    """Some servers send `deflate` without the header that it should have."""
    has_header = start[0] % 16 == zlib.DEFLATED and int.from_bytes(start[:2], "big") % 31 == 0
    if name == "deflate" and len(start) > 1 and not has_header and start[:2] != _GZIP_MAGIC:
        return _RAW_DEFLATE
    return _GZIP_OR_ZLIB
