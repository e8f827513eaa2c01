"""The promise of `docs/how-it-reads.md`, checked on a random history of an account, as a function of a seed.

A history is a series of runs of the tap, complete, killed, or stopped by a time limit; between and during them the
account and the settings change. After each complete run the destination is compared with the account.
"""

from __future__ import annotations

import dataclasses
import random
import typing as t
from datetime import timedelta

from tap_fieldnation.api.work_orders import CREATED_NAMES
from tap_fieldnation.reading.completeness import MASS_NUMBER, MassRemovalError
from tap_fieldnation.reading.cursor import DAY
from tap_fieldnation.reading.sync_run import Options
from tests.unit.reading.model import Destination, Model, Rates

if t.TYPE_CHECKING:
    from datetime import datetime

    from tap_fieldnation.reading.sync_run import SyncRun
    from tests.unit.reading.model import Row

HOURS = (0.05, 1, 5, 23, 30, 100, 24 * 40)
AGES = (0.01, 2, 30, 400, 15 * 365)
SIZES = (0, 1, 5, 60, 200, 500)
WITHIN = timedelta(hours=24)


def broken_by(seed: int, *, runs: int = 6, **settings: t.Any) -> list[str]:
    """What a history breaks of the promise; nothing if it holds.

    Args:
        seed: What the history is made from.
        runs: How many runs it has.
        settings: Attributes of the model that are not left to the seed.
    """
    history = History(seed, **settings)
    for number in range(runs):
        history.play(number)
    return history.wrong


class History:
    """A series of runs.

    Args:
        seed: What it is made from.
        settings: Attributes of the model that are not left to the seed.
    """

    def __init__(self, seed: int, **settings: t.Any) -> None:
        self.random = choose = random.Random(seed)
        self.kills = random.Random(seed + 1)
        rates = Rates(
            insert=choose.choice((0, 0.2, 0.5)),
            archive=choose.choice((0, 0.05, 0.2)),
            change=choose.choice((0, 1)),
            late=choose.choice((0, 0.2)),
            back_date=choose.choice((0, 0.1)),
            give_back=choose.choice((0, 0, 0.1)),
        )
        defaults: dict[str, t.Any] = {
            "rates": rates,
            "cap": choose.choice((100, 50, 10)),
            "filter_name": choose.choice((*CREATED_NAMES, None)),
            "repeat_last": choose.random() < 0.3,
            "site_hours": choose.choice((0, 0, -12, 14)),
            "echo": choose.random() < 0.8,
            "late_hours": choose.choice((0.9, 20)),
            "rows_as_size": seed % 5 == 0,
            "echo_all": seed % 7 == 0,
        }
        self.model = Model(seed, **{**defaults, **settings})
        self.model.fill(choose.choice(SIZES), choose.choice(AGES))
        self.options = Options(
            page_size=choose.choice((10, 25, 100)),
            threads=choose.choice((1, 4)),
            reconcile=choose.choice((timedelta(days=30), timedelta(days=2), None)),
        )
        self.streams: tuple[str, ...] = ("work_orders",)
        self.destination = Destination()
        self.wrong: list[str] = []
        self.complete_at: datetime | None = None
        self.undisturbed, self.same_selection = False, True

    def play(self, number: int) -> None:
        """One run, after a pause in which the account and the settings change."""
        choose, model = self.random, self.model
        asked_before = self.streams, self.options.since
        if number:
            self._pause()
        self.same_selection = self.same_selection and asked_before == (self.streams, self.options.since)
        undisturbed, self.undisturbed = self.undisturbed and self.same_selection, False
        self.destination.needless.clear()
        began = model.now
        before = {row.id: row.version for row in model.visible()}
        was_open = {row.id for row in model.visible() if not model.closed(row)}
        sent_as_closed = {row for row, closed in self.destination.closed.items() if closed}
        model.ever_hidden.clear()
        limit = choose.choice((None, None, None, choose.randrange(1, 30)))
        kill = choose.choice((None, None, None, choose.randrange(20)))
        stops: dict[str, t.Any] = {"until": kill, "max_requests": limit}
        if self.kills.random() < 0.2:
            stops["until_state"] = self.kills.randrange(1, 40)
        try:
            run = self.destination.run(model, self.options, streams=self.streams, **stops)
        except MassRemovalError:
            # Justified only where many work orders disappeared; they really did.
            if len(self.destination.closed) < MASS_NUMBER:
                self.wrong.append(f"run {number}: takes the removal of a few work orders for a fault")
            self.options = dataclasses.replace(self.options, accept_mass_removals=True)
            return
        if run.complete:
            self._check(number, run, began, before, was_open - sent_as_closed)
            self.complete_at, self.undisturbed = began, True
        # One that has returned is written even if nothing of it changed.
        needless = [row for row in self.destination.needless if not model.rows[row].irregular]
        if undisturbed and needless and run.trusts_echoes:  # otherwise it has started over
            self.wrong.append(f"run {number}: {needless[:5]} did not change, but are written")

    def _pause(self) -> None:
        choose, model = self.random, self.model
        model.now += timedelta(hours=choose.choice(HOURS))
        changes = (
            (model._change, 20),
            (model._insert, 30),
            (model._archive, 3),
            (model._late, 5),
            (model._back_date, 3),
            (model._give_back, 2),
        )
        for change, most in changes:
            for _ in range(choose.randrange(most + 1)):
                change()
        if choose.random() < 0.1:
            model.hide_some()
        if choose.random() < 0.2:
            days = choose.choice((None, 3, 50, 300))
            since = None if days is None else model.now.date() - timedelta(days=days)
            self.options = dataclasses.replace(self.options, since=since)
        if choose.random() < 0.2:
            self.options = dataclasses.replace(self.options, page_size=choose.choice((10, 25, 100)))
        if choose.random() < 0.2:
            children = choose.choice(((), ("work_order_tags",), ("users",), ("users", "work_order_tags")))
            self.streams = (*children, "work_orders")
        model.now += timedelta(minutes=2)

    def _check(
        self, number: int, run: SyncRun, began: datetime, before: dict[int, int], must_be_current: set[int]
    ) -> None:
        """Compare the destination with the account after a complete run."""
        model, destination = self.model, self.destination
        for work_order, version in before.items():
            row = model.rows[work_order]
            if work_order in model.ever_hidden or not self._is_requested(row):
                continue
            sent = destination.versions.get(work_order)
            *children, _ = run.cursor.streams
            if sent is None or any(work_order not in destination.rows.get(name, ()) for name in children):
                if not self._may_wait(row):
                    self.wrong.append(f"run {number}: {work_order} is lost")
            elif sent < version and work_order in must_be_current and not self._may_wait(row):
                self.wrong.append(f"run {number}: {work_order} is stale")
            elif sent < version and self._is_overdue(row, began):
                self.wrong.append(f"run {number}: {work_order} is older than reconcile_days")
            if work_order in destination.removed and not self._may_wait(row):
                self.wrong.append(f"run {number}: {work_order} is said to be removed")
        open_in_state = set(run.cursor.open)
        for row in model.rows.values():
            if row.archived and row.id not in model.ever_hidden and row.id in open_in_state:
                self.wrong.append(f"run {number}: {row.id} is removed, but thought open")

    def _is_requested(self, row: Row) -> bool:
        """Whether it is clear that a work order is within the requested days."""
        return self.options.since is None or row.created.date() - DAY > self.options.since

    def _may_wait(self, row: Row) -> bool:
        """Whether a work order became visible out of order, and that not a day of syncs ago."""
        if not row.irregular:
            return False
        return self.complete_at is None or self.complete_at < row.appeared + WITHIN or self.options.reconcile is None

    def _is_overdue(self, row: Row, began: datetime) -> bool:
        if self.options.reconcile is None or self.complete_at is None:
            return False
        return row.changed + self.options.reconcile + (began - self.complete_at) < self.complete_at
