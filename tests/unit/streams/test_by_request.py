"""Which requests are made for the work orders of a page, and what happens to their results."""

from __future__ import annotations

import copy
import typing as t
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from emulator import Emulator
from tap_fieldnation.api.errors import ApiError, DeadlineExceeded, TokenRefusedError
from tap_fieldnation.api.work_orders import IDS as IDS_FILTER
from tap_fieldnation.api.work_orders import PATH as WORK_ORDERS
from tap_fieldnation.api.work_orders import Page, WorkOrders
from tap_fieldnation.reading.cursor import Cursor
from tap_fieldnation.reading.cursor_state import to_state
from tap_fieldnation.reading.sync_run import Options, SyncRun
from tap_fieldnation.streams.by_request import MAX_REFUSALS, ByRequestStream, ChildRequests
from tap_fieldnation.tap import TapFieldNation
from tests.fakes import NOON, FakeClient
from tests.whole import in_process

if t.TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Record = dict[str, t.Any]
STREAMS = MESSAGES, REVISITS, USERS = "work_order_messages", "work_order_site_revisits", "users"
IDS = st.none() | st.integers(0, 3) | st.just("7")


class Sync:
    """A tap whose messages are kept, and a run of it.

    Attributes:
        client: Has the responses.
        run: Its run of work orders.
        rows: The rows that were written, by stream.
    """

    def __init__(self, bodies: dict[str, object] | None = None, *, counts: dict[int, int] | None = None) -> None:
        writer = in_process.Collector()
        config = {"client_id": "the-client-id", "client_secret": "the-client-secret"}
        self.tap = TapFieldNation(config=config, catalog=in_process.catalog(STREAMS), message_writer=writer)
        self.client = FakeClient(bodies or {})
        self.rows = writer.rows
        cursor = Cursor(open=dict.fromkeys(counts or {}), counts={MESSAGES: dict(counts or {})})
        source = WorkOrders(self.client, [], 100)
        self.run = SyncRun(source, cursor, Options(threads=1), lambda: NOON, lambda _: None)

    def stream(self, name: str) -> ByRequestStream:
        stream = self.tap.streams[name]
        assert isinstance(stream, ByRequestStream)
        return stream

    def requests(self, *names: str) -> ChildRequests:
        return ChildRequests([self.stream(name) for name in names], self.run)

    def write(self, *records: Record, streams: t.Sequence[str]) -> None:
        """Make the requests for a page of work orders."""
        requests = self.requests(*streams)
        for record in records:
            requests.add(record["id"], requests.needed_for(record))
        requests.execute(self.client)


def work_order(number: int, *, manager: object = None, assignee: object = None, messages: object = None) -> Record:
    record: Record = {"id": number, "manager": {"id": manager}, "assignee": {"user": {"id": assignee}}}
    if messages is not None:
        record["messages"] = {"metadata": {"total": messages}}
    return record


def message_path(number: int) -> str:
    return f"/workorders/{number}/messages"


def messages_of(*numbers: int) -> dict[str, object]:
    return {message_path(number): {"results": [{"msg_id": number, "parent_id": "0"}]} for number in numbers}


@pytest.fixture(scope="module")
def idle() -> Sync:
    """A sync for queries, whose cursor knows the counts of two work orders."""
    return Sync(counts={1: 5, 2: 0})


@given(
    st.builds(
        work_order,
        st.integers(1, 4),
        manager=IDS,
        assignee=IDS | st.lists(IDS, max_size=1),
        messages=st.none() | st.integers(0, 6) | st.just("5"),
    )
)
def test_queries_have_no_side_effect(idle: Sync, record: Record) -> None:
    requests = idle.requests(*STREAMS)
    before, cursor = copy.deepcopy(record), to_state(idle.run.cursor)
    needs = requests.needed_for(record)
    assert requests.needed_for(record) == needs
    for stream in map(idle.stream, STREAMS):
        known = idle.run.known_counts(stream.name)
        ids = stream.ids_in(record, known)
        assert stream.ids_in(record, known) == ids
        assert ids == [number for (of, number), count in needs if of is stream and count != 0]
    requests.execute(idle.client)
    assert idle.client.paths == [], "nothing was added"
    assert (record, to_state(idle.run.cursor)) == (before, cursor)


@pytest.mark.parametrize(
    ("record", "ids"),
    [
        (work_order(1, manager=7, assignee=8), [7, 8]),
        (work_order(1, manager=7, assignee=7), [7]),
        (work_order(1, manager=0, assignee="8"), []),
        ({"id": 1, "manager": [], "assignee": {"user": []}}, []),
    ],
)
def test_people_are_named_by_their_ids(idle: Sync, record: Record, ids: list[int]) -> None:
    assert idle.stream(USERS).ids_in(record, {}) == ids


def test_a_person_named_by_several_work_orders_is_requested_once() -> None:
    sync = Sync({f"/users/{number}": {"id": number} for number in (7, 8, 9)})
    page = work_order(1, manager=7, assignee=8), work_order(2, manager=7), work_order(3, assignee=7)
    sync.write(*page, streams=[USERS])
    sync.write(work_order(4, manager=8, assignee=9), streams=[USERS])
    assert sync.client.paths == ["/users/7", "/users/8", "/users/9"]
    assert [row["id"] for row in sync.rows[USERS]] == [7, 8, 9]


def test_a_work_order_that_is_read_twice_is_requested_twice() -> None:
    sync = Sync({"/workorders/1/site-revisits": {"revisits": []}})
    for _ in range(2):
        sync.write(work_order(1), streams=[REVISITS])
    assert len(sync.client.paths) == 2


def test_a_request_is_made_where_the_count_has_changed() -> None:
    sync = Sync(messages_of(2, 3, 4, 5), counts={1: 5, 2: 5})
    page = [work_order(number, messages=count) for number, count in ((1, 5), (2, 6), (3, 0), (4, 1), (5, None))]
    sync.write(*page, streams=[MESSAGES])
    assert sync.client.paths == [message_path(number) for number in (2, 4, 5)]
    assert sync.run.known_counts(MESSAGES) == {1: 5, 2: 6, 4: 1}
    sync.write(*page, streams=[MESSAGES])
    assert sync.client.paths[3:] == [message_path(5)], "which does not show a count"
    assert {row["work_order_id"] for row in sync.rows[MESSAGES]} == {2, 4, 5}


def test_a_count_of_0_is_remembered_as_a_change() -> None:
    """From 5 to 0 and back to 5: these are other rows."""
    sync = Sync(messages_of(1, 2), counts={1: 5, 2: 5})
    sync.write(work_order(1, messages=0), work_order(2, messages=5), streams=[MESSAGES])
    assert sync.client.paths == []
    sync.write(work_order(1, messages=5), work_order(2, messages=5), streams=[MESSAGES])
    assert sync.client.paths == [message_path(1)]


def test_work_orders_whose_requests_the_time_limit_prevented_stay_open() -> None:
    sync = Sync({**messages_of(1), message_path(2): DeadlineExceeded(), **messages_of(3)})
    records: list[Record] = [
        {**work_order(number, messages=1), "status": {"name": "Paid"}, "milestones": {"created": {"utc": "2026-01-01"}}}
        for number in (1, 2, 3)
    ]
    for batch in sync.run.emit(Page(records, 1, 1, 100, 3, frozenset(), NOON), records):
        sync.write(*batch.records, streams=[MESSAGES])
    assert sync.client.paths == [message_path(1), message_path(2)]
    assert sync.run.cursor.open == {2: date(2026, 1, 1), 3: date(2026, 1, 1)}
    assert sync.run.known_counts(MESSAGES) == {1: 1}


@pytest.mark.parametrize("stops_at", ["/workorders/3/tags", "/workorders/2/tags", message_path(3), message_path(2)])
def test_the_time_limit_strikes_before_the_requests_for_new_work_orders(stops_at: str) -> None:
    """A later run, which reads the same work orders again, has to make them."""
    cut = {"metadata": {"total": 2, "pages": 2, "per_page": 1}, "results": [{"id": 1}]}
    old = {**work_order(1, messages=1), "status": {"name": "Paid"}}
    new = [{**work_order(number, messages=1), "tags": cut, "status": {"name": "Draft"}} for number in (3, 2)]
    lists = {f"/workorders/{number}/tags": [{"id": 1}, {"id": 2}] for number in (2, 3)}
    bodies = {WORK_ORDERS: page_of(*new, old), **lists, **messages_of(1, 2, 3)}
    listed = in_process.catalog({"work_orders", "work_order_tags", MESSAGES})
    first = run_with({**bodies, WORK_ORDERS: page_of(old)}, listed, {})
    stopped = run_with({**bodies, stops_at: DeadlineExceeded()}, listed, first.state)
    completed = run_with(bodies, listed, stopped.state)
    written = [row["work_order_id"] for done in (first, stopped, completed) for row in done.rows[MESSAGES]]
    assert set(written) == {1, 2, 3}


def page_of(*orders: Record) -> Record:
    metadata = {"total": len(orders), "page": 1, "pages": 1, "per_page": 100}
    return {"metadata": metadata, "results": list(orders)}


class FilterById(FakeClient):
    """Applies the filter by ids to the body of `/workorders`."""

    @override
    def get(self, path: str, params: Mapping[str, object], **how: t.Any) -> tuple[object, datetime]:
        if path != WORK_ORDERS or IDS_FILTER not in params:
            return super().get(path, params, **how)
        ids = str(params[IDS_FILTER]).split(",")
        orders = [order for order in t.cast("Record", self.bodies[path])["results"] if str(order["id"]) in ids]
        return FakeClient({path: page_of(*orders)}).get(path, params, **how)


def run_with(bodies: Record, listed: Record, state: Record) -> in_process.Collector:
    """A run of the tap that gets these responses."""
    writer = in_process.Collector()
    config = {"client_id": "the-client-id", "client_secret": "the-client-secret", "max_concurrent_requests": 1}
    tap = TapFieldNation(config=config, catalog=listed, state=copy.deepcopy(state), message_writer=writer)
    vars(tap.context)["client"] = FilterById(bodies)
    tap.sync_all()
    return writer


def refuse(sync: Sync, count: int, error: Exception, *, first: int = 100) -> None:
    numbers = range(first, first + count)
    sync.client.bodies = {message_path(number): error for number in numbers}
    sync.write(*(work_order(number, messages=1) for number in numbers), streams=[MESSAGES])


def test_one_refused_record_is_left_out() -> None:
    sync = Sync(messages_of(1, 3))
    sync.write(*(work_order(number, messages=1) for number in (1, 2, 3)), streams=[MESSAGES])
    assert {row["work_order_id"] for row in sync.rows[MESSAGES]} == {1, 3}
    assert (sync.stream(MESSAGES).refused, sync.stream(MESSAGES).closed) == (1, False)


@pytest.mark.parametrize(("status", "requests"), [(403, 1), (404, MAX_REFUSALS)])
def test_a_stream_that_is_refused_is_closed(status: int, requests: int) -> None:
    sync = Sync()
    refuse(sync, 2 * MAX_REFUSALS, ApiError("/messages", status, "Refused"))
    assert sync.stream(MESSAGES).closed
    assert len(sync.client.paths) == requests
    sync.write(work_order(1, messages=1), streams=[MESSAGES])
    assert len(sync.client.paths) == requests


def test_refusals_count_in_a_row() -> None:
    sync = Sync()
    for first in (100, 200):
        refuse(sync, MAX_REFUSALS - 1, ApiError("/messages", 404, "Gone"), first=first)
        sync.client.bodies = messages_of(1)
        sync.write(work_order(1), streams=[MESSAGES])
    assert not sync.stream(MESSAGES).closed
    assert sync.stream(MESSAGES).refused == 2 * (MAX_REFUSALS - 1)


@pytest.mark.parametrize("error", [ApiError("/messages", 404, "Gone"), TokenRefusedError("refused")])
def test_a_stream_that_could_be_read_once_and_is_refused_now_is_an_error(error: Exception) -> None:
    sync = Sync(messages_of(1))
    sync.write(work_order(1, messages=1), streams=[MESSAGES])
    with pytest.raises(type(error)):
        refuse(sync, MAX_REFUSALS, error)


def test_a_work_order_that_a_stream_map_filters_out_causes_no_request() -> None:
    with Emulator(work_orders=40, seed=7, rate_limit=0) as api:
        selected = in_process.catalog({"work_orders", REVISITS, USERS})
        maps = {"work_orders": {"__filter__": "id % 2 == 0"}}
        done = in_process.run(api, selected, stream_maps=maps)
        orders = [api.company.work_order(number) for number in api.company.visible_ids() if number % 2 == 0]
        people = {person for order in orders for person in (order["manager"]["id"], order["assignee"]["user"]["id"])}
        paths = [entry.path for entry in api.log if entry.path.startswith(("/users/", "/workorders/"))]
    assert {row["id"] for row in done.out.rows["work_orders"]} == {order["id"] for order in orders}
    assert sorted(paths) == sorted(
        [f"/workorders/{order['id']}/site-revisits" for order in orders]
        + [f"/users/{person}" for person in people - {0}]
    )
