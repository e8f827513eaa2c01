"""Writes Singer messages to stdout so that a signal never tears one."""

from __future__ import annotations

import contextlib
import sys
import typing as t

from singer_sdk.contrib.msgspec import MsgSpecWriter
from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk.singerlib.encoding.simple import Message


class Writer(MsgSpecWriter):
    """A message writer that knows whether it is in the middle of a message.

    Attributes:
        busy: Whether a message is being written: another one now would tear it.
        on_idle: Called once the message is written; set by a signal handler that found the writer busy.
    """

    busy = False
    on_idle: Callable[[], None] | None = None
    _buffer: bytearray | None = None

    @override
    def write_message(self, message: Message) -> None:
        if self._buffer is not None:
            self._buffer += self.format_message(message)
            return
        self.busy = True
        super().write_message(message)
        self._idle()

    @contextlib.contextmanager
    def buffered(self) -> Iterator[None]:
        """Write the messages of a block by one system call at its end: for many small ones."""
        self.busy = True
        self._buffer = buffer = bytearray()
        try:
            yield
        finally:
            self._buffer = None
            sys.stdout.buffer.write(buffer)
            sys.stdout.flush()
            self._idle()

    def _idle(self) -> None:
        self.busy = False
        if self.on_idle is not None:
            self.on_idle()
