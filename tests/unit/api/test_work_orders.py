"""`GET /workorders`: its parameters, lazy decoding, and the checks of its envelope."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_fieldnation.api.decode import decode
from tap_fieldnation.api.errors import ApiError
from tap_fieldnation.api.work_orders import WorkOrders, created_between, decode_full
from tests.fakes import FakeTransport, make_client, response

ENVELOPE: dict[str, Any] = {
    "metadata": {"total": 250, "page": 2, "pages": 3, "per_page": 100},
    "results": [{"id": 7, "pay": {}}, {"id": 5}],
    "f_created_date": "2026-01-01,2026-01-31",
    "f_created": "",
}


def make_source(body: object) -> tuple[FakeTransport, WorkOrders]:
    transport = FakeTransport([response(200, body)])
    return transport, WorkOrders(make_client(transport), ["id", "pay"], 100)


def changed(**metadata: object) -> dict[str, Any]:
    return {**ENVELOPE, "metadata": {**ENVELOPE["metadata"], **metadata}}


def without(*path: str) -> dict[str, Any]:
    outer, *inner = path
    if inner:
        return {**ENVELOPE, outer: {key: value for key, value in ENVELOPE[outer].items() if key not in inner}}
    return {key: value for key, value in ENVELOPE.items() if key != outer}


def test_a_page_is_requested_with_all_fixed_parameters() -> None:
    transport, source = make_source(ENVELOPE)
    source.page(2, {"f_created_date": "2026-01-01,2026-01-31"})
    [(path, parameters, _)] = transport.gets
    assert path == "/api/rest/v2/workorders"
    assert parameters == {
        "list": "workorders_all",
        "sticky": "false",
        "f_": "",
        "view": "model",
        "columns": "id,pay",
        "sort": "id",
        "order": "desc",
        "page": 2,
        "per_page": 100,
        "f_created_date": "2026-01-01,2026-01-31",
    }


def test_a_page_has_the_values_of_its_envelope() -> None:
    _, source = make_source(ENVELOPE)
    page = source.page(2, created_between(date(2026, 1, 1), date(2026, 1, 31)), "asc")
    assert [record["id"] for record in page.records] == [7, 5]
    assert (page.number, page.pages, page.per_page, page.total) == (2, 3, 100, 250)
    assert page.echoes == {"f_created_date"}


def test_the_total_is_requested_with_the_smallest_page() -> None:
    transport, source = make_source(ENVELOPE)
    assert source.total({"f_created": "2026-01-01,2026-01-31"}) == 250
    [(_, parameters, _)] = transport.gets
    assert (parameters["columns"], parameters["per_page"], parameters["page"]) == ("id", 1, 1)
    assert parameters["f_created"] == "2026-01-01,2026-01-31"


def test_creation_days_use_both_filter_names_unless_one_is_given() -> None:
    days = (date(2026, 1, 31), date(2026, 2, 1))
    assert created_between(*days) == {
        "f_created_date": "2026-01-31,2026-02-01",
        "f_created": "2026-01-31,2026-02-01",
    }
    assert created_between(*days, ("f_created",)) == {"f_created": "2026-01-31,2026-02-01"}


@pytest.mark.parametrize(
    ("body", "per_page", "total"),
    [
        (changed(total="250", pages="3", per_page="90"), 90, 250),
        (changed(total=250.0, pages=3.0, per_page=100.0), 100, 250),
        (changed(per_page=0), 100, 250),
        (changed(total=0), 100, 0),
    ],
)
def test_numbers_can_be_strings(body: object, per_page: int, total: int) -> None:
    page = make_source(body)[1].page(1, {})
    assert (page.per_page, page.total, page.pages) == (per_page, total, 3)


@pytest.mark.parametrize("empty", [None, [], {}, False, ""])
def test_empty_results_are_no_records(empty: object) -> None:
    assert list(make_source({**ENVELOPE, "results": empty})[1].page(1, {}).records) == []


def test_an_id_can_be_a_string() -> None:
    page = make_source({**ENVELOPE, "results": [{"id": "7"}]})[1].page(1, {})
    assert page.records[0]["id"] == 7


VALUES = [
    *(
        b'"a"',
        b"1.5",
        b'{"b": [1, null, {}]}',
        b'"caf\xc3\xa9"',
        b'"\\u0000x"',
        b'"\\ud800x"',
        b'"\xff"',
        b"NaN",
        b"1e999",
    ),
    *(b"9" * 5_000, b'{"a":[' * 300 + b'"\\u0000"' + b"]}" * 300),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value[:12]))
@pytest.mark.parametrize("key", [b"title", b"status", b"milestones"])
def test_a_work_order_decoded_later_is_the_same(key: bytes, value: bytes) -> None:
    body = b'{"metadata":{"total":1,"page":1,"pages":1,"per_page":100},"results":[{"id":"7","%b":%b}]}' % (key, value)
    transport = FakeTransport([response(200, body)])
    page = WorkOrders(make_client(transport), ["id"], 100).page(1, {})
    [record] = page.records
    assert record["id"] == 7
    assert decode_full(record) == {**decode(body)["results"][0], "id": 7}


@pytest.mark.parametrize(
    "value", [b'"\\q"', b'"a\nb"', b'"\\u12"', b"01", b"-", b"'x'", b"[1,]", b'{"a" 1}', b"tru", b""]
)
def test_invalid_json_is_found_when_the_page_is_received(value: bytes) -> None:
    body = b'{"metadata":{"total":1,"page":1,"pages":1,"per_page":100},"results":[{"id":7,"title":%b}]}' % value
    transport = FakeTransport([response(200, body), response(200, ENVELOPE)])
    page = WorkOrders(make_client(transport), ["id"], 100).page(1, {})
    assert [record["id"] for record in page.records] == [7, 5]
    assert len(transport.gets) == 2


BROKEN: dict[str, object] = {
    "not an object": [1],
    "text": "x",
    "null": None,
    "no metadata": without("metadata"),
    "metadata of another type": {**ENVELOPE, "metadata": []},
    "no results": without("results"),
    "results of another type": {**ENVELOPE, "results": {"7": {"id": 7}}},
    "results that are text": {**ENVELOPE, "results": "abc"},
    "a result of another type": {**ENVELOPE, "results": [{"id": 7}, 5]},
    "an empty result": {**ENVELOPE, "results": [None]},
    "a result without id": {**ENVELOPE, "results": [{"pay": {}}]},
    "an id that is null": {**ENVELOPE, "results": [{"id": None}]},
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_an_unexpected_envelope_is_an_error(body: object) -> None:
    with pytest.raises(ApiError, match=r"/api/rest/v2/workorders .*lacks the documented metadata, results or ids"):
        make_source(body)[1].page(1, {})


@pytest.mark.parametrize(
    ("metadata", "per_page", "pages"),
    [
        ({"total": 250}, 100, 3),
        ({"total": 250, "per_page": 20}, 20, 13),
        ({"total": 250, "pages": 3}, 100, 3),
        ({"total": 0}, 100, 0),
        ({"total": 250, "per_page": 10**12, "pages": 1}, 100, 3),
        ({"total": 250, "per_page": -5, "pages": -1}, 100, 3),
        ({"total": 250, "per_page": True, "pages": False}, 100, 3),
        ({"total": 250, "per_page": "many", "pages": "many"}, 100, 3),
        ({"total": 250, "per_page": 1e30, "pages": 1e30}, 100, 3),
        ({"total": 250, "per_page": "9" * 5000, "pages": "9" * 5000}, 100, 3),
        ({"total": 250, "per_page": 12.5, "pages": 2.5}, 100, 3),
        ({"total": 250, "per_page": None, "pages": 10**12}, 100, 3),
        ({"total": 250, "per_page": 250, "pages": 3}, 100, 3),
        ({"total": 250, "per_page": 250}, 100, 3),
        ({"total": 250, "per_page": 100, "pages": 1}, 100, 3),
        ({"total": 2, "per_page": 500, "pages": 1}, 500, 1),
    ],
)
def test_a_page_size_or_number_of_pages_that_is_absurd_or_missing_is_replaced(
    metadata: dict[str, object], per_page: int, pages: int
) -> None:
    page = make_source({**ENVELOPE, "metadata": metadata})[1].page(1, {})
    assert (page.per_page, page.pages) == (per_page, pages)


@pytest.mark.parametrize(
    ("total", "said"),
    [
        (-3, "-3"),
        (False, "False"),
        (True, "True"),
        (None, "None"),
        ("abc", "'abc'"),
        ("", "''"),
        ("-3", "'-3'"),
        ("9" * 5000, "'9999"),
        (12.7, "12.7"),
        (1e30, "1e.30"),
        (10**30, "10000"),
        (float("inf"), "'Infinity'"),
        ([25], "\\[25\\]"),
        ({"value": 25}, "{'value': 25}"),
        ("\x1b[31m25", r"'\\x1b\[31m25'"),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_a_total_that_is_no_number_is_an_error_that_shows_it(total: object, said: str) -> None:
    with pytest.raises(ApiError, match=f"lacks the number of work orders: metadata.total is {said}") as caught:
        make_source(changed(total=total))[1].page(1, {})
    assert len(str(caught.value)) < 700
    assert "bug" not in str(caught.value)


def test_a_total_that_is_missing_is_an_error() -> None:
    with pytest.raises(ApiError, match=r"metadata\.total is missing"):
        make_source(without("metadata", "total"))[1].page(1, {})


@pytest.mark.parametrize(
    "value",
    [12.7, 2**63, 2**64, 10**40, -1, 0, -(2**63), True, "x", "12.7", "-1", "", "\u0663", [7], {"a": 1}, 1e30],
    ids=repr,
)
def test_a_work_order_without_a_true_id_is_left_out_and_told_of(value: object) -> None:
    told: list[object] = []
    transport = FakeTransport([response(200, {**ENVELOPE, "results": [{"id": 7}, {"id": value}, {"id": 5}]})])
    page = WorkOrders(make_client(transport), ["id"], 100, told.append).page(1, {})
    assert [record["id"] for record in page.records] == [7, 5]
    assert told == [value]


@pytest.mark.parametrize(
    ("value", "number"), [("7", 7), (7.0, 7), (2**63 - 1, 2**63 - 1), (str(2**63 - 1), 2**63 - 1)], ids=repr
)
def test_other_forms_of_an_id(value: object, number: int) -> None:
    page = make_source({**ENVELOPE, "results": [{"id": value}]})[1].page(1, {})
    assert page.records[0]["id"] == number
    assert decode_full(page.records[0])["id"] == number


def test_a_page_of_work_orders_none_of_which_has_an_id_is_an_error() -> None:
    with pytest.raises(ApiError, match="lacks the documented metadata, results or ids"):
        make_source({**ENVELOPE, "results": [{"id": "x"}, {"id": 12.7}]})[1].page(1, {})


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3))
def test_any_value_in_an_envelope_is_read_or_an_error(value: object) -> None:
    for body in (
        *(changed(**{key: value}) for key in ENVELOPE["metadata"]),
        *({**ENVELOPE, key: value} for key in ENVELOPE),
        {**ENVELOPE, "results": [{"id": value}]},
    ):
        try:
            page = make_source(body)[1].page(1, {"f_created": "x"})
        except ApiError as error:  # noqa: PERF203
            assert str(error).endswith(".")  # noqa: PT017
        else:
            assert all(type(record["id"]) is int for record in page.records)
