"""What a person sees: the plan, the test report, progress and the summary at the end."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t

import pytest

from emulator import Emulator, VirtualClock
from tap_fieldnation.commands.cli import NOT_GIVEN
from tap_fieldnation.settings import SETTINGS
from tap_fieldnation.streams.catalog import BY_REQUEST, COMPANY
from tap_fieldnation.tap import TapFieldNation
from tests.whole.runs import Runner, small_catalog

if t.TYPE_CHECKING:
    from pathlib import Path

WORK_ORDERS = 250
REPOSITORY = "https://github.com/tap-fieldnation/tap-fieldnation"


@pytest.fixture(scope="module")
def api() -> t.Iterator[Emulator]:
    with Emulator(work_orders=WORK_ORDERS, seed=2, rate_limit=0) as emulator:
        yield emulator


def _tap(api: Emulator, folder: Path, *arguments: str, **settings: t.Any) -> subprocess.CompletedProcess[str]:
    config = {
        "client_id": api.client_id,
        "client_secret": api.client_secret,
        "api_url": api.url,
        "requests_per_minute": 6000,
        **settings,
    }
    (folder / "config.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "tap_fieldnation", "--config", "config.json", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_plan_costs_little_and_is_right(api: Emulator, tmp_path: Path) -> None:
    api.reset_log()
    planned = json.loads(_tap(api, tmp_path, "--plan=json").stdout)
    assert len(api.log) <= 8
    api.reset_log()
    assert _tap(api, tmp_path).returncode == 0
    made = len(api.log)
    assert planned["requests"] <= made <= planned["requests"] + 8, "lists of several pages come on top"
    assert planned["minutes"] == pytest.approx(planned["requests"] / 6000, abs=0.01)


def test_the_plan_of_a_next_run_counts_what_can_have_changed(api: Emulator, tmp_path: Path) -> None:
    state = _last_state(_tap(api, tmp_path))
    (tmp_path / "state.json").write_text(json.dumps(state))
    planned = json.loads(_tap(api, tmp_path, "--state", "state.json", "--plan=json").stdout)
    by_name = {cost["what"]: cost["rows"] for cost in planned["plan"]}
    assert 0 < by_name["work_orders: open"] < WORK_ORDERS / 2
    assert by_name["work_orders: reconcile"] == 0


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A catalog with all streams selected."""
    file = tmp_path_factory.mktemp("catalog") / "all.json"
    discovered = TapFieldNation(config={}, validate_config=False).catalog_dict
    for stream in discovered["streams"]:
        stream["metadata"] = [{"breadcrumb": [], "metadata": {"selected": True}}]
    file.write_text(json.dumps(discovered))
    return str(file)


def test_the_plan_counts_the_requests_for_single_rows(everything: str, tmp_path: Path) -> None:
    with Emulator(work_orders=60, seed=2, rate_limit=0, ignore_columns=True) as other:
        planned = json.loads(_tap(other, tmp_path, "--plan=json", "--catalog", everything).stdout)
        assert len(other.log) <= 20
        other.reset_log()
        assert _tap(other, tmp_path, "--catalog", everything, requests_per_minute=100_000).returncode == 0
        made = len(other.log)
    requests = {cost["what"]: cost["requests"] for cost in planned["plan"]}
    assert requests["service_types"] > 1
    assert requests["templates"] > requests["tags"] == 1
    assert planned["requests"] <= made <= 1.1 * planned["requests"] + 10


def test_the_plan_is_a_table_for_people(api: Emulator, tmp_path: Path) -> None:
    table = _tap(api, tmp_path, "--plan").stdout
    assert "work_orders: history         250" in table
    assert "At 6000 requests a minute: about" in table


def test_the_test_report_is_one_line_a_check(api: Emulator, tmp_path: Path) -> None:
    done = _tap(api, tmp_path, "--test")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert all(line.startswith(("ok    ", "note  ")) for line in lines)
    for text in (
        "access token obtained, expires in 3,600 s",
        "GET /workorders responds with 200",
        "creation filter: f_created",
    ):
        assert any(text in line for line in lines)
    assert "ok    clients: can be read" in lines


@pytest.mark.parametrize(
    ("switches", "settings", "said", "code"),
    [
        ({}, {"client_secret": "not-the-secret"}, "FAIL  Field Nation", 1),
        ({"created_filter": "none"}, {}, "note  creation filter: none is obeyed", 0),
        ({"page_cap": 50}, {}, "note  page size: 50 work orders a page, 100 requested", 0),
        ({"embedded_cut": 1}, {}, "note  lists within work orders: completed by further requests for", 0),
        ({"forbidden": "/clients"}, {}, "note  clients: /api/rest/v2/clients returned HTTP 403", 0),
        ({"forbidden": "/workorders"}, {}, "FAIL  work_orders: /api/rest/v2/workorders returned HTTP 403", 1),
        (
            {"work_orders": 0},
            {},
            "note  columns, sort, f_work_order_id, lists: there is no work order to check them with",
            0,
        ),
        ({"work_orders": 0}, {}, "note  networks: no work order shows the company's id; set company_id", 0),
    ],
)
def test_the_test_report_shows_what_is_different(
    tmp_path: Path, switches: dict[str, t.Any], settings: dict[str, t.Any], said: str, code: int
) -> None:
    with Emulator(**{"work_orders": WORK_ORDERS, "seed": 2, "rate_limit": 0, **switches}) as other:
        done = _tap(other, tmp_path, "--test", **settings)
    assert said in done.stdout
    assert done.returncode == code


@pytest.mark.parametrize("option", ["--test", "--plan"])
def test_test_and_plan_take_no_longer_than_max_minutes(api: Emulator, tmp_path: Path, option: str) -> None:
    done = _tap(api, tmp_path, option, max_minutes=1e-6)
    assert done.returncode == 1
    assert "Setting max_minutes ended this command before it was done" in done.stderr.splitlines()[-1]


def test_help_describes_this_tap(api: Emulator, tmp_path: Path) -> None:
    said = _tap(api, tmp_path, "--help").stdout
    assert "Field Nation" in said
    assert f"{REPOSITORY}/tree/main/docs\n" in said, "in one piece"
    assert NOT_GIVEN not in said


def test_about_shows_title_kind_and_secrecy_of_each_setting(api: Emulator, tmp_path: Path) -> None:
    text = _tap(api, tmp_path, "--about", "--format=markdown").stdout
    told = json.loads(_tap(api, tmp_path, "--about", "--format=json").stdout)["settings"]["properties"]
    for setting in SETTINGS:
        (row,) = [line for line in text.splitlines() if line.startswith(f"| {setting.name} |")]
        assert f"| {setting.title} (" in row
        assert setting.description in row
        assert ("secret):" in row) is setting.secret is told[setting.name].get("secret", False)
    assert "Environment (`production` or `sandbox`): " in text
    assert "Start date (date-time): " in text


def test_the_test_report_names_a_host_that_does_not_respond(api: Emulator, tmp_path: Path) -> None:
    done = _tap(api, tmp_path, "--test", api_url="http://127.0.0.1:9", max_retries=0)
    assert done.stdout.startswith("FAIL  http://127.0.0.1:9 does not respond: ")
    assert done.returncode == 1


def test_the_test_report_has_a_line_for_each_stream_that_has_requests_of_its_own(
    api: Emulator, everything: str, tmp_path: Path
) -> None:
    said = _tap(api, tmp_path, "--test", "--catalog", everything).stdout.splitlines()
    named = {line.split()[1].rstrip(":") for line in said if line.endswith(": can be read")}
    assert named == {entry.name for entry in (*COMPANY, *BY_REQUEST)}


def test_the_test_report_distinguishes_a_failure_from_a_missing_permission(tmp_path: Path) -> None:
    with Emulator(work_orders=30, seed=2, rate_limit=0) as other:
        other.faults([{"match": {"path": "/clients", "nth": 1, "times": 0}, "do": "503"}])
        done = _tap(other, tmp_path, "--test", max_retries=0)
        assert "FAIL  clients: /api/rest/v2/clients returned HTTP 503" in done.stdout
        assert "ok    types_of_work: can be read" in done.stdout, "it goes on"
        assert done.returncode == 1


def test_the_test_report_fails_for_a_permission_that_was_revoked(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"bookmarks": {"clients": {"read": true}}}')
    with Emulator(work_orders=30, seed=2, rate_limit=0, forbidden="/clients") as other:
        done = _tap(other, tmp_path, "--test", "--state", "state.json")
    assert "FAIL  clients: /api/rest/v2/clients returned HTTP 403" in done.stdout
    assert done.returncode == 1


def _last_state(done: subprocess.CompletedProcess[str]) -> t.Any:
    return next(json.loads(line)["value"] for line in reversed(done.stdout.splitlines()) if '"type":"STATE"' in line)


def test_the_last_lines_are_a_summary(api: Emulator, tmp_path: Path) -> None:
    done = _tap(api, tmp_path)
    said = done.stderr.splitlines()
    assert said[-1].endswith("work_orders: 250 read; the API counts 250; 0 created and 0 removed meanwhile")
    assert re.search(
        r"Requests: \d+ \(0 retries\); waited \d+ s for the rate limit \(6000/min\), 0 s for backoff$", said[-2]
    )
    assert "Records: " in said[-3]
    assert "work_orders 250" in said[-3]
    (tmp_path / "state.json").write_text(json.dumps(_last_state(done)))
    last = _tap(api, tmp_path, "--state", "state.json").stderr.splitlines()[-1]
    (read,) = re.findall(r"work_orders: (\d+) of 250 read \(those that are new or can have changed\); ", last)
    assert 0 < int(read) < WORK_ORDERS / 2


def test_a_run_logs_little(api: Emulator, tmp_path: Path) -> None:
    said = _tap(api, tmp_path).stderr.splitlines()
    for stream in ("work_orders", "work_order_tags", "clients"):
        assert sum(f".{stream} " in line or f'"stream":"{stream}"' in line for line in said) <= 10
    others = [line for line in said if "METRIC" not in line and "Beginning sync" not in line]
    assert len(others) == 5, "the version, the token, and the summary"


def test_a_long_run_logs_its_progress(api: Emulator, tmp_path: Path) -> None:
    """The tap's own 15 seconds, cut to a moment: a run of that length is for `./dev long`."""
    intervals = "p.LINE_INTERVAL = p.UPDATE_INTERVAL = 0.01"
    imports = "import tap_fieldnation.commands.progress as p; from tap_fieldnation.__main__ import main"
    hurry = f"{imports}; {intervals}; main()"
    config = {"client_id": api.client_id, "client_secret": api.client_secret, "api_url": api.url}
    (tmp_path / "config.json").write_text(json.dumps({**config, "requests_per_minute": 6000, "page_size": 5}))
    command = [sys.executable, "-c", hurry, "--config", "config.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    line = r"\| work_orders: [\d,]+ of 250 \(\d+ %\), \d+ requests/min, about \d+ s left$"
    assert re.search(line, done.stderr, re.MULTILINE), done.stderr
    assert " requests/min" not in done.stdout
    assert all(json.loads(text)["type"] for text in done.stdout.splitlines())


def test_the_summary_of_a_failure_comes_before_its_sentence(tmp_path: Path) -> None:
    with Emulator(work_orders=250, seed=2, rate_limit=0) as failing:
        failing.faults([{"match": {"path": "/workorders", "nth": 3, "times": 0}, "do": "503"}])
        done = _tap(failing, tmp_path, max_retries=0)
    assert done.returncode == 1
    said = done.stderr.splitlines()
    assert "| ERROR " in said[-1]
    assert "Records: " in said[-3]
    assert not [line for line in said if "unhandled" in line]


def test_max_minutes_stops_cleanly_and_the_next_run_continues(tmp_path: Path) -> None:
    with Emulator(work_orders=WORK_ORDERS, seed=2, rate_limit=0, clock=VirtualClock()) as slow:
        runner, selected = Runner(slow, tmp_path), small_catalog("work_orders")
        first = runner.run(catalog=selected, page_size=1, max_minutes=3, requests_per_minute=60)
        assert first.code == 0
        assert "work_orders: max_minutes was reached" in first.last_line
        assert first.waited == pytest.approx(180, abs=1)
        assert 0 < len(first.ids("work_orders")) < WORK_ORDERS
        second = runner.run(catalog=selected, state=first.state)
        assert re.search(r"\d+ read after \d+ by earlier runs; the API counts 250", second.last_line)
        assert first.ids("work_orders") | second.ids("work_orders") == set(slow.company.visible_ids())
