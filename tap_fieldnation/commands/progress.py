"""How far a run is: a line now and then, or a bar where a person looks on; on stderr."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import typing as t

from singer_sdk.metrics import METRICS_LOGGER_NAME
from typing_extensions import override

from tap_fieldnation.streams.sdk import ConformedStream

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_fieldnation.reading.sync_run import SyncRun
    from tap_fieldnation.tap import TapFieldNation

EVERY = 15.0  # seconds between two lines
TICK = 0.5
MINUTE = 60.0


class Progress:
    """Tells of a run as it goes on.

    Args:
        tap: Whose run it is.
    """

    def __init__(self, tap: TapFieldNation) -> None:
        self._tap = tap
        walked = (one for one in tap.streams.values() if isinstance(one, ConformedStream))
        self._streams = [one for one in walked if not one.parent_stream_type]  # those whose turn comes, one by one
        self._stream: ConformedStream | None = None
        self._told = self._began = tap.clock.monotonic()
        self._requests = tap.requester.requests

    @property
    def _reading(self) -> SyncRun | None:
        """How far `work_orders` is, where it is that stream's turn."""
        return self._tap.work_orders.reading if self._stream is self._tap.work_orders else None

    def update(self) -> None:
        """Look which stream is being read, and tell, if it is time to."""
        begun = [one for one in self._streams if one.begun]
        if begun and begun[-1] is not self._stream:
            self._stream = begun[-1]
            self._began, self._requests = self._tap.clock.monotonic(), self._tap.requester.requests
            self._start()
        if self._stream:
            self._tell(self._stream)

    def _start(self) -> None:
        """Another stream is being read."""

    def _tell(self, stream: ConformedStream) -> None:
        now = self._tap.clock.monotonic()
        if now - self._told >= EVERY:
            self._told = now
            self._tap.logger.info("%s: %s", stream.name, self.line(now))

    def line(self, now: float) -> str:
        """For example: ``41,200 of 128,000 (32 %), 50 requests a minute, about 29 min left``."""
        minutes = max(1e-9, (now - self._began) / MINUTE)
        pace = f"{(self._tap.requester.requests - self._requests) / minutes:.0f} requests a minute"
        reading = self._reading
        if not reading:
            return f"{self._stream.rows_written if self._stream else 0:,} rows, {pace}"
        done, due = reading.done, reading.due
        if not due:
            return f"{done:,}, {pace}"
        left = f", about {duration(minutes * (due - done) / reading.read)} left" if reading.read else ""
        return f"{done:,} of {due:,} ({100 * done // due} %), {pace}{left}"


class Bar(Progress):
    """The same as a bar on a terminal."""

    def __init__(self, tap: TapFieldNation) -> None:
        from tqdm import tqdm  # noqa: PLC0415  (only where it is seen)

        super().__init__(tap)
        self._bar = tqdm(desc=tap.name, unit=" rows", unit_scale=True, file=sys.stderr, leave=False)

    @override
    def _start(self) -> None:
        self._bar.reset()
        self._bar.set_description_str(self._stream.name if self._stream else "", refresh=False)
        self._bar.initial = self._bar.n = self._reading.resumed if self._reading else 0

    @override
    def _tell(self, stream: ConformedStream) -> None:
        reading = self._reading
        self._bar.total = (reading.due if reading else 0) or None
        self._bar.n = reading.done if reading else stream.rows_written
        self._bar.refresh()

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()


@contextlib.contextmanager
def shown(tap: TapFieldNation) -> Iterator[None]:
    """Progress for as long as something is read: a bar on a terminal, else lines."""
    if not tap.config["progress"]:
        yield
    elif not sys.stderr.isatty():
        with _repeated(Progress(tap).update):
            yield
    else:
        from tqdm.contrib.logging import logging_redirect_tqdm  # noqa: PLC0415

        with logging_redirect_tqdm(), _without_metrics(), contextlib.closing(Bar(tap)) as bar, _repeated(bar.update):
            yield


@contextlib.contextmanager
def _repeated(update: Callable[[], None]) -> Iterator[None]:
    """Call it again and again meanwhile, from a thread: what is being waited for must not keep it from telling."""
    done = threading.Event()

    def repeat() -> None:
        while not done.wait(TICK):
            update()

    thread = threading.Thread(target=repeat, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextlib.contextmanager
def _without_metrics() -> Iterator[None]:
    """Leave out the lines of the SDK that are for programs: the summary says the same."""
    logger = logging.getLogger(METRICS_LOGGER_NAME)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def duration(minutes: float) -> str:
    """A time span for people: ``40 s``, ``29 min``, ``3.5 h``."""
    if minutes < 1:
        return f"{MINUTE * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 2 * MINUTE else f"{minutes / MINUTE:.1f} h"
