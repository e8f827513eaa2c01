"""What `--test` reports about an API that behaves differently: based on its responses, and without anybody's data."""

from __future__ import annotations

import typing as t

import pytest

from emulator import Emulator
from tap_fieldnation.commands.samples import Samples, identifier
from tap_fieldnation.commands.test import run_checks
from tap_fieldnation.tap import TapFieldNation
from tests.whole.in_process import catalog, settings

if t.TYPE_CHECKING:
    from emulator.http import Request

STREAMS = {"work_orders", "work_order_tags", "work_order_custom_fields", "work_order_requests", "clients", "tags"}


def report(api: Emulator, *, streams: set[str] = STREAMS) -> list[str]:
    """The lines of the report."""
    tap = TapFieldNation(config=settings(api), catalog=catalog(streams))
    return [str(check) for check in run_checks(tap.context, tap.streams)]


def test_all_is_as_expected() -> None:
    with Emulator(work_orders=150, seed=2, rate_limit=0) as api:
        lines = report(api)
        requests = len(api.log)
    assert [line for line in lines if not line.startswith("ok")] == [
        (
            "note  fields unknown to this version: work_orders.carbon_grams (null), "
            "work_orders.dispatch_score (object), work_orders.smart_summary (string)"
        ),
        (
            "note  please report these fields: https://github.com/tap-fieldnation/tap-fieldnation/issues "
            "(names and types only, no values)"
        ),
    ]
    assert "ok    creation filter: f_created_date, confirmed by the work orders returned; echoed" in lines
    assert "ok    days of the creation filter: UTC; both are read in full" in lines
    assert "ok    ids: newer work orders have higher ids" in lines
    assert "ok    total: matches the number of work orders on the pages" in lines
    assert "ok    values: unchanged when a page is read twice" in lines
    assert requests < 25


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ({"filter_echo": False}, "ok    f_work_order_id: returned 2 of 2 requested; not echoed"),
        (
            {"filter_echo": False, "created_filter": "f_created"},
            "ok    creation filter: f_created, confirmed by the work orders returned; not echoed",
        ),
        ({"created_filter": "none"}, "note  creation filter: not supported; work orders are read in one pass"),
        ({"filter_zone": "site"}, "ok    days of the creation filter: the site's time; both are read in full"),
        ({"total_surplus": 3}, "note  total: the API counts 153 work orders, its pages have 150"),
        (
            {"embedded_hidden": 2},
            (
                "ok    lists within work orders: complete; totals count rows hidden from this user in "
                "work_order_custom_fields, work_order_tags"
            ),
        ),
        (
            {"embedded_cut": 1},
            (
                "note  lists within work orders: completed by further requests for work_order_custom_fields, "
                "work_order_tags"
            ),
        ),
        (
            {"restless": "ratings.buyer.overall.jobs,eta.condition.distance,actions,correlation_id"},
            "ok    values: unchanged when a page is read twice",
        ),
        (
            {"restless": "ratings.buyer.overall.jobs,ratings.buyer.work_order.stars,tags.results.label,tags.metadata"},
            (
                "note  values: changed when a page was read twice: work_order_tags.label, "
                "work_orders.ratings.buyer.work_order.stars; if nobody edited these work orders meanwhile, each run "
                "writes them again: please report these names: https://github.com/"
            ),
        ),
        ({"require_provider_list": True, "provider_envelope": True}, "ok    work_order_requests: can be read"),
        (
            {"marketplace": 2_000, "provider_envelope": True},
            "note  work_order_requests: for one record the API counts ",
        ),
    ],
    ids=lambda value: next(iter(value.items())) if isinstance(value, dict) else "",
)
def test_what_is_different_is_told_by_what_comes_back(switches: dict[str, t.Any], expected: str) -> None:
    with Emulator(**{"work_orders": 150, "seed": 2, "rate_limit": 0, **switches}) as api:
        lines = report(api)
    assert [line for line in lines if line.startswith(expected)]
    assert not [line for line in lines if line.startswith("FAIL")]


@pytest.mark.parametrize("inactive", ["on-request", "always", "never"])
def test_clients_are_looked_at(inactive: str) -> None:
    with Emulator(work_orders=150, seed=2, rate_limit=0, inactive_clients=inactive) as api:
        [line] = [line for line in report(api) if "clients: the list has" in line]
    assert line.startswith("note" if inactive == "never" else "ok")
    assert "f_deactivated: " in line


def test_an_id_filter_that_is_ignored_is_a_failure() -> None:
    def without_ids(request: Request) -> None:
        request.params.pop("f_work_order_id", None)

    with Emulator(work_orders=150, seed=2, rate_limit=0) as api:
        api.app.hooks.append(without_ids)
        lines = report(api)
    assert "FAIL  f_work_order_id: returned 2 of 2 requested; not echoed, and others too" in lines


def test_a_report_of_fields_has_names_and_types_but_no_data() -> None:
    number: t.Any = {"type": ["number", "null"]}
    properties: dict[str, t.Any] = {"id": number, "sum": number}
    samples = Samples()
    rows: list[t.Any] = [
        {"id": 1, "owner": {"John Smith": "555-0199"}, "john.smith@people.example": 1, "sum": "a lot", "score": 5},
        {"id": 2, "owner": None, "score": 5.5, "list": [{"a": True}, {"a": None}], "42": {}},
        "text",
    ]
    samples.add("things", {"type": "object", "properties": properties}, rows)
    samples.add("things", {"type": "object", "properties": properties}, [{"more": 1}])
    owner = {"type": "object", "properties": {"id": number}}
    samples.add("owned", {"type": "object", "properties": {**properties, "owner": owner}}, rows[:1])
    assert samples.unknown() == [
        "owned.* (integer)",
        "owned.owner.* (string)",
        "owned.score (integer)",
        "things.* (integer, object)",
        "things.list (array)",
        "things.more (integer)",
        "things.owner (object)",
        "things.score (integer, number)",
    ]
    assert samples.unfit() == ["owned.sum (string)", "things.sum (string)"]
    assert rows[0]["sum"] == "a lot", "rows are not changed"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("work_order_id", "work_order_id"),
        ("Work Done", "Work Done"),
        ("a@b", "*"),
        ("42", "*"),
        ("x" * 41, "*"),
        ("", "*"),
    ],
)
def test_a_name_that_may_be_data_is_not_shown(name: str, shown: str) -> None:
    assert identifier(name) == shown
