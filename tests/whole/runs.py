"""Runs the whole tap, from its command line to its last line, in this process, with an emulator and virtual time."""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import json
import logging
import signal
import sys
import threading
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timezone

import pytest
from typing_extensions import override

from emulator import Emulator, VirtualClock
from tap_fieldnation.api.clock import Clock
from tap_fieldnation.api.errors import DeadlineExceeded
from tap_fieldnation.api.rate_limiter import RateLimiter
from tap_fieldnation.api.requester import Requester
from tap_fieldnation.context import RunContext
from tap_fieldnation.tap import TapFieldNation
from tests.whole.in_process import catalog

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_fieldnation.api.transport import Response

Catalog = dict[str, t.Any]
State = dict[str, t.Any]

# A run that takes no notice of its budget.
FAST = 1e9
# Real seconds after which one that waits takes it that the others do too, if only for each other's login.
STANDSTILL = 0.02


class SharedClock(Clock):
    """The emulator's virtual time for the tap: it moves on to the next moment that a thread waits for.

    It does so only while no request is under way, so that each arrives at the moment at which it was sent.
    """

    def __init__(self, time: VirtualClock, allowed: float | None = None) -> None:
        self._time = time
        self._changed = threading.Condition()
        self._requesting: set[int] = set()  # threads in the middle of a request, and not waiting
        self._waiting: list[tuple[float, int | None]] = []
        self._over = False
        time.on_advance(self._wake)
        super().__init__(allowed)

    @override
    def monotonic(self) -> float:
        return self._time.monotonic()

    @override
    def utc_now(self) -> datetime:
        return datetime.fromtimestamp(self._time.wall(), timezone.utc)

    def begin(self) -> None:
        """This thread is in the middle of a request from now on."""
        with self._changed:
            self._check()
            self._requesting.add(threading.get_ident())

    def done(self) -> None:
        """This thread's request is answered, or was given up."""
        with self._changed:
            self._requesting.discard(threading.get_ident())
            self._move_on()

    def end(self) -> None:
        """Let no thread that is still under way make another request, and wait for it to end."""
        with self._changed:
            self._over = True
            self._waiting.clear()
            self._changed.notify_all()
        for thread in threading.enumerate():
            if thread.name.startswith("prefetch "):
                thread.join()

    def _check(self) -> None:
        if self._over:
            raise DeadlineExceeded

    @override
    def _pause(self, seconds: float) -> None:
        me = threading.get_ident()
        with self._changed:
            self._check()
            wanted = (self.monotonic() + seconds, me if me in self._requesting else None)
            self._requesting.discard(me)
            self._waiting.append(wanted)
            self._move_on()
            while wanted in self._waiting:
                if not self._changed.wait(STANDSTILL):
                    self._move_on()
            self._check()

    def _move_on(self) -> None:
        if self._waiting and not self._requesting:
            until = min(self._waiting, key=lambda one: one[0])[0]
            # a little further, so that nobody waits once more for what rounding left
            self._time.advance(until - self.monotonic() + 1e-6)

    def _wake(self) -> None:
        with self._changed:
            now = self.monotonic()
            self._requesting |= {thread for until, thread in self._waiting if until <= now and thread is not None}
            self._waiting = [one for one in self._waiting if one[0] > now]
            self._changed.notify_all()


@dataclass
class Ended:
    """How a run went.

    Attributes:
        code: The exit code.
        output: What it wrote to stdout.
        log: What it wrote to stderr, at whatever level.
        error: What ended the process, with all that is still alive because of it.
        waited: Seconds that passed on the clock.
        requests: How many the emulator saw.
    """

    code: int
    output: str
    log: str
    error: SystemExit
    waited: float = 0.0
    requests: int = 0
    rows: dict[str, list[dict[str, t.Any]]] = field(default_factory=dict)
    state: State = field(default_factory=dict)

    def __post_init__(self) -> None:
        for line in self.output.splitlines():
            if not line.startswith('{"type"'):  # other output, such as a plan
                continue
            message = json.loads(line)
            if message["type"] == "RECORD":
                self.rows.setdefault(message["stream"], []).append(message["record"])
            elif message["type"] == "STATE":
                self.state = message["value"]

    @property
    def last_line(self) -> str:
        """What a person reads: the end of stderr, without the time, the level and the logger's name."""
        return self.log.rstrip("\n").rpartition("\n")[2].split(" | ", 3)[-1]

    def ids(self, stream: str, key: str = "id") -> set[t.Any]:
        """The keys of a stream's rows."""
        return {row[key] for row in self.rows.get(stream, [])}


class Runner:
    """Runs the tap on an emulator whose clock is virtual.

    Attributes:
        time: The clock of both.
    """

    def __init__(self, api: Emulator, folder: Path) -> None:
        assert isinstance(api.clock, VirtualClock)
        self.api, self.folder, self.time = api, folder, api.clock

    def config(self, **settings: t.Any) -> dict[str, t.Any]:
        """The settings of a run."""
        return {
            "client_id": self.api.client_id,
            "client_secret": self.api.client_secret,
            "api_url": self.api.url,
            "requests_per_minute": FAST,
            "progress": False,
            **settings,
        }

    def run(
        self, *arguments: str, catalog: Catalog | None = None, state: State | None = None, **settings: t.Any
    ) -> Ended:
        """One run by the command line; the emulator's log holds its requests afterwards."""
        given = {"config": self.config(**settings), "catalog": catalog, "state": state}
        command = list(arguments)
        for name, content in given.items():
            if content is not None:
                file = self.folder / f"{name}.json"
                file.write_text(json.dumps(content))
                command += [f"--{name}", str(file)]
        self.api.reset_log()
        began = self.time.monotonic()
        minutes = settings.get("max_minutes")
        clock = SharedClock(self.time, 60 * minutes if isinstance(minutes, (int, float)) else None)
        with _in_this_time(clock):
            ended = run(*command)
            ended.waited = self.time.monotonic() - began
            clock.end()
        ended.requests = len(self.api.log)
        return ended


@contextlib.contextmanager
def _in_this_time(clock: SharedClock) -> Iterator[None]:
    """Every tap made within has this clock, and tells it of its requests."""
    send, acquire = Requester._send, RateLimiter.acquire

    def acquire_in_this_time(rate_limiter: RateLimiter) -> None:
        clock.begin()
        try:
            acquire(rate_limiter)
        except BaseException:
            clock.done()
            raise

    def send_in_this_time(requester: Requester, send_once: t.Callable[..., Response], stream: str = "") -> Response:
        def sent(*args: t.Any) -> Response:
            try:
                return send_once(*args)
            finally:
                clock.done()

        return send(requester, sent, stream)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunContext, "clock", clock)
        patch.setattr(RateLimiter, "acquire", acquire_in_this_time)
        patch.setattr(Requester, "_send", send_in_this_time)
        yield


def run(*arguments: str) -> Ended:
    """The command line, as `tap-fieldnation …` runs it."""
    root = logging.getLogger()
    handlers = list(root.handlers)
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    buffer = io.BytesIO()
    output, log = io.TextIOWrapper(buffer, encoding="utf-8"), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", output)
        patch.setattr(sys, "stderr", log)
        patch.setattr(gc, "freeze", lambda: None)  # for a process that makes one run
        try:
            with pytest.raises(SystemExit) as caught:
                TapFieldNation.cli.main(list(arguments), prog_name="tap-fieldnation")
        finally:
            logging.disable(logging.NOTSET)
            for number, before in signals.items():
                signal.signal(number, before)  # each tap keeps the one before it alive
            for handler in list(root.handlers):
                vars(handler).pop("emit", None)
                if handler not in handlers:
                    root.removeHandler(handler)
    output.flush()
    code = caught.value.code
    assert code is None or isinstance(code, int)
    return Ended(code or 0, buffer.getvalue().decode(), log.getvalue(), caught.value)


# Of each stream the columns that the tests look at.
COLUMNS = {
    "work_orders": ("id", "title", "status_name", "extracted_at"),
    "work_order_messages": ("work_order_id", "msg_id", "extracted_at"),
    "work_order_tags": ("work_order_id", "id", "extracted_at"),
    "templates": ("id", "extracted_at"),
    "clients": ("id", "name", "extracted_at"),
}
DEPTH = 2  # of a breadcrumb: a column, and nothing within it


@functools.cache
def small_catalog(*selected: str) -> Catalog:
    """A catalog of these streams, with few columns and no others besides, which saves time."""
    found = catalog(selected)
    found["streams"] = [stream for stream in found["streams"] if stream["tap_stream_id"] in selected]
    for stream in found["streams"]:
        columns = COLUMNS[stream["tap_stream_id"]]
        stream["metadata"] = [entry for entry in stream["metadata"] if len(entry["breadcrumb"]) <= DEPTH]
        for entry in stream["metadata"]:
            if entry["breadcrumb"] and entry["breadcrumb"][-1] not in columns:
                entry["metadata"]["selected"] = False
        stream["schema"]["properties"] = {name: stream["schema"]["properties"][name] for name in columns}
    return found
