"""Messages reach stdout whole, whenever a signal comes."""

from __future__ import annotations

import json

import pytest
from singer_sdk.singerlib import RecordMessage

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


def test_a_signal_is_handled_once_the_message_is_written(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    writer = Writer()
    writer.write_message(message(1))
    signal = Signal(writer, capsysbinary)
    writer.write_message(message(2))
    assert signal.found == [1, 2]
    assert not writer.busy


def test_messages_of_a_buffered_block_are_written_as_a_whole_before_a_signal_is_handled(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    writer = Writer()
    with writer.buffered():
        writer.write_message(message(1))
        assert writer.busy
        signal = Signal(writer, capsysbinary)
        writer.write_message(message(2))
        assert signal.found is None
        assert capsysbinary.readouterr().out == b"", "one system call, at the end"
    assert signal.found == [1, 2]
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
