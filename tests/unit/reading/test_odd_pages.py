"""Servers whose pages have another size than they say, or whose totals waver: a run ends, and loses nothing."""

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest

from tap_fieldnation.api.errors import ApiError
from tap_fieldnation.api.work_orders import CREATED_NAMES, IDS
from tap_fieldnation.reading.cursor import NO_FILTER
from tap_fieldnation.reading.scan import MAX_FUTILE_STEPS, Scan
from tap_fieldnation.reading.sync_run import Options
from tests.unit.reading.model import START, Destination, Model

if t.TYPE_CHECKING:
    from tap_fieldnation.api.work_orders import Page

pytestmark = pytest.mark.usefixtures("untraced")

OPTIONS = Options(page_size=10)
SERVERS: list[dict[str, t.Any]] = [{"rows_as_size": True}, {"wavers_by": 3}, {"wavers_by": 1, "rows_as_size": True}]


@pytest.mark.parametrize("server", SERVERS, ids=repr)
@pytest.mark.parametrize("days", [0.5, 100])
def test_a_run_ends_and_loses_nothing(server: dict[str, t.Any], days: float) -> None:
    model, destination = Model(1, **server), Destination()
    model.fill(355, days)
    for _ in range(3):
        model.requests.clear()
        assert destination.run(model, OPTIONS).complete
        assert set(destination.versions) == set(model.rows)
        assert len(model.requests) < 1_000
        model.now += timedelta(hours=1)


def test_a_page_with_fewer_rows_shows_no_smaller_size_for_requests_by_id() -> None:
    model, destination = Model(1, rows_as_size=True), Destination()
    model.fill(200, 50)
    destination.run(model, OPTIONS)
    for row in [row for row in model.visible() if not model.closed(row)][::7]:
        row.archived = True
    model.requests.clear()
    model.now += timedelta(hours=1)
    run = destination.run(model, OPTIONS)
    requested = [filters[IDS].count(",") + 1 for filters in model.requests if IDS in filters]
    assert run.removed > 5
    assert sum(number == OPTIONS.page_size for number in requested) >= len(requested) - 2


@pytest.mark.parametrize(("work_orders", "days", "until"), [(2_000, 300, None), (300, 300, None), (300, 300, 5)])
def test_a_filter_that_is_echoed_but_not_applied_is_not_used(work_orders: int, days: float, until: int | None) -> None:
    model, destination = Model(1, filter_name=None, echo_all=True), Destination()
    model.fill(work_orders, days)
    options = Options(page_size=25, until=START.date() - timedelta(days=until) if until else None)
    run = destination.run(model, options)
    assert run.complete
    assert run.cursor.created_filter == NO_FILTER
    expected = {row.id for row in model.rows.values() if until is None or row.created < START - timedelta(days=until)}
    assert expected <= set(destination.versions)
    assert len(model.requests) < 1.2 * work_orders / 25 + 20


def test_a_filter_that_is_applied_is_found_among_those_that_are_echoed() -> None:
    model, destination = Model(1, filter_name=CREATED_NAMES[1], echo_all=True), Destination()
    model.fill(600, 300)
    run = destination.run(model, OPTIONS)
    assert run.cursor.created_filter == CREATED_NAMES[1]
    assert set(destination.versions) == set(model.rows)
    model.now += timedelta(hours=1)
    assert destination.run(model, OPTIONS).written == 0, "all of them have a fingerprint"


@pytest.mark.parametrize("echo_all", [False, True])
def test_a_filter_by_ids_that_is_not_applied_is_an_error(echo_all: bool) -> None:  # noqa: FBT001
    """Otherwise the open work orders that are not on the page would count as removed."""
    model, destination = Model(1, echo_all=echo_all), Destination()
    model.fill(30, 30)
    destination.run(model, OPTIONS)
    model.has_ids = False
    with pytest.raises(ApiError, match="the filter f_work_order_id was ignored"):
        destination.run(model, OPTIONS)
    assert destination.removals == []


def _number_of_requests(answer: t.Callable[[Model, int], Page]) -> int:
    """How many requests a pass over 95 work orders makes."""
    model, asked = Model(1, cap=10), list[int]()
    model.fill(95, 1)

    def fetch(number: int) -> Page:
        asked.append(number)
        assert len(asked) < 1_000, "it does not end"
        return answer(model, number)

    scan = Scan(fetch, START)
    for _ in scan:
        pass
    assert scan.ids == set(model.rows)
    return len(asked)


def test_a_page_size_that_changes_with_each_request_is_an_error() -> None:
    def answer(model: Model, number: int) -> Page:
        model.cap = 10 + len(model.requests) % 2
        return model.page(number, {})

    with pytest.raises(ApiError, match=r"the size of a page changes again and again, now from 1[01] to 1[01]"):
        _number_of_requests(answer)


def test_a_page_size_that_changes_once_makes_a_pass_begin_again() -> None:
    def answer(model: Model, number: int) -> Page:
        model.cap = 10 if len(model.requests) < 5 else 7
        return model.page(number, {})

    assert _number_of_requests(answer) == 6 + 14


def test_a_pass_steps_back_only_a_few_times_where_the_total_wavers() -> None:
    def answer(model: Model, number: int) -> Page:
        model.excess = (2, 1, 0)[len(model.requests) % 3]
        return model.page(number, {})

    assert _number_of_requests(answer) <= 12 + 3 * MAX_FUTILE_STEPS
