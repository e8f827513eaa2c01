"""Writes Singer messages to stdout, all bytes of each or none of what follows, so that no message is ever torn."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import select
import sys
import typing as t

from singer_sdk.contrib.msgspec import MsgSpecWriter, serialize_jsonl
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk.singerlib.encoding.simple import Message

# How long to wait for a reader that is not ready before looking again.
WAIT = 1.0


class Writer(MsgSpecWriter):
    """A message writer that knows whether it is in the middle of a message.

    Attributes:
        busy: Whether a message is being written: another one now would tear it.
        on_idle: Called once the message is written, or cannot be; set by a signal handler that found the writer busy.
    """

    busy = False
    on_idle: Callable[[], None] | None = None
    _buffer: bytearray | None = None
    _failure: OSError | None = None

    @property
    def has_failed(self) -> bool:
        """Whether stdout could not be written: nothing can follow, as the last message may be torn."""
        return self._failure is not None

    @override
    def serialize_message(self, message: Message) -> bytearray:
        """A message as a line of JSON, without the deep copy that the SDK makes of SCHEMA and STATE messages."""
        if isinstance(message, RecordMessage):
            return super().serialize_message(message)
        found = {field.name: getattr(message, field.name) for field in dataclasses.fields(message)}
        return serialize_jsonl({name: value for name, value in found.items() if value is not None})

    @override
    def write_message(self, message: Message) -> None:
        """Write a message.

        Raises:
            OSError: stdout cannot be written, now or at an earlier message, which may be torn.
        """
        if self._buffer is not None:
            self._buffer += self.format_message(message)
            return
        self._write(self.format_message(message))

    @contextlib.contextmanager
    def buffered(self) -> Iterator[None]:
        """Write the messages of a block by one system call at its end: for many small ones."""
        self.busy = True
        self._buffer = buffer = bytearray()
        try:
            yield
        finally:
            self._buffer = None
            self._write(buffer)

    def _write(self, data: bytearray) -> None:
        if self._failure is not None:
            raise self._failure
        self.busy = True
        try:
            write_all(data)
        except OSError as error:
            self._failure = error
            if self.on_idle is not None:
                self.on_idle()  # Ctrl-C ends the target too, perhaps sooner
            raise
        self.busy = False
        if self.on_idle is not None:
            self.on_idle()


def write_all(data: bytes | bytearray) -> None:
    """Write all bytes to stdout.

    With `PYTHONUNBUFFERED` set, Python writes only as many as one system call takes: fewer if a signal interrupts it,
    at the size limit of a file, or in a pipe that does not block.

    Raises:
        OSError: They cannot be written.
    """
    sys.stdout.flush()  # what was written in other ways comes first
    output = sys.stdout.buffer
    raw = getattr(output, "raw", output)
    while data:
        written = raw.write(data)
        if written is None:  # the pipe does not block, and is full
            select.select([], [raw.fileno()], [], WAIT)
        else:
            data = data[written:]


def buffer_output() -> None:
    """Let reports, which `print` writes, be written as a whole too where `PYTHONUNBUFFERED` is set."""
    if isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase):
        encoding, errors = sys.stdout.encoding, sys.stdout.errors
        sys.stdout = open(sys.stdout.fileno(), "w", encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
