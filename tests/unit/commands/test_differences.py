"""The paths at which two readings differ: only names, and no name that may be data."""

from __future__ import annotations

import typing as t

import pytest

from tap_fieldnation.commands.differences import _differing

ONE: dict[str, t.Any] = {"id": 1, "site": {"city": "Springfield", "John Smith (555)": 1}, "logs": [{"hours": 1}, None]}


@pytest.mark.parametrize(
    ("other", "paths"),
    [
        ({}, []),
        ({"id": 2}, ["things.id"]),
        ({"site": {"city": "Shelbyville", "John Smith (555)": 1}}, ["things.site.city"]),
        ({"site": {"city": "Springfield", "John Smith (555)": 2}}, ["things.site.*"]),
        ({"site": {}}, ["things.site.*", "things.site.city"]),
        ({"site": None}, ["things.site"]),
        ({"logs": [{"hours": 2}, None]}, ["things.logs[].hours"]),
        ({"logs": [{"hours": 1}, {}]}, ["things.logs[]"]),
        ({"logs": []}, ["things.logs"]),
        ({"logs": {"0": {}}}, ["things.logs"]),
        ({"added": 1}, ["things.added"]),
    ],
)
def test_paths_of_differences(other: dict[str, t.Any], paths: list[str]) -> None:
    assert sorted(_differing("things", ONE, {**ONE, **other})) == paths
    assert sorted(_differing("things", {**ONE, **other}, ONE)) == paths


def test_rows_of_a_stream_have_no_index() -> None:
    assert list(_differing("rows", [{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 3}])) == ["rows.a"]
    assert list(_differing("rows", [{"a": 1}], [{"a": 1}, {"a": 3}])) == ["rows"]
