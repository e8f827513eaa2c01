"""The progress of a sync on stderr: a line now and then, or a bar on a terminal."""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import typing as t

from singer_sdk.metrics import METRICS_LOGGER_NAME
from typing_extensions import override

from tap_fieldnation.commands.text import count, duration
from tap_fieldnation.streams.sdk import ConformedStream
from tap_fieldnation.streams.work_orders import work_orders_of

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from singer_sdk.streams import Stream

    from tap_fieldnation.context import RunContext
    from tap_fieldnation.reading.sync_run import SyncRun

LINE_INTERVAL = 15.0  # seconds
UPDATE_INTERVAL = 0.5
MINUTE = 60.0


class Progress:
    """Logs a line every 15 seconds.

    Args:
        context: The run.
        streams: All streams by name.
        logger: The tap's.
    """

    def __init__(self, context: RunContext, streams: Mapping[str, Stream], logger: logging.Logger) -> None:
        self._context, self._logger = context, logger
        self._work_orders = work_orders_of(streams)
        conformed = (stream for stream in streams.values() if isinstance(stream, ConformedStream))
        self._streams = [stream for stream in conformed if not stream.parent_stream_type]  # synced one after another
        self._stream: ConformedStream | None = None
        self._logged_at = self._began = context.clock.monotonic()
        self._requests = context.requester.requests

    @property
    def _run(self) -> SyncRun | None:
        """The run of work orders, while these are being read."""
        return self._work_orders.run if self._stream is self._work_orders else None

    def update(self) -> None:
        """Find out which stream is being read, and show the progress if it is time to."""
        begun = [stream for stream in self._streams if stream.begun]
        if begun and begun[-1] is not self._stream:
            self._stream = begun[-1]
            self._began, self._requests = self._context.clock.monotonic(), self._context.requester.requests
            self._start()
        if self._stream:
            self._show(self._stream)

    def _start(self) -> None:
        """Another stream is being read."""

    def _show(self, stream: ConformedStream) -> None:
        now = self._context.clock.monotonic()
        if now - self._logged_at >= LINE_INTERVAL:
            self._logged_at = now
            self._logger.info("%s: %s", stream.name, self.line(now))

    def line(self, now: float) -> str:
        """For example: ``41,200 of 128,000 (32 %), 50 requests/min, about 29 min left``."""
        minutes = max(1e-9, (now - self._began) / MINUTE)
        rate = f"{(self._context.requester.requests - self._requests) / minutes:.0f} requests/min"
        run = self._run
        if not run:
            return f"{count(self._stream.rows_written if self._stream else 0, 'row')}, {rate}"
        done, due = run.done, run.due
        if not due:
            return f"{done:,}, {rate}"
        left = f", about {duration(minutes * (due - done) / run.read)} left" if run.read else ""
        return f"{done:,} of {due:,} ({100 * done // due} %), {rate}{left}"


class Bar(Progress):
    """A bar on a terminal."""

    def __init__(self, context: RunContext, streams: Mapping[str, Stream], logger: logging.Logger) -> None:
        from tqdm import tqdm  # noqa: PLC0415  (only where it is shown)

        super().__init__(context, streams, logger)
        self._bar = tqdm(unit=" rows", unit_scale=True, file=sys.stderr, leave=False)

    @override
    def _start(self) -> None:
        self._bar.reset()
        self._bar.set_description_str(self._stream.name if self._stream else "", refresh=False)
        self._bar.initial = self._bar.n = self._run.resumed if self._run else 0

    @override
    def _show(self, stream: ConformedStream) -> None:
        run = self._run
        self._bar.total = (run.due if run else 0) or None
        self._bar.n = run.done if run else stream.rows_written
        self._bar.refresh()

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()


@contextlib.contextmanager
def show_progress(context: RunContext, streams: Mapping[str, Stream], logger: logging.Logger) -> Iterator[None]:
    """Show progress during a block: a bar on a terminal, else lines; nothing where the setting says so."""
    if not context.config["progress"]:
        yield
    elif not sys.stderr.isatty():
        with _repeated(Progress(context, streams, logger).update):
            yield
    else:
        from tqdm.contrib.logging import logging_redirect_tqdm  # noqa: PLC0415

        bar = Bar(context, streams, logger)
        with logging_redirect_tqdm(), _without_metrics(), contextlib.closing(bar), _repeated(bar.update):
            yield


@contextlib.contextmanager
def _repeated(update: Callable[[], None]) -> Iterator[None]:
    """Call a function repeatedly during a block, from a thread, so that a slow request does not stop the progress."""
    done = threading.Event()

    def repeat() -> None:
        while not done.wait(UPDATE_INTERVAL):
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
    """Leave out the SDK's METRIC lines, which are for programs: the summary has the same numbers."""
    logger = logging.getLogger(METRICS_LOGGER_NAME)
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
