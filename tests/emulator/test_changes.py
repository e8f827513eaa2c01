from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator import Emulator
from emulator.company.changes import CHANGES
from emulator.company.simulation import RandomChanges

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.http import Request
    from tests.emulator.conftest import ApiClient


def test_status_changes_in_both_directions() -> None:
    api = Emulator(10)
    created = api.change("create")
    assert created is not None
    work_order_id = created.work_order_id
    steps = [
        ("publish", 2), ("unpublish", 1), ("publish", 2), ("route", 9), ("unroute", 2), ("assign", 3), ("unassign", 2),
        ("assign", 3), ("check_in", 3), ("work_done", 4), ("incomplete", 3), ("work_done", 4), ("approve", 5),
        ("unapprove", 4), ("approve", 5), ("pay", 6), ("unpaid", 5), ("pay", 6),
    ]  # fmt: skip
    for kind, status in steps:
        assert api.change(kind, work_order_id), kind
        assert api.company.work_order(work_order_id)["status"]["id"] == status, kind
    assert api.change("cancel", work_order_id) is None  # not allowed in this status
    assert [change.kind for change in api.company.changes] == ["create", *[kind for kind, _ in steps]]


def test_cancel_and_revert() -> None:
    api = Emulator(10)
    work_order_id = api.company.ids_with_status(1, 2, 3, 9)[0] if api.company.ids_with_status(1, 2, 3, 9) else 0
    if not work_order_id:
        created = api.change("create")
        assert created is not None
        work_order_id = created.work_order_id
    before = api.company.work_order(work_order_id)["status"]["id"]
    api.change("cancel", work_order_id)
    assert api.company.work_order(work_order_id)["milestones"]["canceled"]["utc"]
    api.change("revert", work_order_id)
    assert api.company.work_order(work_order_id)["status"]["id"] == before
    assert not api.company.work_order(work_order_id)["milestones"]["canceled"]["utc"]


@pytest.mark.parametrize("kind", sorted(CHANGES))
def test_every_change_is_visible_in_the_api(kind: str) -> None:
    api = Emulator(900)
    for work_order_id in reversed(api.company.visible_ids()):
        before = api.company.work_order(work_order_id)
        if api.change(kind, work_order_id):
            after = api.company.work_order(work_order_id)
            assert after != before
            break
    else:
        pytest.fail(f"{kind} applies to no work order")


def test_removing_the_last_tag_and_changing_time_logs() -> None:
    api = Emulator(100)
    company = api.company
    work_order_id = next(i for i in company.visible_ids() if company.work_order(i)["tags"]["results"])
    api.change("untag_all", work_order_id)
    assert company.work_order(work_order_id)["tags"]["results"] == []
    api.change("tag", work_order_id)
    assert len(company.work_order(work_order_id)["tags"]["results"]) == 1
    done = company.ids_with_status(6)[0]
    logs = {log["id"]: log for log in company.work_order(done)["time_logs"]["results"]}
    added = api.change("log_time", done)
    assert added is not None
    assert set(logs) | {int(added.detail)} == {log["id"] for log in company.work_order(done)["time_logs"]["results"]}
    changed = api.change("edit_log", done)
    assert changed is not None
    now = {log["id"]: log for log in company.work_order(done)["time_logs"]["results"]}
    assert now[int(changed.detail)]["edited"]
    removed = api.change("remove_log", done)
    assert removed is not None
    assert int(removed.detail) not in {log["id"] for log in company.work_order(done)["time_logs"]["results"]}


def test_archive_and_unarchive(client: ApiClient) -> None:
    work_order_id = client.api.company.visible_ids()[-1]
    client.api.change("archive", work_order_id)
    assert work_order_id not in client.ids()
    assert client.ids(f_work_order_id=work_order_id) == []
    assert client.request(f"/workorders/{work_order_id}/tags").status_code == 404
    client.api.change("unarchive", work_order_id)
    assert client.ids(f_work_order_id=work_order_id) == [work_order_id]


def test_advance() -> None:
    api = Emulator(2_500)
    before = set(api.company.visible_ids())
    checkpoint = api.company.checkpoint()
    changes = api.advance(3)
    kinds = {change.kind for change in changes}
    assert {"create", "publish", "assign", "work_done", "approve", "pay"} <= kinds
    new = set(api.company.visible_ids()) - before
    assert len(new) >= 18
    assert api.company.changes_since(checkpoint) == changes
    assert all(i > max(before) for i in new)


def test_planned_changes_between_requests(client: ApiClient) -> None:
    client.api.plan(4, every=2, changes=3)
    checkpoint = client.api.company.checkpoint()
    seen: set[int] = set()
    for page in (1, 2, 3):
        seen |= set(client.ids(page=page))
    assert {change.request for change in client.api.company.changes} == {2}
    assert client.api.company.always_visible_since(checkpoint) <= set(checkpoint.visible)
    client.api.stop_changes()
    count = len(client.api.company.changes)
    client.ids()
    assert len(client.api.company.changes) == count
    assert seen


def test_random_changes_are_reproducible() -> None:
    runs = []
    for _ in range(2):
        api = Emulator(200)
        applied = RandomChanges(api.company, 9).apply(300)
        runs.append([(change.kind, change.work_order_id, change.detail) for change in applied])
    assert runs[0] == runs[1]
    assert {"create", "archive", "unarchive"} <= {kind for kind, _, _ in runs[0]}


def test_late_ids(start: Callable[..., ApiClient]) -> None:
    client = start(late_ids=3)
    late: list[int] = []
    while not late:
        change = client.api.change("create")
        assert change is not None
        late = [change.work_order_id] if change.detail else []
    later = client.api.change("create")
    assert late[0] not in client.api.company.visible_ids()
    for expected in (False, False, True):
        assert (late[0] in client.ids()) == expected
    assert later is not None
    assert later.work_order_id > late[0]


def test_hook_runs_before_the_response(client: ApiClient) -> None:
    newest = client.api.company.visible_ids()[-1]

    def hook(request: Request) -> None:
        if request.params.get("page") == "2":
            client.api.change("archive", newest)

    client.api.before_request(hook)
    assert client.ids(page=1)[0] == newest
    meta = client.get("/workorders", list="workorders_all", sticky="false", page=2)["metadata"]
    assert meta["total"] == 249
