"""The lifted columns: each is compared with its place in the record, according to the table of promised columns."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tap_fieldnation.records import lifted as lifted_columns
from tap_fieldnation.records import schema
from tap_fieldnation.records.conformer import Mismatches, compile_conformer
from tap_fieldnation.records.lifted import compile_lift, sections

COLUMNS = lifted_columns.columns("work_orders")
lift = compile_lift("work_orders")

RAW: dict[str, Any] = {
    "id": 1,
    "status": {"id": "3", "name": "Assigned"},
    "company": {"id": 101},
    "client": {"id": 102, "name": "Client"},
    "project": {"id": 103, "name": "Project"},
    "template": {"id": 104},
    "manager": {"id": 105},
    "assignee": {"user": {"id": 106}},
    "type_of_work": {"id": 107, "name": "Cabling"},
    "types_of_work": [{"id": 108, "name": "Other", "isPrimary": True}],
    "location": {
        "city": "Springfield",
        "state": "IL",
        "zip": "00501",
        "country": "US",
        "saved_location": {"id": 109},
    },
    "schedule": {
        "time_zone": {"name": "America/Chicago"},
        "service_window": {
            "start": {"utc": "2026-01-10 14:00:00", "local": {"date": "2026-01-10", "time": "08:00:00"}},
            "end": {"utc": "2026-01-10 18:30:00", "local": {"date": "2026-01-10", "time": "12:30:00"}},
        },
    },
    "milestones": {
        name: {"utc": f"2026-01-{day:02} 09:00:00", "local": {"date": f"2026-01-{day:02}", "time": "03:00:00"}}
        for day, name in enumerate(
            ["created", "published", "routed", "assigned", "workdone", "approved", "paid", "canceled"], start=1
        )
    },
    "pay": {
        "type": "fixed",
        "total": "123.45",
        "base": {"amount": "60.5", "units": 2},
        "invoice": {"id": "110", "sent": {"utc": "2026-02-01 09:00:00"}, "paid": {"utc": "2026-02-02 09:00:00"}},
        "finance": {"id": 111},
    },
    "site_revisit": {
        "is_revisit": 1,
        "job_status": "incomplete",
        "incomplete_reason": {"reason_id": 112, "reason_name": "No access"},
    },
    "publish_stats": {"requests": "4", "counter_offers": 2, "routes": 3},
}

LIFTED = {
    "status_id": 3,
    "status_name": "Assigned",
    "company_id": 101,
    "client_id": 102,
    "client_name": "Client",
    "project_id": 103,
    "project_name": "Project",
    "template_id": 104,
    "manager_id": 105,
    "provider_id": 106,
    "type_of_work_id": 107,
    "type_of_work_name": "Cabling",
    "location_id": 109,
    "location_city": "Springfield",
    "location_state": "IL",
    "location_zip": "00501",
    "location_country": "US",
    "time_zone": "America/Chicago",
    "scheduled_start_at": "2026-01-10T14:00:00Z",
    "scheduled_end_at": "2026-01-10T18:30:00Z",
    "pay_type": "fixed",
    "pay_total": 123.45,
    "pay_base_amount": 60.5,
    "pay_base_units": 2.0,
    "invoice_id": 110,
    "invoice_sent_at": "2026-02-01T09:00:00Z",
    "invoice_paid_at": "2026-02-02T09:00:00Z",
    "finance_id": 111,
    "is_revisit": True,
    "job_status": "incomplete",
    "incomplete_reason": "No access",
    "requests_count": 4,
    "counter_offers_count": 2,
    "routes_count": 3,
    "created_at": "2026-01-01T09:00:00Z",
    "published_at": "2026-01-02T09:00:00Z",
    "routed_at": "2026-01-03T09:00:00Z",
    "assigned_at": "2026-01-04T09:00:00Z",
    "work_done_at": "2026-01-05T09:00:00Z",
    "approved_at": "2026-01-06T09:00:00Z",
    "paid_at": "2026-01-07T09:00:00Z",
    "cancelled_at": "2026-01-08T09:00:00Z",
    "last_milestone_at": "2026-01-08T09:00:00Z",
}


def lifted(**changes: Any) -> dict[str, Any]:
    """The columns of a work order as the API sends it."""
    record = {**copy.deepcopy(RAW), **changes}
    compile_conformer(schema.load("work_orders"), Mismatches())(record)
    lift(record)
    return {column: record[column] for column in COLUMNS}


def milestones(**moments: object) -> dict[str, Any]:
    return {name: at if not isinstance(at, str) else {"utc": at} for name, at in moments.items()}


def test_each_column_has_the_value_of_its_place() -> None:
    assert lifted() == LIFTED


def test_the_columns_are_those_of_the_schema() -> None:
    assert set(COLUMNS) == set(LIFTED)
    assert set(COLUMNS) <= set(schema.load("work_orders")["properties"])


def test_the_api_is_asked_for_all_that_they_are_taken_from() -> None:
    assert set(RAW) - {"id"} == sections(COLUMNS)


@pytest.mark.parametrize(
    ("columns", "needed"),
    [
        ([], set()),
        (["title"], set()),
        (["pay_total", "client_id"], {"pay", "client"}),
        (["type_of_work_name"], {"type_of_work", "types_of_work"}),
        (["paid_at"], {"milestones"}),
        (["last_milestone_at"], {"milestones"}),
        (["job_status", "routes_count", "invoice_id"], {"site_revisit", "publish_stats", "pay"}),
    ],
)
def test_no_section_is_asked_for_that_no_column_needs(columns: list[str], needed: set[str]) -> None:
    assert sections(columns) == needed


@pytest.mark.parametrize("section", sorted(sections(COLUMNS)))
@pytest.mark.parametrize("nothing", [None, [], "", {}, False, 5, "text", [1]], ids=repr)
def test_a_section_without_content_leaves_its_columns_null_and_the_others_as_they_are(
    section: str, nothing: object
) -> None:
    without = lifted(**{section: nothing})
    changed = {column for column in COLUMNS if without[column] != LIFTED[column]}
    if section == "types_of_work":
        assert not changed
    elif section == "type_of_work":
        assert (without["type_of_work_id"], without["type_of_work_name"]) == (108, "Other")
        assert changed == {"type_of_work_id", "type_of_work_name"}
    else:
        assert changed
        assert all(without[column] is None for column in changed)


def test_a_work_order_without_any_of_it_has_all_columns_null() -> None:
    record = {"id": 1}
    lift(record)
    assert record == {"id": 1, **dict.fromkeys(COLUMNS)}


def test_a_row_of_another_stream_has_its_columns() -> None:
    row: dict[str, Any] = {"id": 1, "in": {"created": {"utc": "2026-01-10T14:00:00Z"}}, "out": None}
    compile_lift("work_order_time_logs")(row)
    assert row["checked_in_at"] == "2026-01-10T14:00:00Z"
    assert row["checked_out_at"] is None
    assert row.keys() - {"id", "in", "out"} == set(lifted_columns.columns("work_order_time_logs"))


@pytest.mark.parametrize(
    ("category", "name"),
    [
        ({"label": "Parking", "name": "Old"}, "Parking"),
        ({"label": None, "name": "Parking"}, "Parking"),
        ({"name": "Parking"}, "Parking"),
        ({"label": "Parking"}, "Parking"),
        ({}, None),
        (None, None),
    ],
)
def test_the_first_key_that_has_a_value_counts(category: dict[str, Any] | None, name: str | None) -> None:
    row: dict[str, Any] = {"id": 1, "category": category}
    compile_lift("work_order_expenses")(row)
    assert row["category_name"] == name


def test_a_row_of_a_stream_without_lifted_columns_stays_as_it_is() -> None:
    row = {"id": 1}
    compile_lift("locations")(row)
    assert row == {"id": 1}


@pytest.mark.parametrize(
    ("column", "changes"),
    [
        ("manager_id", {"manager": {"id": 0, "name": ""}}),
        ("provider_id", {"assignee": {"user": {"id": 0}}}),
        ("provider_id", {"assignee": {"user": []}}),
        ("location_id", {"location": {"city": "Springfield", "saved_location": []}}),
        ("scheduled_end_at", {"schedule": {"service_window": {"start": {"utc": "2026-01-10 14:00:00"}, "end": []}}}),
        ("created_at", {"milestones": {"created": {"local": {"date": "2026-01-01", "time": "03:00:00"}}}}),
        ("created_at", {"milestones": {"created": {"utc": "", "local": {"date": "", "time": ""}}}}),
        ("created_at", {"milestones": {"created": "then"}}),
    ],
)
def test_what_is_unset_is_null(column: str, changes: dict[str, Any]) -> None:
    assert lifted(**changes)[column] is None


@pytest.mark.parametrize(
    ("moments", "latest"),
    [
        ({"created": "2026-01-01 09:00:00"}, "2026-01-01T09:00:00Z"),
        ({"created": "2026-01-01 09:00:00", "paid": "2025-12-31 23:59:59"}, "2026-01-01T09:00:00Z"),
        ({"created": "2026-01-01 09:00:00", "canceled": "2026-01-01 09:00:01"}, "2026-01-01T09:00:01Z"),
        ({"created": "2026-01-01 09:00:00.500000", "routed": "2026-01-01 09:00:00"}, "2026-01-01T09:00:00.500000Z"),
        ({"created": "2026-01-01 09:00:00", "routed": "2026-01-01 09:00:00.500000"}, "2026-01-01T09:00:00.500000Z"),
        ({"created": "2026-01-01T09:00:00+02:00", "paid": "2026-01-01 08:00:00"}, "2026-01-01T08:00:00Z"),
        ({"created": "", "published": None}, None),
        ({}, None),
    ],
)
def test_the_last_milestone_is_the_latest_of_those_that_are_set(moments: dict[str, Any], latest: str | None) -> None:
    assert lifted(milestones=milestones(**moments))["last_milestone_at"] == latest


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ([{"id": 1, "name": "A", "isPrimary": False}, {"id": 2, "name": "B", "isPrimary": True}], (2, "B")),
        ([{"id": 1, "name": "A", "isPrimary": 0}, {"id": "2", "name": "B", "isPrimary": "1"}], (2, "B")),
        ([{"id": 2, "name": "B", "isPrimary": True}, {"id": 3, "name": "C", "isPrimary": True}], (2, "B")),
        ([None, {"id": 2, "isPrimary": True}], (2, None)),
        ([{"id": 1, "name": "A"}], (None, None)),
        ([{"id": 1, "name": "A", "isPrimary": None}], (None, None)),
        ([], (None, None)),
        ({"0": {"id": 2, "name": "B", "isPrimary": True}}, (2, "B")),
        (None, (None, None)),
        ("text", (None, None)),
    ],
)
@pytest.mark.parametrize("missing", [None, [], {}, {"id": 0, "name": ""}], ids=repr)
def test_where_the_type_of_work_is_missing_the_primary_one_of_the_list_counts(
    missing: object, kinds: object, expected: tuple[int | None, str | None]
) -> None:
    columns = lifted(type_of_work=missing, types_of_work=kinds)
    assert (columns["type_of_work_id"], columns["type_of_work_name"]) == expected


def test_where_it_is_not_missing_the_list_does_not_count() -> None:
    columns = lifted(types_of_work=[{"id": 2, "name": "B", "isPrimary": True}])
    assert (columns["type_of_work_id"], columns["type_of_work_name"]) == (107, "Cabling")
