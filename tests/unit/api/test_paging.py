"""Lists of every style are read to the end, and repeated pages do not cause an endless loop."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_fieldnation.api import paging
from tap_fieldnation.api.errors import ApiError
from tests.fakes import FakeClock, FakeTransport, make_client, response


def page_of(page: object, pages: object, *rows: object, **metadata: object) -> dict[str, Any]:
    return {"metadata": {"page": page, "pages": pages, **metadata}, "results": list(rows)}


def cursor_page(cursor: object, *rows: object, more: object = True) -> dict[str, Any]:
    return {"data": list(rows), "pagination": {"next_cursor": cursor, "has_next_page": more}}


def read(*bodies: object, rows: str = "", **params: object) -> tuple[list[Any], list[dict[str, Any]]]:
    """The rows of all pages, and the parameters of each request."""
    transport = FakeTransport([response(200, body) for body in bodies])
    pages = paging.pages(make_client(transport), "/things", params, rows=rows)
    return [row for page in pages for row in page.rows], [dict(query) for _, query, _ in transport.gets]


def test_pages_by_number_are_requested_in_order() -> None:
    rows, requested = read(page_of(1, 3, "a", "b"), page_of(2, 3, "c"), page_of(3, 3, "d"), page=1, per_page=100)
    assert rows == ["a", "b", "c", "d"]
    assert requested == [{"page": number, "per_page": 100} for number in (1, 2, 3)]


def test_page_numbers_can_be_strings() -> None:
    rows, _ = read(page_of("1", "2", "a"), page_of("2", "2", "b"))
    assert rows == ["a", "b"]


def test_pages_by_cursor_are_requested_in_order() -> None:
    rows, requested = read(cursor_page("x", "a"), cursor_page("y", "b"), cursor_page("", "c", more=False), limit=100)
    assert rows == ["a", "b", "c"]
    assert requested == [{"limit": 100}, {"limit": 100, "after": "x"}, {"limit": 100, "after": "y"}]


@pytest.mark.parametrize(
    ("body", "key", "expected"),
    [
        (["a", "b"], "", ["a", "b"]),
        ([], "", []),
        ({"results": ["a"]}, "", ["a"]),
        ({"data": ["a"]}, "", ["a"]),
        ({"users": ["a"]}, "users", ["a"]),
        ({"id": 1}, ".", [{"id": 1}]),
        ({"results": {"0": "a", "2": "b"}}, "", ["a", "b"]),
        ({"results": None}, "", []),
        ({"results": ""}, "", []),
        ({"results": {}}, "", []),
        ({}, "", []),
        ({**page_of(1, 1, "a")}, "", ["a"]),
        ({**page_of(1, 0)}, "", []),
        (cursor_page(None, "a"), "", ["a"]),
        (cursor_page("x", "a", more=False), "", ["a"]),
        (cursor_page({"odd": 1}, "a"), "", ["a"]),
        (cursor_page(["odd"], "a"), "", ["a"]),
        ({"metadata": {"page": 1, "pages": "x", "total": 1}, "results": ["a"]}, "", ["a"]),
        ({"results": None, "data": ["a"]}, "", ["a"]),
        ({"managers": ["a", "b"], "actions": ["add"], "params": []}, "", ["a", "b"]),
        ({"metadata": {"total": 1}, "tags": ["a"]}, "", ["a"]),
        ({"0": "a", "2": "b"}, "", ["a", "b"]),
        ({"metadata": {"total": 0}}, "", []),
        ({"metadata": {"total": 1}, "results": {"id": 1, "name": "a"}}, "", [{"id": 1, "name": "a"}]),
        ({"pagination": {"next_cursor": "x", "has_next_page": "false"}, "data": ["a"]}, "", ["a"]),
        ({"metadata": [], "results": ["a"]}, "", ["a"]),
        ({"pagination": [], "data": ["a"]}, "", ["a"]),
        ({"results": [], "data": ["a"]}, "", ["a"]),
        ({"data": {"results": ["a"], "total": 1}}, "", ["a"]),
        ({"results": {"data": ["a"]}}, "", ["a"]),
        ({"results": ["a"], "errors": []}, "", ["a"]),
        ({"results": [], "errors": []}, "", []),
    ],
)
def test_without_a_next_page_there_is_one_request(body: object, key: str, expected: list[object]) -> None:
    rows, requested = read(body, rows=key)
    assert rows == expected
    assert len(requested) == 1


@pytest.mark.parametrize("metadata", [{"pages": 2}, {"page": "x", "pages": 2}, {"page": None, "pages": "2"}])
def test_pages_are_counted_where_the_response_does_not_number_them(metadata: dict[str, object]) -> None:
    rows, requested = read({"metadata": metadata, "results": ["a"]}, {"metadata": metadata, "results": ["b"]}, page=1)
    assert rows == ["a", "b"]
    assert requested == [{"page": 1}, {"page": 2}]


def numbers(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last + 1)]


@pytest.mark.parametrize(
    "metadata",
    [
        {"total": 25, "page": 1, "per_page": 20},
        {"total": "25", "page": "1", "per_page": "20"},
        {"total": 25.0},
        {"total": 25, "pages": None, "per_page": 0},
        {"total": 25, "pages": 0, "per_page": 100},
        {"total": 25, "pages": "", "per_page": 20},
        {"per_page": 20},
        {"total": None, "per_page": "20"},
        {"total": 12, "per_page": 20},
    ],
    ids=repr,
)
def test_without_a_number_of_pages_all_rows_are_read(metadata: dict[str, object]) -> None:
    rows, requested = read(
        {"metadata": metadata, "results": numbers(1, 20)},
        {"metadata": metadata, "results": numbers(21, 25)},
        page=1,
        per_page=100,
    )
    assert rows == numbers(1, 25)
    assert [query["page"] for query in requested] == [1, 2]


@pytest.mark.parametrize(
    "bodies", [[numbers(1, 100), numbers(101, 130)], [{"results": numbers(1, 100)}, {"results": numbers(101, 130)}]]
)
def test_a_full_page_of_a_list_without_metadata_may_not_be_the_last(bodies: list[object]) -> None:
    rows, requested = read(*bodies, page=1, per_page=100)
    assert rows == numbers(1, 130)
    assert len(requested) == 2


@pytest.mark.parametrize("second", [numbers(1, 100), []], ids=["repeated", "empty"])
def test_a_full_page_may_also_be_the_last(second: list[str]) -> None:
    rows, requested = read(numbers(1, 100), second, page=1, per_page=100)
    assert rows == numbers(1, 100)
    assert len(requested) == 2


def test_a_list_longer_than_a_page_is_not_paged() -> None:
    rows, requested = read(numbers(1, 101), page=1, per_page=100)
    assert rows == numbers(1, 101)
    assert len(requested) == 1


def test_a_cursor_alone_selects_a_next_page() -> None:
    first: dict[str, Any] = {"data": ["a"], "pagination": {"next_cursor": "x"}}
    rows, requested = read(first, {"data": ["b"], "pagination": {"next_cursor": None}})
    assert rows == ["a", "b"]
    assert requested == [{}, {"after": "x"}]


def lacking(*bodies: object, max_pages: int | None = None, **params: object) -> str:
    """What the pages of a list lack."""
    transport = FakeTransport([response(200, body) for body in bodies])
    pages = list(paging.pages(make_client(transport), "/things", params, max_pages=max_pages))
    return paging.shortfall(pages[-1], sum(len(page.rows) for page in pages))


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ([page_of(1, 1, *numbers(1, 20), total=25, per_page=20)], "counts 25 rows but returned 20"),
        ([page_of("1", "1", *numbers(1, 20), total="25")], "counts 25 rows but returned 20"),
        ([{"metadata": {"total": 1_250}, "results": ["a"]}], "counts 1,250 rows but returned 1"),
        ([{"metadata": {"total": 3}, "results": None}], "counts 3 rows but returned 0"),
        ([{"metadata": {"total": 3}}], "counts 3 rows but returned 0"),
        ([page_of(1, 3, "a", "b", total=5), page_of(2, 3, total=5)], "counts 5 rows but returned 2"),
        ([cursor_page(None, "a", "b")], "has more rows than the 2 that were read"),
        ([cursor_page({"odd": 1}, "a")], "has more rows than the 1 that were read"),
        ([page_of(1, 1, "a", "b", total=1)], ""),
        ([page_of(1, 2, "a", total=2), page_of(2, 2, "b", total=2)], ""),
        ([["a", "b"]], ""),
        ([cursor_page(None, "a", more=False)], ""),
    ],
)
def test_rows_that_are_missing_are_told(bodies: list[object], expected: str) -> None:
    assert lacking(*bodies, page=1, per_page=100) == expected


def test_a_list_can_be_bounded() -> None:
    bodies = [page_of(number, 50, f"row {number}") for number in (1, 2, 3)]
    assert lacking(*bodies, max_pages=2) == "has more rows than the 2 that were read"
    assert lacking(*(page_of(number, 2, f"row {number}") for number in (1, 2)), max_pages=2) == ""


def test_no_page_lacks_nothing() -> None:
    assert paging.shortfall(None, 0) == ""


NO_LISTS: list[object] = [
    None,
    5,
    "text",
    {"results": 5},
    {"results": "text"},
    {"data": False},
    {"message": "no such list"},
    {"one": ["a"], "two": ["b"]},
    {"metadata": {}, "errors": [{"code": 429, "message": "Slow down"}], "result": {}},
    {"results": [], "errors": [{"code": 403, "message": "Not allowed"}]},
]


@pytest.mark.parametrize("body", NO_LISTS, ids=repr)
def test_a_response_that_is_not_a_list_is_an_error(body: object) -> None:
    with pytest.raises(ApiError, match=r"/api/rest/v2/things .*the response is not the documented list"):
        read(body)


def test_what_the_api_says_instead_of_a_list_is_told() -> None:
    body = {"metadata": {}, "errors": [{"code": 429, "message": "Slow down"}], "result": {}}
    with pytest.raises(ApiError, match="the response is not the documented list: Slow down"):
        read(body)


def test_a_page_has_the_values_of_its_envelope() -> None:
    clock = FakeClock()
    client = make_client(FakeTransport([response(200, page_of(1, 1, "a", total=7))]), clock)
    [page] = paging.pages(client, "/things", {})
    assert page.total == 7
    assert page.envelope["metadata"]["pages"] == 1
    assert page.received_at == clock.utc_now()


@pytest.mark.parametrize(
    "bodies",
    [
        [page_of(1, 3, "a", "b", total=5)],
        [page_of(1, 3, "a", "b")],
        [page_of(1, 3, "a", "b", total=5), page_of(2, 3, "a", "b", total=5)],
        [page_of(2, 10**9, "a", "b", total=10**9)],
        [cursor_page("x", "a", "b")],
        [cursor_page("x", "a", "b"), cursor_page("y", "a", "b")],
        [cursor_page("x", "a"), cursor_page("y", "b"), cursor_page("z", "a")],
        [page_of(1, 9, "a"), page_of(2, 9, "b"), page_of(3, 9, "a")],
    ],
    ids=[
        "number",
        "number without total",
        "next number, same rows",
        "unexpected number",
        "cursor",
        "next cursor, same rows",
        "next cursor, rows of an earlier page",
        "next number, rows of an earlier page",
    ],
)
def test_a_page_repeated_instead_of_the_next_one_is_an_error(bodies: list[object]) -> None:
    with pytest.raises(ApiError, match="repeated a page instead of returning the next one; rows so far: 2"):
        read(*bodies)


def test_after_the_last_page_a_server_may_begin_again() -> None:
    rows, requested = read(numbers(1, 100), numbers(101, 200), numbers(1, 100), page=1, per_page=100)
    assert rows == numbers(1, 200)
    assert len(requested) == 3


@pytest.mark.parametrize(
    "bodies",
    [
        [cursor_page("x", "a"), cursor_page("y"), cursor_page("z"), cursor_page(None, "b", more=False)],
        [page_of(1, 4, "a"), page_of(2, 4), page_of(3, 4, total=2), page_of(4, 4, "b", total=2)],
    ],
    ids=["cursor", "number"],
)
def test_empty_pages_do_not_end_a_list_that_goes_on(bodies: list[object]) -> None:
    rows, requested = read(*bodies)
    assert rows == ["a", "b"]
    assert len(requested) == 4


def test_a_list_of_empty_pages_ends() -> None:
    bodies = [cursor_page("x", "a"), *(cursor_page(f"y{number}") for number in range(100))]
    assert lacking(*bodies) == "has more rows than the 1 that were read"


@pytest.mark.parametrize("last", [page_of(2, 3, "c", total=3), page_of(3, 3, "c", total=3)])
def test_a_repeated_page_after_the_last_row_ends_the_list(last: object) -> None:
    rows, requested = read(page_of(1, 3, "a", "b", total=3), page_of(2, 3, "c", total=3), last)
    assert rows == ["a", "b", "c"]
    assert len(requested) == 3


def test_an_empty_page_after_the_last_row_ends_a_list() -> None:
    _, requested = read(page_of(1, 5, "a", total=1), page_of(2, 5, total=1), page_of(3, 5, "b", total=1))
    assert len(requested) == 2


def test_a_failure_names_the_stream() -> None:
    client = make_client(FakeTransport([response(403, {"message": "no"})]))
    with pytest.raises(ApiError, match=r"^things: /api/rest/v2/things .*HTTP 403 \(no\)"):
        list(paging.pages(client, "/things", {}, stream="things"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["results", "data", "metadata", "page", "pages", "pagination", "next_cursor", "has_next_page"]
            ),
            inner,
        )
    ),
    max_leaves=8,
)


@given(st.lists(JSON, min_size=1, max_size=3))
def test_whatever_a_server_returns_the_list_ends_or_is_an_error(bodies: list[object]) -> None:
    try:
        _, requested = read(*bodies)
    except ApiError as error:
        assert str(error).endswith(".")  # noqa: PT017
    else:
        assert len(requested) <= 4
