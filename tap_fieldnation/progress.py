"""How far the reading of work orders is: a line now and then, or a bar where a person looks on; on stderr."""

from __future__ import annotations

import contextlib
import sys
import typing as t

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Iterator

    from tap_fieldnation.api.client import Client
    from tap_fieldnation.api.clock import Clock
    from tap_fieldnation.reading.reader import Reading

EVERY = 15.0  # seconds between two lines
MINUTE = 60.0


class Progress:
    """Tells of a reading as it goes on.

    Args:
        reading: What is told of.
        client: Counts the requests.
        clock: What time it is.
        logger: Where the lines go.
    """

    def __init__(self, reading: Reading, client: Client, clock: Clock, logger: logging.Logger) -> None:
        self._reading, self._client, self._clock, self._logger = reading, client, clock, logger
        self._began = self._told = clock.monotonic()
        self._requests = client.requests

    def update(self) -> None:
        """Tell, if it is time to."""
        now = self._clock.monotonic()
        if now - self._told >= EVERY:
            self._told = now
            self._logger.info("%s", self.line(now))

    def line(self, now: float) -> str:
        """For example: ``41,200 of 128,000 (32 %), 50 requests a minute, about 29 min left``."""
        done, due = self._reading.done, self._reading.due
        minutes = max(1e-9, (now - self._began) / MINUTE)
        said = [f"{done:,} of {due:,} ({100 * done // due} %)" if due else f"{done:,}"]
        said.append(f"{(self._client.requests - self._requests) / minutes:.0f} requests a minute")
        if due and (read := self._reading.read):
            said.append(f"about {duration(minutes * (due - done) / read)} left")
        return ", ".join(said)


class Bar:
    """The same as a bar on a terminal."""

    def __init__(self, reading: Reading) -> None:
        from tqdm import tqdm  # noqa: PLC0415  (only where it is seen)

        self._reading = reading
        self._bar = tqdm(desc="work_orders", unit=" work orders", unit_scale=True, file=sys.stderr, leave=False)

    def update(self) -> None:
        """Draw."""
        self._bar.total = self._reading.due or None
        self._bar.update(self._reading.done - self._bar.n)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()


@contextlib.contextmanager
def shown(reading: Reading, client: Client, clock: Clock, logger: logging.Logger) -> Iterator[Progress | Bar]:
    """Progress for as long as something is read: a bar on a terminal, else lines."""
    if not sys.stderr.isatty():
        yield Progress(reading, client, clock, logger)
        return
    from tqdm.contrib.logging import logging_redirect_tqdm  # noqa: PLC0415

    with logging_redirect_tqdm(), contextlib.closing(Bar(reading)) as bar:
        yield bar


def duration(minutes: float) -> str:
    """A time span for people: ``40 s``, ``29 min``, ``3.5 h``."""
    if minutes < 1:
        return f"{MINUTE * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 2 * MINUTE else f"{minutes / MINUTE:.1f} h"
