"""The whole tap through every fault that the emulator knows: complete, or one sentence and exit code 1.

In time that is virtual, so that nobody waits. `docs/reliability.md` has the table (`./dev docs` writes it).
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass

import pytest

from emulator import Emulator, VirtualClock
from emulator.faults import FAULTS
from tests.whole.canary import PLACES, Search, secrets_of
from tests.whole.faults import CASES, Case, Where
from tests.whole.runs import Runner, small_catalog

pytestmark = pytest.mark.long

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.whole.runs import Ended, State

WORK_ORDERS, PAGE = 40, 4
RUNS = [(case, where, faults) for case in CASES for where, faults in case.runs()]
# Who logs in by the password grant, so that the canary finds either kind of secret.
WITH_PASSWORD = (Where.PROBE, Where.BY_ID, Where.LIST)


@dataclass(frozen=True)
class Undisturbed:
    """A run without faults.

    Attributes:
        ended: How it went.
        paths: The requests that it made, in order: path, and the ids asked for.
    """

    ended: Ended
    paths: list[tuple[str, str]]


def new_emulator(seed: int = 3) -> Emulator:
    """A company of few work orders, most of them open, at a moment that is always the same."""
    return Emulator(work_orders=WORK_ORDERS, days=40, seed=seed, rate_limit=0, clock=VirtualClock())


def streams(where: Where) -> tuple[str, ...]:
    return ("work_orders", "work_order_messages") if where is Where.CHILD else ("clients", "work_orders")


def settings(api: Emulator, where: Where, case: Case | None = None) -> dict[str, t.Any]:
    user = {"username": api.username, "password": api.password} if where in WITH_PASSWORD else {}
    return {"page_size": PAGE, **user, **(case.settings if case else {})}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> t.Callable[[Where], Undisturbed]:
    """What a run costs and brings where nothing goes wrong."""

    @functools.cache
    def state() -> State:
        return run(Where.PAGE, None).ended.state

    def run(where: Where, given: State | None) -> Undisturbed:
        with new_emulator() as api:
            runner = Runner(api, tmp_path_factory.mktemp("undisturbed"))
            ended = runner.run(catalog=small_catalog(*streams(where)), state=given, **settings(api, where))
            assert ended.code == 0, ended.log
            paths = [(entry.path, entry.params.get("f_work_order_id", "")) for entry in api.log]
        return Undisturbed(ended, paths)

    @functools.cache
    def of(where: Where) -> Undisturbed:
        return run(where, state() if where is Where.BY_ID else None)

    return of


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Emulator]:
    """Another host, to which redirects lead."""
    with new_emulator() as other:
        yield other


@pytest.fixture(scope="module")
def search() -> Search:
    """The canary: each run of the table is searched for secrets."""
    return Search()


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits as the table has them; that they differ is shown below."""
    monkeypatch.setattr("tap_fieldnation.api.requester.backoff.random_jitter", lambda seconds: seconds)


def match(case: Case, where: Where, paths: list[tuple[str, str]]) -> dict[str, t.Any]:
    """Which requests the fault meets."""
    ids = sorted(ids for _, ids in paths if ids)
    messages = sorted(path for path, _ in paths if path.endswith("/messages"))
    met: dict[Where, dict[str, t.Any]] = {
        Where.TOKEN: {"path": "token"},
        Where.PROBE: {"path": "/workorders", "params": {"order": "asc"}},
        Where.PAGE: {"path": "/workorders", "params": {"page": "3"}},
        Where.BY_ID: {"path": "/workorders", "params": {"f_work_order_id": "".join(ids[1:2])}},
        Where.CHILD: {"path": "".join(messages[2:3])},
        Where.LIST: {"path": "/clients"},
    }
    return {"path": case.path} if case.path else met[where]


@pytest.mark.parametrize(
    ("case", "where", "faults"), RUNS, ids=[f"{case.what}-{where.value}-{faults[0]}" for case, where, faults in RUNS]
)
def test_fault(
    case: Case,
    where: Where,
    faults: tuple[str, ...],
    undisturbed: t.Callable[[Where], Undisturbed],
    elsewhere: Emulator,
    search: Search,
    tmp_path: Path,
    record_property: t.Callable[[str, object], None],
) -> None:
    normal = undisturbed(where)
    state = undisturbed(Where.PAGE).ended.state if where is Where.BY_ID else None
    elsewhere.reset_log()
    options = {"location": f"{elsewhere.url}/elsewhere", **case.options} if "redirect-same" not in faults else {}
    with new_emulator() as api:
        met = match(case, where, normal.paths)
        times = 0 if case.for_ever else 1
        api.faults(
            {"match": {**met, "nth": number, "times": times}, "do": fault, **options}
            for number, fault in enumerate(faults, 1)
        )
        runner = Runner(api, tmp_path)
        with search.watch(secrets_of(api), tmp_path):
            ended = runner.run(catalog=small_catalog(*streams(where)), state=state, **settings(api, where, case))
        assert api.unserved_faults() == [], "the fault was not served: the run shows nothing"
        assert len(elsewhere.log) == 0, "a redirect was followed"
        logs_token = any(entry.sent_token and entry.status for entry in api.log)
        record_property(PLACES, search.finish(ended, logs_token=logs_token))
        assert_as_said(case, ended, normal, made=len(api.log.faults()))


def assert_as_said(case: Case, ended: Ended, normal: Undisturbed, made: int) -> None:
    said = ended.last_line if case.fails else ended.log
    assert "Traceback" not in ended.log
    assert "Unexpected error" not in ended.log
    for words in filter(None, case.says.split(".*")):
        assert words in said
        said = said.partition(words)[2]
    count = made if case.fails else ended.requests - normal.ended.requests
    least, most = case.requests if isinstance(case.requests, tuple) else (case.requests, case.requests)
    assert least <= count <= most
    if case.waits is not None:
        assert ended.waited == pytest.approx(case.waits, abs=0.1)
    if case.fails:
        assert ended.code == 1
        assert ended.last_line.endswith(".")
        return
    assert ended.code == 0, ended.last_line
    for stream, rows in normal.ended.rows.items():
        due, came = keys(rows), keys(ended.rows.get(stream, []))
        if stream == "work_orders" or not case.without:
            assert came == due
        else:
            assert came < due
            assert bool(came) is (case.without == "the record")


def keys(rows: list[dict[str, t.Any]]) -> set[tuple[t.Any, ...]]:
    return {(row.get("id"), row.get("work_order_id"), row.get("msg_id")) for row in rows}


def test_the_table_has_every_fault() -> None:
    assert {fault for _, _, faults in RUNS for fault in faults} == FAULTS.keys()
