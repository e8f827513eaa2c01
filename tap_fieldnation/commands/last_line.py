"""Makes sure that nothing is logged after the last line, although background threads may still be running."""

from __future__ import annotations

import logging
import signal
import threading
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Seconds. A thread that is writing a line holds the lock of the handler; a signal can arrive while it is blocked.
LOCK_TIMEOUT = 1.0


def silence_other_threads() -> None:
    """Let only this thread log from now on, at any level. A line that another thread has begun is completed first."""
    thread = threading.get_ident()
    for handler in set(_handlers()):
        locked = handler.lock is not None and handler.lock.acquire(timeout=LOCK_TIMEOUT)
        if "emit" not in vars(handler):
            # Not a filter, which is called before the lock of the handler is acquired.
            vars(handler)["emit"] = _emit_for(handler.emit, thread)
        if locked and handler.lock is not None:
            handler.lock.release()


def ignore_signals() -> None:
    """Ignore signals from now on, so that none adds a sentence to the one that ends the run."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _emit_for(emit: Callable[[logging.LogRecord], None], thread: int) -> Callable[[logging.LogRecord], None]:
    def emit_own(record: logging.LogRecord) -> None:
        if record.thread == thread:
            emit(record)

    return emit_own


def _handlers() -> Iterator[logging.Handler]:
    yield from logging.root.handlers
    for logger in list(logging.root.manager.loggerDict.values()):
        yield from getattr(logger, "handlers", ())
    if logging.lastResort is not None:
        yield logging.lastResort
