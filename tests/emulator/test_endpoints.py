from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from emulator import Emulator
from tap_fieldnation.streams import catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import ApiClient

COMPANY = 20_843


def placeholders(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def test_routes_are_the_paths_of_the_catalog() -> None:
    paths = {
        "/workorders",
        *(f"/workorders/{{}}/{entry.endpoint}" for entry in catalog.EMBEDDED if entry.endpoint),
        *(entry.path for entry in (*catalog.BY_REQUEST, *catalog.COMPANY)),
        *(entry.detail for entry in catalog.COMPANY if entry.detail),
    }
    routes = ["/" + "/".join(route) for routes in Emulator(1).app.router._routes.values() for route, _ in routes]
    assert sorted(map(placeholders, routes)) == sorted(map(placeholders, paths))


@pytest.mark.parametrize(
    "path",
    [
        "/clients", "/projects", "/templates", "/locations", "/types-of-work", "/custom-fields", "/bonuses",
        "/penalties", "/company/tags", "/company/expenses", "/preferred-provider-groups", "/service-territories",
    ],
)  # fmt: skip
def test_metadata_paging(client: ApiClient, path: str) -> None:
    first = client.get(path, per_page=5)
    assert first["metadata"]["per_page"] == 5
    assert len(first["results"]) == min(5, first["metadata"]["total"])
    pages = first["metadata"]["pages"]
    rows = [row for page in range(1, pages + 1) for row in client.get(path, per_page=5, page=page)["results"]]
    assert rows == client.api.rows(path)
    assert client.get(path, per_page=5, page=pages + 1)["results"] == []


@pytest.mark.parametrize("path", ["/company/managers", "/company/incomplete-reasons", f"/company/{COMPANY}/networks"])
def test_plain_arrays(client: ApiClient, path: str) -> None:
    assert isinstance(client.get(path), list)


def test_cursor_paging(client: ApiClient) -> None:
    page = client.get("/talent-pool-groups")
    assert page["pagination"]["limit"] == len(page["data"]) == 20
    assert client.get("/talent-pool-groups", limit=1000)["pagination"]["limit"] == 100
    rows = page["data"]
    while page["pagination"]["has_next_page"]:
        page = client.get("/talent-pool-groups", after=page["pagination"]["next_cursor"])
        rows += page["data"]
    assert page["pagination"]["next_cursor"] is None
    assert rows == client.api.rows("/talent-pool-groups")
    back = client.get("/talent-pool-groups", before=page["pagination"]["prev_cursor"])
    assert back["data"] == rows[20:40]
    people = client.get(f"/talent-pool-groups/{rows[0]['talent_pool_group_id']}/providers")
    assert people["data"][0]["tier"]["name"]
    assert client.request("/talent-pool-groups", after="nonsense").status_code == 400


@pytest.mark.parametrize(
    ("path", "keys"), [("/clients", {"id"}), ("/projects", {"id", "finance"}), ("/templates", {"id", "actions"})]
)
def test_lists_contain_ids_only_without_columns(start: Callable[..., ApiClient], path: str, keys: set[str]) -> None:
    client = start()
    assert client.get(path)["results"][0].keys() == keys
    row = client.get(path, columns="id,name,created")["results"][0]
    detail = client.get(f"{path}/{row['id']}")
    assert row.items() <= detail.items()
    assert row["name"]
    client.api.switch(ignore_columns=True)
    assert client.get(path, columns="id,name")["results"][0].keys() == keys


SECTIONS = (
    "attachments", "contacts", "custom_fields", "problems", "shipments", "signatures", "tags", "time_logs",
)  # fmt: skip
PAY_LISTS = ("bonuses", "penalties", "expenses", "discounts", "increases")


def test_child_lists_of_work_orders(client: ApiClient) -> None:
    company = client.api.company
    for work_order_id in company.visible_ids()[-120::12]:
        expected = company.work_order(work_order_id)
        for name in SECTIONS:
            assert client.get(f"/workorders/{work_order_id}/{name}")["results"] == expected[name]["results"]
        for name in PAY_LISTS:
            assert client.get(f"/workorders/{work_order_id}/{name}")["results"] == expected["pay"][name]["results"]
        tasks = client.get(f"/workorders/{work_order_id}/tasks")["results"]
        assert len(tasks) == len(expected["tasks"]["results"])


def test_number_of_messages(client: ApiClient) -> None:
    company = client.api.company
    work_order_id = max(company.visible_ids(), key=lambda i: company.work_order(i)["messages"]["metadata"]["total"])
    total = company.work_order(work_order_id)["messages"]["metadata"]["total"]
    page = client.get(f"/workorders/{work_order_id}/messages", per_page=2)
    assert page["metadata"]["total"] == total
    assert page["metadata"]["pages"] == -(-total // 2)
    rows = client.api.rows(f"/workorders/{work_order_id}/messages")
    ids = [message["msg_id"] for row in rows for message in [row, *row["replies"]]]
    assert all(isinstance(i, str) for i in ids)
    assert len(ids) == len(set(ids))
    assert all(response["parent_id"] == row["msg_id"] for row in rows for response in row["replies"])
    client.api.change("add_message", work_order_id)
    assert client.get(f"/workorders/{work_order_id}/messages")["metadata"]["total"] == total + 1


def test_number_of_provider_requests(client: ApiClient) -> None:
    company = client.api.company
    work_order_id = next(i for i in company.visible_ids() if company.work_order(i)["publish_stats"]["requests"] > 1)
    count = company.work_order(work_order_id)["publish_stats"]["requests"]
    providers = client.get(f"/workorders/{work_order_id}/providers")
    assert len({row["id"] for row in providers}) == len(providers) == count
    assert client.get(f"/users/{providers[0]['id']}")["first_name"] == providers[0]["first_name"]


def test_site_revisits(client: ApiClient) -> None:
    company = client.api.company
    revisited = [i for i in company.visible_ids() if company.work_order(i)["site_revisit"]["revisit_count"]]
    for work_order_id in revisited[:5]:
        response = client.get(f"/workorders/{work_order_id}/site-revisits")
        assert len(response["revisits"]) == company.work_order(work_order_id)["site_revisit"]["revisit_count"]
        assert response["job_status"]["status"] == "incomplete"
    assert revisited


def test_child_lists_of_company_data(client: ApiClient) -> None:
    type_id = client.get("/types-of-work")["results"][0]["id"]
    assert all(isinstance(row["id"], str) for row in client.get(f"/types-of-work/{type_id}/service-types"))
    pools = client.get("/preferred-provider-groups")["results"]
    for pool in pools:
        assert len(client.api.rows(f"/preferred-provider-groups/{pool['id']}/users")) == pool["providers"]
    assert any(pool["providers"] > 25 for pool in pools)
    territory = client.get("/service-territories")["results"][0]
    people = client.api.rows(f"/service-territories/{territory['id']}/providers")
    assert len(people) == territory["provider_count"]


@pytest.mark.parametrize("paging", ["metadata", "cursor", "none"])
def test_paging_of_service_territories(start: Callable[..., ApiClient], paging: str) -> None:
    client = start(territory_paging=paging)
    response = client.get("/service-territories")
    assert ("data" in response) == (paging == "cursor")
    assert ("metadata" in response) == (paging == "metadata")
    assert len(client.api.rows("/service-territories")) == 31


def test_another_company_is_forbidden(client: ApiClient) -> None:
    assert client.request("/company/1/networks").json() == {"status": 403, "message": "This company is not yours."}
    assert client.request("/company/1/site-revisit-reasons", action_type="all").status_code == 403
    assert client.request(f"/company/{COMPANY}/site-revisit-reasons").status_code == 400
    reasons: list[Any] = client.get(f"/company/{COMPANY}/site-revisit-reasons", action_type="all")["results"]
    assert any(sub["sub_reasons"] for row in reasons for sub in row["sub_reasons"])


def test_not_found(client: ApiClient) -> None:
    for path in (
        "/clients/1",
        "/users/1",
        "/users/x",
        "/workorders/1/tags",
        "/nonsense",
        "/templates/0",
    ):
        response = client.request(path)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "NotFound"), path


def test_forbidden_and_missing_paths(start: Callable[..., ApiClient]) -> None:
    client = start(forbidden="/clients,/penalties", missing="/bonuses")
    assert client.request("/clients").json()["code"] == "INSUFFICIENT_PERMISSIONS"
    assert client.request("/penalties").status_code == 403
    assert client.request("/bonuses").status_code == 404
    assert client.request("/projects").ok
