"""Secrets are masked in every encoding, and in log records before a formatter reads them."""

from __future__ import annotations

import html
import io
import json
import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from requests.utils import requote_uri
from singer_sdk.logging import ConsoleFormatter, StructuredFormatter
from typing_extensions import override

from tap_fieldnation.api import redact as redaction
from tap_fieldnation.api.redact import MASK, MAX_EXCERPT, excerpt, install, redact, register_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = 'k+9/x=Z&ü"q\\w v'
TOKEN = "abcdefgh+/0123456789=="
# Its first part looks the same in every encoding.
CANARY = "canary4711+/=ü&'\"x"

FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "quote": quote,
    "quote everything": lambda text: quote(text, safe=""),
    "quote plus": quote_plus,
    "quote, lower-case hex": lambda text: quote(text, safe="").replace("%2B", "%2b").replace("%2F", "%2f"),
    "quote twice": lambda text: quote(quote(text, safe=""), safe=""),
    "urlencode": lambda text: urlencode({"x": text})[2:],
    "requests": lambda text: requote_uri(f"http://h/{text}")[9:],
    "repr": lambda text: repr(text)[1:-1],
    "repr of bytes": lambda text: repr(text.encode())[2:-1],
    "JSON, ASCII": lambda text: json.dumps(text)[1:-1],
    "JSON, Unicode": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON, HTML-safe": lambda text: json.dumps(text)[1:-1].replace("&", "\\u0026").replace("+", "\\u002B"),
    "HTML": html.escape,
    "HTML, numeric": lambda text: html.escape(text).replace("&amp;", "&#38;").replace("+", "&#x2b;"),
}


@pytest.fixture(autouse=True)
def secrets() -> Iterator[None]:
    """Only the secrets of these tests are registered while they run, and none afterwards."""
    _clear_secrets()
    register_secrets(SECRET, TOKEN, CANARY)
    yield
    _clear_secrets()


def _clear_secrets() -> None:
    redaction._secrets.clear()
    redaction._in_data.clear()
    redaction._tokens.clear()
    register_secrets("no secret of any test")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", [SECRET, TOKEN])
def test_a_secret_is_masked_in_each_encoding(form: str, secret: str) -> None:
    shown = FORMS[form](secret)
    assert redact(f"before {shown} after") == f"before {MASK} after"


@given(st.text(min_size=4, max_size=40), st.sampled_from(sorted(FORMS)))
def test_any_text_can_be_a_secret(secret: str, form: str) -> None:
    try:
        shown = FORMS[form](secret)
    except UnicodeEncodeError:  # an unpaired surrogate cannot be encoded in a URL
        assume(False)  # noqa: FBT003
    _clear_secrets()
    register_secrets(secret)
    assert MASK in redact(f"¿{shown}¿")
    assert shown not in redact(f"¿{shown}¿") or shown in MASK


def test_secrets_can_contain_other_secrets() -> None:
    register_secrets("inner-secret", "an-inner-secret-and-more")
    assert redact("x an-inner-secret-and-more x inner-secret x") == f"x {MASK} x {MASK} x"
    register_secrets("beginning", "beginning-and-end")
    assert redact("x beginning-and-end x beginning x") == f"x {MASK} x {MASK} x"


def test_short_values_are_masked_only_if_labelled() -> None:
    register_secrets("ab", "", None)
    assert redact("the cab is absent") == "the cab is absent"
    assert redact("password=ab&x=1") == f"password={MASK}&x=1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET /x?a=1&access_token=unknown&b=2", f"GET /x?a=1&access_token={MASK}&b=2"),
        ("GET /x?access_token=un%2Fknown%3D HTTP/1.1", f"GET /x?access_token={MASK} HTTP/1.1"),
        ("next=%2Fx%3Faccess_token%3Dunknown", f"next=%2Fx%3Faccess_token%3D{MASK}"),
        ("Client_Secret=unknown;", f"Client_Secret={MASK}"),
        ('{"access_token": "unknown", "expires_in": 3600}', f'{{"access_token": "{MASK}", "expires_in": 3600}}'),
        ('{"access_token":"un\\/known","b":1}', f'{{"access_token":"{MASK}","b":1}}'),
        ("{'password': 'unknown', 'b': 1}", f"{{'password': '{MASK}', 'b': 1}}"),
        ('"{\\"client_secret\\":\\"unknown\\",\\"b\\":1}"', f'"{{\\"client_secret\\":\\"{MASK}\\",\\"b\\":1}}"'),
        ("Authorization: Bearer unknown-token.x", f"Authorization: Bearer {MASK}"),
        ("{'Authorization': 'bearer unknown-token.x'}", f"{{'Authorization': 'bearer {MASK}'}}"),
        ("the bearer of this letter", "the bearer of this letter"),
        ("setting password is missing", "setting password is missing"),
        ("check client_id, client_secret and environment", "check client_id, client_secret and environment"),
    ],
)
def test_a_value_labelled_as_a_secret_is_masked(text: str, expected: str) -> None:
    assert redact(text) == expected


@given(st.text())
def test_text_without_secrets_is_unchanged(text: str) -> None:
    assume("=" not in text)
    assert redact(text) == text


def test_an_excerpt_is_one_short_line() -> None:
    assert excerpt(" a\n\n  b\tc ") == "a b c"
    assert excerpt("x" * 5000) == "x" * MAX_EXCERPT + "…"
    assert excerpt(f"{SECRET} " * 5_000) == f"{MASK} " * 75 + "…"
    assert excerpt("x" * 5_000_000) == "x" * MAX_EXCERPT + "…"


@pytest.mark.parametrize("filling", ["x", " ", "\n\t ", "x "])
@pytest.mark.parametrize("repeats", [1, 2])
def test_no_excerpt_contains_part_of_a_secret(filling: str, repeats: int) -> None:
    token = "q7J" * 300
    register_secrets(token)
    for length in range(0, 7000, 97):
        text = (filling * 7000)[:length] + token * repeats + "and more " * 1000
        assert "q7J" not in excerpt(text), length
    assert "q7J" not in excerpt((filling * 7000)[: 6000 - 450] + token)


def _raise_plain() -> None:
    raise ValueError(CANARY)


def _raise_from_cause() -> None:
    try:
        _raise_plain()
    except ValueError as error:
        raise RuntimeError("harmless") from error


def _raise_in_context() -> None:
    try:
        _raise_plain()
    except ValueError:
        raise RuntimeError("harmless")  # noqa: B904


def _raise_with_suppressed_context() -> None:
    try:
        _raise_plain()
    except ValueError:
        raise RuntimeError("harmless") from None


class _Request:
    @override
    def __repr__(self) -> str:
        return f"<GET https://host/x?access_token={quote(CANARY, safe='')}>"


def _raise_with_an_object() -> None:
    raise KeyError(_Request())


def _plain(log: logging.Logger) -> None:
    log.error(f"failed: {CANARY}")  # noqa: G004


def _as_argument(log: logging.Logger) -> None:
    log.error("failed: %s and %s", 1, CANARY)


def _as_named_argument(log: logging.Logger) -> None:
    log.error("failed: %(what)s", {"what": CANARY, "more": 1})


def _as_object(log: logging.Logger) -> None:
    log.error("failed: %r", _Request())


def _as_argument_that_is_not_shown(log: logging.Logger) -> None:
    log.error("failed: %.1s", CANARY)


def _in_a_malformed_call(log: logging.Logger) -> None:
    log.error("failed: %s %s %d", CANARY)  # noqa: PLE1206


def _url_encoded(log: logging.Logger) -> None:
    log.error("failed: GET /x?access_token=%s", quote(CANARY, safe=""))


def _as_extra(log: logging.Logger) -> None:
    log.error("failed", extra={"detail": CANARY})


def _deep_in_extra(log: logging.Logger) -> None:
    log.error("failed", extra={"detail": {"a": [1, (CANARY, {CANARY: None})], "b": {CANARY}}})


def _object_in_extra(log: logging.Logger) -> None:
    log.error("failed", extra={"request": _Request(), "error": ValueError(CANARY)})


def _with(failure: Callable[[], None]) -> Callable[[logging.Logger], None]:
    def call(log: logging.Logger) -> None:
        try:
            failure()
        except Exception:
            log.exception("failed")

    return call


def _as_given_exc_info(log: logging.Logger) -> None:
    log.error("failed", exc_info=ValueError(CANARY))


def _in_the_stack(log: logging.Logger) -> None:
    log.handle(log.makeRecord(log.name, logging.ERROR, "f.py", 1, "failed", (), None, sinfo=f"Stack: {CANARY}"))


LEAKS: dict[str, Callable[[logging.Logger], None]] = {
    "message": _plain,
    "argument": _as_argument,
    "named argument": _as_named_argument,
    "object": _as_object,
    "argument that is not shown": _as_argument_that_is_not_shown,
    "malformed call": _in_a_malformed_call,
    "URL-encoded": _url_encoded,
    "extra": _as_extra,
    "nested extra": _deep_in_extra,
    "object in extra": _object_in_extra,
    "exception": _with(_raise_plain),
    "cause": _with(_raise_from_cause),
    "context": _with(_raise_in_context),
    "suppressed context": _with(_raise_with_suppressed_context),
    "object in an exception": _with(_raise_with_an_object),
    "exception given": _as_given_exc_info,
    "stack": _in_the_stack,
}


class _EverythingFormatter(logging.Formatter):
    """A custom formatter that writes every attribute of the record unchanged."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        shown = {name: repr(value) for name, value in record.__dict__.items()}
        if record.exc_info and record.exc_info[1]:
            error: BaseException | None = record.exc_info[1]
            while error:
                shown[f"{len(shown)}"] = f"{error!r} {error}"
                error = error.__cause__ or error.__context__
        return json.dumps(shown, ensure_ascii=False)


FORMATTERS: dict[str, Callable[[], logging.Formatter]] = {
    "console": ConsoleFormatter,
    "structured": StructuredFormatter,
    "structured with defaults": lambda: StructuredFormatter(defaults={"app_name": "x"}),
    "everything": _EverythingFormatter,
}


def logged(call: Callable[[logging.Logger], None], formatter: logging.Formatter) -> str:
    """What a handler writes for a call."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    log = logging.Logger("test")  # noqa: LOG001  (without the handlers of other loggers)
    log.addHandler(handler)
    call(log)
    return stream.getvalue()


def contains_secret(text: str) -> bool:
    """Whether a text contains the canary, in any encoding."""
    return "canary" in text


@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize("leak", LEAKS)
def test_no_formatter_writes_a_secret(leak: str, formatter: str) -> None:
    make = FORMATTERS[formatter]
    unprotected = logged(LEAKS[leak], make())
    install()
    text = logged(LEAKS[leak], make())
    assert "failed" in text
    assert not contains_secret(text)
    if contains_secret(unprotected):
        assert text != unprotected


def test_without_redaction_each_call_writes_the_secret() -> None:
    for leak in LEAKS.values():
        assert contains_secret(logged(leak, _EverythingFormatter())), leak


@pytest.mark.parametrize("make", FORMATTERS.values(), ids=FORMATTERS)
def test_records_without_secrets_are_unchanged(make: Callable[[], logging.Formatter]) -> None:
    def call(log: logging.Logger) -> None:
        marker = {"a": [1, None, "x"], "b": (True, 2.5)}
        record = log.makeRecord("n", logging.INFO, "f.py", 1, "%s of %d", ("page", 7), None, extra={"seen": marker})
        record.created = record.msecs = record.relativeCreated = 0.0
        log.handle(record)

    before = logged(call, make())
    install()
    assert logged(call, make()) == before


def test_exceptions_become_text_with_their_traceback() -> None:
    install()
    text = logged(_with(_raise_from_cause), ConsoleFormatter())
    assert text.count("Traceback (most recent call last):") == 2
    assert "The above exception was the direct cause of the following exception" in text
    assert text.rstrip().endswith("RuntimeError: harmless")
    data = json.loads(logged(_with(_raise_from_cause), StructuredFormatter()))
    assert data["message"] == "failed"
    assert data["extra"]["traceback"].endswith("RuntimeError: harmless")


def _hold_secret(client_secret: str) -> None:
    """Fails while a local variable holds a secret that the message does not have."""
    copy = {"client_secret": client_secret[:4] + client_secret[4:]}
    raise ValueError(f"unforeseen {len(copy)}")


class _LocalsFormatter(logging.Formatter):
    """As `rich` and Sentry do: shows the local variables of each frame."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        shown = f"{super().format(record)}\n{record.__dict__}"
        for error in (record.exc_info or (None, None))[1:2]:
            if error:
                lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
                shown += "".join(lines)
        return shown


def test_no_formatter_can_write_local_variables() -> None:
    secret = "unknown4711-to-redact"  # so that it is not masked as text

    def call(log: logging.Logger) -> None:
        try:
            _hold_secret(secret)
        except ValueError:
            log.exception("failed")

    assert "unknown4711" in logged(call, _LocalsFormatter())
    install()
    text = logged(call, _LocalsFormatter())
    assert "unknown4711" not in text
    assert "ValueError: unforeseen 1" in text
    assert "in _hold_secret" in text


HOSTILE = "a\x1b[31mred\x1b]0;title\x07\u202eevil\x85\u2028\u2029\x9b\u200b\ud800\x7f\r\n2026-01-01 ERROR forged\x00z"
UNSAFE = ("\x1b", "\x07", "\u202e", "\x85", "\u2028", "\u2029", "\x9b", "\u200b", "\ud800", "\x7f", "\r", "\x00")


def assert_harmless(text: str) -> None:
    """One line, without anything that a terminal or an editor obeys."""
    assert not [char for char in UNSAFE if char in text]
    assert "forged" in text
    assert "\n" not in text.rstrip("\n")


def test_control_and_format_characters_are_escaped() -> None:
    text = excerpt(HOSTILE)
    assert_harmless(text)
    assert "a\\x1b[31mred\\x1b]0;title\\x07\\u202eevil" in text
    assert redaction.escape("Zoë 東京 🙂 — “x”") == "Zoë 東京 🙂 — “x”"
    assert redaction.escape("a\tb\nc") == "a\\tb\\nc"


@given(st.text())
def test_escaped_text_is_one_printable_line(text: str) -> None:
    assert redaction.escape(text).isprintable()
    assert redaction.escape(text) == text or not text.isprintable()


class _Hostile:
    @override
    def __str__(self) -> str:
        return HOSTILE


HOSTILE_CALLS: dict[str, Callable[[logging.Logger], None]] = {
    "message": lambda log: log.error(HOSTILE),
    "argument": lambda log: log.error("failed: %s", HOSTILE),
    "named argument": lambda log: log.error("failed: %(x)s", {"x": HOSTILE}),
    "object": lambda log: log.error("failed: %s", _Hostile()),
    "malformed call": lambda log: log.error("failed: %d", HOSTILE),
    "extra": lambda log: log.error("failed", extra={"forged": {"a": [HOSTILE, _Hostile()], HOSTILE: 1}}),
}


@pytest.mark.parametrize("make", FORMATTERS.values(), ids=FORMATTERS)
@pytest.mark.parametrize("call", HOSTILE_CALLS.values(), ids=HOSTILE_CALLS)
def test_no_formatter_writes_what_a_terminal_obeys(
    call: Callable[[logging.Logger], None], make: Callable[[], logging.Formatter]
) -> None:
    install()
    text = logged(call, make())
    assert_harmless(text if "forged" in text else f"{text.rstrip()} forged")


def test_the_message_of_an_exception_is_one_line_of_a_traceback() -> None:
    def fail() -> None:
        raise ValueError(HOSTILE)

    install()
    lines = logged(_with(fail), ConsoleFormatter()).splitlines()
    assert not [line for line in lines if line.startswith("2026-01-01 ERROR")]
    assert lines[-1].startswith("ValueError: a\\x1b[31m")
    assert_harmless(lines[-1])
    assert any(line.startswith("Traceback") for line in lines)


def test_secrets_in_data_are_masked_in_each_encoding_but_not_what_data_may_contain() -> None:
    _clear_secrets()
    register_secrets("the-user@example.com", "short1")
    register_secrets("the+client/secret=", "short2", None, in_data=True)
    redaction.register_tokens(TOKEN)
    for form in ("raw", "quote everything", "JSON of PHP", "JSON, HTML-safe", "HTML"):
        for secret in (TOKEN, "the+client/secret="):
            shown = FORMS[form](secret)
            assert redaction.may_contain_secret(shown.encode())
            assert redaction.mask_secrets(f"/x?access_token={shown}&a=b") == f"/x?access_token={MASK}&a=b"
    text = "the-user@example.com short1 short2 access_token=other"
    assert redaction.mask_secrets(text) == text
    assert not redaction.may_contain_secret(text.encode())


def test_only_the_last_tokens_are_kept() -> None:
    tokens = [f"tokenNumber{number}ofMany" for number in range(20)]
    redaction.register_tokens(*tokens)
    assert redact(" ".join(tokens[-3:])) == f"{MASK} {MASK} {MASK}"
    assert redact(tokens[0]) == tokens[0]


def test_a_traceback_with_a_secret_is_redacted() -> None:
    install()
    text = logged(LEAKS["cause"], ConsoleFormatter())
    assert f"ValueError: {MASK}" in text
    assert "RuntimeError: harmless" in text
    assert "_raise_from_cause" in text


def test_logging_continues_if_a_value_cannot_be_converted() -> None:
    class Broken:
        @override
        def __repr__(self) -> str:
            raise RuntimeError(CANARY)

    install()
    text = logged(lambda log: log.error("failed: %s", Broken(), extra={"broken": Broken()}), ConsoleFormatter())
    assert "failed" in text
    assert not contains_secret(text)


def test_installing_twice_is_the_same_as_once() -> None:
    install()
    factory = logging.getLogRecordFactory()
    install()
    assert logging.getLogRecordFactory() is factory


def test_an_existing_record_factory_is_used() -> None:
    class Record(logging.LogRecord):
        pass

    logging.setLogRecordFactory(Record)
    install()
    assert isinstance(logging.makeLogRecord({"msg": "x"}), Record)


def test_records_can_be_pickled() -> None:
    install()
    record = logging.Logger("test").makeRecord(  # noqa: LOG001
        "n", logging.INFO, "f.py", 1, "to %s", ("go",), None, extra={"a": {"b": 1}}
    )
    copy: Any = pickle.loads(pickle.dumps(record))  # noqa: S301
    assert (copy.getMessage(), copy.a) == ("to go", {"b": 1})
