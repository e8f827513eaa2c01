"""Names, keys and types that users' SQL relies on: columns and streams are only added."""

from __future__ import annotations

import copy
import json
import typing as t

import pytest

from tools import docs, snapshot

Snapshot = snapshot.Snapshot


@pytest.fixture(scope="module")
def before() -> Snapshot:
    """What was promised."""
    found: Snapshot = json.loads(docs.SNAPSHOT.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def now() -> Snapshot:
    """What there is."""
    return snapshot.snapshot(docs.streams().values())


def test_nothing_that_users_rely_on_is_gone_or_changed(before: Snapshot, now: Snapshot) -> None:
    assert snapshot.broken(before, now) == []


def test_what_was_added_is_promised_from_now_on(before: Snapshot, now: Snapshot) -> None:
    assert before == now, "run ./dev docs"


def _without(found: Snapshot, stream: str, column: str) -> None:
    del found[stream]["columns"][column]


BREAKS: dict[str, t.Callable[[Snapshot], object]] = {
    "tags is gone": lambda found: found.pop("tags"),
    "tags.label is gone": lambda found: _without(found, "tags", "label"),
    "work_orders.location.city is gone": lambda found: _without(found, "work_orders", "location.city"),
    "tags.types[] was string and is integer": lambda found: found["tags"]["columns"].update({"types[]": "integer"}),
    "tags.id was integer and is string": lambda found: found["tags"]["columns"].update(id="string"),
    "work_orders.created_at was date-time and is string": lambda found: found["work_orders"]["columns"].update(
        created_at="string"
    ),
    "expense_categories has other keys: id": lambda found: found["expense_categories"].update(keys=["id"]),
}


@pytest.mark.parametrize("what", BREAKS)
def test_a_breaking_change_is_reported(before: Snapshot, what: str) -> None:
    after = copy.deepcopy(before)
    BREAKS[what](after)
    assert snapshot.broken(before, after) == [what]


def test_an_addition_is_welcome(before: Snapshot) -> None:
    after = copy.deepcopy(before)
    after["tags"]["columns"]["new"] = "string"
    after["work_orders"]["columns"]["location.new"] = "integer"
    after["new"] = {"keys": ["id"], "columns": {"id": "integer"}}
    assert snapshot.broken(before, after) == []


def test_docs_refuse_to_forget_a_promise(
    before: Snapshot, monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "snapshot.json"
    file.write_text(json.dumps({**before, "old": {"keys": ["id"], "columns": {"id": "integer"}}}))
    monkeypatch.setattr(docs, "SNAPSHOT", file)
    assert docs.main() == 1
    assert "old is gone" in capsys.readouterr().out
    assert "old" in json.loads(file.read_text())
