"""The canary: secrets that were really sent are looked for wherever a run can have left them."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import traceback
import typing as t
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from emulator import Emulator
    from tests.whole.runs import Ended

PACKAGE = "tap_fieldnation"
# The objects are looked at when something is warned of, so often in a run.
LOOKS = 4
# In a run, at least: what it logs at DEBUG, in two formats, the objects, and what it wrote.
FEWEST_PLACES = 200

# Of a test's report: `tests/conftest.py` adds them up and tells at the end.
PLACES = "canary: places"

# A log config for SINGER_SDK_LOG_CONFIG, with all that there is: the SDK's own lines on stderr, its structured lines,
# and a handler and a formatter of somebody's own.
EVERY_LOG = """
version: 1
disable_existing_loggers: false
formatters:
  plain:
    (): singer_sdk.logging.ConsoleFormatter
  structured:
    (): singer_sdk.logging.StructuredFormatter
  own:
    (): tests.whole.canary.Own
handlers:
  plain:
    class: logging.StreamHandler
    formatter: plain
    stream: ext://sys.stderr
  structured:
    (): tests.whole.canary.Keeper
    place: structured log
    formatter: structured
  own:
    (): tests.whole.canary.Keeper
    place: own log
    formatter: own
root:
  level: DEBUG
  handlers: [plain, structured, own]
"""


def secrets_of(api: Emulator) -> t.Callable[[], list[str]]:
    """What must not be seen, tokens that are given out later included."""
    return lambda: [*api.secrets, api.client_id, api.username]


def forms(secret: str) -> set[str]:
    """How a text may hold a secret."""
    in_json = json.dumps(secret)[1:-1]
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        quote(secret, safe="").lower(),
        in_json,
        in_json.replace("/", "\\/"),
        json.dumps(secret, ensure_ascii=False)[1:-1],
        json.dumps(in_json)[1:-1],
        repr(secret)[1:-1],
        repr(secret.encode())[2:-1],
        escape(secret),
    }


def found(secrets: Iterable[str], texts: Iterable[tuple[str, str]]) -> list[str]:
    """The places, of those that are given with their texts, that hold a secret in whatever form."""
    wanted = {form for secret in secrets for form in forms(secret)}
    return [place for place, text in texts if any(form in text for form in wanted)]


class Own(logging.Formatter):
    """A formatter of somebody's own, that shows all that a record holds, and writes tracebacks by itself."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        lines = [record.getMessage(), repr(record.__dict__)]
        if record.exc_info and record.exc_info[1]:
            lines += traceback.format_exception(*record.exc_info)
        return "\n".join(lines)


class Keeper(logging.Handler):
    """A handler of somebody's own: keeps what is logged for the search that is on, and what our objects show then."""

    def __init__(self, place: str) -> None:
        super().__init__(logging.DEBUG)
        self._place, self._looks = place, 0

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if search := Search.on:
            search.add(self._place, self.format(record))
            if record.levelno >= logging.WARNING and self._looks < LOOKS:
                self._looks += 1
                search.add_objects()


class Search:
    """Looks for secrets in what runs leave.

    Attributes:
        on: The one that watches a run now.
        places: Texts looked through so far.
        runs: Runs looked through so far.
    """

    on: t.ClassVar[Search | None] = None

    def __init__(self) -> None:
        self.places = 0
        self.runs = 0
        self._texts: list[tuple[str, str]] = []
        self._secrets: t.Callable[[], list[str]] = list

    def add(self, place: str, text: str) -> None:
        """Something to look through."""
        self._texts.append((place, text))

    def add_objects(self) -> None:
        """What the objects of our own classes show, as far as they came to be within `watch`."""
        for one in gc.get_objects():
            if str(type(one).__module__).startswith(PACKAGE):
                self.add(f"repr of a {type(one).__qualname__}", repr(one))

    @contextlib.contextmanager
    def watch(self, secrets: t.Callable[[], list[str]], folder: Path) -> Iterator[None]:
        """Everything that is logged within, at DEBUG, by `EVERY_LOG`; it is kept until `finish`."""
        self._texts, self._secrets = [], secrets
        config = folder / "log.yaml"
        config.write_text(EVERY_LOG)
        gc.freeze()  # what was there before is not looked through again and again
        gc.disable()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TAP_FIELDNATION_LOGLEVEL", "DEBUG")
            patch.setenv("SINGER_SDK_LOG_CONFIG", str(config))
            patch.setattr(gc, "freeze", lambda: None)
            patch.setattr(Search, "on", self)
            try:
                yield
                self.add_objects()
            finally:
                gc.collect()
                gc.enable()
                gc.unfreeze()

    def finish(self, ended: Ended, *, logs_token: bool) -> int:
        """Look through all of it, and through what the run wrote.

        Returns:
            How many places that were.
        """
        self.add("stdout", ended.output)
        self.add("STATE", json.dumps(ended.state))
        self.add("stderr", ended.log)
        for error in _chain(ended.error):
            for text in (str(error), repr(error), repr(error.args), "".join(traceback.format_exception(error))):
                self.add(f"the text of a {type(error).__name__}", text)
        kinds = {place for place, _ in self._texts}
        assert {"structured log", "own log", "repr of a Session", "repr of a FieldNationAuthenticator"} <= kinds
        assert "DEBUG" in ended.log
        if logs_token:
            for log in ("stderr", "structured log", "own log"):
                urls = any("access_token=***" in text for place, text in self._texts if place == log)
                assert urls, f"no URL was logged in {log}: nothing is shown"
        assert found(self._secrets(), self._texts) == []
        count = len(self._texts)
        assert count >= FEWEST_PLACES
        self.places += count
        self.runs += 1
        self._texts = []
        return count


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
