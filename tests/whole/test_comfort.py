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
from tests.whole.runs import Runner, run, small_catalog

if t.TYPE_CHECKING:
    from pathlib import Path

WORK_ORDERS = 250
REPOSITORY = "https://github.com/tap-fieldnation/tap-fieldnation"


@pytest.fixture(scope="module")
def api() -> t.Iterator[Emulator]:
    with Emulator(work_orders=WORK_ORDERS, seed=2, rate_limit=0) as emulator:
        yield emulator


class Done(t.NamedTuple):
    """What a command said and returned."""

    returncode: int
    stdout: str
    stderr: str


def _tap(api: Emulator, folder: Path, *arguments: str, **settings: t.Any) -> Done:
    """A command, in this process and in the folder."""
    config = {
        "client_id": api.client_id,
        "client_secret": api.client_secret,
        "api_url": api.url,
        "requests_per_minute": 6000,
        **settings,
    }
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        ended = run("--config", "config.json", *arguments)
    return Done(ended.code, ended.output, ended.log)


@pytest.fixture(scope="module")
def first(api: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A first run."""
    return _tap(api, tmp_path_factory.mktemp("first"))


def test_the_plan_costs_little_and_is_right(api: Emulator, tmp_path: Path) -> None:
    api.reset_log()
    planned = json.loads(_tap(api, tmp_path, "--plan=json").stdout)
    assert len(api.log) <= 8
    api.reset_log()
    assert _tap(api, tmp_path).returncode == 0
    made = len(api.log)
    assert planned["requests"] <= made <= planned["requests"] + 8, "lists of several pages come on top"
    assert planned["minutes"] == pytest.approx(planned["requests"] / 6000, abs=0.01)


def test_the_plan_of_a_next_run_counts_what_can_have_changed(api: Emulator, first: Done, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps(_last_state(first)))
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


def _with(*more: str) -> dict[str, t.Any]:
    """The default catalog with more streams selected."""
    found = TapFieldNation(config={}, validate_config=False).catalog_dict
    for stream in found["streams"]:
        if stream["tap_stream_id"] in more:
            stream["metadata"] = [{"breadcrumb": [], "metadata": {"selected": True}}]
    return found


def test_plan_and_log_say_why_all_work_orders_are_read_again(api: Emulator, first: Done, tmp_path: Path) -> None:
    sentence = "are read again, because the last run did not include users, work_order_messages."
    (tmp_path / "state.json").write_text(json.dumps(_last_state(first)))
    (tmp_path / "catalog.json").write_text(json.dumps(_with("users", "work_order_messages")))
    before, more = ("--state", "state.json"), ("--state", "state.json", "--catalog", "catalog.json")
    assert "read again" not in _tap(api, tmp_path, "--plan", *before).stdout
    assert json.loads(_tap(api, tmp_path, "--plan=json", *before).stdout)["reread_because"] is None
    assert f"All work orders {sentence}" in _tap(api, tmp_path, "--plan", *more).stdout.splitlines()
    planned = json.loads(_tap(api, tmp_path, "--plan=json", *more).stdout)
    assert planned["reread_because"] == "the last run did not include users, work_order_messages"
    done = _tap(api, tmp_path, *more)
    assert [line for line in done.stderr.splitlines() if line.endswith(f"| work_orders: all {sentence}")]
    (tmp_path / "state.json").write_text(json.dumps(_last_state(done)))
    assert "read again" not in _tap(api, tmp_path, *more).stderr, "once"


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
        ({"created_filter": "none"}, {}, "note  creation filter: not supported", 0),
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
        ({"work_orders": 0}, {}, "ok    networks: can be read", 0),
        (
            {"work_orders": 0, "forbidden": "/templates"},
            {},
            "note  networks: no work order or template shows the company's id; set company_id",
            0,
        ),
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


def test_about_for_people_describes_each_setting(api: Emulator, tmp_path: Path) -> None:
    text = _tap(api, tmp_path, "--about").stdout
    blocks = {block.split("\n", 1)[0]: block.splitlines() for block in text.split("  - Name: ")[1:]}
    for setting in SETTINGS:
        lines = [line.strip() for line in blocks[setting.name]]
        assert f"Description: {setting.description}" in lines
        assert f"Required: {'yes' if setting.required else 'no'}" in lines
        default = "none" if setting.default is None else json.dumps(setting.default)
        assert f"Default: {default}" in lines
        assert f"Environment Variable: TAP_FIELDNATION_{setting.name.upper()}" in lines
        assert any(line.startswith("Type: ") and line.endswith(", secret") for line in lines) is setting.secret


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


def _last_state(done: Done) -> t.Any:
    return next(json.loads(line)["value"] for line in reversed(done.stdout.splitlines()) if '"type":"STATE"' in line)


def _said(done: Done) -> list[str]:
    """What was logged, without time, level and logger."""
    return [line.split(" | ", 3)[-1] for line in done.stderr.splitlines()]


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_the_last_lines_are_a_summary(
    api: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    monkeypatch.setenv("TAP_FIELDNATION_LOGLEVEL", level)
    done = _tap(api, tmp_path)
    records, requests, work_orders, result = _said(done)[-4:]
    assert records.startswith("Records: ")
    assert "work_orders 250" in records
    costs = r"Requests: (\d+) \(0 retries\); waited \d+ s for the rate limit \(6000/min\), 0 s for backoff"
    matched = re.fullmatch(costs, requests)
    assert matched
    assert work_orders == "work_orders: 250 read; the API counts 250; 0 created and 0 removed meanwhile"
    complete = r"Result: complete; work orders: {} new, {} updated, 0 removed; {} requests in \d+ s"
    assert re.fullmatch(complete.format(250, 0, matched[1]), result)
    (tmp_path / "state.json").write_text(json.dumps(_last_state(done)))
    work_orders, result = _said(_tap(api, tmp_path, "--state", "state.json"))[-2:]
    (read,) = re.findall(r"work_orders: (\d+) of 250 read \(those that are new or can have changed\); ", work_orders)
    assert 0 < int(read) < WORK_ORDERS / 2
    assert re.fullmatch(complete.format(0, 0, r"\d+"), result), "nothing has changed"


def test_new_work_orders_are_told_from_updated_ones(tmp_path: Path) -> None:
    with Emulator(work_orders=WORK_ORDERS, seed=2, rate_limit=0) as other:
        (tmp_path / "state.json").write_text(json.dumps(_last_state(_tap(other, tmp_path))))
        for _ in range(3):
            other.change("create")
        statuses = {number: other.company.work_order(number)["status"] for number in other.company.visible_ids()}
        names = {"Published", "Assigned", "Work Done"}
        archived, retitled, *_ = [number for number, status in statuses.items() if status["name"] in names]
        other.change("archive", archived)
        other.change("retitle", retitled)
        result = _said(_tap(other, tmp_path, "--state", "state.json"))[-1]
    assert re.match(r"Result: complete; work orders: 3 new, 1 updated, 1 removed; ", result)


def test_the_log_for_people_is_short(first: Done) -> None:
    said = _said(first)
    assert not [line for line in said if "METRIC" in line]
    assert len({line for line in said if line.startswith("Beginning sync")}) == len(said) - 6, "and no other lines"


@pytest.mark.parametrize("variable", ["MELTANO_EXTRACTOR_NAME", "SINGER_SDK_LOG_CONFIG"])
def test_the_log_for_programs_has_metrics(
    api: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    (tmp_path / "log.yml").write_text("version: 1\ndisable_existing_loggers: false\n")
    monkeypatch.setenv(variable, "log.yml")
    said = _said(_tap(api, tmp_path))
    for stream in ("work_orders", "work_order_tags", "clients"):
        assert 1 <= sum(f'"stream":"{stream}"' in line for line in said if line.startswith("METRIC: ")) <= 3
    assert said[-1].startswith("Result: complete; ")


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
    assert "| ERROR " in done.stderr.splitlines()[-1]
    said = _said(done)
    assert said[-4].startswith("Records: ")
    assert re.fullmatch(
        r"Result: incomplete; work orders: \d+ new, 0 updated, 0 removed; \d+ requests in \d+ s", said[-2]
    )
    assert not [line for line in said if "unhandled" in line]


def test_max_minutes_stops_cleanly_and_the_next_run_continues(tmp_path: Path) -> None:
    with Emulator(work_orders=WORK_ORDERS, seed=2, rate_limit=0, clock=VirtualClock()) as slow:
        runner, selected = Runner(slow, tmp_path), small_catalog("work_orders")
        first = runner.run(catalog=selected, page_size=1, max_minutes=3, requests_per_minute=60)
        assert first.code == 0
        assert "work_orders: max_minutes was reached after " in first.log
        assert first.last_line.startswith("Result: incomplete, max_minutes was reached; work orders: ")
        assert first.waited == pytest.approx(180, abs=1)
        assert 0 < len(first.ids("work_orders")) < WORK_ORDERS
        second = runner.run(catalog=selected, state=first.state)
        assert re.search(r"\d+ read after \d+ by earlier runs; the API counts 250", second.log)
        assert second.last_line.startswith("Result: complete; ")
        assert first.ids("work_orders") | second.ids("work_orders") == set(slow.company.visible_ids())
