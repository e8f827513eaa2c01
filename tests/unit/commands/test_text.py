"""Numbers and durations, formatted for people."""

from __future__ import annotations

import pytest

from tap_fieldnation.commands.text import count, duration


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "0 s"), (0.5, "30 s"), (1, "1 min"), (29.4, "29 min"), (119, "119 min"), (120, "2.0 h"), (210, "3.5 h")],
)
def test_a_time_span_is_in_a_unit_that_fits(minutes: float, text: str) -> None:
    assert duration(minutes) == text


def test_a_number_and_its_noun_agree() -> None:
    assert [count(number, "row") for number in (0, 1, 1_200)] == ["0 rows", "1 row", "1,200 rows"]
    assert [count(number, "retry", "retries") for number in (1, 2)] == ["1 retry", "2 retries"]
