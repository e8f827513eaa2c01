"""The repository's Meltano project, from the emulator to PostgreSQL, each command as a user types it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import errors

from demo.project import ROOT, Project
from emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.postgres import Server

JOB = ("--environment=dev", "run", "fieldnation-to-postgres")
WORK_ORDERS = 130  # the last page is not full


@pytest.fixture
def api() -> Iterator[Emulator]:
    """Field Nation, without its limit of requests."""
    with Emulator(work_orders=WORK_ORDERS, seed=4, rate_limit=0) as running:
        yield running


@pytest.fixture
def project(api: Emulator, database: Server, tmp_path: Path) -> Project:
    """The Meltano project, from that API to an empty database."""
    return make_project(api, database, tmp_path)


def make_project(api: Emulator, database: Server, folder: Path, **other: str) -> Project:
    """A Meltano project between an API and a database; `other` settings of the tap win."""
    settings = {
        "api_url": api.url,
        "client_id": api.client_id,
        "client_secret": api.client_secret,
        "requests_per_minute": "6000",
        **other,
    }
    return Project.create(folder, settings, database)


def loaded_ids(database: Server, schema: str) -> list[int]:
    """The ids in the table, with duplicates if there were any."""
    with psycopg.connect(database.uri, options=f"-c search_path={schema}") as connection:
        return [number for (number,) in connection.execute("select id from work_orders order by id")]


def test_schedule_runs_the_job_in_its_environment(project: Project, api: Emulator, database: Server) -> None:
    """`test_incremental.py` runs the job by itself, twice."""
    visible = sorted(api.company.visible_ids())
    assert len(visible) > 100
    result = project.meltano("--environment=prod", "schedule", "run", "fieldnation-hourly")
    assert result.code == 0, result.last_words
    assert loaded_ids(database, "fieldnation") == visible

    with psycopg.connect(database.uri) as connection:
        columns = connection.execute(
            "select column_name, data_type from information_schema.columns where table_name = 'work_orders'"
        )
        types: dict[str, str] = dict(columns.fetchall())
    assert types["id"] == "bigint"
    assert types["pay_total"] == "numeric"
    assert types["created_at"] == types["extracted_at"] == "timestamp without time zone"
    assert types["status_name"] == "text"
    assert types["location"] == "jsonb"


def test_discover_prints_the_catalog(project: Project) -> None:
    result = project.meltano("--environment=dev", "invoke", "tap-fieldnation", "--discover")
    assert result.code == 0, result.last_words
    assert "work_orders" in {stream["tap_stream_id"] for stream in json.loads(result.output)["streams"]}


def test_config_test_reads_a_record(project: Project) -> None:
    result = project.meltano("--environment=dev", "config", "test", "tap-fieldnation")
    assert result.code == 0, result.last_words
    assert "Plugin configuration is valid" in result.output + result.log


def test_config_test_reports_what_is_wrong(api: Emulator, database: Server, tmp_path: Path) -> None:
    project = make_project(api, database, tmp_path, client_secret="not-the-secret")
    result = project.meltano("--environment=dev", "config", "test", "tap-fieldnation")
    assert result.code != 0
    assert "client_secret" in result.output + result.log
    assert "not-the-secret" not in result.output + result.log


@pytest.mark.parametrize(("command", "line"), [("test", r"^ok    {}: can be read$"), ("plan", r"^{} +[\d ]")])
def test_commands_are_about_what_is_selected(project: Project, api: Emulator, command: str, line: str) -> None:
    file = project.folder / "meltano.yml"
    file.write_text(file.read_text().replace("    - tags.*\n", "    - service_types.*\n"))
    done = project.meltano("--environment=dev", "invoke", f"tap-fieldnation:{command}")
    assert done.code == 0, done.last_words
    assert api.issued_tokens
    assert re.search(line.format("clients"), done.output, re.MULTILINE)
    assert re.search(line.format("service_types"), done.output, re.MULTILINE)
    assert not re.search(line.format("tags"), done.output, re.MULTILINE)


def test_secrets_are_masked(project: Project, api: Emulator) -> None:
    result = project.meltano("--environment=dev", "config", "list", "tap-fieldnation")
    assert result.code == 0, result.last_words
    assert api.client_id not in result.output
    assert api.client_secret not in result.output


@pytest.mark.long  # in every run `test_readme.py` has the demo once
def test_demo_shows_what_landed() -> None:
    command = [sys.executable, "-m", "demo", "--work-orders", "120"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^fieldnation_dev\.work_orders +120$", done.stdout, re.MULTILINE)
    assert "A join of five tables" in done.stdout
    assert done.stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_postgres_goes_with_the_process_that_started_it(number: str) -> None:
    program = (
        "import sys\nfrom demo.postgres import postgres\n"
        "with postgres() as server: print(server.uri, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        with psycopg.connect(process.stdout.readline().strip(), autocommit=True) as connection:
            (data,) = connection.execute("show data_directory").fetchone() or ("",)
            assert Path(data).is_dir()
            process.send_signal(getattr(signal, number))
            with pytest.raises(errors.AdminShutdown):
                connection.execute("select pg_sleep(60)")
    deadline = time.monotonic() + 20
    while Path(data).parent.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(data).parent.exists()
