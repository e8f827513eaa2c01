"""When a list within a work order counts as truncated, and what that costs."""

from __future__ import annotations

import typing as t

import pytest

from tap_fieldnation.streams.embedded import MAX_FUTILE, EmbeddedStream
from tap_fieldnation.tap import TapFieldNation

if t.TYPE_CHECKING:
    from tap_fieldnation.streams.by_request import ByRequestStream

CONFIG = {"client_id": "the-client-id", "client_secret": "the-client-secret"}


def stream(name: str) -> EmbeddedStream:
    return t.cast("EmbeddedStream", TapFieldNation(config=CONFIG).streams[name])


def envelope(rows: int, **metadata: object) -> dict[str, t.Any]:
    return {"metadata": metadata, "results": [{"id": number} for number in range(rows)]}


WHOLE: list[t.Any] = [
    None,
    [],
    [{"id": 1}],
    {},
    {"results": [{"id": 1}]},
    {"results": None, "metadata": {"total": 0}},
    {"metadata": [], "results": [{"id": 1}]},
    envelope(1, total=1, page=1, pages=1, per_page=1),
    envelope(1, total=4, page=1, pages=1, per_page=4),
    envelope(1, total=4, pages=1, per_page=100),
    envelope(1, total="4", pages="1", per_page="4"),
    envelope(1, total=4, pages=0, per_page=4),
    envelope(1, total=4, pages=1),
    envelope(2, total=1, pages=3, per_page=1),
    envelope(0, total=0, pages=1, per_page=1),
    envelope(1, page=1, per_page=1),
    envelope(1, total="many", per_page=1),
    {"metadata": {"total": 2, "per_page": 1}, "results": {"0": {"id": 1}, "3": {"id": 2}}},
]
CUT: list[t.Any] = [
    envelope(1, total=4, page=1, pages=1, per_page=1),
    envelope(1, total=4, pages=4, per_page=1),
    envelope(1, total=4, pages=2, per_page=4),
    envelope(1, total="4", per_page="1"),
    envelope(1, total=4),
    envelope(1, total=4, pages=None, per_page=None),
    envelope(1, pages=3),
    envelope(0, total=4, pages=1, per_page=0),
]


@pytest.mark.parametrize("items", WHOLE, ids=repr)
def test_a_list_is_whole(items: object) -> None:
    tags = stream("work_order_tags")
    assert not tags.is_truncated({"id": 1, "tags": items})
    assert tags.embedded_list({"id": 1, "tags": items}, no_request) == items


@pytest.mark.parametrize("items", CUT, ids=repr)
def test_a_list_is_cut(items: object) -> None:
    assert stream("work_order_tags").is_truncated({"id": 1, "tags": items})


def no_request(path: str) -> list[t.Any]:
    raise AssertionError(path)


def test_a_cut_list_is_completed() -> None:
    tags = stream("work_order_tags")
    rows = [{"id": number} for number in range(4)]
    assert tags.embedded_list({"id": 7, "tags": CUT[0]}, {"/workorders/7/tags": rows}.__getitem__) == rows
    assert tags.hidden_rows == 0


def test_a_group_can_be_cut() -> None:
    """The custom fields of production payloads: the total counts groups that this API user may not see."""
    fields = stream("work_order_custom_fields")
    group = {"id": 1, "name": "General", **envelope(2, total=2, pages=1, per_page=2)}
    whole = {"metadata": {"total": 4, "pages": 1, "per_page": 4}, "results": [group]}
    assert not fields.is_truncated({"custom_fields": whole})
    assert fields.embedded_list({"id": 1, "custom_fields": whole}, no_request) == whole
    assert fields.hidden_rows == 3
    cut = {"metadata": {"total": 1, "pages": 1, "per_page": 1}, "results": [{**group, **CUT[0]}]}
    assert fields.is_truncated({"custom_fields": cut})


def test_after_many_requests_that_found_nothing_no_more_are_made() -> None:
    tags = stream("work_order_tags")
    requested: list[str] = []

    def same(path: str) -> list[t.Any]:
        requested.append(path)
        return [{"id": 0}]

    for number in range(30):
        assert tags.embedded_list({"id": number, "tags": CUT[0]}, same) == CUT[0]
    assert len(requested) == MAX_FUTILE
    assert tags.hidden_rows == 30 * 3


def test_a_request_that_found_rows_shows_that_lists_are_really_cut() -> None:
    tags = stream("work_order_tags")
    more = [{"id": 0}, {"id": 1}]
    requested: list[str] = []

    def answer(path: str) -> list[t.Any]:
        requested.append(path)
        return more if len(requested) == 5 else [{"id": 0}]

    for number in range(30):
        tags.embedded_list({"id": number, "tags": CUT[0]}, answer)
    assert len(requested) == 30


STATS = ("requests", "counter_offers", "routes", "all_requests")


def requests_stream() -> ByRequestStream:
    return t.cast("ByRequestStream", TapFieldNation(config=CONFIG).streams["work_order_requests"])


def stats(*counts: object) -> dict[str, t.Any]:
    return {"id": 1, "publish_stats": dict(zip(STATS, counts, strict=False))}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (stats(0, 0, 0, 0), []),
        (stats("0", "0", 0, "0"), []),
        (stats(0, 0, 2, 8), [1]),
        (stats(0, 0, 0, 8), [1]),
        (stats(0, 0, 2, 0), [1]),
        (stats(0, 1, 0, 0), [1]),
        (stats(1, 0, 0, 0), [1]),
        (stats(0), [1]),
        (stats(0, 0, 0), [1]),
        (stats(0, 0, 0, None), [1]),
        ({"id": 1}, [1]),
        ({"id": 1, "publish_stats": []}, [1]),
    ],
)
def test_requests_are_asked_for_unless_all_counts_are_0(record: dict[str, t.Any], expected: list[int]) -> None:
    assert requests_stream().ids_in(record, {}) == expected


def test_requests_are_asked_for_where_one_count_changed() -> None:
    found = requests_stream()
    count = found.count_in(stats(0, 0, 2, 8))
    assert count is not None
    assert 0 < count < 2**31
    assert found.ids_in(stats(0, 0, 2, 8), {1: count}) == []
    assert found.ids_in(stats("0", "0", "2", "8"), {1: count}) == []
    for changed in (stats(1, 0, 2, 8), stats(0, 1, 2, 8), stats(0, 0, 3, 8), stats(0, 0, 2, 9), stats(1, 0, 1, 8)):
        assert found.ids_in(changed, {1: count}) == [1]
    assert found.ids_in(stats(0, 0, 2, 8), {1: 2}) == [1], "what an earlier version kept"
    assert found.count_in({"id": 1}) is None


def test_counts_differ_wherever_one_of_them_does() -> None:
    found = requests_stream()
    seen = {
        found.count_in(stats(first, second, third, fourth))
        for first in range(9)
        for second in range(9)
        for third in range(9)
        for fourth in range(9)
    }
    assert len(seen) == 9**4


def test_messages_are_counted_as_before() -> None:
    messages = t.cast("ByRequestStream", TapFieldNation(config=CONFIG).streams["work_order_messages"])
    assert messages.count_in({"messages": {"metadata": {"total": "13", "per_page": 0}}}) == 13
    assert messages.count_in({"messages": {"metadata": {"total": 0}}}) == 0
    assert messages.count_in({"messages": []}) is None
