from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emulator import Emulator
from emulator.company.company import Company
from emulator.company.state import MILESTONES
from emulator.work_order.cache import SectionCache
from emulator.work_order.sections import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

TODAY = date(2026, 3, 31)
LEAVES = Path(__file__).with_name("documented_leaves.txt").read_text(encoding="utf-8").split()


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, value


def test_same_seed_gives_same_company() -> None:
    first, second, other = (Company(60, seed, TODAY) for seed in (1, 1, 2))
    assert first.work_orders() == second.work_orders()
    assert first.visible_ids() != other.visible_ids()


def test_every_documented_leaf_occurs() -> None:
    company = Company(2_500, 1, TODAY)
    missing = set(LEAVES)
    for work_order_id in reversed(company.visible_ids()):
        missing -= {path for path, value in leaves(company.work_order(work_order_id)) if value not in (None, "")}
        if not missing:
            break
    assert missing == set()


def test_ids_increase_with_creation_and_have_gaps() -> None:
    company = Company(500, 3, TODAY)
    rows = company.work_orders()
    created = [row["milestones"]["created"]["utc"][:19] for row in rows]
    assert created == sorted(created)
    assert created[-1] < "2026-03-31 00:00:00"
    assert created[0] >= "2025-03-31 00:00:00"
    ids = [row["id"] for row in rows]
    assert ids == sorted(set(ids))
    assert ids[-1] - ids[0] > len(ids)


def test_statuses_match_milestones() -> None:
    company = Company(2_500, 1, TODAY)
    assert all(company.count_by_status().values())
    rows = company.work_orders(company.visible_ids()[-400:])
    assert {row["status"]["id"] for row in rows} == {1, 2, 9, 3, 4, 5, 6, 7}
    last = {
        1: "created",
        2: "published",
        9: "routed",
        3: "assigned",
        4: "workdone",
        5: "approved",
        6: "paid",
        7: "canceled",
    }
    for row in rows:
        dates = {name: row["milestones"][name]["utc"][:19] for name in MILESTONES}
        assert dates[last[row["status"]["id"]]] == max(dates.values())
        assert bool(row["assignee"]["user"]["id"]) == bool(dates["assigned"])


def test_irregular_values_of_the_real_api() -> None:
    rows = Company(600, 1, TODAY).work_orders()
    empty = {"utc": "", "local": {"date": "", "time": ""}}
    assert any(row["milestones"]["paid"] == empty for row in rows)
    assert any(row["assignee"]["user"]["id"] == 0 for row in rows)
    assert any(row["location"]["saved_location"]["id"] == 0 for row in rows)
    assert any(row["template"] == [] for row in rows)
    assert any(isinstance(row["location"]["zip"], int) for row in rows)
    assert all(isinstance(row["pay"]["status_id"], str) for row in rows)
    assert any("." in row["milestones"]["published"]["utc"] for row in rows)
    assert any("id" not in fee for row in rows for fee in row["pay"]["fees"])
    assert any(contact["id"] < 0 for row in rows for contact in row["contacts"]["results"])
    assert any(row["pay"]["total"] != int(row["pay"]["total"]) for row in rows)
    assert any(row["type_of_work"] is None for row in rows)
    assert any(not row["title"].isascii() for row in rows)
    assert all("dispatch_score" in row for row in rows)
    tasks = [task for row in rows for task in row["tasks"]["results"]]
    assert {type(task["time_log"]) for task in tasks} == {list}
    assert all(row["messages"]["results"] == [] for row in rows)
    assert any(row["messages"]["metadata"]["total"] for row in rows)


def test_keys_of_child_records_are_unique() -> None:
    for row in Company(300, 1, TODAY).work_orders():
        for name in ("tags", "time_logs", "tasks", "contacts", "problems", "shipments", "signatures"):
            ids = [child["id"] for child in row[name]["results"]]
            assert len(ids) == len(set(ids)) == row[name]["metadata"]["total"]
        for name in ("bonuses", "penalties", "expenses", "discounts", "increases"):
            ids = [child["id"] for child in row["pay"][name]["results"]]
            assert len(ids) == len(set(ids))
        fees = [fee["name"] for fee in row["pay"]["fees"]]
        assert len(fees) == len(set(fees))
        fields = [field["id"] for group in row["custom_fields"]["results"] for field in group["results"]]
        assert len(fields) == len(set(fields))


def test_references_are_consistent() -> None:
    api = Emulator(200, 1, TODAY)
    clients = {
        row["id"]: row["name"]
        for more in ({}, {"f_deactivated": "1"}, {"f_deleted": "1"})
        for row in api.rows("/clients", columns="name", **more)
    }
    projects = {row["id"]: row["client"]["id"] for row in api.rows("/projects", columns="client")}
    templates = {row["id"] for row in api.rows("/templates")}
    locations = {row["id"] for row in api.rows("/locations")}
    managers = {row["id"] for row in api.rows("/company/managers")}
    for row in api.company.work_orders():
        assert row["manager"]["id"] in managers
        assert row["assignee"]["user"]["id"] in {0, *api.company.directory.people}
        if row["project"]["id"]:
            assert projects[row["project"]["id"]] == row["client"]["id"]
            assert clients[row["client"]["id"]] == row["client"]["name"]
        assert not row["template"] or row["template"]["id"] in templates
        assert row["location"]["saved_location"]["id"] in {0, *locations}


def test_change_invalidates_cached_sections() -> None:
    company = Company(20, 1, TODAY)
    cache = SectionCache(company)
    first = cache.record(3, ("id", "pay"))
    assert cache.record(3, ("id", "pay")) == first
    state = company.state(3)
    state.edit().pay += 1
    company.store(state)
    assert cache.record(3, ("id", "pay")) != first


def test_size_of_cache_is_limited() -> None:
    company = Company(80, 1, TODAY)
    cache = SectionCache(company, limit=200_000)
    for index in range(80):
        cache.record(index, tuple(SECTIONS))
    assert cache.size <= 200_000
    assert cache.record(0, ("id",)) == b'{"id":%d}' % company.id_at(0)


def test_large_company() -> None:
    company = Company(50_000, 1, TODAY)
    assert len(company.visible_ids()) == 50_000
    assert sum(company.count_by_status().values()) == 50_000
