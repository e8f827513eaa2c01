"""The row of `sync_runs` for a run that fails."""

from __future__ import annotations

import pytest
from typing_extensions import override

from tap_fieldnation.api.errors import SettingsError
from tap_fieldnation.commands.sync import reason_of, record_failure, sync
from tap_fieldnation.streams.runs import runs_of
from tap_fieldnation.tap import TapFieldNation
from tests.fakes import NOON
from tests.unit.streams.test_sdk import Collected, catalog_of, make_tap, stream_of


class Closed(Collected):
    """stdout that nobody reads any more."""

    @override
    def write_message(self, message: object) -> None:
        raise BrokenPipeError


def test_a_sentence_of_the_tap_is_the_reason() -> None:
    assert reason_of(SettingsError("Set it.")) == "Set it."


def test_an_unexpected_error_is_named_without_its_text() -> None:
    assert reason_of(ValueError("John Smith")) == "unexpected error (ValueError)"


def test_a_run_that_fails_has_its_row() -> None:
    tap, writer = make_tap(catalog=catalog_of("work_orders", "sync_runs"))

    def fail() -> None:
        stream_of(tap)  # which has received a page
        raise SettingsError("Set it.")

    with pytest.raises(SettingsError):
        sync(fail, tap.context, tap.streams, tap.logger)
    [row] = writer.records("sync_runs")
    assert (row["complete"], row["reason"]) == (False, "Set it.")


def test_a_run_that_received_nothing_has_none() -> None:
    """`meltano config test` takes any record as a proof that the settings are right."""
    tap, writer = make_tap(catalog=catalog_of("work_orders", "sync_runs"))
    record_failure(tap.streams, "wrong credentials")
    assert writer.messages == []


def test_the_error_is_not_replaced_where_stdout_is_closed() -> None:
    tap = TapFieldNation(
        config={"client_id": "the-client-id", "client_secret": "the-client-secret"},
        catalog=catalog_of("sync_runs"),
        message_writer=Closed(),
    )
    stream_of(tap).received_at = NOON
    record_failure(tap.streams, "the target is gone")
    assert not runs_of(tap.streams).rows_written
