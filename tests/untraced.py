"""Coverage is of the tap alone: before Python 3.14, tracing makes any other code several times slower, for nothing."""

from __future__ import annotations

import contextlib
import copy
import functools
import sys
import threading
import typing as t

import coverage
from singer_sdk.helpers import _catalog, _flattening
from singer_sdk.singerlib import Catalog, MetadataMapping, Schema

from emulator import Emulator
from emulator.server import Server

if t.TYPE_CHECKING:
    from collections.abc import Iterator

# Where most time is spent in code of others, which calls nothing of the tap: the emulator's threads and what changes
# its company, and what the SDK does with schemas whenever a tap is made.
OTHERS: tuple[tuple[t.Any, str], ...] = (
    (Server, "process_request_thread"),
    (Emulator, "__init__"),
    (Emulator, "change"),
    (Emulator, "advance"),
    (Catalog, "from_dict"),
    (Schema, "from_dict"),
    (Schema, "to_dict"),
    (MetadataMapping, "resolve_selection"),
    (_catalog, "deepcopy"),
    (_flattening, "deepcopy"),
    (copy, "deepcopy"),
)


def leave_out_others() -> None:
    """Measure no coverage of `OTHERS`. If none is measured, nothing is changed, so that a debugger stops there."""
    if coverage.Coverage.current():
        for owner, name in OTHERS:
            bound = getattr(owner, name)
            is_of_class = getattr(bound, "__self__", None) is owner
            setattr(owner, name, classmethod(untraced(bound.__func__)) if is_of_class else untraced(bound))


@contextlib.contextmanager
def tracing_off() -> Iterator[None]:
    """Measure no coverage of what this thread runs, and threads that it starts."""
    here, in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        sys.settrace(here)
        threading.settrace(in_threads)


def untraced(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """The function, without measuring coverage of what it calls."""

    @functools.wraps(function)
    def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        if not (tracer := sys.gettrace()):
            return function(*args, **kwargs)
        sys.settrace(None)
        try:
            return function(*args, **kwargs)
        finally:
            sys.settrace(tracer)

    return call
