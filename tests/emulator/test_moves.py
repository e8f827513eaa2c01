from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emulator import Emulator
from emulator.company.moves import MOVES
from emulator.company.story import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.messages import Request
    from tests.emulator.conftest import Caller


def test_every_step_forwards_and_back() -> None:
    api = Emulator(10)
    made = api.move("create")
    assert made is not None
    ident = made.work_order_id
    story = [
        ("publish", 2), ("unpublish", 1), ("publish", 2), ("route", 9), ("unroute", 2), ("assign", 3), ("unassign", 2),
        ("assign", 3), ("check_in", 3), ("work_done", 4), ("incomplete", 3), ("work_done", 4), ("approve", 5),
        ("unapprove", 4), ("approve", 5), ("pay", 6), ("unpaid", 5), ("pay", 6),
    ]  # fmt: skip
    for kind, status in story:
        assert api.move(kind, ident), kind
        assert api.company.work_order(ident)["status"]["id"] == status, kind
    assert api.move("cancel", ident) is None  # not from there
    assert [move.kind for move in api.company.moves] == ["create", *[kind for kind, _ in story]]


def test_cancel_and_revert() -> None:
    api = Emulator(10)
    ident = api.company.ids_with_status(1, 2, 3, 9)[0] if api.company.ids_with_status(1, 2, 3, 9) else 0
    if not ident:
        made = api.move("create")
        assert made is not None
        ident = made.work_order_id
    before = api.company.work_order(ident)["status"]["id"]
    api.move("cancel", ident)
    assert api.company.work_order(ident)["milestones"]["canceled"]["utc"]
    api.move("revert", ident)
    assert api.company.work_order(ident)["status"]["id"] == before
    assert not api.company.work_order(ident)["milestones"]["canceled"]["utc"]


@pytest.mark.parametrize("kind", sorted(MOVES))
def test_every_move_changes_what_the_api_shows(kind: str) -> None:
    api = Emulator(900)
    for ident in reversed(api.company.visible_ids()):
        before = api.company.work_order(ident)
        if api.move(kind, ident):
            after = api.company.work_order(ident)
            assert after != before
            break
    else:
        pytest.fail(f"{kind} fits no work order")


def test_the_last_tag_goes_and_time_logs_come_and_go() -> None:
    api = Emulator(100)
    company = api.company
    ident = next(i for i in company.visible_ids() if company.work_order(i)["tags"]["results"])
    api.move("untag_all", ident)
    assert company.work_order(ident)["tags"]["results"] == []
    api.move("tag", ident)
    assert len(company.work_order(ident)["tags"]["results"]) == 1
    done = company.ids_with_status(6)[0]
    logs = {log["id"]: log for log in company.work_order(done)["time_logs"]["results"]}
    added = api.move("log_time", done)
    assert added is not None
    assert set(logs) | {int(added.detail)} == {log["id"] for log in company.work_order(done)["time_logs"]["results"]}
    changed = api.move("edit_log", done)
    assert changed is not None
    now = {log["id"]: log for log in company.work_order(done)["time_logs"]["results"]}
    assert now[int(changed.detail)]["edited"]
    gone = api.move("remove_log", done)
    assert gone is not None
    assert int(gone.detail) not in {log["id"] for log in company.work_order(done)["time_logs"]["results"]}


def test_the_archive(call: Caller) -> None:
    ident = call.api.company.visible_ids()[-1]
    call.api.move("archive", ident)
    assert ident not in call.ids()
    assert call.ids(f_work_order_id=ident) == []
    assert call.ask(f"/workorders/{ident}").status_code == 404
    call.api.move("unarchive", ident)
    assert call.ids(f_work_order_id=ident) == [ident]


def test_a_day_passes() -> None:
    api = Emulator(2_500)
    before = set(api.company.visible_ids())
    mark = api.company.mark()
    moves = api.advance(3)
    kinds = {move.kind for move in moves}
    assert {"create", "publish", "assign", "work_done", "approve", "pay"} <= kinds
    new = set(api.company.visible_ids()) - before
    assert len(new) >= 18
    assert api.company.moves_since(mark) == moves
    assert all(i > max(before) for i in new)


def test_moves_while_somebody_reads(call: Caller) -> None:
    call.api.plan(4, every=2, moves=3)
    mark = call.api.company.mark()
    seen: set[int] = set()
    for page in (1, 2, 3):
        seen |= set(call.ids(page=page))
    assert {move.request for move in call.api.company.moves} == {2}
    assert call.api.company.stayed(mark) <= set(mark.visible)
    call.api.stop_moving()
    count = len(call.api.company.moves)
    call.ids()
    assert len(call.api.company.moves) == count
    assert seen


def test_a_plan_tells_the_same_story_twice() -> None:
    stories = []
    for _ in range(2):
        api = Emulator(200)
        made = Plan(api.company, 9).make(300)
        stories.append([(move.kind, move.work_order_id, move.detail) for move in made])
    assert stories[0] == stories[1]
    assert {"create", "archive", "unarchive"} <= {kind for kind, _, _ in stories[0]}


def test_late_ids(start: Callable[..., Caller]) -> None:
    call = start(late_ids=3)
    late: list[int] = []
    while not late:
        move = call.api.move("create")
        assert move is not None
        late = [move.work_order_id] if move.detail else []
    later = call.api.move("create")
    assert late[0] not in call.api.company.visible_ids()
    for expected in (False, False, True):
        assert (late[0] in call.ids()) == expected
    assert later is not None
    assert later.work_order_id > late[0]


def test_a_hook_sees_the_request_before_it_is_answered(call: Caller) -> None:
    newest = call.api.company.visible_ids()[-1]

    def hook(request: Request) -> None:
        if request.params.get("page") == "2":
            call.api.move("archive", newest)

    call.api.before_request(hook)
    assert call.ids(page=1)[0] == newest
    meta = call.get("/workorders", list="workorders_all", sticky="false", page=2)["metadata"]
    assert meta["total"] == 249
