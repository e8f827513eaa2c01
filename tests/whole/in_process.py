"""Runs the tap within this process, and keeps its messages instead of writing them."""

from __future__ import annotations

import copy
import functools
import json
import logging
import threading
import typing as t
from collections import defaultdict

from typing_extensions import override

from tap_fieldnation.streams.writer import Writer
from tap_fieldnation.tap import TapFieldNation

if t.TYPE_CHECKING:
    from collections.abc import Collection

    from singer_sdk.singerlib.encoding.simple import Message

    from emulator import Emulator

Record = dict[str, t.Any]


class Collector(Writer):
    """Keeps what would be written.

    Attributes:
        order: Type and stream of each message, in order.
        schemas: The last SCHEMA message of each stream.
        rows: The records of each stream.
        versions: Of each stream, the versions that its records carry, and those that it said are complete.
        state: The last STATE.
    """

    def __init__(self) -> None:
        self.order: list[tuple[str, str]] = []
        self.schemas: dict[str, dict[str, t.Any]] = {}
        self.rows: dict[str, list[Record]] = defaultdict(list)
        self.versions: dict[str, set[tuple[str, int | None]]] = defaultdict(set)
        self.state: dict[str, t.Any] = {}

    @override
    def write_message(self, message: Message) -> None:
        found = message.to_dict()
        kind, stream = found["type"], found.get("stream", "")
        self.order.append((kind, stream))
        if kind == "RECORD":
            self.rows[stream].append(found["record"])
            self.versions[stream].add((kind, found.get("version")))
        elif kind == "SCHEMA":
            self.schemas[stream] = found
        elif kind == "STATE":
            self.state = copy.deepcopy(found["value"])
        else:
            self.versions[stream].add((kind, found["version"]))


class Warnings(logging.Handler):
    """Keeps what is warned of, by this thread: others may still be about a request that nobody waits for any more.

    Attributes:
        texts: The warnings, each with the stream's name before it.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []
        self._thread_of_run = threading.get_ident()

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread_of_run:
            self.texts.append(f"{record.name.rpartition('.')[2]}: {record.getMessage()}")


class Run(t.NamedTuple):
    """A run that has ended.

    Attributes:
        tap: The tap.
        out: What it wrote.
        warnings: What it warned of, each with the stream's name before it.
    """

    tap: TapFieldNation
    out: Collector
    warnings: list[str]


@functools.cache
def _discovered() -> str:
    config = {"client_id": "not needed", "client_secret": "to discover"}
    return json.dumps(TapFieldNation(config=config, setup_mapper=False).catalog_dict)


def catalog(selected: Collection[str] | None = None, *, deselected: Collection[str] = ()) -> dict[str, t.Any]:
    """The catalog that `--discover` prints.

    Args:
        selected: The streams to select, and no others; None for what is selected by default.
        deselected: Properties (`stream.property`) not to select.
    """
    found: dict[str, t.Any] = json.loads(_discovered())
    for stream in found["streams"]:
        name = stream["tap_stream_id"]
        for entry in stream["metadata"]:
            if not entry["breadcrumb"] and selected is not None:
                entry["metadata"]["selected"] = name in selected
            if f"{name}.{'.'.join(entry['breadcrumb'][1::2])}" in deselected:
                entry["metadata"]["selected"] = False
    return found


def names() -> list[str]:
    """All streams."""
    return [stream["tap_stream_id"] for stream in catalog()["streams"]]


def settings(api: Emulator, **other: t.Any) -> dict[str, t.Any]:
    """A config for the emulator; `other` settings win."""
    return {
        "client_id": api.client_id,
        "client_secret": api.client_secret,
        "api_url": api.url,
        "requests_per_minute": 1_000_000,
        "progress": False,
        **other,
    }


def run(
    api: Emulator, listed: dict[str, t.Any] | None = None, state: dict[str, t.Any] | None = None, **other: t.Any
) -> Run:
    """Run the tap.

    Args:
        api: What to read.
        listed: The catalog; as discovered if there is none.
        state: What an earlier run left.
        other: Settings.
    """
    out = Collector()
    config = settings(api, **other)
    tap = TapFieldNation(
        config=config, catalog=listed or catalog(), state=copy.deepcopy(state or {}), message_writer=out
    )
    warnings = Warnings()
    tap.logger.addHandler(warnings)
    try:
        tap.sync_all()
    finally:
        tap.logger.removeHandler(warnings)
    return Run(tap, out, warnings.texts)
