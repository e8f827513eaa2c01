"""Short runs, one after another, read everything: work orders and company lists take turns."""

from __future__ import annotations

import typing as t

import pytest

from emulator import Emulator, VirtualClock
from tests.whole import in_process
from tests.whole.runs import Runner

if t.TYPE_CHECKING:
    from pathlib import Path

LISTS = [
    name
    for name in in_process.names()
    if not name.startswith("work_order") and name in {"clients", "locations", "managers", "tags", "types_of_work"}
]


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("requests", [7, 12, 21])
def test_runs_of_a_few_requests_complete(requests: int, tmp_path: Path) -> None:
    selected = in_process.catalog(["work_orders", *LISTS])
    with Emulator(work_orders=400, seed=3, rate_limit=0, clock=VirtualClock()) as api:
        runner = Runner(api, tmp_path)
        state: dict[str, t.Any] | None = None
        rows: dict[str, set[int]] = {name: set() for name in ("work_orders", *LISTS)}
        for _ in range(80):
            ended = runner.run(
                catalog=selected, state=state, page_size=20, requests_per_minute=60, max_minutes=requests / 60
            )
            assert ended.code == 0, ended.last_line
            state = ended.state or state
            for name, ids in rows.items():
                ids.update(ended.ids(name))
            if "max_minutes" not in ended.last_line:
                break
        else:
            pytest.fail("no run completes")
        assert rows["work_orders"] == set(api.company.visible_ids())
        whole = runner.run(catalog=selected, requests_per_minute=6000)
        assert {name: ids for name, ids in rows.items() if ids != whole.ids(name)} == {}
