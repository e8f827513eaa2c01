"""Lists of whatever style are read to their end, and a server that goes in circles does not keep us."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_fieldnation.api import paging
from tap_fieldnation.api.errors import ApiError
from tests.fakes import FakeClock, FakeTransport, answer, make_client


def numbered(page: object, pages: object, *rows: object, **metadata: object) -> dict[str, Any]:
    return {"metadata": {"page": page, "pages": pages, **metadata}, "results": list(rows)}


def by_cursor(cursor: object, *rows: object, more: object = True) -> dict[str, Any]:
    return {"data": list(rows), "pagination": {"next_cursor": cursor, "has_next_page": more}}


def read(*bodies: object, rows: str = "", **params: object) -> tuple[list[Any], list[dict[str, Any]]]:
    """The rows of all pages, and the parameters of each request."""
    transport = FakeTransport([answer(200, body) for body in bodies])
    found = paging.pages(make_client(transport), "/things", params, rows=rows)
    return [row for page in found for row in page.rows], [dict(asked) for _, asked, _ in transport.gets]


def test_numbered_pages_are_asked_for_one_after_another() -> None:
    rows, asked = read(numbered(1, 3, "a", "b"), numbered(2, 3, "c"), numbered(3, 3, "d"), page=1, per_page=100)
    assert rows == ["a", "b", "c", "d"]
    assert asked == [{"page": number, "per_page": 100} for number in (1, 2, 3)]


def test_numbers_may_come_as_text() -> None:
    rows, _ = read(numbered("1", "2", "a"), numbered("2", "2", "b"))
    assert rows == ["a", "b"]


def test_pages_by_cursor_are_asked_for_one_after_another() -> None:
    rows, asked = read(by_cursor("x", "a"), by_cursor("y", "b"), by_cursor("", "c", more=False), limit=100)
    assert rows == ["a", "b", "c"]
    assert asked == [{"limit": 100}, {"limit": 100, "after": "x"}, {"limit": 100, "after": "y"}]


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
        ({**numbered(1, 1, "a")}, "", ["a"]),
        ({**numbered(1, 0)}, "", []),
        (by_cursor(None, "a"), "", ["a"]),
        (by_cursor("x", "a", more=False), "", ["a"]),
        (by_cursor({"odd": 1}, "a"), "", ["a"]),
        (by_cursor(["odd"], "a"), "", ["a"]),
        ({"metadata": {"page": "x", "pages": 2}, "results": ["a"]}, "", ["a"]),
        ({"metadata": {"pages": 2}, "results": ["a"]}, "", ["a"]),
        ({"metadata": [], "results": ["a"]}, "", ["a"]),
        ({"pagination": [], "data": ["a"]}, "", ["a"]),
    ],
)
def test_where_there_is_no_next_page_one_request_is_all(body: object, key: str, expected: list[object]) -> None:
    rows, asked = read(body, rows=key)
    assert rows == expected
    assert len(asked) == 1


@pytest.mark.parametrize("body", [None, 5, "text", {"results": 5}, {"results": "text"}, {"data": False}], ids=repr)
def test_what_is_no_list_is_an_error_that_says_so(body: object) -> None:
    with pytest.raises(ApiError, match=r"/api/rest/v2/things .*is not the list that is documented"):
        read(body)


def test_the_page_says_what_the_envelope_says() -> None:
    clock = FakeClock()
    client = make_client(FakeTransport([answer(200, numbered(1, 1, "a", total=7))]), clock)
    [page] = paging.pages(client, "/things", {})
    assert page.total == 7
    assert page.envelope["metadata"]["pages"] == 1
    assert page.received_at == clock.utc_now()


@pytest.mark.parametrize(
    "bodies",
    [
        [numbered(1, 3, "a", "b", total=5)],
        [numbered(1, 3, "a", "b")],
        [numbered(1, 3, "a", "b", total=5), numbered(2, 3, "a", "b", total=5)],
        [numbered(2, 10**9, "a", "b", total=10**9)],
        [by_cursor("x", "a", "b")],
        [by_cursor("x", "a", "b"), by_cursor("y", "a", "b")],
    ],
    ids=["number", "number without total", "number asked for, old rows", "odd number", "cursor", "cursor, old rows"],
)
def test_a_page_that_comes_again_in_place_of_one_that_is_due_is_an_error(bodies: list[object]) -> None:
    with pytest.raises(ApiError, match="the same page came again after 2 rows, in place of the next one"):
        read(*bodies)


@pytest.mark.parametrize("last", [numbered(2, 3, "c", total=3), numbered(3, 3, "c", total=3)])
def test_a_last_page_that_comes_again_ends_the_list(last: object) -> None:
    rows, asked = read(numbered(1, 3, "a", "b", total=3), numbered(2, 3, "c", total=3), last)
    assert rows == ["a", "b", "c"]
    assert len(asked) == 3


def test_empty_pages_end_a_list() -> None:
    _, asked = read(numbered(1, 5, "a"), numbered(2, 5), numbered(3, 5, "b"))
    assert len(asked) == 2


def test_a_failure_names_the_stream() -> None:
    client = make_client(FakeTransport([answer(403, {"message": "no"})]))
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
def test_whatever_a_server_answers_the_list_ends_or_is_refused(bodies: list[object]) -> None:
    try:
        _, asked = read(*bodies)
    except ApiError as error:
        assert str(error).endswith(".")  # noqa: PT017
    else:
        assert len(asked) <= 4
