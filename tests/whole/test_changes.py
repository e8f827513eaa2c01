"""What a later run writes: what changed, as a whole, and nothing else."""

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest

from emulator import Emulator, VirtualClock
from emulator.company.state import Status
from tests.whole import edits, in_process, truth
from tests.whole.destination import Destination
from tests.whole.runs import Runner

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.whole.runs import Ended, State

pytestmark = pytest.mark.usefixtures("untraced")

HOUR = timedelta(hours=1).total_seconds()
SMALL, LARGE = 120, 1_100  # an account of up to 1,000 work orders is read as a whole once a day


class Account:
    """An account, its warehouse, and the state of the last run.

    Args:
        api: The account.
        folder: For files.

    Attributes:
        catalog: Of the runs; None for the streams that are selected by default.
        state: What the last run left.
    """

    def __init__(self, api: Emulator, folder: Path) -> None:
        self.api, self.runner, self.warehouse = api, Runner(api, folder), Destination()
        self.catalog: dict[str, t.Any] | None = None
        self.state: State | None = None

    def run(self, *, catalog: t.Any = None, hours: float = 1, **settings: t.Any) -> Ended:
        """A run that succeeds, some hours after the last one; its rows are loaded, and its state is kept."""
        self.runner.time.advance(hours * HOUR)
        ended = self.runner.run(catalog=catalog or self.catalog, state=self.state, **settings)
        assert ended.code == 0, ended.last_line
        self.warehouse.load(ended.rows)
        self.state = ended.state or self.state
        return ended

    @property
    def unfinished(self) -> list[int]:
        """Ids of the work orders that every run reads."""
        return edits.unfinished(self.api)

    def edit(self, number: int) -> set[int]:
        """Edit so many unfinished work orders, each in one of several ways, and return their ids."""
        return edits.edit(self.api, number)

    def check(self) -> Ended:
        """Hold the warehouse against what a first run writes now, and return that."""
        fresh = self.runner.run(catalog=self.catalog)
        assert fresh.code == 0
        exist = set(self.api.company.visible_ids())
        assert self.warehouse.current(exist) == Destination(fresh.rows).current(exist)
        return fresh


def written(ended: Ended) -> dict[str, int]:
    """How many rows each stream has."""
    return {stream: len(rows) for stream, rows in ended.rows.items()}


@pytest.fixture(params=[SMALL])
def account(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Account]:
    """An account with all streams that are selected by default."""
    with Emulator(work_orders=request.param, days=60, seed=12, rate_limit=0, clock=VirtualClock()) as api:
        yield Account(api, tmp_path)


@pytest.fixture
def few(account: Account) -> Account:
    """The same with a few streams, which saves time."""
    account.catalog = in_process.catalog(FEW)
    return account


FEW = ("work_orders", "work_order_tags", "work_order_expenses", "work_order_removals", "tags", "sync_runs")
QUIET = {"sync_runs": 1}
EDITED = "work_orders.has_version_change"  # true after any edit
both_sizes = pytest.mark.parametrize("account", [SMALL, LARGE], indirect=True)


@both_sizes
def test_only_what_changed_is_written(account: Account) -> None:
    first = account.run()
    assert first.ids("work_orders") == set(account.api.company.visible_ids())
    assert set(truth.EMBEDDED) <= first.rows.keys()
    assert written(account.run()) == QUIET

    edited = account.edit(40)
    ended = account.run()
    assert ended.ids("work_orders") == edited
    assert ended.rows.keys() <= {"work_orders", "sync_runs", *truth.EMBEDDED}
    fresh = account.check()
    for stream in truth.EMBEDDED:
        whole = [row for row in fresh.rows[stream] if row["work_order_id"] in edited]
        assert len(ended.rows.get(stream, [])) == len(whole), f"all {stream} of the work orders that changed"
    assert written(account.run()) == QUIET


def test_a_change_of_a_child_record_alone_is_written_with_its_work_order(account: Account) -> None:
    account.run()
    one = account.unfinished[5]
    assert account.api.change("add_expense", one)
    ended = account.run()
    [order] = ended.rows["work_orders"]
    assert order["id"] == one
    assert {row["extracted_at"] for row in ended.rows["work_order_expenses"]} == {order["extracted_at"]}
    account.check()


def test_a_closed_work_order_of_a_small_account_is_written_within_a_day(few: Account) -> None:
    few.run()
    paid = few.api.company.ids_with_status(Status.PAID)[0]
    assert few.api.change("retitle", paid)
    ended = few.run(hours=25)
    assert ended.ids("work_orders") == {paid}
    few.check()


def test_values_that_change_by_themselves_are_no_change(few: Account) -> None:
    few.api.switch(restless="ratings.buyer.overall.jobs,assignee.user.coords.latitude,correlation_id")
    few.run()
    assert written(few.run()) == QUIET
    few.api.switch(restless="ratings.buyer.work_order.stars")
    assert few.run().ids("work_orders") >= set(few.unfinished)


def test_a_removed_work_order_that_returns_is_written(few: Account) -> None:
    first = few.run()
    one = few.unfinished[3]
    assert few.api.change("archive", one)
    gone = few.run()
    assert [row["work_order_id"] for row in gone.rows["work_order_removals"]] == [one]
    assert "work_orders" not in gone.rows
    assert few.warehouse.removed() == {one}

    assert written(few.run()) == QUIET
    assert few.api.change("unarchive", one)
    back = few.run()
    assert back.ids("work_orders") == {one}
    [before] = [row for row in first.rows["work_orders"] if row["id"] == one]
    [after] = back.rows["work_orders"]
    assert {**before, "extracted_at": ""} == {**after, "extracted_at": ""}, "it did not change meanwhile"
    assert few.warehouse.removed() == set()
    few.check()
    assert written(few.run()) == QUIET


def test_after_an_older_state_all_that_changed_since_is_written(few: Account) -> None:
    few.run()
    older = few.state
    first = few.edit(5)
    assert few.run().ids("work_orders") == first
    second = few.edit(9)
    assert few.run().ids("work_orders") == second
    few.state = older
    assert few.run().ids("work_orders") == first | second
    few.check()
    assert written(few.run()) == QUIET


def test_a_column_that_is_deselected_and_selected_again(few: Account) -> None:
    everything, without = few.catalog, in_process.catalog(FEW, deselected={"work_orders.title"})
    few.run()
    fewer = few.run(catalog=without)
    assert fewer.ids("work_orders") >= set(few.unfinished)
    assert all("title" not in row for row in fewer.rows["work_orders"])
    assert written(few.run(catalog=without)) == QUIET
    [one] = few.edit(1)
    assert few.run(catalog=without).ids("work_orders") <= {one}
    again = few.run(catalog=everything)
    assert again.ids("work_orders") >= set(few.unfinished)
    few.run(hours=25)  # closed ones too
    few.check()
    assert written(few.run()) == QUIET


def test_a_change_of_a_deselected_column_is_not_written(few: Account) -> None:
    few.catalog = in_process.catalog(FEW, deselected={"work_orders.description", EDITED})
    few.run()
    assert few.api.change("edit_description", few.unfinished[0])
    assert written(few.run()) == QUIET


def test_a_stream_that_is_deselected_and_selected_again(few: Account) -> None:
    few.catalog = in_process.catalog(FEW, deselected={EDITED})
    few.run()
    fewer = in_process.catalog(set(FEW) - {"work_order_tags"}, deselected={EDITED})
    assert few.run(catalog=fewer).ids("work_orders") >= set(few.unfinished)
    assert written(few.run(catalog=fewer)) == QUIET
    tagged = {one for one in few.unfinished if few.api.change("untag_all", one)}
    assert tagged
    assert written(few.run(catalog=fewer)) == QUIET
    again = few.run()
    assert "work_orders" not in again.rows, "of what did not change, at most the rows of that stream are written"
    assert set(again.rows) <= {"work_order_tags", *QUIET}
    few.check()
    assert written(few.run()) == QUIET


@pytest.mark.parametrize("account", [LARGE], indirect=True)
def test_of_a_stream_that_is_added_the_rows_alone_are_written(account: Account) -> None:
    added = {"work_order_tags", "work_order_site_revisits"}
    both = {"work_orders", "work_order_expenses", "work_order_removals", "sync_runs", *added}
    account.catalog = in_process.catalog(both - added)
    account.run()
    [changed] = account.edit(1)
    account.catalog = in_process.catalog(both)
    ended = account.run()
    assert ended.ids("work_orders") == {changed}
    assert {row["work_order_id"] for row in ended.rows.get("work_order_expenses", [])} <= {changed}
    fresh = account.check()
    for stream in added:
        assert len(ended.rows[stream]) == len(fresh.rows[stream]) > 0
    assert written(account.run()) == QUIET


def test_a_stream_map_that_is_changed(few: Account) -> None:
    shouted: t.Any = {"stream_maps": {"work_orders": {"title": "title.upper()"}}}
    few.run()
    mapped = few.run(**shouted)
    assert mapped.ids("work_orders") >= set(few.unfinished)
    assert all(row["title"] == row["title"].upper() for row in mapped.rows["work_orders"])
    assert written(few.run(**shouted)) == QUIET
    few.run()
    few.run(hours=25)
    few.check()


def test_a_backfill_in_between_leaves_later_runs_right(few: Account) -> None:
    few.run()
    first = few.edit(10)
    last = max(row["created_at"] for row in few.warehouse.tables["work_orders"].values() if row["id"] in first)
    backfill = few.run(end_date=last[:10])
    assert first <= backfill.ids("work_orders"), "its days are written as a whole"
    second = few.edit(12)
    later = few.run().ids("work_orders")
    assert second <= later
    assert later <= first | second, "what the backfill wrote may come again, as it does not change what is known"
    few.check()
    assert written(few.run()) == QUIET


def test_each_work_order_is_written_again_in_reconcile_days(few: Account) -> None:
    few.run(reconcile_days=4)
    found = set[int]()
    for _ in range(5):
        found |= few.run(hours=24, reconcile_days=4).ids("work_orders")
    assert found == set(few.api.company.visible_ids())
    few.check()
