"""Bad settings as a person meets them: one sentence, exit code 1, no traceback, and never the value."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from emulator import Emulator
from tests.whole import in_process

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary4711"
GOOD = {"client_id": "the-client-id", "client_secret": "the-client-secret", "api_url": "http://127.0.0.1:9"}

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a secret that is missing": ({"client_secret": None}, "Setting client_secret is missing: give the OAuth 2.0"),
    "space around a secret": ({"client_secret": f"{CANARY} "}, "Setting client_secret has whitespace around it"),
    "a page of nothing": ({"page_size": 0}, "Setting page_size cannot be used: it must be an integer from 1 to 100"),
    "http to another host": ({"api_url": f"http://{CANARY}.example"}, "Setting api_url must begin with https://"),
    "a user without password": ({"username": CANARY}, "Setting username is given without password: give both"),
    "a date that is none": ({"start_date": CANARY}, "Setting start_date cannot be used: it must be a date from 1900"),
    "a date without a day before it": ({"start_date": "0001-01-01"}, "it must be a date from 1900 to 2999, such as"),
    "a date without a day after it": ({"end_date": "9999-12-31"}, "Setting end_date cannot be used: it must be a date"),
    "a start after the end": (
        {"start_date": "2026-02-01", "end_date": "2026-01-01"},
        "Setting start_date is after end_date: it must be the same day or an earlier one",
    ),
    "text for a number": ({"requests_per_minute": CANARY}, "Setting requests_per_minute cannot be used: it must be a"),
}


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tap_fieldnation", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def assert_one_sentence(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if "ERROR" in line]
    assert len(errors) == 1, done.stderr
    assert words in errors[0]
    assert errors[0].endswith(".")
    assert done.stderr.splitlines()[-1] == errors[0]
    assert "Traceback" not in done.stderr
    assert CANARY not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(("settings", "words"), BAD.values(), ids=BAD)
def test_a_bad_setting_ends_in_one_sentence(tmp_path: Path, settings: dict[str, Any], words: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**GOOD, **settings}))
    assert_one_sentence(run(tmp_path, "--config", "config.json"), words)


def test_a_bad_setting_from_the_environment_ends_in_one_sentence(tmp_path: Path) -> None:
    variables = {f"TAP_FIELDNATION_{name.upper()}": value for name, value in GOOD.items()}
    done = run(tmp_path, "--config=ENV", **variables, TAP_FIELDNATION_PAGE_SIZE=CANARY)
    assert_one_sentence(done, "Setting page_size cannot be used: it must be an integer from 1 to 100")


def test_the_test_command_gives_the_same_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**GOOD, "page_size": 0}))
    assert_one_sentence(run(tmp_path, "--config", "config.json", "--test"), "Setting page_size cannot be used")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--config", "none.json"), "The config file none.json does not exist"),
        (("--config", "broken.json"), "The config file broken.json is not JSON (line 1, column 14)"),
        (("--config", "config.json", "--catalog", "broken.json"), "The catalog file broken.json is not JSON"),
        (("--config", "config.json", "--state", "list.json"), "The state file list.json is not a state"),
    ],
)
def test_a_bad_file_ends_in_one_sentence(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(GOOD))
    (tmp_path / "broken.json").write_text(f'{{"client_id" {CANARY}')
    (tmp_path / "list.json").write_text(f'["{CANARY}"]')
    assert_one_sentence(run(tmp_path, *arguments), words)


def test_a_start_date_before_everything_serves_the_next_run_too() -> None:
    with Emulator(work_orders=10, seed=1, rate_limit=0) as api:
        first = in_process.run(api, in_process.catalog({"work_order_tags"}), start_date="1900-01-01")
        second = in_process.run(api, in_process.catalog({"work_order_tags"}), first.out.state, start_date="1900-01-01")
    assert "cursor" in second.out.state["bookmarks"]["work_orders"]
