"""The summary names the stream in each line, as Meltano does not show the name of a logger."""

from __future__ import annotations

import logging
import typing as t
from types import SimpleNamespace

from tap_fieldnation.commands.summary import log_result, log_summary
from tap_fieldnation.tap import TapFieldNation
from tests.fakes import FakeClock

if t.TYPE_CHECKING:
    import pytest

CONFIG = {"client_id": "the-client-id", "client_secret": "the-client-secret"}


def summary(tap: TapFieldNation, caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines that the summary of a tap logs."""
    with caplog.at_level(logging.INFO):
        log_summary(tap.context, tap.streams, tap.logger)
    return [record.getMessage() for record in caplog.records]


def test_mismatches_name_their_stream(caplog: pytest.LogCaptureFixture) -> None:
    tap = TapFieldNation(config=CONFIG)
    clients: t.Any = tap.streams["clients"]
    clients.row_builder.mismatches.unknown_keys.update(["colour", "size", "size"])
    clients.row_builder.mismatches.invalid_values["active"] = 3
    clients.row_builder.rows_without_key = 2
    users: t.Any = tap.streams["users"]
    users.refused = 4
    assert summary(tap, caplog) == [
        "clients: 2 fields unknown to this version: size (2x), colour (1x)",
        "clients: 1 field with values of the wrong type, set to null: active (3x)",
        "clients: left out 2 rows without a key (company_id, id)",
        "users: 4 records could not be read (deleted, or not visible to this API user)",
        "Records: none",
        "Requests: 0 (0 retries); waited 0 s for the rate limit (50/min), 0 s for backoff",
    ]


def test_lists_that_lack_the_company_share_one_line(caplog: pytest.LogCaptureFixture) -> None:
    tap = TapFieldNation(config=CONFIG)
    for name in ("clients", "tags"):
        stream: t.Any = tap.streams[name]
        stream.without_company = True
    assert summary(tap, caplog)[0] == (
        "Not read: clients, tags: no work order or template shows the company's id; set company_id."
    )


def test_only_the_most_frequent_mismatches_are_named(caplog: pytest.LogCaptureFixture) -> None:
    tap = TapFieldNation(config=CONFIG)
    clients: t.Any = tap.streams["clients"]
    clients.row_builder.mismatches.unknown_keys.update({f"key{number:02}": 99 - number for number in range(12)})
    assert summary(tap, caplog)[0].endswith("key08 (91x), key09 (90x) and 2 more")


def test_the_costs_are_those_of_the_run(caplog: pytest.LogCaptureFixture) -> None:
    tap = TapFieldNation(config={**CONFIG, "requests_per_minute": 12.5})
    clock = FakeClock()
    tap.context.__dict__["clock"] = clock
    requester = tap.context.requester
    requester.rate_limiter.sent, requester.retries = 1_320, 1
    for stopwatch, seconds in ((requester.rate_limiter.waiting, 41), (requester.backoff, 90)):
        with stopwatch:
            clock.advance(seconds)
    clients: t.Any = tap.streams["clients"]
    clients.rows_written = 1_084
    assert summary(tap, caplog) == [
        "Records: clients 1,084",
        "Requests: 1,320 (1 retry); waited 41 s for the rate limit (12.5/min), 2 min for backoff",
    ]


def run_of(**attributes: t.Any) -> t.Any:
    """What a sync run of work orders came to."""
    return SimpleNamespace(
        **{
            "read": 284,
            "written": 284,
            "counted": 12_360,
            "resumed": 0,
            "created": 3,
            "removed": 1,
            "is_first": False,
            **attributes,
        }
    )


def test_the_summary_ends_with_how_complete_the_work_orders_are(caplog: pytest.LogCaptureFixture) -> None:
    tap = TapFieldNation(config=CONFIG)
    stream: t.Any = tap.streams["work_orders"]
    for run, line in (
        (run_of(), "284 of 12,360 read (those that are new or can have changed); 3 created and 1 removed meanwhile"),
        (run_of(is_first=True), "284 read; the API counts 12,360; 3 created and 1 removed meanwhile"),
        (
            run_of(is_first=True, resumed=9_000),
            "284 read after 9,000 by earlier runs; the API counts 12,360; 3 created and 1 removed meanwhile",
        ),
    ):
        stream.run = run
        caplog.clear()
        assert summary(tap, caplog)[-1] == f"work_orders: {line}"


def test_the_result_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    tap = TapFieldNation(config=CONFIG)
    tap.context.requester.rate_limiter.sent = 1_320

    def result(*, failed: bool = False) -> str:
        caplog.clear()
        with caplog.at_level(logging.INFO):
            log_result(tap.context, tap.streams, tap.logger, 1_590.4, failed=failed)
        [record] = caplog.records
        return record.getMessage()

    assert result() == "Result: complete; 1,320 requests in 1,590 s"
    assert result(failed=True) == "Result: incomplete; 1,320 requests in 1,590 s"
    stream: t.Any = tap.streams["work_orders"]
    stream.run = run_of(new=4)
    assert result() == "Result: complete; work orders: 4 new, 280 updated, 1 removed; 1,320 requests in 1,590 s"
    tap.context.stop_at_deadline("clients")
    assert result().startswith("Result: incomplete, max_minutes was reached; work orders: 4 new, ")


def test_the_summary_names_a_time_limit(caplog: pytest.LogCaptureFixture) -> None:
    tap = TapFieldNation(config=CONFIG)
    tap.context.stop_at_deadline("clients")
    tap.context.stop_at_deadline("tags")
    line = "clients: max_minutes was reached{}; the next run continues from there."
    assert summary(tap, caplog)[-1] == line.format("")
    stream: t.Any = tap.streams["work_orders"]
    stream.run = run_of(read=1)
    caplog.clear()
    assert summary(tap, caplog)[-1] == line.format(" after 1 work order")
