"""Every combination of the documented options, with streams of each kind selected or not.

The options are those of stream maps (a column added, removed or hashed, an alias, a filter), deselected columns and
flattening. What comes out is compared with a plain run: of a selected stream, what its options make of the plain
records; of others nothing, whatever maps there are for them.
"""

from __future__ import annotations

import itertools
import typing as t

import pytest

from emulator import Emulator
from tests.whole import in_process
from tests.whole.in_process import catalog

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.whole.in_process import Record, Run

pytestmark = pytest.mark.usefixtures("untraced")

# One stream of each kind, with a column that is text.
KINDS = {
    "work_orders": "title",  # read from pages
    "work_order_tags": "label",  # within work orders
    "work_order_messages": "message",  # by a request for each work order
    "users": "first_name",  # by a request for each person
    "work_order_removals": "detected_at",  # found while work orders are read
    "clients": "name",  # a list of the company
    "types_of_work": "name",  # another, whose rows another stream needs
    "service_types": "text",  # by a request for each row of a list
}
KEYS = {one["tap_stream_id"]: list(one["key_properties"]) for one in catalog()["streams"]}
OPTIONS = ("add", "remove", "alias", "filter", "deselect", "flatten")
COMBINATIONS = [chosen for count in range(len(OPTIONS) + 1) for chosen in itertools.combinations(OPTIONS, count)]
NAMES = list(KINDS)
# All, none but the first, and two halves that cross parents and children.
SELECTIONS = [NAMES, NAMES[1:], NAMES[::2], NAMES[1::2], NAMES[:1]]


@pytest.fixture(scope="module")
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=8, days=20, seed=3, rate_limit=0) as running:
        yield running


@pytest.fixture(scope="module")
def plain(api: Emulator) -> Run:
    done = in_process.run(api, catalog(NAMES))
    assert {name for name, rows in done.out.rows.items() if rows} == set(NAMES) - {"work_order_removals"}
    return done


def make_maps(chosen: tuple[str, ...]) -> dict[str, dict[str, str | None]]:
    maps: dict[str, dict[str, str | None]] = {name: {} for name in NAMES}
    for name, column in KINDS.items():
        key = KEYS[name][0]
        if "add" in chosen:
            maps[name]["added"] = f"md5(str({key}))"
        if "remove" in chosen:
            maps[name][column] = None
        if "alias" in chosen:
            maps[name]["__alias__"] = f"{name}_alias"
        if "filter" in chosen:
            maps[name]["__filter__"] = f"{key} % 2 == 0"
    return {name: definition for name, definition in maps.items() if definition}


def passes(record: Record, name: str) -> bool:
    return bool(record[KEYS[name][0]] % 2 == 0)


def due(plain: Run, name: str, chosen: tuple[str, ...], selected: list[str]) -> list[tuple[t.Any, ...]]:
    """The keys of the records that are due."""
    rows = plain.out.rows[name]
    if "filter" in chosen:
        rows = [row for row in rows if passes(row, name)]
        # The filter on work orders holds for what is read through them, if they are selected.
        parent = "work_order_id" if name.startswith("work_order_") else None
        if parent and "work_orders" in selected:
            rows = [row for row in rows if row[parent] % 2 == 0]
    return sorted(tuple(row[key] for key in KEYS[name]) for row in rows)


def cases() -> Iterator[t.Any]:
    """Each combination with each selection; those beyond one selection for each combination take minutes."""
    for number, chosen in enumerate(COMBINATIONS):
        for at, selected in enumerate(SELECTIONS):
            label = f"{'-'.join(chosen) or 'plain'} of {len(selected)} from {selected[0]}"
            marks = () if at == number % len(SELECTIONS) else pytest.mark.long
            yield pytest.param(chosen, selected, id=label, marks=marks)


@pytest.mark.parametrize(("chosen", "selected"), list(cases()))
def test_options_go_together(api: Emulator, plain: Run, selected: list[str], chosen: tuple[str, ...]) -> None:
    deselected = {f"{name}.{column}" for name, column in KINDS.items()} if "deselect" in chosen else set()
    more: dict[str, t.Any] = {"stream_maps": make_maps(chosen)} if make_maps(chosen) else {}
    if "flatten" in chosen:
        more |= {"flattening_enabled": True, "flattening_max_depth": 4}
    done = in_process.run(api, catalog(selected, deselected=deselected), **more)

    suffix = "_alias" if "alias" in chosen else ""
    assert set(done.out.schemas) == {f"{name}{suffix}" for name in selected}
    assert {name for name, rows in done.out.rows.items() if rows} <= set(done.out.schemas)
    for name in selected:
        message, rows = done.out.schemas[f"{name}{suffix}"], done.out.rows[f"{name}{suffix}"]
        columns, keys = message["schema"]["properties"], KEYS[name]
        assert message["key_properties"] == keys
        assert columns.keys() >= set(keys)
        assert all(row.keys() <= columns.keys() and row.keys() >= set(keys) for row in rows)
        assert ("added" in columns) is ("add" in chosen)
        assert all(("added" in row) is ("add" in chosen) for row in rows)
        assert (KINDS[name] in columns) is not ("deselect" in chosen or "remove" in chosen)
        if "flatten" in chosen:
            assert not any(isinstance(value, dict) for row in rows for value in row.values())
        if name != "users":  # whose rows depend on the work orders that were sent
            assert sorted(tuple(row[key] for key in keys) for row in rows) == due(plain, name, chosen, selected)
