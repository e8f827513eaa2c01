"""What is not selected is neither requested nor written; maps and flattening work for embedded streams as for any."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t

import pytest

from emulator import Emulator
from tests.whole import truth
from tests.whole.in_process import catalog, run, settings

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORK_ORDERS = 120
NOT_SELECTED = ("signatures", "contacts", "messages", "tasks", "attachments")


@pytest.fixture(scope="module")
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=WORK_ORDERS, seed=8, rate_limit=0) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty_log(api: Emulator) -> None:
    api.reset_log()


def columns_requested(api: Emulator) -> set[str]:
    """The sections of work orders that were asked for."""
    return {name for entry in api.log.of("/workorders") for name in entry.params["columns"].split(",")}


def texts(value: t.Any) -> Iterator[str]:
    """Every text within a value that is not there by chance: long, and no word such as the kind of something."""
    if isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, str) and len(value) >= 8 and not value.isalpha():
        yield value


def test_nothing_of_what_is_not_selected_is_in_the_output(api: Emulator, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(settings(api)))
    (tmp_path / "catalog.json").write_text(json.dumps(catalog({"work_orders"})))
    command = [sys.executable, "-m", "tap_fieldnation", "--config", "config.json", "--catalog", "catalog.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.count(b'"type":"RECORD"') == WORK_ORDERS

    assert columns_requested(api).isdisjoint(NOT_SELECTED)
    assert {entry.path for entry in api.log} == {"/authentication/api/oauth/token", "/workorders"}

    # what only the sections say that were not selected
    hidden: dict[str, set[str]] = {name: set() for name in NOT_SELECTED}
    shown: set[str] = set()
    for one in api.company.visible_ids():
        order = api.company.work_order(one)
        order["messages"] = api.rows(f"/workorders/{one}/messages")
        for name, section in order.items():
            hidden.get(name, shown).update(texts(section))
    for name, found in hidden.items():
        # a time of day may be that of a line of the log
        words = {text for text in found if re.search("[a-z]", text)}
        canaries = {text.encode() for text in words if not any(text in other for other in shown)}
        assert len(canaries) > 30, name
        written = done.stdout + done.stderr
        assert [text for text in canaries if text in written] == [], name


def test_work_orders_need_not_be_selected(api: Emulator) -> None:
    with_them = run(api, catalog({"work_orders", "work_order_tags"}))
    asked = len(api.log)
    api.reset_log()
    done = run(api, catalog({"work_order_tags"}))
    assert len(api.log) == asked
    assert columns_requested(api) == {"company", "id", "milestones", "status", "tags"}
    assert {stream for _, stream in done.out.order} == {"work_order_tags", ""}
    key = ("work_order_id", "id")
    tags = [{name: row[name] for name in key} for row in done.out.rows["work_order_tags"]]
    assert tags == [{name: row[name] for name in key} for row in with_them.out.rows["work_order_tags"]]
    assert tags


@pytest.mark.parametrize("stream", ["work_order_messages", "users", "work_order_removals"])
def test_work_orders_need_not_be_selected_for_their_child_streams(api: Emulator, stream: str) -> None:
    done = run(api, catalog({stream}))
    assert {name for _, name in done.out.order} == {stream, ""}
    assert bool(done.out.rows[stream]) == (stream != "work_order_removals")


def test_a_property_that_is_not_selected(api: Emulator) -> None:
    gone = {"work_orders.description", "work_orders.pay", "work_orders.pay_type", "work_orders.pay_total"}
    within = {"work_orders.location.city", "work_order_tags.label"}
    done = run(api, catalog({"work_orders", "work_order_tags"}, deselected=gone | within))
    order, schema = done.out.rows["work_orders"][0], done.out.schemas["work_orders"]["schema"]["properties"]
    for name in gone:
        column = name.partition(".")[2]
        assert column not in order
        assert column not in schema
    assert "description" not in columns_requested(api)
    assert "city" not in order["location"]
    assert "city" not in schema["location"]["properties"]
    assert order["location_city"], "what is lifted from there is a column of its own"
    assert order["location"]["state"]
    assert all("label" not in row and row["hex_color"] for row in done.out.rows["work_order_tags"])
    assert "label" not in done.out.schemas["work_order_tags"]["schema"]["properties"]


def test_a_lifted_column_needs_its_section(api: Emulator) -> None:
    run(api, catalog({"work_orders"}, deselected={"work_orders.pay"}))
    assert "pay" in columns_requested(api), "for pay_total"


def test_a_section_of_two_streams(api: Emulator) -> None:
    done = run(api, catalog({"work_orders", "work_order_bonuses"}))
    assert "pay" in columns_requested(api)
    assert "bonuses" not in done.out.rows["work_orders"][0]["pay"]
    assert done.out.rows["work_order_bonuses"]


def test_maps_rename_streams_and_columns(api: Emulator) -> None:
    maps = {
        "work_orders": {"__alias__": "jobs", "short": "title[:10]"},
        "work_order_tags": {"__alias__": "labels", "label": "label.upper()"},
        "clients": {"__alias__": "customers", "id": "id", "name": "name", "__else__": None},
    }
    selected = catalog({"work_orders", "work_order_tags", "work_order_fees", "clients"})
    done = run(api, selected, stream_maps=maps)
    rows = {name: found for name, found in done.out.rows.items() if found}
    assert rows.keys() == {"jobs", "labels", "work_order_fees", "customers"}
    assert all(row["short"] == row["title"][:10] for row in rows["jobs"])
    assert all(row["label"] == row["label"].upper() for row in rows["labels"])
    assert all(row.keys() == {"company_id", "id", "name"} for row in rows["customers"])
    plain = run(api, selected).out.rows
    assert [row["id"] for row in rows["labels"]] == [row["id"] for row in plain["work_order_tags"]]
    assert "short" in done.out.schemas["jobs"]["schema"]["properties"]


def test_a_filter_of_work_orders_applies_to_their_child_streams(api: Emulator) -> None:
    selected = catalog({"work_orders", "work_order_tags", "work_order_messages", "work_order_fees"})
    maps = {
        "work_orders": {"__filter__": "status_name == 'Paid'"},
        "work_order_fees": {"__filter__": "name == 'nothing'"},
    }
    done = run(api, selected, stream_maps=maps)
    paid = {one for one in api.company.visible_ids() if api.company.work_order(one)["status"]["name"] == "Paid"}
    assert {row["id"] for row in done.out.rows["work_orders"]} == paid
    assert {row["work_order_id"] for row in done.out.rows["work_order_tags"]} <= paid
    assert done.out.rows["work_order_tags"]
    assert {row["work_order_id"] for row in done.out.rows["work_order_messages"]} <= paid
    assert done.out.rows["work_order_fees"] == []


@pytest.mark.parametrize("stream", ["work_order_tags", "work_order_shipments", "clients"])
def test_a_filter_of_another_stream_applies_to_that_stream_only(api: Emulator, stream: str) -> None:
    selected = catalog({"work_orders", stream})
    everything = run(api, selected).out.rows
    few = run(api, selected, stream_maps={stream: {"__filter__": "id % 2 == 0"}}).out.rows
    assert [row["id"] for row in few["work_orders"]] == [row["id"] for row in everything["work_orders"]]
    assert [row["id"] for row in few[stream]] == [row["id"] for row in everything[stream] if row["id"] % 2 == 0]
    assert few[stream]


def test_a_stream_map_can_leave_a_stream_out(api: Emulator) -> None:
    selected = catalog({"work_orders", "work_order_tags", "work_order_fees"})
    done = run(api, selected, stream_maps={"work_order_tags": None})
    assert {name for name, rows in done.out.rows.items() if rows} == {"work_orders", "work_order_fees"}


def test_flattening(api: Emulator) -> None:
    selected = catalog({"work_orders", *truth.EMBEDDED, "projects"})
    done = run(api, selected, flattening_enabled=True, flattening_max_depth=10)
    plain = run(api, selected)
    for stream, found in plain.out.rows.items():
        rows = done.out.rows[stream]
        columns = done.out.schemas[stream]["schema"]["properties"]
        assert not any("object" in columns[name]["type"] and columns[name].get("properties") for name in columns)
        assert len(rows) == len(found)
        assert all(row.keys() <= columns.keys() for row in rows), stream
        assert not any(isinstance(value, dict) for row in rows for value in row.values()), stream
        keys = done.out.schemas[stream]["key_properties"]
        assert [[row[key] for key in keys] for row in rows] == [[row[key] for key in keys] for row in found]
    order, whole = done.out.rows["work_orders"][0], plain.out.rows["work_orders"][0]
    assert order["schedule__service_window__start__utc"] == whole["schedule"]["service_window"]["start"]["utc"]
    tag, labelled = done.out.rows["work_order_tags"][0], plain.out.rows["work_order_tags"][0]
    assert tag["created__utc"] == labelled["created"]["utc"]


@pytest.mark.usefixtures("untraced")
def test_the_test_command_works_for_any_selection(api: Emulator, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(settings(api)))
    command = [sys.executable, "-m", "tap_fieldnation", "--config", "config.json", "--test"]
    for selected in (None, {"work_order_tags"}, {"clients", "service_types"}):
        (tmp_path / "catalog.json").write_text(json.dumps(catalog(selected)))
        done = subprocess.run([*command, "--catalog", "catalog.json"], cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        assert b"FAIL" not in done.stdout
