"""The examples of docs/scheduling.md: each run as whoever copies it would, from the emulator to PostgreSQL.

Those for Airflow and Dagster need these engines, in environments of their own: `./dev schedulers` makes them.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import typing as t

import psycopg
import pytest

from demo.project import BIN, ROOT, Project
from emulator import Emulator

pytestmark = pytest.mark.long  # each starts Meltano or a whole pipe several times

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.postgres import Server

EXAMPLES = ROOT / "examples"
VENVS = ROOT / ".venvs"
WORK_ORDERS = 130
SECONDS = 300

only_unix = pytest.mark.skipif(sys.platform == "win32", reason="bash and flock")


@pytest.fixture
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=WORK_ORDERS, seed=9, rate_limit=0) as running:
        yield running


def settings(api: Emulator) -> dict[str, str]:
    return {
        "api_url": api.url,
        "client_id": api.client_id,
        "client_secret": api.client_secret,
        "requests_per_minute": "6000",
    }


def ids(database: Server, schema: str) -> list[int]:
    with psycopg.connect(database.uri, options=f"-c search_path={schema}") as connection:
        return [one for (one,) in connection.execute("select id from work_orders order by id")]


# The pipe


@pytest.fixture
def folder(api: Emulator, database: Server, tmp_path: Path) -> Path:
    """What fieldnation.sh is given."""
    config = {**settings(api), "requests_per_minute": 6000, "page_size": 10, "max_retries": 0}
    (tmp_path / "config.json").write_text(json.dumps(config))
    catalog = {"host": database.host, "port": database.port, "user": database.user, "password": database.password}
    target = {**catalog, "database": database.database, "default_target_schema": "fieldnation"}
    (tmp_path / "target.json").write_text(json.dumps({**target, "validate_records": False, "use_copy": True}))
    return tmp_path


def script(folder: Path) -> subprocess.Popen[bytes]:
    """Start fieldnation.sh, in a process group of its own."""
    with (folder / "log").open("w") as log:
        return subprocess.Popen(
            [EXAMPLES / "fieldnation.sh", folder],
            env={**os.environ, "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]), "NO_PROXY": "127.0.0.1"},
            stdin=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )


def ended(folder: Path) -> tuple[int, str]:
    """How a run by fieldnation.sh ends, and what it said."""
    with script(folder) as process:
        code = process.wait(SECONDS)
    return code, (folder / "log").read_text()


@contextlib.contextmanager
def held(file: Path) -> Iterator[None]:
    """Hold a lock, as soon as nobody else does."""
    import fcntl  # noqa: PLC0415  there is none on Windows

    with file.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def state(folder: Path) -> dict[str, t.Any]:
    found: dict[str, t.Any] = json.loads((folder / "state.json").read_text())
    return found


@only_unix
def test_the_pipe_loses_no_state_and_never_runs_twice(folder: Path, api: Emulator, database: Server) -> None:
    api.faults([{"match": {"path": "/workorders", "nth": 9, "times": 0}, "do": "503"}])
    assert ended(folder)[0] != 0
    part = state(folder)
    assert part["bookmarks"]["work_orders"]["cursor"]["unread"], "what was loaded is not read again"

    # as if it had been killed while the target wrote its next state, and had not got round to taking the last one over
    (folder / "state.json").write_text("{}")
    (folder / "states.jsonl").write_text(json.dumps(part) + '\n{"bookmarks": {"work_orders": {}')
    api.reset_log()
    api.faults([])
    api.switch(latency=0.1)
    with script(folder) as killed:
        while not api.log.of("/workorders"):
            time.sleep(0.02)
            assert killed.poll() is None, (folder / "log").read_text()
        os.killpg(killed.pid, signal.SIGKILL)
    with held(folder / "lock"):  # tap and target are nobody's children now, and may take a moment to be gone
        assert state(folder) == part

    api.switch(latency=0)
    code, said = ended(folder)
    assert code == 0, said
    assert ids(database, "fieldnation") == sorted(api.company.visible_ids())
    last = state(folder)
    assert last["bookmarks"]["work_orders"]["cursor"]["unread"] == []

    with held(folder / "lock"):
        code, said = ended(folder)
    assert (code, said) == (0, "fieldnation: the previous run is still active\n")
    assert state(folder) == last


@only_unix
def test_the_script_without_a_folder_prints_its_usage() -> None:
    done = subprocess.run([EXAMPLES / "fieldnation.sh"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: fieldnation.sh FOLDER ")


# Units and crontab


def test_units_are_well_formed(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd here")
    for file in (EXAMPLES / "systemd").iterdir():
        text = file.read_text().replace("/opt/fieldnation/fieldnation.sh", str(EXAMPLES / "fieldnation.sh"))
        (tmp_path / file.name).write_text(text.replace("User=fieldnation\n", ""))
    command = [program, "verify", "--man=no", *map(str, tmp_path.glob("fieldnation*"))]
    checked = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    complaints = [line for line in checked.stderr.splitlines() if "fieldnation" in line]
    assert complaints == []


def in_crontab() -> list[str]:
    """The commands of the crontab."""
    lines = (EXAMPLES / "crontab").read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("0 * * * *").strip() for line in lines if line.startswith("0 * * * *")]


def by_cron(command: str, **variables: str) -> str:
    """What a command that cron would start prints, which cron mails."""
    environment = {**os.environ, **variables}
    done = subprocess.run(["/bin/sh", "-c", command], env=environment, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr


@only_unix
def test_cron_runs_meltanos_schedule_one_at_a_time(api: Emulator, database: Server, tmp_path: Path) -> None:
    project = Project.create(tmp_path, settings(api), database)
    command = in_crontab()[0].replace("/path/to/project", str(tmp_path))
    assert str(tmp_path) in command
    with held(tmp_path / ".lock"):
        assert by_cron(command, **project.environment()) == "", "a run that waits for another one is no failure"
    assert not api.log
    wrong = {**project.environment(), "TAP_FIELDNATION_CLIENT_SECRET": "wrong"}
    assert "gave no access token" in by_cron(command, **wrong), "a failure is mailed"
    assert by_cron(command, **project.environment()) == ""
    assert ids(database, "fieldnation") == sorted(api.company.visible_ids())
    assert "Block run completed" in (tmp_path / "meltano.log").read_text(encoding="utf-8")


@only_unix
def test_cron_runs_the_pipe(folder: Path, api: Emulator, database: Server) -> None:
    command = in_crontab()[1].replace("/opt/fieldnation/fieldnation.sh", str(EXAMPLES / "fieldnation.sh"))
    command = command.replace("/var/lib/fieldnation", str(folder))
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    assert by_cron(command, PATH=path, NO_PROXY="127.0.0.1") == ""
    assert ids(database, "fieldnation") == sorted(api.company.visible_ids())
    assert "the API counts 130" in (folder / "log").read_text(encoding="utf-8")
    (folder / "config.json").write_text("{}")
    assert "Setting client_id is missing" in by_cron(command, PATH=path), "a failure is mailed"


def test_systemd_starts_what_is_there() -> None:
    service = (EXAMPLES / "systemd" / "fieldnation.service").read_text(encoding="utf-8")
    (command,) = re.findall(r"^ExecStart=(.*)$", service, re.MULTILINE)
    assert command in in_crontab()[1], "which is run above"


# Several companies


def test_several_companies_have_a_state_each_and_one_schema(api: Emulator, database: Server, tmp_path: Path) -> None:
    with Emulator(work_orders=40, seed=10, days=30, rate_limit=0) as west:
        project = Project.create(tmp_path, {}, database)
        example = (EXAMPLES / "meltano-several-companies.yml").read_text()
        (tmp_path / "meltano-several-companies.yml").write_text(example)
        with (tmp_path / "meltano.yml").open("a") as own:
            own.write("include_paths: [meltano-several-companies.yml]\n")
        theirs = {
            f"TAP_FIELDNATION__{name}_{setting.upper()}": value
            for name, company in (("EAST", api), ("WEST", west))
            for setting, value in settings(company).items()
        }
        project = Project(tmp_path, {**project.variables, **theirs})
        result = project.meltano("--environment=prod", "run", "companies-to-postgres")
        assert result.code == 0, result.last_words
        assert ids(database, "fieldnation") == sorted({*api.company.visible_ids(), *west.company.visible_ids()})
        states = project.meltano("--environment=prod", "state", "list")
        for name in ("east", "west"):
            assert f"prod:tap-fieldnation--{name}-to-target-postgres" in states.output + states.log


# The engines


def python_of(engine: str) -> Path:
    """The Python of the environment that `./dev schedulers` made for an engine."""
    return VENVS / engine / ("Scripts" if os.name == "nt" else "bin") / "python"


def engine_run(project: Project, home: Path, *command: str | Path, **variables: str) -> str:
    """What an engine says, run with Meltano on its PATH."""
    environment = {**project.environment(), "FIELDNATION_PROJECT": str(project.folder), "HOME": str(home), **variables}
    run = subprocess.run(command, check=False, cwd=home, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout + run.stderr


@pytest.fixture
def project(api: Emulator, database: Server, tmp_path: Path) -> Project:
    """The Meltano project, with dbt."""
    made = Project.create(tmp_path / "project", settings(api), database)
    installed = made.meltano("install", "utility", "dbt-postgres")
    assert installed.code == 0, installed.last_words
    return made


def modelled_ids(database: Server) -> list[int]:
    with psycopg.connect(database.uri) as connection:
        models = connection.execute("select work_order_id from analytics.fieldnation__work_orders order by 1")
        return [one for (one,) in models]


@pytest.mark.schedulers
def test_airflow_runs_its_example(project: Project, api: Emulator, database: Server, tmp_path: Path) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    shutil.copy(EXAMPLES / "airflow_dag.py", dags)
    variables = {
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    airflow = (python_of("airflow"), "-m", "airflow")
    engine_run(project, tmp_path, *airflow, "db", "migrate", **variables)
    said = engine_run(project, tmp_path, *airflow, "dags", "test", "fieldnation", **variables)
    assert "state=success" in said or "successful" in said, said
    assert ids(database, "fieldnation") == modelled_ids(database) == sorted(api.company.visible_ids())


@pytest.mark.schedulers
def test_dagster_runs_its_example(project: Project, api: Emulator, database: Server, tmp_path: Path) -> None:
    (tmp_path / "dagster").mkdir()
    variables = {"DAGSTER_HOME": str(tmp_path / "dagster")}
    dagster = (python_of("dagster"), "-m", "dagster")
    example = EXAMPLES / "dagster_assets.py"
    listed = engine_run(project, tmp_path, *dagster, "schedule", "list", "-f", example, **variables)
    assert "fieldnation_hourly" in listed
    engine_run(project, tmp_path, *dagster, "instance", "concurrency", "set", "fieldnation", "1", **variables)
    said = engine_run(project, tmp_path, *dagster, "asset", "materialize", "--select", "*", "-f", example, **variables)
    assert "RUN_SUCCESS" in said, said
    assert ids(database, "fieldnation") == modelled_ids(database) == sorted(api.company.visible_ids())
