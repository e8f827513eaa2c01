"""Sets up logging as the SDK does, but without its metrics; errors in its variables are reported in one sentence."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from singer_sdk._logging import _setup_console_logging
from singer_sdk.logging import ConsoleFormatter
from singer_sdk.metrics import METRICS_LOGGER_NAME

from tap_fieldnation.environment import LOG_LEVEL, PREFIX

LOG_CONFIG = "SINGER_SDK_LOG_CONFIG"
LEVELS = (f"{PREFIX}{LOG_LEVEL}", LOG_LEVEL)  # the first one that is set counts
# Meltano sets the second for each extractor, and newer versions also set the first. Programs then read the log.
READ_BY_PROGRAMS = (LOG_CONFIG, "MELTANO_EXTRACTOR_NAME")


def set_up(name: str) -> None:
    """Set up logging to stderr, or by a log config. People see the SDK's METRIC lines at the level DEBUG only.

    Args:
        name: The logger that reports errors. It is created only then, because a log config can disable existing
            loggers.

    Raises:
        SystemExit: A variable cannot be used.
    """
    for variable in (*LEVELS, LOG_CONFIG):
        if not os.environ.get(variable):
            os.environ.pop(variable, None)
    problem = _problem()
    if problem:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(ConsoleFormatter())
        handler.handle(
            logging.makeLogRecord({"name": name, "levelno": logging.ERROR, "levelname": "ERROR", "msg": problem})
        )
        sys.exit(1)
    metrics = logging.getLogger(METRICS_LOGGER_NAME)
    if any(os.environ.get(variable) for variable in READ_BY_PROGRAMS):
        metrics.removeFilter(lower_to_debug)
    else:
        metrics.addFilter(lower_to_debug)


def lower_to_debug(record: logging.LogRecord) -> bool:
    """A logging filter that lowers the level of each record to DEBUG."""
    record.levelno, record.levelname = logging.DEBUG, logging.getLevelName(logging.DEBUG)
    return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)


def _problem() -> str:
    """Set up logging. Returns what is wrong with the variables, as a sentence, or ""."""
    variable = next((one for one in LEVELS if one in os.environ), LOG_LEVEL)
    level = os.environ.get(variable, "INFO").upper()
    if not isinstance(logging.getLevelName(level), int):
        return (
            f"The environment variable {variable} cannot be used: it must be DEBUG, INFO, WARNING, ERROR or CRITICAL."
        )
    reason = ""
    try:
        if path := os.environ.get(LOG_CONFIG):
            Path(path).open("rb").close()
        _setup_console_logging(log_level=level)
    except OSError as error:
        reason = error.strerror or type(error).__name__
    except Exception as error:  # noqa: BLE001  (whatever PyYAML and logging.config raise for it)
        reason = type(error).__name__
    if not reason:
        return ""
    return (
        f"The environment variable {LOG_CONFIG} cannot be used ({reason}): it must name a YAML file that "
        "logging.config.dictConfig takes."
    )
