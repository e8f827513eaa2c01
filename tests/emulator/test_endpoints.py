from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Caller

COMPANY = 20_843


@pytest.mark.parametrize(
    "path",
    [
        "/clients", "/projects", "/templates", "/locations", "/types-of-work", "/custom-fields", "/bonuses",
        "/penalties", "/company/tags", "/company/expenses", "/preferred-provider-groups", "/service-territories",
    ],
)  # fmt: skip
def test_lists_with_metadata(call: Caller, path: str) -> None:
    first = call.get(path, per_page=5)
    assert first["metadata"]["per_page"] == 5
    assert len(first["results"]) == min(5, first["metadata"]["total"])
    pages = first["metadata"]["pages"]
    rows = [row for page in range(1, pages + 1) for row in call.get(path, per_page=5, page=page)["results"]]
    assert rows == call.api.rows(path)
    assert call.get(path, per_page=5, page=pages + 1)["results"] == []


@pytest.mark.parametrize("path", ["/company/managers", "/company/incomplete-reasons", f"/company/{COMPANY}/networks"])
def test_bare_lists(call: Caller, path: str) -> None:
    assert isinstance(call.get(path), list)


def test_cursors(call: Caller) -> None:
    page = call.get("/talent-pool-groups")
    assert page["pagination"]["limit"] == len(page["data"]) == 20
    assert call.get("/talent-pool-groups", limit=1000)["pagination"]["limit"] == 100
    rows = page["data"]
    while page["pagination"]["has_next_page"]:
        page = call.get("/talent-pool-groups", after=page["pagination"]["next_cursor"])
        rows += page["data"]
    assert page["pagination"]["next_cursor"] is None
    assert rows == call.api.rows("/talent-pool-groups")
    back = call.get("/talent-pool-groups", before=page["pagination"]["prev_cursor"])
    assert back["data"] == rows[20:40]
    people = call.get(f"/talent-pool-groups/{rows[0]['talent_pool_group_id']}/providers")
    assert people["data"][0]["tier"]["name"]
    assert call.ask("/talent-pool-groups", after="nonsense").status_code == 400


@pytest.mark.parametrize(
    ("path", "bare"), [("/clients", {"id"}), ("/projects", {"id", "finance"}), ("/templates", {"id", "actions"})]
)
def test_bare_ids_unless_columns_are_named(start: Callable[..., Caller], path: str, bare: set[str]) -> None:
    call = start()
    assert call.get(path)["results"][0].keys() == bare
    named = call.get(path, columns="id,name,created")["results"][0]
    detail = call.get(f"{path}/{named['id']}")
    assert named.items() <= detail.items()
    assert named["name"]
    call.api.switch(ignore_columns=True)
    assert call.get(path, columns="id,name")["results"][0].keys() == bare


def test_children_of_a_work_order(call: Caller) -> None:
    company = call.api.company
    for ident in company.visible_ids()[-120::12]:
        truth = company.work_order(ident)
        for name in ("pay", "schedule", "eta", "location", "status", "milestones", "qualifications"):
            assert call.get(f"/workorders/{ident}/{name}") == truth[name]
        for name in ("signatures", "time_logs", "contacts", "shipments", "tags", "problems"):
            assert call.get(f"/workorders/{ident}/{name}")["results"] == truth[name]["results"]
        for name in ("bonuses", "penalties", "expenses", "discounts", "increases"):
            assert call.get(f"/workorders/{ident}/{name}")["results"] == truth["pay"][name]["results"]
        assert len(call.get(f"/workorders/{ident}/tasks")["results"]) == len(truth["tasks"]["results"])


def test_messages_are_as_many_as_the_work_order_says(call: Caller) -> None:
    company = call.api.company
    ident = max(company.visible_ids(), key=lambda i: company.work_order(i)["messages"]["metadata"]["total"])
    total = company.work_order(ident)["messages"]["metadata"]["total"]
    page = call.get(f"/workorders/{ident}/messages", per_page=2)
    assert page["metadata"]["total"] == total
    assert page["metadata"]["pages"] == -(-total // 2)
    rows = call.api.rows(f"/workorders/{ident}/messages")
    ids = [message["msg_id"] for row in rows for message in [row, *row["replies"]]]
    assert all(isinstance(i, str) for i in ids)
    assert len(ids) == len(set(ids))
    assert all(reply["parent_id"] == row["msg_id"] for row in rows for reply in row["replies"])
    call.api.move("add_message", ident)
    assert call.get(f"/workorders/{ident}/messages")["metadata"]["total"] == total + 1


def test_requests_are_as_many_as_publish_stats_say(call: Caller) -> None:
    company = call.api.company
    ident = next(i for i in company.visible_ids() if company.work_order(i)["publish_stats"]["requests"] > 1)
    count = company.work_order(ident)["publish_stats"]["requests"]
    providers = call.get(f"/workorders/{ident}/providers")
    assert len({row["id"] for row in providers}) == len(providers) == count
    assert [row["request"]["id"] for row in providers] == [
        row["id"] for row in call.get(f"/workorders/{ident}/requests")["results"]
    ]
    assert call.get(f"/users/{providers[0]['id']}")["first_name"] == providers[0]["first_name"]


def test_site_revisits(call: Caller) -> None:
    company = call.api.company
    again = [i for i in company.visible_ids() if company.work_order(i)["site_revisit"]["revisit_count"]]
    for ident in again[:5]:
        answer = call.get(f"/workorders/{ident}/site-revisits")
        assert len(answer["revisits"]) == company.work_order(ident)["site_revisit"]["revisit_count"]
        assert answer["job_status"]["status"] == "incomplete"
    assert again


def test_children_of_company_data(call: Caller) -> None:
    work = call.get("/types-of-work")["results"][0]["id"]
    assert all(isinstance(row["id"], str) for row in call.get(f"/types-of-work/{work}/service-types"))
    pools = call.get("/preferred-provider-groups")["results"]
    for pool in pools:
        assert len(call.api.rows(f"/preferred-provider-groups/{pool['id']}/users")) == pool["providers"]
    assert any(pool["providers"] > 25 for pool in pools)
    territory = call.get("/service-territories")["results"][0]
    people = call.api.rows(f"/service-territories/{territory['id']}/providers")
    assert len(people) == territory["provider_count"]


@pytest.mark.parametrize("way", ["metadata", "cursor", "none"])
def test_territories_in_any_way_of_paging(start: Callable[..., Caller], way: str) -> None:
    call = start(territory_paging=way)
    answer = call.get("/service-territories")
    assert ("data" in answer) == (way == "cursor")
    assert ("metadata" in answer) == (way == "metadata")
    assert len(call.api.rows("/service-territories")) == 31


def test_another_company_is_forbidden(call: Caller) -> None:
    assert call.ask("/company/1/networks").json() == {"status": 403, "message": "This company is not yours."}
    assert call.ask("/company/1/site-revisit-reasons", action_type="all").status_code == 403
    assert call.ask(f"/company/{COMPANY}/site-revisit-reasons").status_code == 400
    reasons: list[Any] = call.get(f"/company/{COMPANY}/site-revisit-reasons", action_type="all")["results"]
    assert any(sub["sub_reasons"] for row in reasons for sub in row["sub_reasons"])


def test_unknown_things_are_404(call: Caller) -> None:
    for path in (
        "/clients/1",
        "/users/1",
        "/users/x",
        "/workorders/1",
        "/workorders/1/tags",
        "/nonsense",
        "/templates/0",
    ):
        answer = call.ask(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NotFound"), path


def test_forbidden_and_missing_paths(start: Callable[..., Caller]) -> None:
    call = start(forbidden="/clients,/penalties", missing="/bonuses")
    assert call.ask("/clients").json()["code"] == "INSUFFICIENT_PERMISSIONS"
    assert call.ask("/penalties").status_code == 403
    assert call.ask("/bonuses").status_code == 404
    assert call.ask("/projects").ok
