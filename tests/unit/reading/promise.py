"""The promise of the reading plan, as a function of a seed: what a random history of the account must not break."""

from __future__ import annotations

import random
import typing as t
from datetime import timedelta

from tap_fieldnation.api.work_orders import CREATED_NAMES
from tap_fieldnation.reading.sync_run import Options
from tests.unit.reading.model import Destination, Model, Rates

PAUSES = (1, 5, 30, 100)  # hours; the last one is long enough for the pause to be read as history


def broken_by(seed: int, *, runs: int = 2, **settings: t.Any) -> list[str]:
    """What a first run and some next ones leave wrong in the destination; nothing if the promise holds.

    The account changes before each request of a run, and more of it between runs.
    """
    chosen = random.Random(seed)
    model = _model(seed, chosen, **settings)
    options = Options(page_size=chosen.choice((10, 25, 100)), threads=chosen.choice((1, 4)))
    destination = Destination()
    wrong: list[str] = []
    for run in range(runs + 1):
        if run:
            _between_runs(model, chosen)
        before = {row.id: row.version for row in model.visible()}
        was_closed = {row.id for row in model.visible() if model.closed(row) and row.id in destination.versions}
        model.ever_hidden.clear()
        destination.run(model, options)
        for one, version in before.items():
            if one in model.ever_hidden:
                continue
            if one not in destination.versions:
                wrong.append(f"run {run}: {one} is lost")
            elif destination.versions[one] < version and one not in was_closed:
                wrong.append(f"run {run}: {one} is stale")
            if one in destination.removed:
                wrong.append(f"run {run}: {one} is said to be removed")
        wrong += _unnoticed_removals(model, destination, run)
    return wrong


def _model(seed: int, chosen: random.Random, **settings: t.Any) -> Model:
    rates = Rates(
        insert=chosen.choice((0, 0.2, 0.5)),
        archive=chosen.choice((0, 0.1, 0.5)),
        change=chosen.choice((0, 1)),
        late=chosen.choice((0, 0.2)),
    )
    defaults: dict[str, t.Any] = {
        "rates": rates,
        "cap": chosen.choice((100, 50, 10)),
        "filter_name": chosen.choice((*CREATED_NAMES, None)),
        "repeat_last": chosen.random() < 0.3,
    }
    model = Model(seed, **{**defaults, **settings})
    model.fill(chosen.choice((0, 5, 200, 600)), chosen.choice((1, 30, 300)))
    return model


def _between_runs(model: Model, chosen: random.Random) -> None:
    model.now += timedelta(hours=chosen.choice(PAUSES))
    for change, most in ((model._change, 20), (model._insert, 30), (model._archive, 3), (model._late, 5)):
        for _ in range(chosen.randrange(most + 1)):
            change()
    model.now += timedelta(minutes=2)


def _unnoticed_removals(model: Model, destination: Destination, run: int) -> list[str]:
    assert destination.state is not None
    known_open = set(_ids(destination.state["open"])) if "open" in destination.state else set()
    gone = {row.id for row in model.rows.values() if row.archived and row.id not in model.ever_hidden}
    return [f"run {run}: {one} is gone, but still thought open" for one in gone & known_open]


def _ids(differences: list[int]) -> list[int]:
    total, ids = 0, []
    for difference in differences:
        total += difference
        ids.append(total)
    return ids
