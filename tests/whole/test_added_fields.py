"""A user adds a field that this version does not know to a stream's schema in the catalog, and gets it."""

from __future__ import annotations

import typing as t

import psycopg
import pytest

from emulator import Emulator
from tap_fieldnation.streams.catalog import embedded_paths
from tests.whole.in_process import Run, catalog, run
from tests.whole.test_meltano import JOB, make_project

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.postgres import Server
    from tap_fieldnation.streams.work_orders import WorkOrdersStream

NUMBER = {"type": ["number", "null"]}
TEXT = {"type": ["string", "null"]}


@pytest.fixture
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=60, seed=6, rate_limit=0) as running:
        yield running


def with_fields(selected: set[str], fields: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    """A catalog with properties added to streams: the path of each, with dots, and its schema."""
    found = catalog(selected)
    for stream in found["streams"]:
        for path, node in fields.get(stream["tap_stream_id"], {}).items():
            *parents, name = path.split(".")
            place = stream["schema"]
            for parent in parents:
                place = place["items"] if parent == "[]" else place["properties"][parent]
            place["properties"][name] = node
    return found


def columns_of(api: Emulator) -> set[str]:
    """The sections of work orders that were requested."""
    return {name for entry in api.log.of("/workorders") for name in entry.params.get("columns", "").split(",")}


def unknown(done: Run) -> set[str]:
    return set(t.cast("WorkOrdersStream", done.tap.streams["work_orders"]).mismatches.unknown_keys)


def test_a_field_of_work_orders_is_requested_and_written(api: Emulator) -> None:
    before = run(api, catalog({"work_orders"}))
    assert "dispatch_score" not in columns_of(api)
    assert not any("dispatch_score" in row for row in before.out.rows["work_orders"])
    fields = {
        "dispatch_score": {"type": ["object", "null"], "properties": {"value": NUMBER}},
        "smart_summary": TEXT,
        "network_settings": {"type": ["object", "null"]},
    }
    api.reset_log()
    done = run(api, with_fields({"work_orders"}, {"work_orders": fields}))
    assert fields.keys() <= columns_of(api)
    for row in done.out.rows["work_orders"]:
        order = api.company.work_order(row["id"])
        assert row["dispatch_score"] == {"value": order["dispatch_score"]["value"]}
        assert row["smart_summary"] == "Routine visit ✓"
        assert row["network_settings"] == {"show_provider_network_ratings": True}
        assert row["status_name"] == order["status"]["name"]
    assert fields.keys() <= done.out.schemas["work_orders"]["schema"]["properties"].keys()
    assert unknown(done) == {"dispatch_score.model"}
    assert done.warnings == []


def test_a_field_within_objects_and_lists_is_written(api: Emulator) -> None:
    fields = {
        "pay.pricing_insights": {"type": ["object", "null"], "properties": {"comparison": TEXT}},
        "pay.buyer_overall_jobs": {"type": "integer"},
        "qualifications.selection_rule.results.[].actions": {"type": ["array", "null"], "items": TEXT},
        "types_of_work.[].correlation_id": TEXT,
        "company.features.[].actions": {},
    }
    done = run(api, with_fields({"work_orders"}, {"work_orders": fields}))
    rows = done.out.rows["work_orders"]
    assert {row["pay"]["buyer_overall_jobs"] for row in rows} == {12_345}
    insights = [row["pay"]["pricing_insights"] for row in rows if row["pay"]["pricing_insights"]]
    assert insights == [{"comparison": "at"}] * len(insights)
    assert insights
    assert all("total" in row["pay"] for row in rows)
    assert done.warnings == []


def test_a_field_of_each_kind_of_stream_is_written(api: Emulator) -> None:
    actions = {"type": ["array", "null"], "items": TEXT}
    kinds = {
        "work_order_tags": {"actions": actions},
        "work_order_messages": {"actions": actions},
        "work_order_requests": {"request.work_order": {"type": ["object", "null"], "properties": {"id": NUMBER}}},
        "tags": {"actions": actions},
        "clients": {"work_order_counts": {"type": ["object", "null"], "properties": {"all": NUMBER}}},
        "talent_pool_providers": {"actions": actions},
    }
    done = run(api, with_fields({"work_orders", *kinds}, kinds))
    rows = done.out.rows
    assert all(row["actions"] == ["delete"] for row in rows["work_order_tags"])
    assert all(row["actions"] == ["reply"] for row in rows["work_order_messages"])
    assert all(row["request"]["work_order"] == {"id": row["work_order_id"]} for row in rows["work_order_requests"])
    assert all(row["actions"] == ["edit", "delete"] for row in rows["tags"])
    assert all(row["work_order_counts"]["all"] >= 0 for row in rows["clients"]), "the list is asked for it"
    assert all(row["actions"] for row in rows["talent_pool_providers"])
    assert all(rows[stream] for stream in kinds)
    assert done.warnings == []


def test_a_field_that_is_not_selected_is_not_requested(api: Emulator) -> None:
    listed = with_fields({"work_orders"}, {"work_orders": {"smart_summary": TEXT}})
    [stream] = [one for one in listed["streams"] if one["tap_stream_id"] == "work_orders"]
    stream["metadata"].append({"breadcrumb": ["properties", "smart_summary"], "metadata": {"selected": False}})
    done = run(api, listed)
    assert "smart_summary" not in columns_of(api)
    assert not any("smart_summary" in row for row in done.out.rows["work_orders"])


def test_a_list_that_is_a_stream_cannot_be_added(api: Emulator) -> None:
    added = {path: {"type": ["object", "null"]} for path in embedded_paths() if "." not in path}
    done = run(api, with_fields({"work_orders", "work_order_tags"}, {"work_orders": added}))
    assert not any(added.keys() & row.keys() for row in done.out.rows["work_orders"])
    assert done.out.rows["work_order_tags"]


def test_a_type_that_the_tap_knows_better_stays(api: Emulator) -> None:
    listed = with_fields({"work_orders"}, {"work_orders": {"pay_total": TEXT, "title": {"type": "integer"}}})
    done = run(api, listed)
    assert all(isinstance(row["title"], str) for row in done.out.rows["work_orders"])


def test_meltano_adds_a_field_by_its_schema_extra(database: Server, tmp_path: Path) -> None:
    """As in docs/getting-started.md, without editing a file of the catalog."""
    with Emulator(work_orders=60, seed=4, rate_limit=0) as api:
        extra = '{"work_orders": {"smart_summary": {"type": ["string", "null"]}}}'
        project = make_project(api, database, tmp_path, _schema=extra)
        result = project.meltano(*JOB)
        assert result.code == 0, result.last_words
        with psycopg.connect(database.uri, options="-c search_path=fieldnation_dev") as connection:
            found = connection.execute("select distinct smart_summary from work_orders").fetchall()
        assert found == [("Routine visit ✓",)]
