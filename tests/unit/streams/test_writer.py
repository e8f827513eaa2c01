"""Messages are written to stdout completely, whenever a signal arrives and whatever stdout is, or the run fails."""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from singer_sdk.singerlib import RecordMessage
from typing_extensions import override

from tap_fieldnation.streams.writer import Writer


def message(number: int) -> RecordMessage:
    return RecordMessage(stream="tags", record={"id": number})


def ids(output: bytes) -> list[int]:
    return [json.loads(line)["record"]["id"] for line in output.splitlines()]


class Signal:
    """A signal that comes at some moment: what stdout has when it is handled.

    Attributes:
        found: The ids on stdout when it was handled; None while it was not.
    """

    def __init__(self, writer: Writer, capture: pytest.CaptureFixture[bytes]) -> None:
        self.found: list[int] | None = None
        self._writer, self._capture = writer, capture
        writer.on_idle = self._handle

    def _handle(self) -> None:
        assert not self._writer.busy
        self._writer.on_idle = None
        self.found = ids(self._capture.readouterr().out)


@pytest.mark.parametrize("version", [None, 1_700_000_000])
@pytest.mark.parametrize("at", [None, datetime(2026, 3, 1, 12, 0, 7, 250_000, tzinfo=timezone.utc)])
def test_records_written_together_are_the_messages_of_the_sdk(
    capsysbinary: pytest.CaptureFixture[bytes], version: int | None, at: datetime | None
) -> None:
    records = [{"id": 1, "text": "é\n"}, {"id": 2, "pay": {"total": 7.5, "lines": []}}]
    writer = Writer()
    writer.write_records((("tags", record) for record in records), version=version, time_extracted=at)
    together = capsysbinary.readouterr().out
    for record in records:
        writer.write_message(RecordMessage(stream="tags", record=record, version=version, time_extracted=at))
    one_by_one = capsysbinary.readouterr().out
    assert ids(together) == [1, 2]
    assert [json.loads(line) for line in together.splitlines()] == [
        json.loads(line) for line in one_by_one.splitlines()
    ]


def test_records_wait_for_the_end_of_a_buffered_block(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    writer = Writer()
    with writer.buffered():
        writer.write_records([("tags", {"id": 1})], version=None, time_extracted=None)
        writer.write_message(message(2))
        assert capsysbinary.readouterr().out == b""
    assert ids(capsysbinary.readouterr().out) == [1, 2]


def test_a_signal_is_handled_once_the_message_is_written(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    writer = Writer()
    writer.write_message(message(1))
    arrived = Signal(writer, capsysbinary)
    writer.write_message(message(2))
    assert arrived.found == [1, 2]
    assert not writer.busy


def test_messages_of_a_buffered_block_are_written_as_a_whole_before_a_signal_is_handled(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    writer = Writer()
    with writer.buffered():
        writer.write_message(message(1))
        assert writer.busy
        arrived = Signal(writer, capsysbinary)
        writer.write_message(message(2))
        assert arrived.found is None
        assert capsysbinary.readouterr().out == b"", "one system call, at the end"
    assert arrived.found == [1, 2]
    assert not writer.busy


def test_messages_written_before_and_after_a_buffered_block_keep_their_order(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    writer = Writer()
    writer.write_message(message(1))
    with writer.buffered():
        writer.write_message(message(2))
    writer.write_message(message(3))
    assert ids(capsysbinary.readouterr().out) == [1, 2, 3]


def test_a_buffered_block_that_fails_has_written_what_it_had(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    writer = Writer()

    def fail() -> None:
        with writer.buffered():
            writer.write_message(message(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not writer.busy
    writer.write_message(message(2))
    assert ids(capsysbinary.readouterr().out) == [1, 2]


PROGRAM = """
import sys
from singer_sdk.singerlib import RecordMessage, StateMessage
from tap_fieldnation.streams.writer import Writer, buffer_output

def main():
    buffer_output()
    print("{}")
    writer = Writer()
    try:
        for number in range(int(sys.argv[1])):
            size = 20_000 + 911 * number % 180_000
            writer.write_message(RecordMessage(stream="tags", record={"id": number, "text": "x" * size}))
            with writer.buffered():
                for more in range(20):
                    writer.write_message(RecordMessage(stream="tags", record={"id": number, "more": more}))
    finally:
        writer.write_message(StateMessage(value={}))

try:
    main()
except OSError as error:
    print(error.strerror, file=sys.stderr)
    sys.exit(1)
"""


def start(number: int, stdout: Any, *, unbuffered: bool, **options: Any) -> subprocess.Popen[bytes]:
    """A process that writes so many large messages, each with 20 small ones after it, and a STATE."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(number)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1" if unbuffered else ""},
        **options,
    )


def assert_whole(output: bytes, number: int) -> None:
    first, *lines, last = output.splitlines()
    assert json.loads(first) == {}
    assert json.loads(last)["type"] == "STATE"
    records = [json.loads(line)["record"] for line in lines]
    assert [record["id"] for record in records if "text" in record] == list(range(number))
    assert len(records) == 21 * number


def read_slowly(descriptor: int) -> bytes:
    """Read in pieces that are smaller than a pipe."""
    pieces = []
    while piece := os.read(descriptor, 30_000):
        pieces.append(piece)
        time.sleep(0.0005)
    os.close(descriptor)
    return b"".join(pieces)


@pytest.mark.parametrize("unbuffered", [True, False])
@pytest.mark.parametrize("kind", ["pipe", "pipe that does not block", "socket", "socket that does not block"])
def test_every_byte_is_written_whatever_interrupts_it(kind: str, *, unbuffered: bool) -> None:
    if kind.startswith("pipe"):
        reading, writing = os.pipe()
    else:
        ours, theirs = socket.socketpair()
        reading, writing = ours.detach(), theirs.detach()
    os.set_blocking(writing, "not" not in kind)
    process = start(60, writing, unbuffered=unbuffered)
    os.close(writing)

    def interrupt() -> None:
        while process.poll() is None:
            for number in (signal.SIGSTOP, signal.SIGCONT):
                process.send_signal(number)
                time.sleep(0.002)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    output = read_slowly(reading)
    _, errors = process.communicate(timeout=60)
    interrupting.join()
    assert (process.returncode, errors) == (0, b"")
    assert_whole(output, 60)


@pytest.mark.parametrize("unbuffered", [True, False])
def test_nothing_follows_a_message_that_a_limit_tore(tmp_path: Path, *, unbuffered: bool) -> None:
    limit = 1_234_567

    def limit_size() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    with (tmp_path / "out").open("wb") as file:
        process = start(60, file, unbuffered=unbuffered, preexec_fn=limit_size)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (1, b"File too large\n")
    output = (tmp_path / "out").read_bytes()
    assert len(output) == limit
    *whole, torn = output.split(b"\n")
    assert torn
    assert b"STATE" not in torn
    assert all(json.loads(line).get("type", "RECORD") == "RECORD" for line in whole)


@pytest.mark.parametrize("unbuffered", [True, False])
def test_a_full_disk_is_an_error(*, unbuffered: bool) -> None:
    with Path("/dev/full").open("wb") as full:
        process = start(1, full, unbuffered=unbuffered)
        _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert errors.startswith(b"No space left on device")


def test_after_a_failure_no_message_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        @override
        def write(self, data: Any) -> int:
            if len(self.getvalue()) > 10:
                raise OSError(errno.ENOSPC, "full")
            return super().write(bytes(data)[:20])

    output = Failing()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(output, write_through=True))
    writer = Writer()
    for number in (1, 2):
        with pytest.raises(OSError, match="full"):
            writer.write_message(message(number))
        assert writer.busy, "a signal handler must not write STATE behind a torn message"
    assert len(output.getvalue()) == 20
