"""Field Nation's formats of timestamps."""

from __future__ import annotations

import pytest

from tap_fieldnation.timestamps import parse_utc, to_rfc3339


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018-11-07 13:00:00", "2018-11-07T13:00:00Z"),
        ("2018-11-07 13:00+01:00", "2018-11-07T12:00:00Z"),
        ("2024-12-10 18:00:00.500000", "2024-12-10T18:00:00.500000Z"),
        ("2025-01-01T09:00:00Z", "2025-01-01T09:00:00Z"),
        ("", None),
        ("0000-00-00 00:00:00", None),
    ],
)
def test_each_form_is_rfc_3339_in_utc(text: str, expected: str | None) -> None:
    assert to_rfc3339(text) == expected


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-12:00", "yesterday", 5, None])
def test_an_invalid_timestamp_is_none(text: object) -> None:
    assert parse_utc(text) is None
