"""Shows the progress of a sync on stderr: a line every 15 seconds, or a bar on a terminal."""

from __future__ import annotations

import contextlib
import sys
import threading
import typing as t

from typing_extensions import override

from tap_fieldnation.commands.text import count, duration
from tap_fieldnation.streams.sdk import ConformedStream
from tap_fieldnation.streams.work_orders import work_orders_of

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping

    from singer_sdk.streams import Stream

    from tap_fieldnation.context import RunContext
    from tap_fieldnation.reading.sync_run import SyncRun

LINE_INTERVAL = 15.0  # seconds
UPDATE_INTERVAL = 0.5
MINUTE = 60.0

# Of `tqdm`; these and the lines fit 80 columns.
WITH_TOTAL = "{desc}: {percentage:3.0f}%|{bar}| {n:,}/{total:,} [{elapsed}<{remaining}{postfix}]"
WITHOUT_TOTAL = "{desc}: {n:,} rows [{elapsed}{postfix}]"
WITHOUT_ROWS = "{desc} [{elapsed}{postfix}]"


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
        self._logged_at = self._stream_began = self._began = context.clock.monotonic()

    @property
    def _run(self) -> SyncRun | None:
        """The run, while work orders are being read."""
        return self._work_orders.run if self._stream is self._work_orders else None

    def update(self) -> None:
        """Find out which stream is being read, and show the progress if it is due."""
        begun = [stream for stream in self._streams if stream.begun]
        if begun and begun[-1] is not self._stream:
            self._stream = begun[-1]
            self._stream_began = self._context.clock.monotonic()
            self._start()
        if self._stream:
            self._show(self._stream)

    def _start(self) -> None:
        """Start to show the progress of another stream."""

    def _show(self, stream: ConformedStream) -> None:
        now = self._context.clock.monotonic()
        if now - self._logged_at >= LINE_INTERVAL:
            self._logged_at = now
            self._logger.info("%s: %s", stream.name, self.line(now))

    def line(self, now: float) -> str:
        """For example: ``41,200 of 128,000 (32 %), 50 requests/min, about 29 min left``."""
        rate, run = self.rate(now), self._run
        if not run:
            rows = self._stream.rows_written if self._stream else 0
            return f"{count(rows, 'row') if rows else 'no rows yet'}, {rate}"
        done, due = run.done, run.due
        if not due:
            return f"{f'{done:,} read' if done else 'none read yet'}, {rate}"
        minutes = (now - self._stream_began) / MINUTE
        left = f", about {duration(minutes * (due - done) / run.read)} left" if run.read else ""
        return f"{done:,} of {due:,} ({100 * done // due} %), {rate}{left}"

    def rate(self, now: float) -> str:
        """The request rate of the run so far, such as ``50 requests/min``; at its beginning a stream has none."""
        minutes = max(1e-9, (now - self._began) / MINUTE)
        return f"{self._context.requester.requests / minutes:.0f} requests/min"


class Bar(Progress):
    """A bar on a terminal."""

    def __init__(self, context: RunContext, streams: Mapping[str, Stream], logger: logging.Logger) -> None:
        from tqdm import tqdm  # noqa: PLC0415  (only where it is shown)

        super().__init__(context, streams, logger)
        self._bar = tqdm(desc="starting", bar_format=WITHOUT_ROWS, file=sys.stderr, leave=False, dynamic_ncols=True)

    @override
    def _start(self) -> None:
        self._bar.reset()
        self._bar.set_description_str(self._stream.name if self._stream else "", refresh=False)
        self._bar.initial = self._run.resumed if self._run else 0

    @override
    def _show(self, stream: ConformedStream) -> None:
        run, bar = self._run, self._bar
        bar.total = (run.due if run else 0) or None
        bar.n = run.done if run else stream.rows_written
        bar.bar_format = WITH_TOTAL if bar.total else WITHOUT_TOTAL if bar.n else WITHOUT_ROWS
        bar.set_postfix_str(self.rate(self._context.clock.monotonic()))

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()


@contextlib.contextmanager
def show_progress(context: RunContext, streams: Mapping[str, Stream], logger: logging.Logger) -> Iterator[None]:
    """Show progress during a `with` block: a bar on a terminal, otherwise lines; nothing if `progress` is false."""
    if not context.config["progress"]:
        yield
    elif not sys.stderr.isatty():
        with _repeated(Progress(context, streams, logger).update):
            yield
    else:
        from tqdm.contrib.logging import logging_redirect_tqdm  # noqa: PLC0415

        bar = Bar(context, streams, logger)
        with logging_redirect_tqdm(), contextlib.closing(bar), _repeated(bar.update):
            yield


@contextlib.contextmanager
def _repeated(update: Callable[[], None]) -> Iterator[None]:
    """Call a function repeatedly during a `with` block, in a thread, so that slow requests do not stop the display."""
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
