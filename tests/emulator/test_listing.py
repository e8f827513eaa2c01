from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Caller

ALL = {"list": "workorders_all", "sticky": "false", "f_": "", "view": "model"}


def day(call: Caller, work_order_id: int) -> str:
    created: str = call.api.company.work_order(work_order_id)["milestones"]["created"]["utc"]
    return created[:10]


def test_all_pages_show_every_work_order_once(call: Caller) -> None:
    pages = [call.ids(sort="id", order="desc", page=page) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [100, 100, 50]
    assert [ident for page in pages for ident in page] == call.api.company.visible_ids()[::-1]


def test_metadata_and_defaults(call: Caller) -> None:
    answer = call.get("/workorders", **ALL, columns="id,title", sort="id", order="asc")
    meta = answer["metadata"]
    assert {name: meta[name] for name in ("total", "page", "pages", "per_page", "columns", "view")} == {
        "total": 250,
        "page": 1,
        "pages": 10,
        "per_page": 25,
        "columns": "id,title",
        "view": "model",
    }
    assert {"lists", "params", "actions", "timings", "loading_time", "correlation_id", "search_text"} <= answer.keys()
    assert [row.keys() for row in answer["results"]] == [{"id", "title"}] * 25
    entry = call.api.log[-1]
    assert (entry.path, entry.status, entry.page, entry.per_page, entry.results) == ("/workorders", 200, 1, 25, 25)


def test_a_page_has_at_most_100_rows(start: Callable[..., Caller]) -> None:
    call = start()
    meta = call.get("/workorders", **ALL, columns="id", per_page=1000)["metadata"]
    assert (meta["per_page"], meta["pages"]) == (100, 3)
    call.api.switch(page_cap=50)
    meta = call.get("/workorders", **ALL, columns="id", per_page=100)["metadata"]
    assert (meta["per_page"], meta["pages"]) == (50, 5)


def test_without_columns_there_are_stubs(call: Caller) -> None:
    rows = call.get("/workorders", **ALL)["results"]
    assert rows[0].keys() == {"id", "schedule"}
    assert rows[0]["schedule"].keys() == {"status_id"}


def test_rows_are_what_the_company_holds(call: Caller) -> None:
    newest = call.api.company.visible_ids()[-1]
    truth = call.api.company.work_order(newest)
    row = call.get("/workorders", **ALL, columns=",".join(truth), per_page=1)["results"][0]
    assert row == truth
    assert call.get(f"/workorders/{newest}") == truth


def test_past_the_last_page(start: Callable[..., Caller]) -> None:
    call = start()
    assert call.ids(page=9) == []
    call.api.switch(repeat_last_page=True)
    assert call.ids(page=9) == call.ids(page=3)


def test_ids(call: Caller) -> None:
    wanted = call.api.company.visible_ids()[5:200:50]
    answer = call.get(
        "/workorders", **ALL, columns="id", f_work_order_id=f"{','.join(map(str, wanted))},77,x", sort="id"
    )
    assert [row["id"] for row in answer["results"]] == wanted[::-1]
    assert answer["fs_work_order_id"] is True
    assert answer["f_work_order_id"] == [*map(str, wanted), "77", "x"]


@pytest.mark.parametrize(("name", "other"), [("f_created_date", "f_created"), ("f_created", "f_created_date")])
def test_creation_days(start: Callable[..., Caller], name: str, other: str) -> None:
    call = start(created_filter=name)
    ids = call.api.company.visible_ids()
    first, last = day(call, ids[40]), day(call, ids[90])
    answer = call.get(
        "/workorders", **ALL, columns="id", per_page=100, **{name: f"{first},{last}", other: "2020-01-01"}
    )
    assert {row["id"] for row in answer["results"]} == {i for i in ids if first <= day(call, i) <= last}
    assert answer[f"fs_{name[2:]}"] is True
    assert other not in answer
    assert f"fs_{other[2:]}" not in answer
    one = call.ids(**{name: first})
    assert sorted(one) == [i for i in ids if day(call, i) == first]


def test_slices_abut_in_either_zone(start: Callable[..., Caller]) -> None:
    call = start(filter_zone="site")
    days = ["2025-03-01,2025-07-31", "2025-08-01,2025-12-10", "2025-12-11,2026-04-02"]
    found = []
    for span in days:
        for page in (1, 2):
            found += call.ids(f_created_date=span, page=page)
    assert sorted(found) == call.api.company.visible_ids()
    local = call.api.company.work_order(found[7])["milestones"]["created"]["local"]["date"]
    assert found[7] in call.ids(f_created_date=local)


def test_an_unknown_filter_is_ignored_and_not_echoed(start: Callable[..., Caller]) -> None:
    call = start(created_filter="none")
    answer = call.get("/workorders", **ALL, columns="id", f_created_date="2020-01-01", f_nonsense="1")
    assert answer["metadata"]["total"] == 250
    assert not {name for name in answer if name.startswith(("f_", "fs_"))}


def test_a_user_has_left_a_tab_open(call: Caller) -> None:
    assigned = call.api.company.ids_with_status(3)
    assert call.get("/workorders", columns="id")["metadata"]["total"] == len(assigned)
    assert call.get("/workorders", columns="id", list="workorders_all", sticky="false")["metadata"]["total"] == 250


def test_sticky_remembers_and_f_clears(call: Caller) -> None:
    wanted = call.api.company.visible_ids()[3]
    call.get(
        "/workorders", list="workorders_all", columns="id,title", f_work_order_id=wanted, sort="status", order="asc"
    )
    again = call.get("/workorders")
    assert again["metadata"]["total"] == 1
    assert again["metadata"]["columns"] == "id,title"
    assert again["metadata"]["sort"] == "status"
    assert call.get("/workorders", list="workorders_all", sticky="false", columns="id")["metadata"]["total"] == 250
    assert call.get("/workorders", sticky="true")["metadata"]["total"] == 1
    assert call.get("/workorders", f_="", sticky="true")["metadata"]["total"] == 250


def test_lists_have_counts(call: Caller) -> None:
    lists = {row["id"]: row["count"] for row in call.get("/workorders/lists")}
    assert lists["workorders_all"] == 250
    assert lists["workorders_approved"] == len(call.api.company.ids_with_status(5))
    for name, count in lists.items():
        assert call.get("/workorders", **{**ALL, "list": name}, columns="id")["metadata"]["total"] == count


@pytest.mark.parametrize("sort", ["id", "created_date", "title", "schedule", "status", "pay"])
def test_sorting(call: Caller, sort: str) -> None:
    up = call.get("/workorders", **ALL, columns="id,title,status,pay,schedule", sort=sort, order="asc", per_page=100)
    down = call.ids(sort=sort, order="desc", page=3)
    assert [row["id"] for row in up["results"]][:50] == down[::-1]
    keys: list[Any] = {
        "title": [row["title"] for row in up["results"]],
        "status": [row["status"]["id"] for row in up["results"]],
        "pay": [row["pay"]["total"] for row in up["results"]],
        "schedule": [row["schedule"]["service_window"]["start"]["utc"] for row in up["results"]],
    }.get(sort, [row["id"] for row in up["results"]])
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    ("name", "value"),
    [("page", "0"), ("per_page", "many"), ("sort", "updated"), ("order", "up"), ("list", "mine"), ("view", "x")],
)
def test_wrong_parameters(call: Caller, name: str, value: str) -> None:
    answer = call.ask("/workorders", **{**ALL, name: value})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == name
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_filters_by_what_the_work_order_says(call: Caller) -> None:
    row = call.api.company.work_order(call.api.company.visible_ids()[9])
    found = call.ids(f_state=row["location"]["state"] or "TX", f_manager=row["manager"]["id"])
    for work_order_id in found:
        assert call.api.company.work_order(work_order_id)["manager"]["id"] == row["manager"]["id"]
    assert 0 < len(found) < 250


def test_a_long_url(start: Callable[..., Caller]) -> None:
    call = start(max_url=900)
    assert call.ask("/workorders", **ALL, f_work_order_id="1," * 500).status_code == 414


def test_embedded_lists_may_be_cut_and_endpoints_are_not(start: Callable[..., Caller]) -> None:
    call = start(embedded_cut=1)
    ids = call.api.company.visible_ids()
    cut = 0
    for row in call.get("/workorders", **ALL, columns="id,tags,time_logs,pay", per_page=100)["results"]:
        tags = row["tags"]
        assert len(tags["results"]) <= 1
        if tags["metadata"]["total"] > 1:
            cut += 1
            assert (
                call.get(f"/workorders/{row['id']}/tags")["results"]
                == call.api.company.work_order(row["id"])["tags"]["results"]
            )
    assert cut
    assert len(ids) == 250
