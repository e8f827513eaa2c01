"""Load, let the company move on for three days, load again: the warehouse agrees with the API."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import typing as t
from datetime import datetime, timedelta, timezone

import psycopg
import pytest

from demo.project import BIN
from emulator import Emulator
from tests.whole.test_meltano import JOB, loaded_ids, make_project

if t.TYPE_CHECKING:
    from pathlib import Path

    from demo.postgres import Server

SCHEMA = "fieldnation_dev"
CLOSED = ("Paid", "Cancelled")

CURRENT = """
select w.id, c.id
from work_orders w
left join {table} c on c.work_order_id = w.id and c.extracted_at >= w.extracted_at
"""


@pytest.fixture
def api() -> t.Iterator[Emulator]:
    with Emulator(work_orders=330, seed=9, rate_limit=0) as running:
        yield running


def _closed(order: dict[str, t.Any]) -> bool:
    """By the words of the contract: paid or cancelled, or approved with the last milestone over 90 days ago."""
    reached = max(moment["utc"] for moment in order["milestones"].values() if isinstance(moment, dict))
    long_ago = f"{datetime.now(timezone.utc) - timedelta(days=90):%Y-%m-%d %H:%M:%S}"
    name = order["status"]["name"]
    return name in CLOSED or (name == "Approved" and reached < long_ago)


def _query(database: Server, text: str) -> list[tuple[t.Any, ...]]:
    with psycopg.connect(database.uri, options=f"-c search_path={SCHEMA}") as connection:
        return connection.execute(text.encode()).fetchall()


def _current(database: Server, table: str) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for work_order, child in _query(database, CURRENT.format(table=table)):
        found.setdefault(work_order, set()).update({child} - {None})
    return found


def test_the_second_load_makes_it_current(api: Emulator, database: Server, tmp_path: Path) -> None:
    project = make_project(api, database, tmp_path)
    first = project.meltano(*JOB)
    assert first.code == 0, first.last_words
    assert loaded_ids(database, SCHEMA) == sorted(api.company.visible_ids())
    before = {one: api.company.work_order(one) for one in api.company.visible_ids()}
    is_open = [one for one, order in before.items() if not _closed(order)]
    tagged = next(one for one in is_open if before[one]["tags"]["results"])
    archived = next(one for one in is_open if one != tagged)
    assert api.change("untag_all", tagged)
    assert api.change("archive", archived)
    assert api.advance(days=3)
    visible = set(api.company.visible_ids())
    gone = set(is_open) - visible
    assert archived in gone
    api.reset_log()

    second = project.meltano(*JOB)
    assert second.code == 0, second.last_words
    assert len(loaded_ids(database, SCHEMA)) == len(before.keys() | set(api.company.visible_ids())), "each once"
    assert len(api.log.of("/workorders")) <= len(is_open) // 100 + 1 + 5, "it read more than what can have changed"
    landed = {row[0]: row[1:] for row in _query(database, "select id, status_name, title, pay_total from work_orders")}
    assert visible <= landed.keys()
    tags, logs = _current(database, "work_order_tags"), _current(database, "work_order_time_logs")
    looked_at = 0
    for one in visible - (before.keys() - set(is_open)):
        order = api.company.work_order(one)
        status, title, pay = landed[one]
        assert (status, title) == (order["status"]["name"], order["title"])
        assert float(pay) == pytest.approx(float(order["pay"]["total"]))
        assert tags[one] == {tag["id"] for tag in order["tags"]["results"]}
        assert logs[one] == {log["id"] for log in order["time_logs"]["results"]}
        looked_at += 1
    assert looked_at > len(is_open) / 2
    assert tags[tagged] == set()
    rows = [row[0] for row in _query(database, "select work_order_id from work_order_tags")]
    assert tagged in rows, "the row of an earlier reading stays, and is not current"
    assert {row[0] for row in _query(database, "select work_order_id from work_order_removals")} == gone


@pytest.mark.long
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_meltano_stops_loses_nothing(database: Server, tmp_path: Path, by: signal.Signals) -> None:
    with Emulator(work_orders=400, seed=9, rate_limit=0, latency=0.1) as api:
        project = make_project(api, database, tmp_path, page_size="10", max_concurrent_requests="1")
        stopped = threading.Event()
        api.before_request(lambda request: stopped.set() if request.params.get("page") == "12" else None)
        with subprocess.Popen(
            [str(BIN / "meltano"), *JOB],
            cwd=project.folder,
            env=project.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as meltano:
            assert stopped.wait(60)
            meltano.send_signal(by)
            try:
                assert meltano.wait(60) != 0
            except subprocess.TimeoutExpired:
                # Rarely target-postgres goes on reading after the signal. A scheduler then kills all of it, as here.
                os.killpg(meltano.pid, signal.SIGKILL)
        api.switch(latency=0)
        api.reset_log()
        again = project.meltano(*JOB)
        assert again.code == 0, again.last_words
        landed = {row[0] for row in _query(database, "select id from work_orders")}
        assert landed == set(api.company.visible_ids())
