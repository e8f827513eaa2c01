"""Decodes JSON bodies: fast if they are valid, leniently if they are not.

What targets cannot load is removed: NUL characters (PostgreSQL rejects them), unpaired surrogates and bytes that are
not UTF-8. Numbers without a finite value (NaN, infinities) or with thousands of digits become text, which does not
conform to a number column.
"""

from __future__ import annotations

import json
import math
import re
import typing as t

import msgspec

_NUL = b"\\u0000"
_UNLOADABLE = re.compile("[\x00\ud800-\udfff]")


def decode(body: bytes) -> t.Any:
    """The decoded body.

    Raises:
        ValueError: It is not JSON.
    """
    try:
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _sanitized(_decode_leniently(body))
        return _sanitized(value) if _NUL in body else value
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _decode_leniently(body: bytes) -> t.Any:
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass")
    except UnicodeDecodeError:
        text = body.decode(errors="replace")
    return json.loads(text.removeprefix("\ufeff"), parse_constant=str, parse_float=_float, parse_int=_int)


def _float(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _int(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:  # Python refuses to read thousands of digits
        return digits


def _sanitized(value: t.Any) -> t.Any:
    """Remove what targets cannot load, in place and without recursion, as nesting can be deep."""
    root = [value]
    pending: list[t.Any] = [root]
    while pending:
        container = pending.pop()
        if isinstance(container, dict):
            for key in [key for key in container if _UNLOADABLE.search(key)]:
                container[_UNLOADABLE.sub("", key)] = container.pop(key)
        for key, item in container.items() if isinstance(container, dict) else enumerate(container):
            if isinstance(item, str):
                container[key] = _UNLOADABLE.sub("", item)
            elif isinstance(item, (dict, list)):
                pending.append(item)
    return root[0]
