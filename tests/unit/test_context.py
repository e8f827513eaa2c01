"""What the streams of a run share: the days to read, and the id of the company, found by two requests at most."""

from __future__ import annotations

import logging
import typing as t
from datetime import date

import pytest

from tap_fieldnation import settings
from tap_fieldnation.api.errors import ApiError, StateError
from tap_fieldnation.api.work_orders import PATH
from tap_fieldnation.context import TEMPLATES, RunContext
from tests.fakes import FakeClient

DEFAULTS = {setting.name: setting.default for setting in settings.SETTINGS}


def make_context(*, in_state: int | None = None, **config: t.Any) -> RunContext:
    """The context of a run whose STATE belongs to a company, or to none yet."""
    config = {**DEFAULTS, "client_id": "the-client-id", "client_secret": "the-client-secret", **config}
    context = RunContext(config, user_agent="test", logger=logging.getLogger("tests.context"))
    context.expect_company(in_state)
    return context


def page_of(*work_orders: object) -> dict[str, t.Any]:
    metadata = {"total": len(work_orders), "page": 1, "pages": 1, "per_page": 1}
    return {"metadata": metadata, "results": list(work_orders)}


def asking(context: RunContext, body: object, templates: object = None) -> FakeClient:
    """The client of a run to which `GET /workorders` returns a body, or fails with an error; `GET /templates` too."""
    client = FakeClient({PATH: body, TEMPLATES: templates or page_of()})
    context.__dict__["client"] = client
    return client


NO_PERMISSION = ApiError(PATH, 403, "Forbidden")
BAD_REQUEST = ApiError(TEMPLATES, 400, "columns is unknown")
OF_A_COMPANY = page_of({"id": 1, "company": {"id": "42"}})
OF_NONE: dict[str, object] = {
    "no work order": page_of(),
    "none that shows it": page_of({"id": 1}),
    "a placeholder": page_of({"id": 1, "company": {"id": 0}}),
    "no permission": NO_PERMISSION,
}


def test_the_company_is_taken_from_a_work_order_by_one_request() -> None:
    context = make_context(company_id=7)
    client = asking(context, OF_A_COMPANY)
    assert [context.find_company_id() for _ in range(3)] == [42, 42, 42]
    assert client.paths == [PATH]


@pytest.mark.parametrize("body", OF_NONE.values(), ids=OF_NONE)
def test_without_a_work_order_that_shows_the_company_a_template_does(body: object) -> None:
    context = make_context(company_id=7)
    client = asking(context, body, OF_A_COMPANY)
    assert [context.find_company_id() for _ in range(3)] == [42, 42, 42]
    assert client.paths == [PATH, TEMPLATES]


UNDOCUMENTED: dict[str, object] = {"text": "none", "no objects": page_of(5), "a bad request": BAD_REQUEST}


@pytest.mark.parametrize("setting", [None, 7])
@pytest.mark.parametrize("templates", [*OF_NONE.values(), *UNDOCUMENTED.values()], ids=[*OF_NONE, *UNDOCUMENTED])
def test_without_a_company_the_setting_counts_after_two_requests(templates: object, setting: int | None) -> None:
    context = make_context(company_id=setting)
    client = asking(context, page_of(), templates)
    assert [context.find_company_id() for _ in range(3)] == [setting] * 3
    assert client.paths == [PATH, TEMPLATES]


def test_that_of_state_is_confirmed_by_work_orders() -> None:
    context = make_context(in_state=42, company_id=7)
    client = asking(context, page_of({"id": 2, "company": {"id": 41}}, {"id": 1, "company": {"id": 42}}))
    assert context.known_company_id == 42
    assert [context.find_company_id() for _ in range(3)] == [42, 42, 42]
    assert client.paths == [PATH]


def test_a_state_of_another_company_is_refused() -> None:
    context = make_context(in_state=5)
    asking(context, OF_A_COMPANY)
    with pytest.raises(StateError, match=r"another company \(id 5\).*id 42"):
        context.find_company_id()


@pytest.mark.parametrize("body", OF_NONE.values(), ids=OF_NONE)
def test_that_of_state_counts_where_no_work_order_shows_it(body: object) -> None:
    context = make_context(in_state=5, company_id=7)
    asking(context, body)
    assert context.find_company_id() == 5


def test_a_company_that_work_orders_showed_takes_no_request() -> None:
    seen = make_context(in_state=6)
    seen.remember_company(6)
    seen.remember_company(None)
    client = asking(seen, OF_A_COMPANY)
    assert seen.find_company_id() == 6
    assert client.paths == []


@pytest.mark.parametrize("where", [0, 1])
def test_a_failure_is_no_missing_company(where: int) -> None:
    context = make_context()
    unavailable = ApiError(PATH, 503, "Service unavailable")
    asking(context, *(unavailable if place == where else page_of() for place in range(2)))
    with pytest.raises(ApiError, match="HTTP 503"):
        context.find_company_id()


@pytest.mark.parametrize(
    ("config", "days"),
    [
        ({}, (None, None)),
        ({"start_date": "2026-01-31T23:00:00-05:00"}, (date(2026, 2, 1), None)),
        ({"start_date": "1900-01-01", "end_date": "2026-01-31"}, (date(1970, 1, 1), date(2026, 1, 31))),
    ],
)
def test_the_days_are_those_that_state_can_hold(
    config: dict[str, t.Any], days: tuple[date | None, date | None]
) -> None:
    assert make_context(**config).date_range == days


@pytest.mark.parametrize("streams", [("work_orders", "clients"), ("clients", "work_orders")])
def test_the_first_stream_that_meets_the_deadline_is_remembered(streams: tuple[str, ...]) -> None:
    context = make_context()
    assert context.stopped_stream is None
    for stream in streams:
        context.stop_at_deadline(stream)
    assert context.stopped_stream == streams[0]
