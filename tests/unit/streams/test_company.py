"""When a list is written, and when a row is due in a list whose rows are requested one by one."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from tap_fieldnation.api.decode import decode
from tap_fieldnation.api.errors import ApiError, DeadlineExceeded
from tap_fieldnation.api.work_orders import PATH as WORK_ORDERS
from tap_fieldnation.context import TEMPLATES
from tap_fieldnation.streams.company import MAX_HELD, latest_turn
from tests.fakes import NOON, FakeClient, FakeClock
from tests.unit.streams.test_sdk import catalog_of, make_tap
from tests.whole.in_process import catalog

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_fieldnation.api.requester import Decoder

Message = dict[str, t.Any]
Rows = list[dict[str, t.Any]]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PER_PAGE = 100
COMPANY = 42
PATHS = {"tags": "/company/tags", "projects": "/projects", "types_of_work": "/types-of-work"}
IDS = st.integers(1, 2**31)
DAYS = st.floats(0.5, 400)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(timezone.utc))  # noqa: DTZ001
MICROSECOND = timedelta(microseconds=1)


class Lists(FakeClient):
    """Serves a list by page numbers, and its rows one by one.

    Args:
        rows: Of the list.
        at: The time at which it responds.
        failures: Page -> the error to raise.
        ids_only: Whether the list sends nothing but ids.
        hidden: How many rows it counts besides those that it sends.
    """

    def __init__(
        self,
        rows: Rows,
        at: datetime = NOON,
        failures: Mapping[int, Exception] | None = None,
        *,
        ids_only: bool = False,
        hidden: int = 0,
    ) -> None:
        super().__init__({})
        self._rows, self._at, self._failures = rows, at, failures or {}
        self._ids_only, self._hidden = ids_only, hidden

    @override
    def get(
        self, path: str, params: Mapping[str, object], *, stream: str = "", decoder: Decoder = decode
    ) -> tuple[object, datetime]:
        return decoder(json.dumps(self._body(path, params)).encode()), self._at

    def _body(self, path: str, params: Mapping[str, object]) -> object:
        if path in {WORK_ORDERS, TEMPLATES}:
            return {"metadata": {"total": 0, "page": 1, "pages": 1, "per_page": 1}, "results": []}
        if path not in PATHS.values():
            return next(row for row in self._rows if path.endswith(f"/{row['id']}"))
        page = t.cast("int", params.get("page", 1))
        if page in self._failures:
            raise self._failures[page]
        rows = [{"id": row["id"]} for row in self._rows] if self._ids_only else self._rows
        pages = max(1, -(-len(rows) // PER_PAGE))
        metadata = {"total": len(rows) + self._hidden, "page": page, "pages": pages, "per_page": PER_PAGE}
        return {"metadata": metadata, "results": rows[(page - 1) * PER_PAGE : page * PER_PAGE]}


@dataclass
class Written:
    """What a run wrote.

    Attributes:
        messages: All of it.
        state: The last STATE, or that from before where it wrote none.
        ids: Those of the rows.
    """

    messages: list[Message]
    state: dict[str, t.Any]
    ids: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.ids = [one["record"]["id"] for one in self.messages if one["type"] == "RECORD"]

    def bookmark(self, stream: str = "tags") -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", self.state["bookmarks"][stream])


def rows_of(number: int) -> Rows:
    return [{"id": one, "name": f"Row {one}", "label": f"Row {one}"} for one in range(1, number + 1)]


THREE = rows_of(3)
RENAMED = [*THREE[:2], {**THREE[2], "label": "Another"}]


def write(
    rows: Rows | Lists,
    state: dict[str, t.Any] | None = None,
    *,
    at: datetime = NOON,
    stream: str = "tags",
    listed: dict[str, t.Any] | None = None,
    company: int | None = COMPANY,
    error: type[Exception] | None = None,
    **config: t.Any,
) -> Written:
    """One run of a stream.

    Args:
        rows: Of the list.
        state: What an earlier run left.
        at: The time.
        stream: Its name.
        listed: The catalog; that of the stream alone if there is none.
        company: Its id, as work orders would show it.
        error: What the run ends with.
        config: Settings.
    """
    tap, writer = make_tap(catalog=listed or catalog_of(stream), **config)
    tap.load_state(json.loads(json.dumps(state or {})))
    vars(tap.context)["client"] = rows if isinstance(rows, Lists) else Lists(rows, at)
    vars(tap.context)["clock"] = FakeClock(now=at)
    tap.context.remember_company(company)
    if error is None:
        tap.sync_all()
    else:
        with pytest.raises(error):
            tap.sync_all()
    states = [one["value"] for one in writer.messages if one["type"] == "STATE"]
    return Written(writer.messages, states[-1] if states else (state or {}))


def ids_of(rows: Rows) -> list[int]:
    return [row["id"] for row in rows]


def test_an_unchanged_list_is_not_written_again() -> None:
    first = write(THREE)
    assert first.ids == [1, 2, 3]
    later = write(THREE, first.state, at=NOON + HOUR)
    assert later.ids == []
    assert write(list(reversed(THREE)), later.state, at=NOON + HOUR).ids == [], "the order is no difference"
    keys = ("fingerprint", "written_at")
    assert [later.bookmark()[key] for key in keys] == [first.bookmark()[key] for key in keys]
    assert first.bookmark()["written_at"] == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize("changed", [RENAMED, rows_of(4), rows_of(2)])
def test_a_changed_list_is_written_as_a_whole(changed: Rows) -> None:
    first = write(THREE)
    second = write(changed, first.state, at=NOON + HOUR)
    assert second.ids == ids_of(changed)
    assert second.bookmark()["written_at"] == "2026-03-01T13:00:00Z"
    assert write(changed, second.state, at=NOON + 2 * HOUR).ids == []
    assert write(THREE, second.state, at=NOON + 2 * HOUR).ids == [1, 2, 3]


def test_a_list_that_was_empty_is_written_when_its_rows_are_back() -> None:
    empty = write([], write(THREE).state)
    assert empty.ids == []
    assert write([], empty.state).ids == []
    assert write(THREE, empty.state).ids == [1, 2, 3]


def test_before_the_first_changed_row_the_fingerprint_is_dropped_from_state() -> None:
    """Otherwise a list that is changed back after a crash would not be written."""
    first = write(THREE)
    messages = write(RENAMED, first.state).messages
    kinds = [one["type"] for one in messages]
    before = messages[: kinds.index("RECORD")]
    dropped = [one["value"] for one in before if one["type"] == "STATE"][-1]
    assert dropped["bookmarks"]["tags"]["fingerprint"] is None
    assert write(THREE, dropped).ids == [1, 2, 3], "after a crash"


@pytest.mark.parametrize(("days", "again"), [(30, True), (31, False), (0, False), (29.5, True)])
def test_it_is_written_again_after_reconcile_days(days: float, again: bool) -> None:  # noqa: FBT001
    first = write(THREE, reconcile_days=days)
    later = write(THREE, first.state, at=NOON + 30 * DAY, reconcile_days=days)
    assert later.ids == ([1, 2, 3] if again else [])
    assert (later.bookmark()["written_at"] > first.bookmark()["written_at"]) is again


def test_it_is_written_again_where_a_clock_was_wrong() -> None:
    ahead = write(THREE, at=NOON + timedelta(days=2_000)).state
    assert write(THREE, ahead).ids == [1, 2, 3]
    assert write(THREE, ahead, reconcile_days=0).ids == []


@pytest.mark.parametrize(
    "position", [[0, "page", "x"], [0, "page", {}], [0, "page", 0], [0, "page", True], [0, "after", {}], [0, "", 2]]
)
def test_a_position_that_is_none_is_the_beginning(position: list[t.Any]) -> None:
    state = {"bookmarks": {"tags": {"pending": True, "position": position}}}
    lists = Lists(rows_of(2))
    asked: list[object] = []
    get = lists.get

    def noted(path: str, params: t.Mapping[str, object], **more: t.Any) -> tuple[object, datetime]:
        asked.append(params)
        return get(path, params, **more)

    vars(lists)["get"] = noted
    assert write(lists, state).ids == [1, 2]
    assert asked == [{"page": 1, "per_page": 100}]


@pytest.mark.parametrize(("ahead", "again"), [(timedelta(minutes=5), False), (timedelta(minutes=6), True), (DAY, True)])
def test_it_is_written_again_if_the_last_clock_was_wrong(ahead: timedelta, again: bool) -> None:  # noqa: FBT001
    first = write(THREE, at=NOON + ahead)
    assert write(THREE, first.state).ids == ([1, 2, 3] if again else [])


def test_another_selection_or_map_writes_it_again() -> None:
    first = write(THREE)
    fewer = catalog({"tags"}, deselected={"tags.hex_color"})
    second = write(THREE, first.state, listed=fewer)
    assert second.ids == [1, 2, 3]
    assert write(RENAMED, second.state, listed=catalog({"tags"}, deselected={"tags.label"})).ids == [1, 2, 3]
    third = write(THREE, second.state, listed=fewer, stream_maps={"tags": {"label": "label.upper()"}})
    assert third.ids == [1, 2, 3]
    assert write(THREE, third.state, listed=fewer, stream_maps={"tags": {"label": "label.upper()"}}).ids == []


@pytest.mark.parametrize(("stream", "ids_only"), [("tags", False), ("projects", False), ("projects", True)])
def test_each_row_names_its_company_first(stream: str, *, ids_only: bool) -> None:
    messages = write(Lists(THREE, ids_only=ids_only), stream=stream).messages
    (schema,) = [one for one in messages if one["type"] == "SCHEMA"]
    assert schema["key_properties"] == ["company_id", "id"]
    assert list(schema["schema"]["properties"])[:2] == ["company_id", "id"]
    records = [one["record"] for one in messages if one["type"] == "RECORD"]
    assert [(row["company_id"], row["id"]) for row in records] == [(COMPANY, 1), (COMPANY, 2), (COMPANY, 3)]


def test_the_company_of_the_setting_is_that_of_an_account_without_work_orders() -> None:
    written = write(THREE, company=None, company_id=7)
    assert [one["record"]["company_id"] for one in written.messages if one["type"] == "RECORD"] == [7, 7, 7]


def test_without_a_company_no_row_is_written_and_the_next_run_writes_all() -> None:
    first = write(THREE, company=None)
    assert first.ids == []
    assert write(THREE, first.state).ids == [1, 2, 3]


def test_a_list_of_field_nation_needs_no_company() -> None:
    written = write(THREE, stream="types_of_work", company=None)
    assert written.ids == [1, 2, 3]
    assert "company_id" not in str(written.messages)


def test_a_list_that_was_written_without_its_company_is_written_again() -> None:
    """By a catalog that an older version made, and then by a new one."""
    older = catalog_of("tags")
    (entry,) = [one for one in older["streams"] if one["tap_stream_id"] == "tags"]
    entry["key_properties"] = ["id"]
    del entry["schema"]["properties"]["company_id"]
    entry["metadata"] = [one for one in entry["metadata"] if "company_id" not in one["breadcrumb"]]
    (root,) = [one["metadata"] for one in entry["metadata"] if not one["breadcrumb"]]
    root["table-key-properties"] = ["id"]
    first = write(THREE, listed=older)
    assert [one["key_properties"] for one in first.messages if one["type"] == "SCHEMA"] == [["id"]]
    assert "company_id" not in str(first.messages)
    assert write(THREE, first.state, listed=older).ids == []
    assert write(THREE, first.state).ids == [1, 2, 3]


def test_a_column_that_is_not_selected_makes_no_difference() -> None:
    listed = catalog({"tags"}, deselected={"tags.label"})
    assert write(RENAMED, write(THREE, listed=listed).state, listed=listed).ids == []


@pytest.mark.parametrize("stream_maps", [{}, {"tags": {"__filter__": "True or extracted_at"}}])
def test_a_list_without_the_time_is_compared_too(stream_maps: dict[str, t.Any]) -> None:
    listed = catalog({"tags"}, deselected={"tags.extracted_at"})
    first = write(THREE, listed=listed, stream_maps=stream_maps)
    assert first.ids == [1, 2, 3]
    assert write(THREE, first.state, listed=listed, stream_maps=stream_maps).ids == []


def test_a_long_list_is_not_held_back() -> None:
    long = rows_of(MAX_HELD + 1)
    first = write(long)
    assert first.ids == ids_of(long)
    assert first.bookmark().get("fingerprint") is None
    assert write(long, first.state).ids == first.ids


def test_a_list_of_just_so_many_rows_is_held_back() -> None:
    rows = rows_of(MAX_HELD)
    first = write(rows)
    assert first.ids == ids_of(rows)
    assert write(rows, first.state).ids == []
    longer = write([*rows, {"id": MAX_HELD + 1}], first.state)
    assert len(longer.ids) == MAX_HELD + 1
    assert longer.bookmark()["fingerprint"] is None


MANY = rows_of(250)


def test_a_list_that_the_time_limit_interrupts_is_continued_and_then_written_as_a_whole() -> None:
    first = write(MANY)
    stopped = write(Lists(MANY, failures={2: DeadlineExceeded()}), first.state)
    assert stopped.ids == ids_of(MANY[:100]), "what was held back"
    assert stopped.bookmark()["pending"] is True
    assert stopped.bookmark()["fingerprint"] is None
    rest = write(MANY, stopped.state)
    assert rest.ids == ids_of(MANY[100:])
    assert rest.bookmark()["fingerprint"] is None
    third = write(MANY, rest.state)
    assert third.ids == ids_of(MANY)
    assert write(MANY, third.state).ids == []


def test_a_list_that_an_error_interrupts_is_written_as_a_whole_next_time() -> None:
    first = write(MANY)
    broken = Lists(MANY, failures={3: ApiError(PATHS["tags"], 500, "Broken")})
    failed = write(broken, first.state, error=ApiError)
    assert failed.ids == ids_of(MANY[:200])
    assert failed.bookmark()["fingerprint"] is None
    assert write(MANY, failed.state).ids == ids_of(MANY)


def test_a_list_of_which_rows_are_missing_is_written_in_each_run() -> None:
    short = Lists(MANY, hidden=2)
    first = write(short)
    assert first.ids == ids_of(MANY)
    second = write(short, first.state)
    assert second.ids == ids_of(MANY)
    assert second.bookmark().get("fingerprint") is None


def test_rows_that_are_requested_one_by_one_are_not_held_back() -> None:
    def listed(rows: Rows) -> Lists:
        return Lists(rows, ids_only=True)

    first = write(listed(THREE), stream="projects")
    assert first.ids == [1, 2, 3]
    assert first.bookmark("projects").get("fingerprint") is None
    second = write(listed(rows_of(4)), first.state, stream="projects", at=NOON + timedelta(seconds=1))
    assert second.ids == [4]
    assert second.bookmark("projects")["details"]["highest"] == 4


VERSIONS: dict[str, t.Any] = {"emit_activate_version_messages": True}


def test_with_version_messages_every_row_is_written_in_each_run() -> None:
    """A target deletes rows of earlier versions."""
    first = write(THREE, write(THREE).state, **VERSIONS)
    assert first.ids == [1, 2, 3]
    assert write(THREE, first.state, **VERSIONS).ids == [1, 2, 3]


@pytest.mark.parametrize("odd", [{"number": 3, "label": "Row 3"}, None])
def test_no_version_message_comes_where_rows_were_left_out(odd: t.Any) -> None:
    """Under another name of the key all rows would be left out, and the target would delete all that it has."""
    written = write([*rows_of(2), odd], **VERSIONS)
    assert written.ids == [1, 2]
    assert "ACTIVATE_VERSION" not in [one["type"] for one in written.messages]


def test_rows_that_a_version_message_deleted_are_written_again() -> None:
    emptied = write([], write(THREE).state, **VERSIONS)
    assert [one["type"] for one in emptied.messages].count("ACTIVATE_VERSION") == 1
    assert write(THREE, emptied.state).ids == [1, 2, 3]


@given(IDS, DAYS, MOMENTS)
def test_a_turn_comes_once_in_so_many_days(one: int, days: float, now: datetime) -> None:
    last = latest_turn(one, days, now)
    assert timedelta(0) <= now - last <= timedelta(days=days) + MICROSECOND


@given(IDS, DAYS, MOMENTS, st.lists(st.floats(0.01, 60), max_size=20))
def test_no_row_is_older_than_that_after_any_run(one: int, days: float, start: datetime, pauses: list[float]) -> None:
    """Runs at any moments: each reads a row where its turn came since the run before."""
    now = read_at = run_at = start
    for pause in pauses:
        now += timedelta(days=pause)
        if latest_turn(one, days, now) > run_at:
            read_at = now
        run_at = now
        assert now - read_at <= timedelta(days=days) + MICROSECOND


def test_turns_are_spread_evenly() -> None:
    turns = [latest_turn(one, 30, NOON) for one in range(1, 721)]
    passed = sorted((NOON - at).total_seconds() for at in turns)
    assert max(later - earlier for earlier, later in pairwise(passed)) < 3 * timedelta(days=30).total_seconds() / 720
