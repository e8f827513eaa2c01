"""What a fingerprint depends on, and that calculating it leaves the record unchanged."""

from __future__ import annotations

import copy
import typing as t

import pytest

from tap_fieldnation.streams.fingerprint import NO_COUNTS, Fingerprints
from tap_fieldnation.streams.rows import EXTRACTED_AT
from tap_fieldnation.tap import TapFieldNation
from tests.whole.in_process import catalog

if t.TYPE_CHECKING:
    from tap_fieldnation.streams.sdk import ConformedStream

Record = dict[str, t.Any]

NOON, LATER = "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z"
OVERALL = ("ratings", "buyer", "overall")


def order(**other: t.Any) -> Record:
    """A work order, conformed."""
    return {
        "id": 7,
        "title": "Replace a switch",
        "status_name": "Assigned",
        "location": {"city": "Springfield", "state": "IL"},
        "ratings": {"buyer": {"overall": {"stars": 4.5}, "company": {"id": 1, "name": "Acme"}}},
        EXTRACTED_AT: NOON,
        **other,
    }


def tag(number: int, label: str = "Urgent") -> Record:
    return {"id": number, "label": label, "work_order_id": 7, EXTRACTED_AT: NOON}


class Taken:
    """Fingerprints by a tap with some settings.

    Args:
        deselected: Properties (`stream.property`).
        version: Of the tap.
        config: Settings.
    """

    def __init__(self, *deselected: str, version: str = "1", **config: t.Any) -> None:
        tap = TapFieldNation(
            config={"client_id": "the-client-id", "client_secret": "the-client-secret", **config},
            catalog=catalog({"work_orders", "work_order_tags"}, deselected=deselected),
        )
        found = [tap.streams[name] for name in ("work_orders", "work_order_tags")]
        self.orders, self.tags = (t.cast("ConformedStream", stream) for stream in found)
        self.fingerprints = Fingerprints([self.orders, self.tags], tap.config, version)

    def of(self, record: Record, *tags: Record, counts: t.Mapping[str, t.Any] = NO_COUNTS) -> int:
        return self.fingerprints.of([(self.orders, [record]), (self.tags, tags)], counts)


PLAIN = Taken()


def test_it_fits_48_bits_and_is_not_0() -> None:
    found = {PLAIN.of(order(id=number)) for number in range(1, 200)}
    assert len(found) == 199
    assert all(0 < fingerprint < 2**48 for fingerprint in found)


def test_the_order_of_keys_and_of_rows_makes_no_difference() -> None:
    reordered = dict(reversed(order().items()))
    reordered["location"] = dict(reversed(reordered["location"].items()))
    assert list(reordered) != list(order())
    assert PLAIN.of(reordered, tag(2), tag(1)) == PLAIN.of(order(), tag(1), tag(2))


@pytest.mark.parametrize(
    ("record", "tags"),
    [
        (order(title="Replace a router"), [tag(1), tag(2)]),
        (order(location={"city": "Springfield", "state": "MA"}), [tag(1), tag(2)]),
        (order(location={"city": "Springfield"}), [tag(1), tag(2)]),
        (order(), [tag(1)]),
        (order(), [tag(1), tag(2), tag(2)]),
        (order(), [tag(1), tag(2, "Later")]),
    ],
)
def test_a_change_makes_a_difference(record: Record, tags: list[Record]) -> None:
    assert PLAIN.of(record, *tags) != PLAIN.of(order(), tag(1), tag(2))


def test_what_is_counted_makes_a_difference() -> None:
    one, two = ({"work_order_tags": number} for number in (1, 2))
    assert PLAIN.of(order(), counts=one) != PLAIN.of(order(), counts=two)


def test_rows_of_another_stream_make_a_difference() -> None:
    one, two = ([(stream, [tag(1)])] for stream in (PLAIN.tags, PLAIN.orders))
    assert PLAIN.fingerprints.of(one) != PLAIN.fingerprints.of(two)


def test_streams_that_are_left_out_make_no_difference() -> None:
    alone = Fingerprints([PLAIN.orders], {}, "1")
    orders = (PLAIN.orders, [order()])
    assert alone.of([orders, (PLAIN.tags, [tag(1)])], {"work_order_tags": 1}) == alone.of([orders])


def test_when_it_was_read_makes_no_difference() -> None:
    assert PLAIN.of(order(), tag(1)) == PLAIN.of(order(**{EXTRACTED_AT: LATER}), {**tag(1), EXTRACTED_AT: LATER})


def rated(stars: float, name: str = "Acme") -> Record:
    return order(ratings={"buyer": {"overall": {"stars": stars}, "company": {"id": 1, "name": name}}})


def test_volatile_values_make_no_difference() -> None:
    assert PLAIN.of(rated(1)) == PLAIN.of(rated(2))
    assert PLAIN.of(rated(1)) != PLAIN.of(rated(1, "Emca"))


def test_deselected_columns_make_no_difference() -> None:
    taken = Taken("work_orders.title", "work_orders.location.state", "work_order_tags.label")
    changed = order(title="Replace a router", location={"city": "Springfield", "state": "MA"})
    assert taken.of(changed, tag(1, "Later")) == taken.of(order(), tag(1))
    assert taken.of(order(status_name="Paid"), tag(1)) != taken.of(order(), tag(1))


def test_columns_that_a_map_drops_make_no_difference() -> None:
    taken = Taken(stream_maps={"work_orders": {"title": None}, "work_order_tags": {"label": "__NULL__"}})
    assert taken.of(order(title="Replace a router"), tag(1, "Later")) == taken.of(order(), tag(1))
    assert taken.of(order(status_name="Paid"), tag(1)) != taken.of(order(), tag(1))


def test_rows_that_a_map_filters_make_no_difference() -> None:
    taken = Taken(stream_maps={"work_order_tags": {"__filter__": "id > 10"}})
    assert taken.of(order(), tag(1)) == taken.of(order(), tag(2), tag(3))
    assert taken.of(order(), tag(11)) != taken.of(order(), tag(12))


SHAPES: dict[str, tuple[tuple[str, ...], dict[str, t.Any]]] = {
    "version": ((), {"version": "2"}),
    "selection": (("work_orders.description",), {}),
    "stream map": ((), {"stream_maps": {"work_orders": {"short": "title[:9]"}}}),
    "another stream map": ((), {"stream_maps": {"work_orders": {"short": "title[:8]"}}}),
    "values of stream maps": ((), {"stream_maps": {"work_orders": {"title": "title"}}, "stream_map_config": {"a": 1}}),
    "map of a child stream": ((), {"stream_maps": {"work_order_tags": {"label": "label.upper()"}}}),
    "alias": ((), {"stream_maps": {"work_order_tags": {"__alias__": "labels"}}}),
    "flattening": ((), {"flattening_enabled": True, "flattening_max_depth": 1}),
    "deeper flattening": ((), {"flattening_enabled": True, "flattening_max_depth": 3}),
}


def test_what_shapes_the_output_makes_a_difference() -> None:
    found = {name: Taken(*deselected, **other).of(order(id=1)) for name, (deselected, other) in SHAPES.items()}
    found["nothing"] = PLAIN.of(order(id=1))
    assert len(set(found.values())) == len(found), found


def test_the_same_shape_makes_none() -> None:
    deselected, other = SHAPES["another stream map"]
    assert Taken(*deselected, **other).of(order()) == Taken(*deselected, **other).of(order())


@pytest.mark.parametrize("taken", [PLAIN, Taken(flattening_enabled=True, flattening_max_depth=9)])
def test_the_record_is_as_before(taken: Taken) -> None:
    record = order()
    before = copy.deepcopy(record)
    taken.of(record)
    assert record == before


def test_what_is_deselected_is_not_written_afterwards() -> None:
    taken = Taken("work_orders.title", "work_orders.location.state", "work_orders.ratings.buyer.overall")
    record = order()
    taken.of(record)
    [(_, written)] = taken.orders.as_written(record)
    assert written == {
        "id": 7,
        "status_name": "Assigned",
        "location": {"city": "Springfield"},
        "ratings": {"buyer": {"company": {"id": 1, "name": "Acme"}}},
        EXTRACTED_AT: NOON,
    }


STARS = {"work_orders": {"stars": "ratings['buyer']['overall']['stars'] + 1"}}


def test_a_map_that_needs_a_volatile_value_gets_it() -> None:
    taken = Taken(stream_maps=STARS)
    record = rated(4)
    assert taken.of(record) == taken.of(rated(4))
    assert taken.of(record) != taken.of(rated(5)), "it is written, so it makes a difference"
    assert record == rated(4)
    [(_, written)] = taken.orders.as_written(record)
    assert written["stars"] == 5


def test_a_map_that_only_asks_for_a_volatile_value_gets_it() -> None:
    stars = "((ratings or {}).get('buyer') or {}).get('overall')"
    taken = Taken(stream_maps={"work_orders": {"__filter__": f"{stars} is not None"}})
    assert taken.of(rated(4)) != taken.of(rated(4, "Emca")), "it is written"
    assert taken.of(order(ratings=None)) == taken.of(order(ratings=None, title="Replace a router")), "it is not"


BY_TIME = {
    "filter": {"__filter__": "extracted_at > '2026'"},
    "filter of the record": {"__filter__": "record['extracted_at'][:4] == '2026'"},
    "value": {"title": "title if extracted_at > '2026' else None"},
}


@pytest.mark.parametrize("definition", BY_TIME.values(), ids=BY_TIME)
def test_a_map_that_needs_the_time_gets_it(definition: dict[str, str]) -> None:
    taken = Taken(stream_maps={"work_orders": definition})
    record = order()
    before = copy.deepcopy(record)
    assert taken.of(record) != taken.of(order(title="Replace a router"))
    assert taken.of(record) == taken.of(order(**{EXTRACTED_AT: LATER})), "the time itself makes no difference"
    assert record == before


def test_a_filter_by_the_time_makes_a_difference() -> None:
    taken = Taken(stream_maps={"work_orders": {"__filter__": f"extracted_at < '{LATER}'"}})
    later = {EXTRACTED_AT: LATER}
    assert taken.of(order()) != taken.of(order(**later)), "only the first is written"
    assert taken.of(order(**later)) == taken.of(order(title="Replace a router", **later)), "neither is"
