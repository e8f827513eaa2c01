"""A new stream is an entry in the catalogue, a schema, and a row in the emulator: nothing else knows of it."""

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
from tap_fieldnation.streams import catalog
from tap_fieldnation.streams.catalog import ByRequest, Company, Embedded
from tests.whole import in_process
from tools import snapshot, streams_page

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NEW = {
    "skills": Company("skills", "/skills"),
    "work_order_badges": Embedded("work_order_badges", "badges"),
    "work_order_overviews": ByRequest(
        "work_order_overviews", "/workorders/{id}/overview", ("work_order_id",), rows="."
    ),
}
MOMENT = {"type": "string", "format": "date-time", "description": "When the row was received, in UTC."}
OF_A_WORK_ORDER = {"type": "integer", "description": "Id of the work order; joins work_orders.id."}
LABEL = {"type": ["string", "null"], "description": "What it is called."}
JOBS = {"type": ["integer", "null"], "description": "How many work orders there were."}
SCHEMAS: dict[str, dict[str, t.Any]] = {
    "skills": {"id": {"type": "integer", "description": "Id of the skill."}, "label": LABEL},
    "work_order_badges": {
        "id": {"type": "integer", "description": "Id of the badge."},
        "label": LABEL,
        "work_order_id": OF_A_WORK_ORDER,
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
        "work_order_id": OF_A_WORK_ORDER,
    },
}
OVERVIEW = {"company": {"id": 97, "jobs": 40}, "type_of_work": {"name": "Server", "jobs": 3}}
SKILLS = [{"id": number, "label": f"skill {number}"} for number in range(130)]


@pytest.fixture
def _grown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The entries and the schemas."""
    folder = tmp_path / "schemas"
    shutil.copytree(schema.folder(), folder)
    for name, properties in SCHEMAS.items():
        node = {"title": name, "description": "One new thing.", "type": "object"}
        whole = {**node, "properties": {**properties, "extracted_at": MOMENT}}
        (folder / f"{name}.json").write_text(json.dumps(whole), encoding="utf-8")
    for kind, entries in ((Company, "COMPANY"), (Embedded, "EMBEDDED"), (ByRequest, "BY_REQUEST")):
        new = tuple(entry for entry in NEW.values() if isinstance(entry, kind))
        monkeypatch.setattr(catalog, entries, (*getattr(catalog, entries), *new))
    # made when it is imported
    monkeypatch.setattr("tap_fieldnation.streams.work_orders.ELSEWHERE", catalog.ELSEWHERE | {"badges"})
    caches = (schema.load, schema._read, in_process._discovered)
    with monkeypatch.context() as patch:
        patch.setattr(schema, "folder", lambda: folder)
        for cache in caches:
            cache.cache_clear()
        yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """An emulator with the rows."""
    monkeypatch.setitem(SECTIONS, "badges", lambda f: f.listing([{"id": f.base, "label": "gold"}]))
    with Emulator(work_orders=30, seed=2, rate_limit=0) as running:
        running.app.router.add("/skills", lambda request, _: resource_page(request, SKILLS))
        running.app.router.add("/workorders/{work_order_id}/overview", lambda *_, **__: json_response(OVERVIEW))
        yield running


@pytest.mark.usefixtures("_grown")
def test_a_new_stream_of_each_kind(api: Emulator) -> None:
    done = in_process.run(api, in_process.catalog({*NEW, "work_orders"}))
    rows, ids = done.out.rows, set(api.company.visible_ids())
    assert [{"id": row["id"], "label": row["label"]} for row in rows["skills"]] == SKILLS
    assert {row["work_order_id"] for row in rows["work_order_badges"]} == ids
    assert {row["work_order_id"] for row in rows["work_order_overviews"]} == ids
    assert all(row["company"]["jobs"] for row in rows["work_order_overviews"])
    assert not any("badges" in row for row in rows["work_orders"])
    assert done.warnings == []

    streams = done.tap.streams
    assert [streams[name].selected_by_default for name in NEW] == [True, True, False]
    page = streams_page.page(streams)
    promised = snapshot.snapshot(streams.values())
    for name in NEW:
        assert f"## {name}\n" in page
        assert promised[name]["columns"]["extracted_at"] == "date-time"
        assert promised[name]["keys"] == list(streams[name].primary_keys)
    assert 'work_orders ||--o{ work_order_badges : "work_order_id"' in page
