"""Runs a sync, which is what `tap-fieldnation` does without `--test`, `--plan` or `--discover`."""

from __future__ import annotations

import contextlib
import typing as t

from tap_fieldnation.api.errors import TapError
from tap_fieldnation.commands.last_line import silence_other_threads
from tap_fieldnation.commands.progress import show_progress
from tap_fieldnation.commands.summary import log_result, log_summary
from tap_fieldnation.memory import limit_malloc_arenas, tune_gc
from tap_fieldnation.streams.runs import runs_of
from tap_fieldnation.streams.sdk import ConformedStream

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from singer_sdk.streams import Stream

    from tap_fieldnation.context import RunContext


def reason_of(error: BaseException) -> str:
    """Why a run failed, in a sentence without any data."""
    return str(error) if isinstance(error, TapError) else f"unexpected error ({type(error).__name__})"


def record_failure(streams: Mapping[str, Stream], reason: str) -> None:
    """Write a row of `sync_runs` for a run that fails, unless writing to stdout failed.

    No row is written if nothing was received, because `meltano config test` takes any record as proof that the settings
    are right.
    """
    received = any(isinstance(stream, ConformedStream) and stream.received_at for stream in streams.values())
    with contextlib.suppress(OSError):
        if received:
            runs_of(streams).write_failure(reason)


def sync(
    sync_all: Callable[[], None], context: RunContext, streams: Mapping[str, Stream], logger: logging.Logger
) -> None:
    """Sync all selected streams with progress, and log a summary at the end, even if the sync fails.

    Args:
        sync_all: The SDK's sync of all streams.
        context: The run.
        streams: All streams by name.
        logger: The tap's.
    """
    context.begin()
    tune_gc()
    limit_malloc_arenas()
    began, failed = context.clock.monotonic(), True
    try:
        with show_progress(context, streams, logger):
            sync_all()
        failed = False
    except (Exception, SystemExit) as error:
        record_failure(streams, reason_of(error))
        raise
    finally:
        silence_other_threads()
        log_summary(context, streams, logger)
        log_result(context, streams, logger, context.clock.monotonic() - began, failed=failed)
