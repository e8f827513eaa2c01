"""The summary names the stream in each line: Meltano does not show whose logger it was."""

from __future__ import annotations

import logging
import typing as t

from tap_fieldnation.commands.summary import report
from tap_fieldnation.tap import TapFieldNation

if t.TYPE_CHECKING:
    import pytest


def test_mismatches_name_their_stream(caplog: pytest.LogCaptureFixture) -> None:
    tap = TapFieldNation(config={"client_id": "the-client-id", "client_secret": "the-client-secret"})
    clients: t.Any = tap.streams["clients"]
    clients.row_builder.mismatches.unknown_keys.update(["colour", "size", "size"])
    clients.row_builder.mismatches.invalid_values["active"] = 3
    clients.row_builder.rows_without_key = 2
    users: t.Any = tap.streams["users"]
    users.refused = 4
    with caplog.at_level(logging.INFO):
        report(tap)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "clients: 2 fields that this version does not know: size (2x), colour (1x)",
        "clients: 1 field with values that did not fit their type and were set to null: active (3x)",
        "clients: 2 rows without a key (id) were left out",
        "users: 4 records could not be read (gone, or not visible to this account)",
        "Records: none",
        "Requests: 0, 0 of them tried again; waited 0 s in all, to keep to 50 a minute and before trying again",
    ]
