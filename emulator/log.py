"""The requests that the emulator received and the status of its responses, for tests to inspect."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from emulator.json import Json


@dataclass
class Entry:
    """One request. `path` is relative to /api/rest/v2 if it is below it; tokens in `params` are masked."""

    number: int
    at: float  # monotonic clock, seconds
    wall: float  # seconds since the epoch
    method: str
    path: str
    params: dict[str, str] = field(default_factory=dict)
    status: int = 0
    page: int | None = None
    per_page: int | None = None
    results: int | None = None
    sent_token: bool = False  # the request carried an access token
    sent_secret: bool = False  # the request carried a client secret or password
    fault: str | None = None  # name of the fault that was served
    agent: str = ""
    host: str = ""
    finished: float = 0.0  # monotonic clock, when the response was sent

    def to_dict(self) -> dict[str, Json]:
        """The fields as JSON values."""
        return asdict(self)


class RequestLog:
    """Entries in the order of arrival; thread-safe."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._lock = threading.Lock()
        self._count = 0

    def open(self, at: float, wall: float, method: str, path: str) -> Entry:
        """Append an entry, to be completed while the request is handled."""
        with self._lock:
            self._count += 1
            entry = Entry(self._count, at, wall, method, path)
            self._entries.append(entry)
            return entry

    def clear(self) -> None:
        """Delete all entries; numbering continues."""
        with self._lock:
            self._entries = []

    def entries(self) -> list[Entry]:
        """A copy of the entries."""
        with self._lock:
            return list(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries())

    def __len__(self) -> int:
        return len(self.entries())

    def __getitem__(self, index: int) -> Entry:
        return self.entries()[index]

    def of(self, path: str) -> list[Entry]:
        """Entries of one path; a trailing `*` matches any suffix."""
        if path.endswith("*"):
            return [entry for entry in self.entries() if entry.path.startswith(path[:-1])]
        return [entry for entry in self.entries() if entry.path == path]

    def faults(self) -> list[str]:
        """Names of the faults that were served, in order."""
        return [entry.fault for entry in self.entries() if entry.fault]
