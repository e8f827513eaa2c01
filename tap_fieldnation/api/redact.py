"""Masks secrets in messages, log records and data, and makes what a server sent safe to show.

Field Nation takes the token in the URL, so URLs, exceptions and log lines can all contain it, and so can links in the
data, if the server builds them from the URL of the request.

Control and format characters in a log could forge lines, or change what a terminal shows: they are escaped.
"""

from __future__ import annotations

import html
import logging
import re
import threading
import traceback
import typing as t
from collections import deque

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

# In data, shorter values would mask parts of what users wrote.
MIN_LENGTH_IN_DATA = 8
# A server can renew tokens again and again: those of the last few logins are enough.
MAX_TOKENS = 6

_NOTHING = re.compile(r"(?!)")
_ALPHANUMERIC = re.compile("[A-Za-z0-9]+")

_secrets: set[str] = set()
_in_data: set[str] = set()
_tokens: deque[str] = deque(maxlen=MAX_TOKENS)
_known = _known_in_data = _NOTHING
_parts: list[bytes] = []
_lock = threading.Lock()


def register_secrets(*values: str | None, in_data: bool = False) -> None:
    """Add secrets to mask, also as they are encoded in a URL, in JSON or in HTML.

    Args:
        values: The secrets; those that are None or too short are left out.
        in_data: Whether to mask them in data too; not for values, such as a user name, that data may contain.
    """
    new = {value for value in values if value and len(value) >= MIN_SECRET_LENGTH}
    with _lock:
        if new <= _secrets and (not in_data or new <= _in_data):
            return
        _secrets.update(new)
        if in_data:
            _in_data.update(new)
        _compile()


def register_tokens(*values: str) -> None:
    """Add secrets that are valid for a while: only the last ones are kept."""
    new = [value for value in values if len(value) >= MIN_SECRET_LENGTH and value not in _tokens]
    if new:
        with _lock:
            _tokens.extend(new)
            _compile()


def _compile() -> None:
    global _known, _known_in_data, _parts  # noqa: PLW0603  (one for the process, as is logging)
    in_data = {secret for secret in _in_data.union(_tokens) if len(secret) >= MIN_LENGTH_IN_DATA}
    _known, _known_in_data = _pattern(_secrets.union(_tokens)), _pattern(in_data)
    # What is the same in every encoding.
    parts = {max(_ALPHANUMERIC.findall(secret), key=len, default="") for secret in in_data}
    _parts = [part.encode() for part in parts]


def _pattern(secrets: set[str]) -> re.Pattern[str]:
    if not secrets:
        return _NOTHING
    # The longest first, as a secret can contain a shorter one.
    ordered = sorted(secrets, key=len, reverse=True)
    return re.compile("|".join("".join(map(_char_pattern, secret)) for secret in ordered))


def may_contain_secret(body: bytes) -> bool:
    """A fast test whether encoded data may contain a secret, so that `mask_secrets` is needed."""
    return any(part in body for part in _parts)


def mask_secrets(text: str) -> str:
    """A text of the data with all secrets masked that data may not legitimately contain."""
    return _known_in_data.sub(MASK, text)


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
    """The text with all registered secrets masked, and all values next to the name of a secret."""
    text = _known.sub(MASK, text)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{MASK}", text)
    return text


def escape(text: str) -> str:
    """The text on one line, with invisible characters as Python escapes."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def clean(text: str) -> str:
    """The text, redacted and escaped."""
    return escape(redact(text))


def excerpt(text: str) -> str:
    """The beginning of a body for use in a message: redacted, escaped, on one line, at most 300 characters."""
    end = _MAX_MASKED
    for secret in _known.finditer(text[: 2 * end]):
        if secret.start() < end < secret.end():
            end = secret.start()  # a part of it would not be masked
    line = escape(" ".join(redact(text[:end]).split()))
    return line if len(line) <= MAX_EXCERPT else f"{line[:MAX_EXCERPT]}…"


def install() -> None:
    """Redact and escape every log record of this process, whatever handlers and formatters a log config adds.

    An exception becomes the text of its traceback, because some formatters write the local variables of its frames. The
    text is also the attribute ``traceback``, for formatters that write all attributes but not ``exc_text``.

    This uses a record factory: a filter on a logger misses child loggers, and one on a handler misses other handlers.
    """
    current = logging.getLogRecordFactory()
    if getattr(current, "redacts", False):
        return

    def factory(*args: t.Any, **kwargs: t.Any) -> logging.LogRecord:
        record = current(*args, **kwargs)
        _redact_message(record)
        _redact_exception(record)
        if record.stack_info:
            record.stack_info = "\n".join(map(clean, record.stack_info.splitlines()))
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
        return clean(value)
    if isinstance(value, dict):
        return {_redacted(key): _redacted(item) for key, item in value.items()}
    if type(value) in {list, tuple, set, frozenset}:
        return type(value)(_redacted(item) for item in value)
    for text in _texts(value):
        if (cleaned := clean(text)) != text:
            return cleaned
    return value


def _texts(value: object) -> Iterator[str]:
    """The texts that a formatter may write for a value."""
    for convert in (str, repr):
        try:
            yield convert(value)
        except Exception:  # noqa: BLE001, PERF203  (whatever a class raises there, logging must continue)
            yield type(value).__name__


def _is_unclean(value: object) -> bool:
    return any(clean(text) != text for text in _texts(value))


def _redact_message(record: logging.LogRecord) -> None:
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001  (a malformed call: logging itself would print its arguments)
        text, cleaned = "", clean(" ".join((*_texts(record.msg), *_texts(record.args))))
    else:
        cleaned = clean(text.rstrip("\n"))  # a warning of Python ends with one
    if cleaned != text or _is_unclean(record.args):
        record.msg, record.args = cleaned, ()


def _redact_exception(record: logging.LogRecord) -> None:
    if not record.exc_info or record.exc_info[1] is None:
        return
    parts = traceback.TracebackException(*record.exc_info).format()
    record.exc_text = redact("".join(map(_escape_part, parts)).rstrip("\n"))
    record.exc_info = None
    record.__dict__["traceback"] = record.exc_text


def _escape_part(part: str) -> str:
    """Escape a part of a traceback: an exception and its message must be one line, other parts can have several."""
    is_exception = not part.startswith((" ", "\n", "Traceback"))
    return "\n".join(map(escape, [part.rstrip("\n")] if is_exception else part.rstrip("\n").split("\n"))) + "\n"
