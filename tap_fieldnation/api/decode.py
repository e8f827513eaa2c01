"""JSON bodies as Python objects, fast where they are proper, and patient where they are not.

What targets cannot hold is taken out here: NUL characters (PostgreSQL refuses them), halves of surrogate pairs and
bytes that are no UTF-8, numbers beyond all bounds (NaN, infinities, thousands of digits: these become text, so that
whoever needs a number finds that it is none).
"""

from __future__ import annotations

import json
import math
import re
import typing as t

import msgspec

_NUL = b"\\u0000"
_UNFIT = re.compile("[\x00\ud800-\udfff]")


def decode(body: bytes) -> t.Any:
    """The value that a body stands for.

    Raises:
        ValueError: It is no JSON.
    """
    try:
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _scrubbed(_patiently(body))
        return _scrubbed(value) if _NUL in body else value
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _patiently(body: bytes) -> t.Any:
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


def _scrubbed(value: t.Any) -> t.Any:
    """The value without what is unfit, changed in place; however deep it is, as it calls itself for nothing in it."""
    whole = [value]
    coming: list[t.Any] = [whole]
    while coming:
        container = coming.pop()
        if isinstance(container, dict):
            for key in [key for key in container if _UNFIT.search(key)]:
                container[_UNFIT.sub("", key)] = container.pop(key)
        for place, item in container.items() if isinstance(container, dict) else enumerate(container):
            if isinstance(item, str):
                container[place] = _UNFIT.sub("", item)
            elif isinstance(item, (dict, list)):
                coming.append(item)
    return whole[0]
