"""Decodes JSON bodies: fast if they are valid, leniently if they are not.

What targets cannot load is removed: NUL characters (PostgreSQL rejects them), unpaired surrogates and bytes that are
not UTF-8. Numbers without a finite value (NaN, infinities) or with thousands of digits become text, which does not
conform to a number column. Secrets are masked: a server may repeat the URL of a request, with the token, in a link.
"""

from __future__ import annotations

import json
import math
import re
import typing as t

import msgspec

from tap_fieldnation.api.redact import mask_secrets, may_contain_secret

# Escapes of NUL, and of letters and digits, which no server needs to escape.
_ESCAPE = b"\\u00"
_SUSPICIOUS = re.compile(rb"\\u00(?:00|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA])")
_UNLOADABLE = re.compile("[\x00\ud800-\udfff]")


def decode(body: bytes, *, mask: bool = True) -> t.Any:
    """The decoded body.

    Args:
        body: JSON.
        mask: Whether to mask secrets.

    Raises:
        ValueError: It is not JSON.
    """
    try:
        try:
            value = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _sanitized(_decode_leniently(body), mask=mask)
        suspicious = _ESCAPE in body and _SUSPICIOUS.search(body)
        return _sanitized(value, mask=mask) if suspicious or (mask and may_contain_secret(body)) else value
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


def _sanitized(value: t.Any, *, mask: bool) -> t.Any:
    """Remove what targets cannot load, and mask secrets, in place and without recursion, as nesting can be deep."""

    def clean(text: str) -> str:
        text = _UNLOADABLE.sub("", text)
        return mask_secrets(text) if mask else text

    root = [value]
    pending: list[t.Any] = [root]
    while pending:
        container = pending.pop()
        if isinstance(container, dict):
            for key in [key for key in container if clean(key) != key]:
                container[clean(key)] = container.pop(key)
        for key, item in container.items() if isinstance(container, dict) else enumerate(container):
            if isinstance(item, str):
                container[key] = clean(item)
            elif isinstance(item, (dict, list)):
                pending.append(item)
    return root[0]
