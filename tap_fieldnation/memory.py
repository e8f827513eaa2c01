"""Tunes the garbage collector and malloc, so that a sync needs less time and memory."""

from __future__ import annotations

import contextlib
import ctypes
import gc

# The collector's thresholds during a sync: the first is the number of new objects.
COLLECT_AFTER = (100_000, 50, 50)
M_ARENA_MAX = -8  # of malloc.h


def tune_gc() -> None:
    """Run the garbage collector less often, and never on the objects that already exist.

    A page of work orders is tens of thousands of objects without cycles, all freed when the next page replaces them. At
    Python's default thresholds the collector would search each page a dozen times and find nothing.
    """
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def limit_malloc_arenas() -> None:
    """Let all threads allocate from one arena. Must be called before any thread starts.

    By default glibc gives each thread an arena of its own, and other threads cannot use what is freed there: about
    25 MiB in all. Other C libraries have neither these arenas nor the function.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)
