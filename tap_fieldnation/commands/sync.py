"""A sync, which is what `tap-fieldnation` does without `--test`, `--plan` or `--discover`."""

from __future__ import annotations

import typing as t

from tap_fieldnation.commands.last_line import silence_other_threads
from tap_fieldnation.commands.progress import show_progress
from tap_fieldnation.commands.summary import log_result, log_summary
from tap_fieldnation.memory import limit_malloc_arenas, tune_gc

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from singer_sdk.streams import Stream

    from tap_fieldnation.context import RunContext


def sync(
    sync_all: Callable[[], None], context: RunContext, streams: Mapping[str, Stream], logger: logging.Logger
) -> None:
    """Sync all selected streams with progress, and log a summary at the end, also where the sync fails.

    Args:
        sync_all: The SDK's sync of all streams.
        context: The run.
        streams: All streams by name.
        logger: The tap's.
    """
    tune_gc()
    limit_malloc_arenas()
    began, failed = context.clock.monotonic(), True
    try:
        with show_progress(context, streams, logger):
            sync_all()
        failed = False
    finally:
        silence_other_threads()
        log_summary(context, streams, logger)
        log_result(context, streams, logger, context.clock.monotonic() - began, failed=failed)
