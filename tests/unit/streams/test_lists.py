"""Each company list is requested once per run, by the first stream that needs it."""

from __future__ import annotations

import logging
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_fieldnation.api.errors import ApiError
from tap_fieldnation.api.paging import ListPage
from tap_fieldnation.api.work_orders import PATH
from tap_fieldnation.context import RunContext
from tap_fieldnation.streams.lists import BY_NAME, Lists, has_ids_only, ids_on
from tests.fakes import NOON, FakeClient

TYPES = BY_NAME["types_of_work"]
ROWS = [{"id": 2, "name": "Cabling"}, {"id": 1, "name": "Networking"}]


def make_lists(bodies: dict[str, object], company_id: int | None = None) -> tuple[Lists, FakeClient]:
    """The lists of a run, and its client."""
    context = RunContext({}, user_agent="test", logger=logging.getLogger("tests.lists"))
    context.expect_company(company_id)
    client = FakeClient(bodies)
    context.__dict__["client"] = client
    return Lists(context), client


def rows_of(lists: Lists) -> list[t.Any]:
    return [row for page in lists.fetch_pages(TYPES) for row in page.rows]


def ids_of(lists: Lists) -> list[t.Any]:
    return lists.fetch_ids(TYPES.name, "id")


@pytest.mark.parametrize("uses", [(ids_of, ids_of, rows_of), (rows_of, ids_of, ids_of), (ids_of, rows_of, ids_of)])
def test_a_list_is_requested_once_for_its_stream_and_those_that_need_its_ids(
    uses: tuple[t.Callable[[Lists], list[t.Any]], ...],
) -> None:
    lists, client = make_lists({TYPES.path: ROWS})
    for use in uses:
        assert use(lists) == (ROWS if use is rows_of else [2, 1])
    assert client.paths == [TYPES.path]


@given(st.lists(st.sampled_from([ids_of, rows_of]), min_size=1, max_size=4), st.sampled_from([403, 404]))
def test_a_refused_list_is_requested_once(uses: list[t.Callable[[Lists], list[t.Any]]], status: int) -> None:
    lists, client = make_lists({TYPES.path: ApiError(TYPES.path, status, "Refused")})
    for use in uses:
        with pytest.raises(ApiError, match=f"HTTP {status}"):
            use(lists)
    assert client.paths == [TYPES.path]


def test_a_list_that_its_stream_reads_again_is_requested_again() -> None:
    bodies: dict[str, object] = {TYPES.path: ROWS}
    lists, client = make_lists(bodies)
    assert rows_of(lists) == ROWS
    bodies[TYPES.path] = [*ROWS, {"id": 3, "name": "Cameras"}]
    assert [row["id"] for row in rows_of(lists)] == [2, 1, 3]
    assert len(client.paths) == 2


def test_a_list_that_was_not_read_to_its_end_is_requested_for_the_ids() -> None:
    lists, client = make_lists({TYPES.path: ROWS})
    assert next(iter(lists.fetch_pages(TYPES))).rows == ROWS
    assert ids_of(lists) == [2, 1]
    assert len(client.paths) == 2


def test_a_path_with_the_company_gets_its_id() -> None:
    networks = BY_NAME["networks"]
    whose: dict[str, object] = {"metadata": {"total": 1}, "results": [{"id": 1, "company": {"id": 42}}]}
    lists, client = make_lists({"/company/42/networks": [], PATH: whose})
    assert [page.rows for page in lists.fetch_pages(networks)] == [[]]
    assert client.paths == [PATH, "/company/42/networks"]


def page_of(*rows: object) -> ListPage:
    return ListPage(list(rows), None, {}, NOON)


def test_rows_without_an_id_have_none() -> None:
    assert ids_on(TYPES, page_of({"id": 2}, {"id": None}, {"id": 0}, {}, None, 5, {"id": 1})) == [2, 1]


def test_the_fallback_of_a_key_is_an_id_too() -> None:
    territories = BY_NAME["service_territories"]
    assert ids_on(territories, page_of({"service_territory_id": 9}, {"id": 8})) == [9, 8]


@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [
        ("clients", [{"id": 1}, {"id": 2}], True),
        ("clients", [{"id": 1}, {"id": 2, "name": "A"}], False),
        ("clients", [], False),
        ("types_of_work", [{"id": 1}], False),
    ],
)
def test_only_a_list_with_details_and_without_names_is_one_of_bare_ids(
    name: str, rows: list[dict[str, t.Any]], *, expected: bool
) -> None:
    assert has_ids_only(BY_NAME[name], page_of(*rows)) is expected
