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
        (changed(total="250", pages="3", per_page="50"), 50, 250),
        (changed(per_page=0), 1, 250),
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
    "no total": without("metadata", "total"),
    "no pages": without("metadata", "pages"),
    "no page size": without("metadata", "per_page"),
    "no results": without("results"),
    "a total that is not a number": changed(total="many"),
    "an infinite total": changed(total=float("inf")),
    "a null total": changed(total=None),
    "results of another type": {**ENVELOPE, "results": {"7": {"id": 7}}},
    "results that are text": {**ENVELOPE, "results": "abc"},
    "a result of another type": {**ENVELOPE, "results": [{"id": 7}, 5]},
    "an empty result": {**ENVELOPE, "results": [None]},
    "a result without id": {**ENVELOPE, "results": [{"pay": {}}]},
    "an id that is not a number": {**ENVELOPE, "results": [{"id": "x"}]},
    "an id that is null": {**ENVELOPE, "results": [{"id": None}]},
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_an_unexpected_envelope_is_an_error(body: object) -> None:
    with pytest.raises(ApiError, match=r"/api/rest/v2/workorders .*lacks the documented metadata, results or ids"):
        make_source(body)[1].page(1, {})


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
