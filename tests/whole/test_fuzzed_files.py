"""Damaged state, catalog and config files: accepted, or rejected in one sentence; never a traceback."""

from __future__ import annotations

import copy
import json
import os
import random
import typing as t

import pytest

from emulator import Emulator, VirtualClock
from tests.whole.runs import Runner, small_catalog

pytestmark = pytest.mark.long

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.whole.runs import Ended, State

# In CI a few; `TAP_FUZZED=1000 pytest tests/whole/test_fuzzed_files.py` for many.
FUZZED = int(os.environ.get("TAP_FUZZED", "25"))
WORK_ORDERS, PAGE = 24, 4
STREAMS = ("templates", "work_orders", "work_order_messages")
START_OVER = "give the run an earlier STATE, or none to read everything again (`meltano run --full-refresh`)."

# What a file may hold where something else is due.
ANYTHING: list[t.Any] = [
    None, True, -1, 0, 7, 10**30, 1e300, 0.5, "", "x", "2999-01-01T00:00:00Z", "0001-01-01", "2025-06-15", [], {},
    [None], [[]], {"a": 1}, ["work_orders"], [-5, 5], "\x00", "\ud800",
]  # fmt: skip


class Files(t.NamedTuple):
    """A runner, and states that runs left: of a whole run, of one that was cut short in history, of one in between."""

    runner: Runner
    whole: State
    cut: State


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    clock = VirtualClock()
    # Lists that send bare ids make the tap remember which details it has read.
    with Emulator(work_orders=WORK_ORDERS, days=30, seed=3, rate_limit=0, clock=clock, ignore_columns=True) as api:
        runner = Runner(api, tmp_path_factory.mktemp("files"))
        api.faults([{"match": {"path": "/workorders", "params": {"page": "4"}, "times": 0}, "do": "500"}])
        cut = run(runner, max_retries=0)
        assert cut.state["bookmarks"]["work_orders"]["cursor"]["unread"][0][2], "a position within the history"
        api.faults([])
        whole = run(runner)
        assert whole.state["bookmarks"]["work_orders"]["cursor"]["counts"]
        assert whole.state["bookmarks"]["templates"]["details"]
        yield Files(runner, whole.state, cut.state)


def run(runner: Runner, **more: t.Any) -> Ended:
    return runner.run(**{"catalog": small_catalog(*STREAMS), "page_size": PAGE, **more})


def assert_sane(ended: Ended, what: object) -> None:
    """Exit code 0, or 1 and a sentence."""
    assert "Traceback" not in ended.log, what
    assert "Unexpected error" not in ended.log, what
    assert ended.code in {0, 1}, what
    if ended.code:
        assert "ERROR" in ended.log.splitlines()[-1], what
        assert ended.last_line.endswith("."), what


def places(value: t.Any, path: tuple[t.Any, ...] = ()) -> Iterator[tuple[t.Any, ...]]:
    """The path of everything within a value."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def damaged(value: t.Any, chance: random.Random, within: tuple[t.Any, ...] = ()) -> tuple[t.Any, str]:
    """A copy with one thing in it replaced, taken out, or there twice; and which."""
    value = copy.deepcopy(value)
    root = value
    for key in within:
        root = root[key]
    *way, last = chance.choice(list(places(root)))
    for key in way:
        root = root[key]
    what = chance.choice(["replace", "replace", "delete", "double"])
    if what == "delete":
        del root[last]
    elif what == "double" and isinstance(root, list):
        root.insert(last, copy.deepcopy(root[last]))
    else:
        root[last] = chance.choice(ANYTHING)
        what = f"= {root[last]!r:.40}"
    return value, f"{'.'.join(map(str, (*within, *way, last)))} {what}"


def _set(path: str, value: t.Any) -> Callable[[State], None]:
    def change(state: State) -> None:
        *way, last = path.split(".")
        place: t.Any = state["bookmarks"]
        for key in way:
            place = place[key]
        place[last] = value

    return change


READ, DUE = "2025-06-15T00:00:00Z", "2025-07-15T00:00:00Z"
SLICE = ["2025-06-01", "2025-06-09", 9, READ, DUE, READ]
LATER = ["2025-06-09", "2025-06-17", 9, READ, DUE, READ]
CURSOR = "work_orders.cursor"
DAMAGED: dict[str, tuple[Callable[[State], None], str]] = {
    "a newer version": (_set(f"{CURSOR}.version", 9), "The STATE was written by a newer version of tap-fieldnation"),
    "another company": (_set(f"{CURSOR}.company_id", 4711), "The STATE belongs to another company (id 4711)"),
    "a cursor that is a text": (_set(CURSOR, "eyJhIjoxfQ=="), "The STATE is damaged at bookmarks.work_orders.cursor"),
    "a version that is a text": (_set(f"{CURSOR}.version", "1"), "The STATE is damaged at"),
    "ids as texts": (
        _set(f"{CURSOR}.open", ["14200001"]),
        "The STATE is damaged at bookmarks.work_orders.cursor, 'open[0]'",
    ),
    "ids as an object": (_set(f"{CURSOR}.open", {"14200001": 1}), "'open'"),
    "slices that overlap": (_set(f"{CURSOR}.slices", [SLICE, LATER]), "'slices'"),
    "slices in a wrong order": (_set(f"{CURSOR}.slices", [LATER, SLICE]), "'slices'"),
    "a slice that ends before it begins": (_set(f"{CURSOR}.slices", [[SLICE[1], SLICE[0], *SLICE[2:]]]), "'slices'"),
    "a slice of a negative count": (_set(f"{CURSOR}.slices", [[*SLICE[:2], -1, *SLICE[3:]]]), "'slices[0][2]'"),
    "half a slice": (_set(f"{CURSOR}.slices", [SLICE[:3]]), "'slices[0]'"),
    "a start that is no time": (_set(f"{CURSOR}.started_at", "yesterday"), "'started_at'"),
    "a start before all time": (_set(f"{CURSOR}.started_at", "0001-01-01T00:00:00Z"), "'started_at'"),
    "streams that are no list": (_set(f"{CURSOR}.streams", "work_orders"), "'streams'"),
    "marks that are no list": (_set(f"{CURSOR}.marks", 5), "'marks'"),
    "a history without a first day": (_set(f"{CURSOR}.unread", [[None, "2025-06-01"]]), "'unread[0][0]'"),
    "a history that ends before it begins": (_set(f"{CURSOR}.unread", [["2025-06-03", "2025-06-01"]]), "'unread'"),
    "a page before the first": (
        _set(f"{CURSOR}.unread", [["2025-06-01", None, [READ, None, 0, 4, 1, 1, 1, 1]]]),
        "'unread[0][2][2]'",
    ),
    "fewer counts than ids": (_set(f"{CURSOR}.counts", [["work_order_messages", [1]]]), "'counts'"),
    "fewer slices of open ones than ids": (_set(f"{CURSOR}.open_slices", [[0, 1]]), "'open_slices'"),
    "a filter of the first version that is none": (
        _set(CURSOR, {"version": 1, "created_filter": 5}),
        "'created_filter'",
    ),
    "a company of the first version that is none": (_set(CURSOR, {"version": 1, "company_id": "x"}), "'company_id'"),
    "details that are none": (_set("templates.details", "x"), "The STATE is damaged at bookmarks.templates.details"),
    "a highest detail that is a text": (_set("templates.details.highest", "9"), "bookmarks.templates.details"),
}


@pytest.mark.parametrize(("change", "words"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_state_is_refused_in_one_sentence(files: Files, change: Callable[[State], None], words: str) -> None:
    state = copy.deepcopy(files.whole)
    change(state)
    ended = run(files.runner, state=state)
    assert_sane(ended, words)
    assert ended.code == 1
    assert words in ended.last_line
    if "another company" not in words:
        assert ended.last_line.endswith(START_OVER)
    assert "work_orders" not in ended.rows or "templates" in words


@pytest.mark.parametrize("stream", ["work_orders", "work_order_messages", "templates"])
def test_partitions_of_another_tap_have_no_effect(files: Files, stream: str) -> None:
    state = copy.deepcopy(files.whole)
    state["bookmarks"].setdefault(stream, {})["partitions"] = [{}, {"context": {"company": 1}}]
    ended = run(files.runner, state=state)
    assert_sane(ended, stream)
    assert ended.code == 0, ended.last_line


def test_a_state_from_the_future_is_taken(files: Files) -> None:
    state = copy.deepcopy(files.whole)
    state["bookmarks"]["work_orders"]["cursor"]["started_at"] = "2999-01-01T00:00:00Z"
    ended = run(files.runner, state=state)
    assert ended.code == 0, ended.last_line
    assert "STATE holds times in the future: they were corrected" in ended.log


@pytest.mark.parametrize("kind", ["whole", "cut"])
def test_any_damage_to_a_state_is_taken_or_refused(files: Files, kind: str) -> None:
    chance = random.Random(kind)
    for number in range(FUZZED):
        within = ("bookmarks", "work_orders", "cursor") if number % 2 else ()
        state, what = damaged(getattr(files, kind), chance, within)
        assert_sane(run(files.runner, state=state, max_retries=0), what)


def test_any_damage_to_a_catalog_is_taken_or_refused(files: Files) -> None:
    chance = random.Random("catalog")
    for _ in range(FUZZED):
        catalog, what = damaged(small_catalog(*STREAMS), chance)
        assert_sane(run(files.runner, catalog=catalog, state=files.whole), what)


def all_settings(api: Emulator) -> dict[str, t.Any]:
    """A config with every setting."""
    return {
        "username": api.username,
        "password": api.password,
        "environment": "sandbox",
        "access_token_location": "header",
        "start_date": "2025-06-01",
        "end_date": "2025-06-10T00:00:00Z",
        "company_id": 20843,
        "page_size": 5,
        "max_concurrent_requests": 2,
        "request_timeout": 5,
        "max_retries": 0,
        "reconcile_days": 1.5,
        "accept_mass_removals": False,
        "max_minutes": 60,
        "user_agent": "test/1",
        "stream_maps": {"clients": {"name": "name", "half": "id / 2"}},
        "flattening_enabled": True,
        "flattening_max_depth": 2,
    }


def test_any_damage_to_a_config_is_taken_or_refused(files: Files) -> None:
    chance = random.Random("config")
    settings = all_settings(files.runner.api)
    for _ in range(FUZZED):
        config, what = damaged(settings, chance)
        ended = run(files.runner, **config)
        assert_sane(ended, what)


def test_a_damaged_setting_is_never_shown(files: Files) -> None:
    for name in files.runner.config():
        ended = run(files.runner, **{name: [{"canary4711": "canary4711"}]})
        assert_sane(ended, name)
        assert ended.code == 1
        assert name in ended.last_line
        assert "canary4711" not in ended.log + json.dumps(ended.state)
