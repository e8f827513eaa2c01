"""The name that was probably meant."""

from __future__ import annotations

import pytest

from tap_fieldnation.hints import closest, did_you_mean

KNOWN = ["start_date", "end_date", "client_id", "stream_maps"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("startdate", "start_date"),
        ("START-DATE", "start_date"),
        ("clientId", "client_id"),
        ("stream_map", "stream_maps"),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_closest_name_whatever_its_case_and_punctuation(name: str, meant: str | None) -> None:
    assert closest(name, KNOWN) == meant


def test_a_sentence_ends_with_the_name_or_with_another_advice() -> None:
    assert did_you_mean("strat_date", KNOWN, "see the list") == "did you mean start_date?"
    assert did_you_mean("zzz", KNOWN, "see the list") == "see the list."
