"""Accounts with few work orders of any age, and servers that report odd numbers."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta

import pytest

from tap_fieldnation.api.work_orders import CREATED_NAMES
from tap_fieldnation.reading.sync_run import Options
from tests.unit.reading.model import START, Destination, Model

OPTIONS = Options(page_size=10)


@pytest.mark.parametrize("filter_name", [*CREATED_NAMES, None])
@pytest.mark.parametrize("years", [0, 2, 12, 50])
@pytest.mark.parametrize("work_orders", range(6))
def test_few_and_old_work_orders_are_read(work_orders: int, years: int, filter_name: str | None) -> None:
    model, destination = Model(1, filter_name=filter_name), Destination()
    for number in range(work_orders):
        model.add(START - timedelta(days=365 * years, minutes=5 - number), "Draft")
    for options in (OPTIONS, dataclasses.replace(OPTIONS, since=date(1970, 1, 1)), OPTIONS):
        run = destination.run(model, options)
        assert run.complete
        assert set(destination.versions) == set(model.rows)
        model.now += timedelta(hours=5)


def test_a_bounded_backfill_of_a_small_account() -> None:
    model, destination = Model(1), Destination()
    row = model.add(START - timedelta(days=4000), "Draft")
    model.add(START, "Draft")
    destination.run(model, dataclasses.replace(OPTIONS, until=START.date() - timedelta(days=2000)))
    assert set(destination.versions) == {row.id}


@pytest.mark.parametrize("filter_name", [*CREATED_NAMES, None])
def test_an_account_that_was_empty_is_read_as_a_whole_once_it_is_not(filter_name: str | None) -> None:
    model, destination = Model(1, filter_name=filter_name), Destination()
    assert destination.run(model, OPTIONS).complete
    model.now += timedelta(hours=1)
    model.fill(500, 300)
    assert destination.run(model, OPTIONS).complete
    assert set(destination.versions) == set(model.rows)


def test_a_small_account_costs_few_requests() -> None:
    model, destination = Model(1), Destination()
    model.fill(3, 2)
    destination.run(model, OPTIONS)
    assert len(model.requests) <= 6
    model.requests.clear()
    model.now += timedelta(hours=1)
    destination.run(model, OPTIONS)
    assert len(model.requests) <= 4


@pytest.mark.parametrize("hours", [-12, -5, 9, 14])
def test_creation_days_in_the_time_of_the_site(hours: int) -> None:
    model, destination = Model(2, site_hours=hours), Destination()
    model.fill(400, 100)
    for _ in range(6):
        destination.run(model, OPTIONS)
        assert set(destination.versions) == {row.id for row in model.visible()}
        model.now += timedelta(hours=17)
        for _ in range(7):
            model._insert()
