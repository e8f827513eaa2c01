"""A new stream is an entry in the catalog, a schema, and an endpoint of the emulator: no other code names it."""

from __future__ import annotations

import json
import shutil
import typing as t

import pytest

from emulator import Emulator
from emulator.endpoints.paging import resource_page
from emulator.http import json_response
from emulator.work_order.sections import SECTIONS
from tap_fieldnation.records import schema
from tap_fieldnation.records.conformer import Mismatches
from tap_fieldnation.streams import catalog
from tap_fieldnation.streams.catalog import ByRequest, Company, Embedded
from tap_fieldnation.streams.work_orders import work_orders_of
from tests.whole import in_process
from tools import docs, snapshot, streams_page

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from emulator.http import Request, Response

# Two of the new streams take over columns that `work_orders` has without them: `holds` and `pay.funding`.
NEW = {
    "skills": Company("skills", "/skills"),
    "work_order_badges": Embedded("work_order_badges", "badges"),
    "work_order_funding": Embedded("work_order_funding", "pay.funding"),
    "work_order_holds": Embedded("work_order_holds", "holds", endpoint="holds"),
    "work_order_overviews": ByRequest(
        "work_order_overviews", "/workorders/{id}/overview", ("work_order_id",), rows="."
    ),
}
EXTRACTED_AT = {"type": "string", "format": "date-time", "description": "When the row was received, in UTC."}
WORK_ORDER_ID = {"type": "integer", "description": "Id of the work order; joins work_orders.id."}
ID = {"type": "integer", "description": "Id of the row."}
COMPANY_ID = {"type": "integer", "description": "Id of the company; joins work_orders.company_id."}
LABEL = {"type": ["string", "null"], "description": "What it is called."}
JOBS = {"type": ["integer", "null"], "description": "How many work orders there were."}
NUMBER = {"type": ["number", "null"], "description": "A number."}
KIND = {
    "type": ["object", "null"],
    "description": "Kind of hold.",
    "properties": {"id": JOBS, "name": LABEL},
}
SCHEMAS: dict[str, dict[str, t.Any]] = {
    "skills": {"company_id": COMPANY_ID, "id": ID, "label": LABEL},
    "work_order_badges": {"id": ID, "label": LABEL, "work_order_id": WORK_ORDER_ID},
    "work_order_funding": {
        **dict.fromkeys(("custom_name", "name"), LABEL),
        **dict.fromkeys(("amount", "line_of_credit"), NUMBER),
        "id": ID,
        "work_order_id": WORK_ORDER_ID,
    },
    "work_order_holds": {
        "acknowledgment": schema.load("work_orders")["properties"]["holds"]["properties"]["results"]["items"][
            "properties"
        ]["acknowledgment"],
        "id": ID,
        "reason": LABEL,
        "type": KIND,
        "work_order_id": WORK_ORDER_ID,
    },
    "work_order_overviews": {
        "company": {
            "type": ["object", "null"],
            "description": "The company's work orders.",
            "properties": {"id": JOBS, "jobs": JOBS},
        },
        "type_of_work": {
            "type": ["object", "null"],
            "description": "Work orders of this type.",
            "properties": {"jobs": JOBS, "name": LABEL},
        },
        "work_order_id": WORK_ORDER_ID,
    },
}
SKILLS = [{"id": number, "label": f"skill {number}"} for number in range(130)]
CATALOG_BEFORE = in_process.catalog({"work_orders"})


@pytest.fixture
def _new_streams(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The catalog entries and the schemas of the new streams."""
    folder = tmp_path / "schemas"
    shutil.copytree(schema.folder(), folder)
    for name, properties in SCHEMAS.items():
        node = {"title": name, "description": "One new thing.", "type": "object"}
        content = {**node, "properties": {**properties, "extracted_at": EXTRACTED_AT}}
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    for kind, entries in ((Company, "COMPANY"), (Embedded, "EMBEDDED"), (ByRequest, "BY_REQUEST")):
        new = tuple(entry for entry in NEW.values() if isinstance(entry, kind))
        monkeypatch.setattr(catalog, entries, (*getattr(catalog, entries), *new))
    caches = (schema.load, schema._read, in_process._discovered)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "folder", lambda: folder)
        for cache in caches:
            cache.cache_clear()
        yield
    for cache in caches:
        cache.cache_clear()


def overview(_request: Request, _path: str, work_order_id: str) -> Response:
    jobs = 1 + int(work_order_id) % 70
    return json_response({"company": {"id": 7, "jobs": jobs}, "type_of_work": {"name": "Cabling", "jobs": 1}})


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An emulator that serves the rows of the new streams; it has holds and funding anyway."""
    monkeypatch.setitem(SECTIONS, "badges", lambda f: f.listing([{"id": f.base, "label": "gold"}]))
    with Emulator(work_orders=200, seed=3, rate_limit=0) as running:
        running.app.router.add("/skills", lambda request, _: resource_page(request, SKILLS))
        running.app.router.add("/workorders/{work_order_id}/overview", overview)
        yield running


def holds_of(api: Emulator) -> set[tuple[int, int, str, str]]:
    """Work order, id, reason and kind of each hold that the emulator has."""
    return {
        (order["id"], hold["id"], hold["reason"], hold["type"]["name"])
        for order in map(api.company.work_order, api.company.visible_ids())
        for hold in order["holds"]["results"]
    }


def holds_in(rows: list[in_process.Record]) -> set[tuple[int, int, str, str]]:
    """The same of the rows of the stream."""
    return {(row["work_order_id"], row["id"], row["reason"], row["type"]["name"]) for row in rows}


@pytest.mark.usefixtures("_new_streams")
def test_a_new_stream_of_each_kind(api: Emulator) -> None:
    done = in_process.run(api, in_process.catalog({*NEW, "work_orders"}))
    rows, ids = done.out.rows, set(api.company.visible_ids())
    assert {row["id"] for row in rows["work_orders"]} == ids
    assert [{"id": row["id"], "label": row["label"]} for row in rows["skills"]] == SKILLS
    assert {row["company_id"] for row in rows["skills"]} == {api.company.id}
    assert {row["work_order_id"] for row in rows["work_order_badges"]} == ids
    assert {row["work_order_id"] for row in rows["work_order_overviews"]} == ids
    assert all(row["company"]["jobs"] for row in rows["work_order_overviews"])
    assert done.warnings == []

    streams = done.tap.streams
    assert [streams[name].selected_by_default for name in NEW] == [True, True, True, True, False]
    page = streams_page.page(streams)
    columns = snapshot.snapshot(streams.values())
    for name in NEW:
        assert f"## {name}\n" in page
        assert columns[name]["columns"]["extracted_at"] == "date-time"
        assert columns[name]["keys"] == list(streams[name].primary_keys)
    assert 'work_orders ||--o{ work_order_badges : "work_order_id"' in page


@pytest.mark.usefixtures("_new_streams")
def test_a_list_that_was_a_column_becomes_a_stream_and_no_longer_is_a_column(api: Emulator) -> None:
    done = in_process.run(api, in_process.catalog({*NEW, "work_orders"}))
    rows = done.out.rows
    assert holds_of(api)
    assert holds_in(rows["work_order_holds"]) == holds_of(api)
    assert {row["work_order_id"] for row in rows["work_order_funding"]} == set(api.company.visible_ids())
    assert all(row["name"] and row["extracted_at"] for row in rows["work_order_funding"])

    properties = done.out.schemas["work_orders"]["schema"]["properties"]
    assert "holds" not in properties
    assert "funding" not in properties["pay"]["properties"]
    assert not any(section in row for row in rows["work_orders"] for section in ("holds", "badges"))
    assert not any("funding" in row["pay"] for row in rows["work_orders"])
    assert all(row["pay"]["total"] == row["pay_total"] for row in rows["work_orders"])
    assert work_orders_of(done.tap.streams).mismatches == Mismatches()


@pytest.mark.usefixtures("_new_streams")
@pytest.mark.parametrize("selected", [{"work_orders"}, {"work_order_holds"}, {"work_orders", "work_order_holds"}])
def test_the_list_is_requested_where_its_stream_is_selected(api: Emulator, selected: set[str]) -> None:
    done = in_process.run(api, in_process.catalog(selected))
    assert holds_in(done.out.rows["work_order_holds"]) == (holds_of(api) if "work_order_holds" in selected else set())
    requested = {
        section for entry in api.log.of("/workorders") for section in entry.params.get("columns", "").split(",")
    }
    assert ("holds" in requested) == ("work_order_holds" in selected)


@pytest.mark.usefixtures("_new_streams")
def test_a_catalog_that_still_has_the_column_works(api: Emulator) -> None:
    """It was made by `--discover` before the column became a stream."""
    done = in_process.run(api, CATALOG_BEFORE)
    assert {row["id"] for row in done.out.rows["work_orders"]} == set(api.company.visible_ids())
    assert not any("holds" in row for row in done.out.rows["work_orders"])


@pytest.mark.usefixtures("_new_streams")
def test_the_snapshot_shows_which_columns_became_streams() -> None:
    before = json.loads(docs.SNAPSHOT.read_text(encoding="utf-8"))
    docs.streams.cache_clear()
    try:
        gone = snapshot.broken(before, snapshot.snapshot(docs.streams().values()))
    finally:
        docs.streams.cache_clear()
    assert gone
    assert all(line.startswith(("work_orders.holds", "work_orders.pay.funding")) for line in gone)
