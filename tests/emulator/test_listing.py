from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.conftest import ALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import ApiClient


def day(client: ApiClient, work_order_id: int) -> str:
    created: str = client.api.company.work_order(work_order_id)["milestones"]["created"]["utc"]
    return created[:10]


def test_pages_contain_every_work_order_once(client: ApiClient) -> None:
    pages = [client.ids(sort="id", order="desc", page=page) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [100, 100, 50]
    assert [work_order_id for page in pages for work_order_id in page] == client.api.company.visible_ids()[::-1]


def test_metadata_and_defaults(client: ApiClient) -> None:
    response = client.get("/workorders", **ALL, columns="id,title", sort="id", order="asc")
    meta = response["metadata"]
    assert {name: meta[name] for name in ("total", "page", "pages", "per_page", "columns", "view")} == {
        "total": 250,
        "page": 1,
        "pages": 10,
        "per_page": 25,
        "columns": "id,title",
        "view": "model",
    }
    assert {"lists", "params", "actions", "timings", "loading_time", "correlation_id", "search_text"} <= response.keys()
    assert [row.keys() for row in response["results"]] == [{"id", "title"}] * 25
    entry = client.api.log[-1]
    assert (entry.path, entry.status, entry.page, entry.per_page, entry.results) == ("/workorders", 200, 1, 25, 25)


def test_maximum_page_size(start: Callable[..., ApiClient]) -> None:
    client = start()
    meta = client.get("/workorders", **ALL, columns="id", per_page=1000)["metadata"]
    assert (meta["per_page"], meta["pages"]) == (100, 3)
    client.api.switch(page_cap=50)
    meta = client.get("/workorders", **ALL, columns="id", per_page=100)["metadata"]
    assert (meta["per_page"], meta["pages"]) == (50, 5)


def test_stubs_without_columns(client: ApiClient) -> None:
    rows = client.get("/workorders", **ALL)["results"]
    assert rows[0].keys() == {"id", "schedule"}
    assert rows[0]["schedule"].keys() == {"status_id"}


def test_rows_equal_the_expected_data(client: ApiClient) -> None:
    newest = client.api.company.visible_ids()[-1]
    expected = client.api.company.work_order(newest)
    row = client.get("/workorders", **ALL, columns=",".join(expected), per_page=1)["results"][0]
    assert row == expected


def test_past_the_last_page(start: Callable[..., ApiClient]) -> None:
    client = start()
    assert client.ids(page=9) == []
    client.api.switch(repeat_last_page=True)
    assert client.ids(page=9) == client.ids(page=3)


def test_filter_by_id(client: ApiClient) -> None:
    ids = client.api.company.visible_ids()[5:200:50]
    response = client.get(
        "/workorders", **ALL, columns="id", f_work_order_id=f"{','.join(map(str, ids))},77,x", sort="id"
    )
    assert [row["id"] for row in response["results"]] == ids[::-1]
    assert response["fs_work_order_id"] is True
    assert response["f_work_order_id"] == [*map(str, ids), "77", "x"]


@pytest.mark.parametrize(("name", "other"), [("f_created_date", "f_created"), ("f_created", "f_created_date")])
def test_filter_by_creation_date(start: Callable[..., ApiClient], name: str, other: str) -> None:
    client = start(created_filter=name)
    ids = client.api.company.visible_ids()
    first, last = day(client, ids[40]), day(client, ids[90])
    response = client.get(
        "/workorders", **ALL, columns="id", per_page=100, **{name: f"{first},{last}", other: "2020-01-01"}
    )
    assert {row["id"] for row in response["results"]} == {i for i in ids if first <= day(client, i) <= last}
    assert response[f"fs_{name[2:]}"] is True
    assert other not in response
    assert f"fs_{other[2:]}" not in response
    assert sorted(client.ids(**{name: first})) == [i for i in ids if day(client, i) == first]


def test_consecutive_date_ranges_in_site_time_have_no_gaps(start: Callable[..., ApiClient]) -> None:
    client = start(filter_zone="site")
    ranges = ["2025-03-01,2025-07-31", "2025-08-01,2025-12-10", "2025-12-11,2026-04-02"]
    found = []
    for days in ranges:
        for page in (1, 2):
            found += client.ids(f_created_date=days, page=page)
    assert sorted(found) == client.api.company.visible_ids()
    local = client.api.company.work_order(found[7])["milestones"]["created"]["local"]["date"]
    assert found[7] in client.ids(f_created_date=local)


def test_unknown_filter_is_ignored_and_not_echoed(start: Callable[..., ApiClient]) -> None:
    client = start(created_filter="none")
    response = client.get("/workorders", **ALL, columns="id", f_created_date="2020-01-01", f_nonsense="1")
    assert response["metadata"]["total"] == 250
    assert not {name for name in response if name.startswith(("f_", "fs_"))}


def test_default_list_is_the_saved_one(client: ApiClient) -> None:
    assigned = client.api.company.ids_with_status(3)
    assert client.get("/workorders", columns="id")["metadata"]["total"] == len(assigned)
    assert client.get("/workorders", columns="id", list="workorders_all", sticky="false")["metadata"]["total"] == 250


def test_sticky_saves_the_view_and_f_clears_its_filters(client: ApiClient) -> None:
    work_order_id = client.api.company.visible_ids()[3]
    client.get(
        "/workorders",
        list="workorders_all",
        columns="id,title",
        f_work_order_id=work_order_id,
        sort="status",
        order="asc",
    )
    again = client.get("/workorders")
    assert again["metadata"]["total"] == 1
    assert again["metadata"]["columns"] == "id,title"
    assert again["metadata"]["sort"] == "status"
    assert client.get("/workorders", list="workorders_all", sticky="false", columns="id")["metadata"]["total"] == 250
    assert client.get("/workorders", sticky="true")["metadata"]["total"] == 1
    assert client.get("/workorders", f_="", sticky="true")["metadata"]["total"] == 250


def test_counts_of_lists(client: ApiClient) -> None:
    lists = {row["id"]: row["count"] for row in client.get("/workorders", **ALL)["lists"]}
    assert lists["workorders_all"] == 250
    assert lists["workorders_approved"] == len(client.api.company.ids_with_status(5))
    for name, count in lists.items():
        assert client.get("/workorders", **{**ALL, "list": name}, columns="id")["metadata"]["total"] == count


@pytest.mark.parametrize("sort", ["id", "created_date", "title", "schedule", "status", "pay"])
def test_sorting(client: ApiClient, sort: str) -> None:
    ascending = client.get(
        "/workorders", **ALL, columns="id,title,status,pay,schedule", sort=sort, order="asc", per_page=100
    )
    descending = client.ids(sort=sort, order="desc", page=3)
    assert [row["id"] for row in ascending["results"]][:50] == descending[::-1]
    keys: list[Any] = {
        "title": [row["title"] for row in ascending["results"]],
        "status": [row["status"]["id"] for row in ascending["results"]],
        "pay": [row["pay"]["total"] for row in ascending["results"]],
        "schedule": [row["schedule"]["service_window"]["start"]["utc"] for row in ascending["results"]],
    }.get(sort, [row["id"] for row in ascending["results"]])
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("name", "value"),
    [("page", "0"), ("per_page", "many"), ("sort", "updated"), ("order", "up"), ("list", "mine"), ("view", "x")],
)
def test_invalid_parameters(client: ApiClient, name: str, value: str) -> None:
    response = client.request("/workorders", **{**ALL, name: value})
    assert response.status_code == 400
    assert response.json()["errors"][0]["parameter"] == name
    assert response.headers["Content-Type"] == "application/problem+json"


def test_filters_by_content(client: ApiClient) -> None:
    row = client.api.company.work_order(client.api.company.visible_ids()[9])
    found = client.ids(f_state=row["location"]["state"] or "TX", f_manager=row["manager"]["id"])
    for work_order_id in found:
        assert client.api.company.work_order(work_order_id)["manager"]["id"] == row["manager"]["id"]
    assert 0 < len(found) < 250


def test_maximum_length_of_urls(start: Callable[..., ApiClient]) -> None:
    client = start(max_url=900)
    assert client.request("/workorders", **ALL, f_work_order_id="1," * 500).status_code == 414


def test_only_embedded_lists_are_cut(start: Callable[..., ApiClient]) -> None:
    client = start(embedded_cut=1)
    cut_lists = 0
    for row in client.get("/workorders", **ALL, columns="id,tags,time_logs,pay", per_page=100)["results"]:
        tags = row["tags"]
        assert len(tags["results"]) <= 1
        if tags["metadata"]["total"] > 1:
            cut_lists += 1
            assert (
                client.get(f"/workorders/{row['id']}/tags")["results"]
                == client.api.company.work_order(row["id"])["tags"]["results"]
            )
    assert cut_lists


def test_restless_values_are_another_number_in_each_response(start: Callable[..., ApiClient]) -> None:
    client = start(restless="pay.total,time_logs.results.hours,nothing.like.this")
    found = [
        client.get("/workorders", **ALL, columns="id,title,pay,time_logs", per_page=100)["results"] for _ in range(2)
    ]
    totals = [{row["pay"]["total"] for row in rows} for rows in found]
    hours = [{log["hours"] for row in rows for log in row["time_logs"]["results"]} for rows in found]
    assert totals == hours
    assert len(totals[0]) == len(totals[1]) == 1
    assert totals[0] != totals[1]
    assert [row["title"] for row in found[0]] == [row["title"] for row in found[1]]
