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
from singer_sdk.logging import StructuredFormatter
from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator import Emulator
    from tests.whole.runs import Ended

PACKAGE = "tap_fieldnation"
# The objects are looked at when something is warned of, so often in a run.
LOOKS = 4


def secrets_of(api: Emulator) -> t.Callable[[], list[str]]:
    """What must not be seen, tokens that are given out later included."""
    return lambda: [*api.secrets, api.client_id, api.username]


def forms(secret: str) -> set[str]:
    """How a text may hold a secret."""
    return {
        secret,
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        quote(secret, safe="").lower(),
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret)[1:-1])[1:-1],
        repr(secret)[1:-1],
        repr(secret.encode())[2:-1],
        escape(secret),
    }


class Own(logging.Formatter):
    """A formatter of somebody's own, that shows all that a record holds, and writes tracebacks by itself."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        lines = [record.getMessage(), repr(record.__dict__)]
        if record.exc_info and record.exc_info[1]:
            lines += traceback.format_exception(*record.exc_info)
        return "\n".join(lines)


class Keeper(logging.Handler):
    """Keeps what is logged, at whatever level, in several formats; and what our objects show at a warning."""

    def __init__(self, search: Search) -> None:
        super().__init__(logging.DEBUG)
        self._search, self._looks = search, 0
        self._formatters = {"structured log": StructuredFormatter(), "own log": Own()}

    @override
    def emit(self, record: logging.LogRecord) -> None:
        for name, formatter in self._formatters.items():
            self._search.add(name, formatter.format(record))
        if record.levelno >= logging.WARNING and self._looks < LOOKS:
            self._looks += 1
            self._search.add_objects()


class Search:
    """Looks for secrets in what runs leave.

    Attributes:
        places: Texts looked through so far.
        runs: Runs looked through so far.
    """

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
            if type(one).__module__.startswith(PACKAGE):
                self.add(f"repr of a {type(one).__qualname__}", repr(one))

    @contextlib.contextmanager
    def watch(self, secrets: t.Callable[[], list[str]]) -> Iterator[None]:
        """Everything that is logged within, at DEBUG; it is kept until `finish`."""
        self._texts, self._secrets = [], secrets
        keeper = Keeper(self)
        root = logging.getLogger()
        gc.freeze()  # what was there before is not looked through again and again
        gc.disable()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TAP_FIELDNATION_LOGLEVEL", "DEBUG")
            patch.setattr(gc, "freeze", lambda: None)
            root.addHandler(keeper)
            try:
                yield
                self.add_objects()
            finally:
                root.removeHandler(keeper)
                gc.collect()
                gc.enable()
                gc.unfreeze()

    def finish(self, ended: Ended, *, logs_token: bool) -> None:
        """Look through all of it, and through what the run wrote."""
        self.add("stdout", ended.output)
        self.add("STATE", json.dumps(ended.state))
        self.add("stderr", ended.log)
        for error in _chain(ended.error):
            for text in (str(error), repr(error), repr(error.args), "".join(traceback.format_exception(error))):
                self.add(f"the text of a {type(error).__name__}", text)
        wanted = {form for secret in self._secrets() for form in forms(secret)}
        assert "DEBUG" in ended.log
        if logs_token:
            assert "access_token=***" in ended.log, "no URL was logged: nothing is shown"
        for place, text in self._texts:
            assert not [form for form in wanted if form in text], f"a secret in {place}"
        self.places += len(self._texts)
        self.runs += 1
        self._texts = []


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
