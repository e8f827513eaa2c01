"""Masks secrets in messages and log records.

Field Nation takes the token in the URL, so URLs, exceptions and log lines can all contain it.
"""

from __future__ import annotations

import html
import logging
import re
import threading
import traceback
import typing as t

from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import Iterator

MASK = "***"
MAX_EXCERPT = 300
# Masking megabytes is slow, and the beginning of a body shows what it is.
_MAX_MASKED = 20 * MAX_EXCERPT
# Shorter values would mask parts of ordinary words; if they are labelled, the patterns below find them.
MIN_SECRET_LENGTH = 4

_NAMES = r"access_token|refresh_token|client_secret|client_id|password|username"
_PATTERNS = (
    re.compile(rf"(?i)((?:{_NAMES})(?:=|%3D))[^&\s'\"<>]+"),
    re.compile(rf"(?i)([\"'](?:{_NAMES})\\*[\"']\s*:\s*\\*[\"'])(?:[^\"'\\]|\\[^\"'\\])+"),
    re.compile(r"(?i)\b(bearer\s+)[A-Za-z0-9._~+/=%-]{8,}"),
)

_ESCAPED = {" ": r"\+"} | {char: rf"\\{{1,3}}{letter}" for char, letter in zip("\b\f\n\r\t", "bfnrt", strict=True)}

_secrets: set[str] = set()
_known = re.compile(r"(?!)")  # matches nothing
_lock = threading.Lock()


def register_secrets(*values: str | None) -> None:
    """Add secrets for `redact` to mask, also as they are encoded in a URL, in JSON or in HTML."""
    global _known  # noqa: PLW0603  (one for the process, as is logging)
    new = {value for value in values if value and len(value) >= MIN_SECRET_LENGTH}
    with _lock:
        if new <= _secrets:
            return
        _secrets.update(new)
        # The longest first, as a secret can contain a shorter one.
        ordered = sorted(_secrets, key=len, reverse=True)
        _known = re.compile("|".join("".join(map(_char_pattern, secret)) for secret in ordered))


def _char_pattern(char: str) -> str:
    """A pattern for one character of a secret in any encoding, applied once or twice."""
    if char.isascii() and char.isalnum():
        return char
    octets = char.encode(errors="surrogatepass")
    units = char.encode("utf-16-be", errors="surrogatepass").hex()
    forms = [
        rf"\\{{0,3}}{re.escape(char)}",
        "".join(rf"%(?:25)*(?i:{octet:02x})" for octet in octets),
        "".join(rf"\\{{1,3}}u(?i:{units[at : at + 4]})" for at in range(0, len(units), 4)),
        "".join(rf"\\{{1,3}}x(?i:{octet:02x})" for octet in octets),
        rf"\\{{0,2}}{re.escape(char.encode('unicode_escape').decode())}",
        rf"&#(?:0*{ord(char)}|[xX]0*(?i:{ord(char):x}));",
        re.escape(html.escape(char)),
    ]
    if char in _ESCAPED:
        forms.append(_ESCAPED[char])
    return f"(?:{'|'.join(dict.fromkeys(forms))})"


def redact(text: str) -> str:
    """The text with all registered secrets masked, and all values that are labelled as secrets."""
    text = _known.sub(MASK, text)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{MASK}", text)
    return text


def excerpt(text: str) -> str:
    """The beginning of a body for use in a message: redacted, on one line, at most 300 characters."""
    end = _MAX_MASKED
    for secret in _known.finditer(text[: 2 * end]):
        if secret.start() < end < secret.end():
            end = secret.start()  # a part of it would not be masked
    line = " ".join(redact(text[:end]).split())
    return line if len(line) <= MAX_EXCERPT else f"{line[:MAX_EXCERPT]}…"


def install() -> None:
    """Redact every log record of this process, whatever handlers and formatters a log config adds.

    Done by a record factory: a filter on a logger misses child loggers, and one on a handler misses other handlers.
    """
    current = logging.getLogRecordFactory()
    if getattr(current, "redacts", False):
        return

    def factory(*args: t.Any, **kwargs: t.Any) -> logging.LogRecord:
        record = current(*args, **kwargs)
        _redact_message(record)
        _redact_exception(record)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        record.__dict__ = _Attributes(record.__dict__)
        return record

    factory.redacts = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(factory)


class _Attributes(dict[str, t.Any]):
    """The attributes of a log record. Those in `extra` are added after the factory has returned the record."""

    @override
    def __setitem__(self, name: str, value: t.Any) -> None:
        super().__setitem__(name, _redacted(value))


def _redacted(value: t.Any) -> t.Any:
    """A value without secrets. Containers are copied; objects with a secret in their str or repr become text."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {_redacted(key): _redacted(item) for key, item in value.items()}
    if type(value) in {list, tuple, set, frozenset}:
        return type(value)(_redacted(item) for item in value)
    for text in _texts(value):
        if (clean := redact(text)) != text:
            return clean
    return value


def _texts(value: object) -> Iterator[str]:
    """How a formatter may write a value."""
    for convert in (str, repr):
        try:
            yield convert(value)
        except Exception:  # noqa: BLE001, PERF203  (whatever a class raises there, logging must continue)
            yield type(value).__name__


def _contains_secret(value: object) -> bool:
    return any(redact(text) != text for text in _texts(value))


def _redact_message(record: logging.LogRecord) -> None:
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001  (a malformed call: logging itself would print its arguments)
        text, clean = "", redact(" ".join((*_texts(record.msg), *_texts(record.args))))
    else:
        clean = redact(text)
    if clean != text or _contains_secret(record.args):
        record.msg, record.args = clean, ()


def _redact_exception(record: logging.LogRecord) -> None:
    if not record.exc_info or record.exc_info[1] is None:
        return
    text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    clean = redact(text)
    if clean != text or any(map(_contains_secret, _chain(record.exc_info[1]))):
        # A formatter could read the secret from `exc_info`, so only the redacted text is kept.
        record.exc_info = None
        record.exc_text = clean


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception with its causes and contexts; also suppressed ones, as some formatters show them."""
    seen: set[int] = set()
    pending: list[BaseException | None] = [error]
    while pending:
        current = pending.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending += [current.__cause__, current.__context__, *getattr(current, "exceptions", ())]
