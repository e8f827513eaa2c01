"""Whatever goes wrong, at DEBUG: what was sent as a secret is nowhere in what the tap says."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from emulator import Emulator
from tap_fieldnation.tap import TapFieldNation
from tests.whole.canary import found, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from emulator.http import Request

pytestmark = pytest.mark.usefixtures("untraced")

STRUCTURED = """
version: 1
disable_existing_loggers: false
formatters:
  structured:
    (): singer_sdk.logging.StructuredFormatter
handlers:
  stderr:
    class: logging.StreamHandler
    formatter: structured
    stream: ext://sys.stderr
root:
  level: DEBUG
  handlers: [stderr]
"""

# A file with all that the lines of a log can hold, and whatever `warnings` says.
OWN = """
version: 1
disable_existing_loggers: false
formatters:
  own:
    format: "%(levelname)s %(name)s %(pathname)s %(funcName)s %(msg)s %(args)s %(exc_info)s %(exc_text)s %(message)s"
handlers:
  file:
    class: logging.handlers.RotatingFileHandler
    filename: own.log
    formatter: own
    backupCount: 100
    maxBytes: 20000
  stderr:
    class: logging.StreamHandler
    formatter: own
root:
  level: DEBUG
  handlers: [file, stderr]
"""

CATALOG = {
    "streams": [
        entry
        for entry in TapFieldNation(config={}, validate_config=False).catalog_dict["streams"]
        if entry["tap_stream_id"] in {"work_orders", "work_order_tags"}
    ]
}

# What goes wrong, by the emulator's names; every time from the second request for work orders on.
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a connection refused": ({"do": "refused", "seconds": 30}, "could not be read"),
    "a 500 until the retries end": ({"do": "500-error"}, "HTTP 500"),
    "a 401 that stays": ({"do": "401"}, "HTTP 401"),
    "a redirect that echoes the URL": ({"do": "redirect-same"}, "HTTP 302"),
    "a body that is cut": ({"do": "cut-body"}, "could not be read"),
    "HTML": ({"do": "html"}, "the body is not valid JSON"),
    "a timeout": ({"do": "timeout", "seconds": 5}, "could not be read"),
}


@pytest.fixture
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=120, seed=13, rate_limit=0) as running:
        yield running


def run(api: Emulator, folder: Path, *, log: str = "", **settings: Any) -> subprocess.CompletedProcess[str]:
    """The tap, at DEBUG."""
    config = {
        "client_id": api.client_id,
        "client_secret": api.client_secret,
        "username": api.username,
        "password": api.password,
        "api_url": api.url,
        "requests_per_minute": 6000,
        "page_size": 50,
        "max_retries": 0,
        "request_timeout": 1,
        **settings,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "catalog.json").write_text(json.dumps(CATALOG))
    environment = {**os.environ, "TAP_FIELDNATION_LOGLEVEL": "DEBUG"}
    if log:
        (folder / "log.yaml").write_text(log)
        environment["SINGER_SDK_LOG_CONFIG"] = str(folder / "log.yaml")
    command = [sys.executable, "-m", "tap_fieldnation", "--config", "config.json", "--catalog", "catalog.json"]
    return subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True, encoding="utf-8"
    )


def assert_nothing_secret_in(api: Emulator, done: subprocess.CompletedProcess[str], *more: str) -> None:
    texts = [("stdout", done.stdout), ("stderr", done.stderr), *(("more", text) for text in more)]
    assert found(secrets_of(api)(), texts) == []


def assert_nothing_leaked(api: Emulator, done: subprocess.CompletedProcess[str], place: str = "query") -> None:
    """Secrets were sent, DEBUG was on, and none of them is in the output."""
    assert [entry for entry in api.log if entry.sent_secret], "no secret was sent: nothing is shown"
    assert [entry for entry in api.log if entry.sent_token], "no token was sent: nothing is shown"
    assert "DEBUG" in done.stderr or '"level":"debug"' in done.stderr
    assert place == "header" or "access_token=***" in done.stderr, "no URL was logged: nothing is shown"
    assert_nothing_secret_in(api, done)


def assert_ends_in_a_sentence(done: subprocess.CompletedProcess[str], words: str, *, structured: bool = False) -> None:
    last = done.stderr.splitlines()[-1]
    sentence = json.loads(last)["message"] if structured else last
    assert done.returncode == 1
    assert words in sentence
    assert sentence.endswith(".")
    assert "Traceback" not in done.stderr


# In turns, as `test_faults.py` looks for secrets in every log of every fault.
WAYS = itertools.cycle([("query", False), ("header", True)])


@pytest.mark.parametrize(
    ("fault", "words", "place", "structured"),
    [(*fault, *way) for fault, way in zip(FAULTS.values(), WAYS)],  # noqa: B905  one of the two never ends
    ids=FAULTS,
)
def test_no_failure_leaks(
    api: Emulator, tmp_path: Path, fault: dict[str, Any], words: str, place: str, *, structured: bool
) -> None:
    api.faults([{"match": {"path": "/workorders", "nth": 2, "times": 0}, **fault}])
    tries = 2 if fault["do"] == "500-error" else 1
    done = run(api, tmp_path, log=STRUCTURED if structured else "", access_token_location=place, max_retries=tries - 1)
    if fault["do"] == "500-error":
        assert [entry.status for entry in api.log.of("/workorders")][-2:] == [500, 500]
    assert not api.unserved_faults()
    assert_nothing_leaked(api, done, place)
    assert_ends_in_a_sentence(done, words, structured=structured)


@pytest.mark.parametrize("fault", ["reset-before", "400-problem"])
def test_no_log_of_ones_own_leaks(api: Emulator, tmp_path: Path, fault: str) -> None:
    api.faults([{"match": {"path": "/workorders", "nth": 2, "times": 0}, "do": fault}])
    done = run(api, tmp_path, log=OWN)
    assert done.returncode == 1
    assert not api.unserved_faults()
    logs = [file.read_text() for file in tmp_path.glob("own.log*")]
    assert "access_token=***" in "".join(logs)
    assert done.stderr.splitlines()[-1].endswith(".")
    assert_nothing_secret_in(api, done, *logs)


@pytest.mark.parametrize(("shape", "structured"), [("problem", False), ("oauth", False), ("error", True)])
def test_a_400_that_echoes_the_url_does_not_leak(
    api: Emulator, tmp_path: Path, shape: str, *, structured: bool
) -> None:
    def echo(request: Request) -> None:
        if request.path == "/workorders":
            detail = f"cannot understand {request.target} ({request.params['access_token']})"
            api.faults([{"match": {"path": "/workorders", "times": 0}, "do": f"400-{shape}", "detail": detail}])

    api.before_request(echo)
    done = run(api, tmp_path, log=STRUCTURED if structured else "")
    assert not api.unserved_faults()
    assert_nothing_leaked(api, done)
    assert "cannot understand /api/rest/v2/workorders?" in done.stderr
    assert_ends_in_a_sentence(done, "HTTP 400", structured=structured)


@pytest.mark.parametrize("fault", ["401-oauth", "400-status_code", "500", "token-missing"])
def test_no_failure_of_the_login_leaks(api: Emulator, tmp_path: Path, fault: str) -> None:
    echo = f"no client {api.client_id} with {api.client_secret} for {api.username}, {quote(api.password)}"
    api.faults([{"match": {"path": "token", "times": 0}, "do": fault, "detail": echo}])
    done = run(api, tmp_path)
    assert not api.unserved_faults()
    assert [entry for entry in api.log if entry.sent_secret]
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(".")
    assert_nothing_secret_in(api, done)


def test_a_run_that_succeeds_leaks_nothing_either(api: Emulator, tmp_path: Path) -> None:
    done = run(api, tmp_path)
    assert done.returncode == 0, done.stderr
    assert_nothing_leaked(api, done)
