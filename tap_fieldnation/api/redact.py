"""Nothing secret leaves the process: the one place that knows the secrets and takes them out of text.

The token travels in the URL (Field Nation's choice), so URLs, exceptions and log lines are all suspect.
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
LONGEST_EXCERPT = 300
# Redacting megabytes is slow, and the beginning of a body says what it is.
_LOOKED_AT = 20 * LONGEST_EXCERPT
# Shorter values would mask parts of ordinary words; where they are labelled, the patterns below find them.
SHORTEST_SECRET = 4

_NAMES = r"access_token|refresh_token|client_secret|client_id|password|username"
_PATTERNS = (
    re.compile(rf"(?i)((?:{_NAMES})(?:=|%3D))[^&\s'\"<>]+"),
    re.compile(rf"(?i)([\"'](?:{_NAMES})\\*[\"']\s*:\s*\\*[\"'])(?:[^\"'\\]|\\[^\"'\\])+"),
    re.compile(r"(?i)\b(bearer\s+)[A-Za-z0-9._~+/=%-]{8,}"),
)

_BY_LETTER = {" ": r"\+"} | {char: rf"\\{{1,3}}{letter}" for char, letter in zip("\b\f\n\r\t", "bfnrt", strict=True)}

_secrets: set[str] = set()
_known = re.compile(r"(?!)")  # finds nothing
_lock = threading.Lock()


def register_secrets(*values: str | None) -> None:
    """Remember secrets: from now on `redact` masks each, as it is and as it looks in a URL, in JSON or in HTML."""
    global _known  # noqa: PLW0603  (one memory for the process, as its log is one)
    new = {value for value in values if value and len(value) >= SHORTEST_SECRET}
    with _lock:
        if new <= _secrets:
            return
        _secrets.update(new)
        # The longest first, so that no secret is left in part because another one is contained in it.
        ordered = sorted(_secrets, key=len, reverse=True)
        _known = re.compile("|".join("".join(map(_in_any_form, secret)) for secret in ordered))


def _in_any_form(char: str) -> str:
    """A pattern for a character of a secret, however it may be escaped on its way into a text, even twice."""
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
    if char in _BY_LETTER:
        forms.append(_BY_LETTER[char])
    return f"(?:{'|'.join(dict.fromkeys(forms))})"


def redact(text: str) -> str:
    """The text with every known secret, and whatever is labelled as one, masked."""
    text = _known.sub(MASK, text)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{MASK}", text)
    return text


def excerpt(text: str) -> str:
    """What of a body may stand in a message: redacted, on one line, at most 300 characters."""
    end = _LOOKED_AT
    for secret in _known.finditer(text[: 2 * end]):
        if secret.start() < end < secret.end():
            end = secret.start()  # half of it would not be recognised
    line = " ".join(redact(text[:end]).split())
    return line if len(line) <= LONGEST_EXCERPT else f"{line[:LONGEST_EXCERPT]}…"


def install() -> None:
    """Make every log record of this process pass `redact`, whatever handlers and formatters a log config adds.

    A record factory, because a filter on a logger misses child loggers, and one on a handler misses other handlers.
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
    """The attributes of a log record. What a call gives as `extra` is added after the factory made it: here."""

    @override
    def __setitem__(self, name: str, value: t.Any) -> None:
        super().__setitem__(name, _redacted(value))


def _redacted(value: t.Any) -> t.Any:
    """A value without secrets: plain containers are copied, and what is shown with a secret in it becomes text."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {_redacted(key): _redacted(item) for key, item in value.items()}
    if type(value) in {list, tuple, set, frozenset}:
        return type(value)(_redacted(item) for item in value)
    for shown in _shown(value):
        if (clean := redact(shown)) != shown:
            return clean
    return value


def _shown(value: object) -> Iterator[str]:
    """How a formatter may write a value."""
    for show in (str, repr):
        try:
            yield show(value)
        except Exception:  # noqa: BLE001, PERF203  (whatever a class does there, logging must go on)
            yield type(value).__name__


def _redact_message(record: logging.LogRecord) -> None:
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001  (a malformed call: logging would print its arguments by itself)
        text, clean = "", redact(" ".join((*_shown(record.msg), *_shown(record.args))))
    else:
        clean = redact(text)
    if clean != text or any(redact(shown) != shown for shown in _shown(record.args)):
        record.msg, record.args = clean, ()


def _redact_exception(record: logging.LogRecord) -> None:
    if not record.exc_info or record.exc_info[1] is None:
        return
    text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    clean = redact(text)
    if clean != text or any(redact(shown) != shown for error in _chain(record.exc_info[1]) for shown in _shown(error)):
        # Formatters read `exc_info` in their own ways; with the text alone none finds the secret again.
        record.exc_info = None
        record.exc_text = clean


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and those behind it, suppressed ones too: some formatters show them all the same."""
    seen: set[int] = set()
    coming: list[BaseException | None] = [error]
    while coming:
        one = coming.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        coming += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
