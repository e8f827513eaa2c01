"""Rows from the objects of the API: conformed, and dropped if they have no key."""

from __future__ import annotations

import typing as t

import pytest

from tap_fieldnation.records import schema
from tap_fieldnation.streams.rows import RowBuilder
from tools import docs


def built(stream: str, *items: t.Any, **columns: t.Any) -> tuple[list[dict[str, t.Any]], int]:
    """The rows of these items, and how many were dropped because they have no key."""
    builder = RowBuilder(stream, schema.load(stream), docs.streams()[stream].primary_keys or ())
    return list(builder.rows(items, **columns)), builder.rows_without_key


@pytest.mark.parametrize("name", ["", None, []])
def test_a_fee_without_a_name_is_counted_as_a_row_without_key(name: object) -> None:
    rows, without_key = built("work_order_fees", {"name": name, "amount": 1}, {"name": "B"}, work_order_id=1)
    assert [(row["work_order_id"], row["name"]) for row in rows] == [(1, "B")]
    assert without_key == 1


def test_a_key_of_blanks_is_kept() -> None:
    assert built("work_order_fees", {"name": " "}, work_order_id=1) == ([{"name": " ", "work_order_id": 1}], 0)


@pytest.mark.parametrize(
    ("request_", "key"), [({"id": "17"}, 17), ({"id": 17}, 17), ({"id": ""}, None), ({}, None), ([], None)]
)
def test_a_lifted_column_can_be_a_key(request_: t.Any, key: int | None) -> None:
    rows, without_key = built("work_order_requests", {"id": 5, "request": request_}, work_order_id=1)
    keys = [(row["work_order_id"], row["provider_id"], row["request_id"]) for row in rows]
    assert (keys, without_key) == (([], 1) if key is None else ([(1, 5, key)], 0))


@pytest.mark.parametrize("kind", ["", None])
def test_an_expense_category_without_a_type_is_of_an_unknown_one(kind: object) -> None:
    rows, without_key = built("expense_categories", {"id": 1, "type": kind}, company_id=7)
    assert [(row["id"], row["type"]) for row in rows] == [(1, "unknown")]
    assert without_key == 0
