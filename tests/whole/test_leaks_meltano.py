"""Meltano as the caller, at DEBUG: no secret in what it says, nor in any file that it leaves."""

from __future__ import annotations

import typing as t

import pytest

from demo.project import Project
from emulator import Emulator
from tests.whole.canary import PLACES, found, secrets_of

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from demo.postgres import Server

pytestmark = pytest.mark.long

RUN = ("run", "tap-fieldnation", "target-postgres")
# Meltano's own log config: what it says goes into a file too.
LOG_FILE = "meltano.log"
LOGGING = f"""
version: 1
disable_existing_loggers: false
formatters:
  json:
    (): meltano.core.logging.json_formatter
  plain:
    (): meltano.core.logging.console_log_formatter
    colors: false
handlers:
  file:
    class: logging.FileHandler
    filename: {LOG_FILE}
    formatter: json
  console:
    class: logging.StreamHandler
    formatter: plain
    stream: ext://sys.stderr
root:
  level: DEBUG
  handlers: [file, console]
"""
EL = ("el", "tap-fieldnation", "target-postgres", "--state-id=canary")
INVOKE = ("invoke", "tap-fieldnation")
TEST = ("invoke", "tap-fieldnation:test")
PAGES = {"path": "/workorders", "nth": 2, "times": 0}

# The command, what goes wrong, and a setting of the tap.
CASES: dict[str, tuple[tuple[str, ...], dict[str, t.Any], dict[str, str]]] = {
    "a run, nothing": (RUN, {}, {}),
    "a run, a 500": (RUN, {"match": PAGES, "do": "500-error"}, {}),
    "a run, a redirect that echoes the URL": (RUN, {"match": PAGES, "do": "redirect-same"}, {}),
    "a pipeline with a log of its own, a reset": (EL, {"match": PAGES, "do": "reset-before"}, {}),
    "a pipeline with a log of its own, nothing": (EL, {}, {"access_token_location": "header"}),
    "the tap alone, a 401": (INVOKE, {"match": PAGES, "do": "401"}, {}),
    "the tap alone, HTML": (INVOKE, {"match": PAGES, "do": "html"}, {"access_token_location": "header"}),
    "the tap's own test, a 400": (TEST, {"match": {**PAGES, "nth": 1}, "do": "400-problem"}, {}),
    "the tap's own test, no token": (TEST, {"match": {"path": "token", "times": 0}, "do": "401-oauth"}, {}),
}


@pytest.fixture
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=30, seed=13, rate_limit=0) as running:
        yield running


@pytest.mark.parametrize(("command", "fault", "setting"), CASES.values(), ids=CASES)
def test_meltano_leaves_no_secret(
    api: Emulator,
    database: Server,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    command: tuple[str, ...],
    fault: dict[str, t.Any],
    setting: dict[str, str],
) -> None:
    settings = {
        "api_url": api.url,
        "client_id": api.client_id,
        "client_secret": api.client_secret,
        "username": api.username,
        "password": api.password,
        "requests_per_minute": "6000",
        "max_retries": "0",
        # few columns, since Meltano logs every message at DEBUG
        "_select": '["work_orders.id", "work_orders.status_name", "clients.id", "clients.name"]',
        **setting,
    }
    project = Project.create(tmp_path / "project", settings, database)
    if command == EL:
        (project.folder / "logging.yaml").write_text(LOGGING)
    if fault:
        echo = f"no client {api.client_id} with {api.client_secret} and {api.password}"
        api.faults([{**fault, "detail": echo}])
    result = project.meltano("--log-level=debug", "--environment=dev", *command)
    assert (result.code != 0) is bool(fault), result.last_words
    assert api.unserved_faults() == []
    assert [entry for entry in api.log if entry.sent_secret], "no secret was sent: nothing is shown"
    texts = [("stdout", result.output), ("stderr", result.log)]
    texts += [
        (str(file.relative_to(project.folder)), file.read_bytes().decode(errors="replace"))
        for file in project.folder.rglob("*")
        if file.is_file()
    ]
    places = dict(texts)
    assert ".meltano/meltano.db" in places
    assert "GET /api/rest/v2/workorders" in places["stderr"] or fault.get("match", {}).get("path") == "token"
    if command == EL:
        assert "GET /api/rest/v2/workorders" in places[LOG_FILE]
    assert found(secrets_of(api)(), texts) == []
    record_property(PLACES, len(texts))
