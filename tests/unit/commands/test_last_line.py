"""Nothing is logged after the last line, whatever threads are still running."""

from __future__ import annotations

import io
import logging
import threading
import time
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from tap_fieldnation.commands.last_line import silence_other_threads

if TYPE_CHECKING:
    from collections.abc import Iterator


class Slow(io.StringIO):
    """A stream on which each line of another thread takes as long as the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = threading.Event(), threading.Event()

    @override
    def write(self, text: str) -> int:
        if threading.current_thread() is not threading.main_thread():
            self.begun.set()
            assert self.go_on.wait(10)
        return super().write(text)


@pytest.fixture
def stream() -> Iterator[Slow]:
    stream = Slow()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("tests.last_line")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)


@pytest.mark.parametrize("level", [logging.DEBUG, logging.WARNING, logging.ERROR, logging.CRITICAL])
def test_no_line_of_another_thread_follows(stream: Slow, level: int) -> None:
    logger = logging.getLogger("tests.last_line")

    def log() -> None:
        for number in range(1_000):
            logger.log(level, "line %d", number)
            time.sleep(0.0005)

    thread = threading.Thread(target=log)
    thread.start()
    assert stream.begun.wait(10)  # it is in the middle of its first line, and has the lock
    threading.Timer(0.05, stream.go_on.set).start()
    silence_other_threads()
    silence_other_threads()
    logger.info("a summary")
    logger.error("the last line")
    thread.join(10)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "line 0"
    assert lines[-2:] == ["a summary", "the last line"]
    assert len(lines) < 1_000


def test_a_thread_that_cannot_go_on_does_not_prevent_the_last_line(stream: Slow) -> None:
    logger = logging.getLogger("tests.last_line")
    threading.Thread(target=logger.info, args=("line",), daemon=True).start()
    assert stream.begun.wait(10)
    silence_other_threads()
    stream.go_on.set()
    logger.error("the last line")
    assert stream.getvalue().splitlines() == ["line", "the last line"]
