"""What all tests share: how many examples the property tests try, and nothing of the user's environment."""

from __future__ import annotations

import gc
import logging
import os
import re
import signal
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

import coverage
import pytest
from hypothesis import HealthCheck, settings

from tap_fieldnation.api import redact
from tests.untraced import leave_out_others, tracing_off
from tests.whole.canary import PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator

# The same examples in each run, so that a change fails only for what it changed; `thorough` looks for new ones.
settings.register_profile(
    "ci",
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.register_profile("thorough", parent=settings.get_profile("ci"), max_examples=1000, derandomize=False)
# pytest's own option --hypothesis-profile wins over this
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

leave_out_others()


@pytest.fixture
def untraced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Measure no coverage, in this process and those that it starts: other tests run the same lines, in less time."""
    for name in [name for name in os.environ if name.startswith("COVERAGE_")]:
        monkeypatch.delenv(name)
    with tracing_off():
        yield


def pytest_sessionfinish() -> None:
    """Save what was measured at once: pytest-xdist kills a process that takes more than 10 seconds to end."""
    if measured := coverage.Coverage.current():
        measured.stop()
        measured.save()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the canary looked for secrets: what `tests/whole/canary.py` counts, from all processes together."""
    reports = terminalreporter.stats.get("passed", [])
    counts = [count for report in reports for name, count in report.user_properties if name == PLACES]
    if counts:
        terminalreporter.write_line(f"canary: {sum(counts):,} places searched in {len(counts)} runs, no secret found")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own TAP_FIELDNATION_… or log config must not decide whether a test passes."""
    for name in list(os.environ):
        if name.upper().startswith(("TAP_FIELDNATION_", "SINGER_SDK_", "LOGLEVEL")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _no_secret_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test protects must not be masked in the sentences of the next one."""
    monkeypatch.setattr(redact, "_secrets", set())
    monkeypatch.setattr(redact, "_in_data", set())
    monkeypatch.setattr(redact, "_tokens", deque(maxlen=redact.MAX_TOKENS))
    monkeypatch.setattr(redact, "_known", re.compile(r"(?!)"))
    monkeypatch.setattr(redact, "_known_in_data", re.compile(r"(?!)"))
    monkeypatch.setattr(redact, "_parts", [])


def _loggers() -> list[logging.Logger]:
    return [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]


@pytest.fixture(autouse=True)
def _this_process_as_it_was() -> Iterator[None]:
    """Undo what a tap does to the process that it runs in: record factory, log handlers, signals, collector."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    thresholds = gc.get_threshold()
    signals = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    logging.setLogRecordFactory(logging.LogRecord)  # a tap that was made while tests were collected has set its own
    disabled = {logger: logger.disabled for logger in _loggers()}
    yield
    for logger in _loggers():  # a log config disables those that it does not name
        logger.disabled = disabled.get(logger, False)
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    logging.captureWarnings(capture=False)
    logging.disable(logging.NOTSET)
    logging.setLogRecordFactory(logging.LogRecord)
    root.setLevel(level)
    for handler in [*root.handlers, *([logging.lastResort] if logging.lastResort else [])]:
        vars(handler).pop("emit", None)
    for handler in list(root.handlers):
        if handler not in handlers:
            root.removeHandler(handler)
    for number, handler_before in signals.items():
        signal.signal(number, handler_before)


@pytest.fixture(autouse=True)
def _nothing_leaves_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that would ask Field Nation itself fails at once."""
    look_up = socket.getaddrinfo

    def only_here(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in {None, "127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"a test tried to reach {host}")
        return look_up(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", only_here)
