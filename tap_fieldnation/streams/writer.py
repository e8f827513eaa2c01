"""Writes Singer messages to stdout. If a message cannot be written in full, nothing is written after it."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import select
import sys
import typing as t
from datetime import datetime  # noqa: TC003  msgspec reads the annotation

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder, serialize_jsonl
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from singer_sdk.helpers.types import Record
    from singer_sdk.singerlib.encoding.simple import Message

# How long to wait before writing again if the reader is not ready.
WAIT = 1.0
_AT_END = -1  # of a buffer


class _RecordLine(msgspec.Struct, tag_field="type", tag="RECORD", omit_defaults=True):
    """A RECORD message, as the SDK's `RecordMessage` writes it, made in a tenth of the time."""

    stream: str
    record: dict[str, t.Any]
    version: int | None = None
    time_extracted: datetime | None = None


class Writer(MsgSpecWriter):
    """A message writer that knows whether it is in the middle of a message.

    Attributes:
        busy: Whether a message is being written, so that another one would be written into it.
        on_idle: Called once the message is written, or cannot be; set by a signal handler that found the writer busy.
    """

    busy = False
    on_idle: Callable[[], None] | None = None
    _buffer: bytearray | None = None
    _failure: OSError | None = None

    @property
    def has_failed(self) -> bool:
        """Whether writing to stdout failed: nothing may follow, because the last message may be incomplete."""
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
            OSError: stdout cannot be written, or could not for an earlier message, which may be incomplete.
        """
        if self._buffer is not None:
            self._buffer += self.format_message(message)
            return
        self._write(self.format_message(message))

    def write_records(
        self, records: Iterable[tuple[str, Record]], *, version: int | None, time_extracted: datetime | None
    ) -> None:
        """Write the RECORD messages of records with one system call, which is faster for many small ones.

        Args:
            records: Each with the name of its stream.
            version: The version of the full table, if it has one.
            time_extracted: When they were received.

        Raises:
            OSError: stdout cannot be written.
        """
        lines = bytearray() if self._buffer is None else self._buffer
        for stream, record in records:
            encoder.encode_into(_RecordLine(stream, record, version, time_extracted), lines, _AT_END)
            lines += b"\n"
        if lines is not self._buffer:
            self._write(lines)

    @contextlib.contextmanager
    def buffered(self) -> Iterator[None]:
        """Write the messages of a `with` block with one system call at its end, which is faster for many small ones."""
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

    With `PYTHONUNBUFFERED` set, Python writes only as many as one system call accepts: fewer if a signal interrupts it,
    a file reaches its size limit, or a non-blocking pipe is full.

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
    """Buffer the output of `print`, so that reports are written as a whole even if `PYTHONUNBUFFERED` is set."""
    if isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase):
        encoding, errors = sys.stdout.encoding, sys.stdout.errors
        sys.stdout = open(sys.stdout.fileno(), "w", encoding=encoding, errors=errors, closefd=False)  # noqa: SIM115
