"""examples/airflow_companies.py on Airflow with the CeleryExecutor: 40 companies, two workers, one of them killed.

`./dev companies` runs this test; Airflow is in the environment of `./dev schedulers`. Redis must be installed.
PostgreSQL holds Airflow's and Meltano's databases, and the tables of all companies, of which dbt builds the models.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from demo.project import BIN, ROOT, Project
from demo.table import table
from emulator import Emulator
from emulator.company.directory import COMPANY_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from demo.postgres import Server

pytestmark = [pytest.mark.companies, pytest.mark.skipif(sys.platform == "win32", reason="Airflow needs Unix")]

PYTHON = ROOT / ".venvs" / "airflow" / "bin" / "python"
DAG = "fieldnation_companies"
COMPANIES = [f"c{number:02}" for number in range(1, 41)]
WORK_ORDERS = 60
DONE_BEFORE_THE_KILL = 6
MINUTES = 40
LOADS = "select map_index, state, try_number, hostname, start_date, end_date from task_instance where task_id = 'load'"
RUNS = "select job_name, started_at, coalesce(ended_at, last_heartbeat_at), state::text from runs order by 1, 2"

# Work orders of each company, those that look removed, and those whose template has the name that it has there.
MODELLED = """
select t.company_id, count(*), count(*) filter (where m.is_removed),
    count(*) filter (where m.template_name = t.template->>'name')
from analytics.fieldnation__work_orders m join fieldnation.work_orders t on t.id = m.work_order_id
group by 1 order by 1
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], Any], minutes: float, what: str) -> Any:
    """Wait for a condition; returns its value."""
    deadline = time.monotonic() + 60 * minutes
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {minutes} min: {what}"
        time.sleep(0.5)
    return value


def descendants(pid: int) -> list[int]:
    """A process and all that it started, directly or not."""
    children: list[int] = []
    with contextlib.suppress(OSError):  # a process that has just ended
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            children += map(int, task.read_text().split())
    return [pid, *(one for child in children for one in descendants(child))]


def command_line(pid: int) -> str:
    """The command of a process; "" if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8").replace("\0", " ")
    except OSError:
        return ""


def is_answered(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310  our own server
        return bool(response.status == 200)
    return False


@dataclass
class Airflow:
    """A deployment of Airflow: its folder, its variables, its metadata database, its processes."""

    folder: Path
    environment: dict[str, str]
    database: Server
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def run(self, *command: str) -> None:
        """Run a command of Airflow to its end."""
        done = subprocess.run(
            [PYTHON, "-m", "airflow", *command],
            cwd=self.folder, env=self.environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    def start(self, name: str, *command: str | Path, **variables: str) -> None:
        """Start a service, whose output goes to a file."""
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=self.folder, env={**self.environment, **variables},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        """Kill a service and all that it runs at once, as if its machine had failed."""
        process = self.processes.pop(name)
        for pid in descendants(process.pid) if process.poll() is None else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query of the metadata database."""
        with psycopg.connect(self.database.uri) as connection:
            return connection.execute(query).fetchall()

    def trigger(self, companies: list[str], run_id: str) -> None:
        """Start a run of the DAG for some companies."""
        self.run("variables", "set", DAG, json.dumps(companies))
        self.run("dags", "trigger", DAG, "--run-id", run_id)

    def has_ended(self, run_id: str) -> bool:
        """Whether a run has ended; fails if it did not succeed."""
        ((state,),) = self.rows(f"select state from dag_run where run_id = '{run_id}'")
        assert state != "failed", self.rows(f"{LOADS} and run_id = '{run_id}'")
        return bool(state == "success")

    def succeeded(self, run_id: str) -> list[str]:
        """The companies that a run has loaded."""
        loads = self.rows(f"{LOADS} and run_id = '{run_id}' and state = 'success'")
        return [COMPANIES[number] for number, *_ in loads]


@pytest.fixture
def companies() -> Iterator[dict[str, Emulator]]:
    """An account for each company. Their lists have the same ids."""
    with contextlib.ExitStack() as stack:
        made = {}
        for number, name in enumerate(COMPANIES):
            api = Emulator(WORK_ORDERS, seed=100 + number, days=60, latency=0.1, company_id=COMPANY_ID + number)
            made[name] = stack.enter_context(api)
        yield made


def connections(companies: dict[str, Emulator]) -> dict[str, str]:
    """Airflow's connections, in the environment."""
    return {
        f"AIRFLOW_CONN_FIELDNATION_{name.upper()}": json.dumps(
            {
                "conn_type": "generic",
                "login": api.client_id,
                "password": api.client_secret,
                "extra": {"api_url": api.url, "requests_per_minute": 50, "page_size": 10},
            }
        )
        for name, api in companies.items()
    }


@pytest.fixture
def project(postgres: Server, tmp_path: Path) -> Project:
    """The Meltano project, whose state is in PostgreSQL."""
    for name in ("airflow", "meltano", "warehouse"):
        with psycopg.connect(postgres.uri, autocommit=True) as connection:
            connection.execute(f"create database {name}")
    warehouse = postgres.with_database("warehouse")
    made = Project.create(tmp_path / "project", {}, warehouse)
    of_dbt = {
        f"DBT_POSTGRES_{name.upper()}": str(getattr(warehouse, name))
        for name in ("host", "port", "user", "password", "database")
    }
    state = {"MELTANO_DATABASE_URI": postgres.with_database("meltano").uri}
    return Project(made.folder, {**made.variables, **of_dbt, **state, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"})


@pytest.fixture
def airflow(postgres: Server, project: Project, companies: dict[str, Emulator], tmp_path: Path) -> Iterator[Airflow]:
    """Airflow's services, without workers."""
    redis = shutil.which("redis-server")
    assert redis, "redis-server is not installed"
    broker, server = free_port(), free_port()
    (tmp_path / "dags").mkdir()
    example = (ROOT / "examples" / "airflow_companies.py").read_text(encoding="utf-8")
    assert 'schedule="0 * * * *"' in example
    (tmp_path / "dags" / f"{DAG}.py").write_text(example.replace('schedule="0 * * * *"', "schedule=None"))
    metadata = postgres.with_database("airflow")
    settings = {
        "API__PORT": str(server),
        "API_AUTH__JWT_SECRET": "a secret of this test, which is long enough for its purpose, sixty-four bytes",
        "CELERY__BROKER_URL": f"redis://127.0.0.1:{broker}/0",
        "CELERY__RESULT_BACKEND": f"db+{metadata.uri}",
        "CELERY__WORKER_CONCURRENCY": "2",
        "CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{server}/execution/",
        "CORE__EXECUTOR": "CeleryExecutor",
        "CORE__LOAD_EXAMPLES": "False",
        "DATABASE__SQL_ALCHEMY_CONN": metadata.uri.replace("postgresql", "postgresql+psycopg2", 1),
        # a lost worker is noticed after a minute instead of five
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    }
    dbt = ROOT / ".venvs" / "dbt" / "bin"
    environment = {
        **project.environment(),
        **{f"AIRFLOW__{name}": value for name, value in settings.items()},
        **connections(companies),
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "DBT_PROFILES_DIR": str(project.folder / "dbt"),
        "FIELDNATION_DBT": str(dbt / "dbt"),
        "FIELDNATION_PROJECT": str(project.folder),
        "HOME": str(tmp_path),
        "PATH": os.pathsep.join([str(PYTHON.parent), str(BIN), os.environ["PATH"]]),
    }
    running = Airflow(tmp_path, environment, metadata)
    running.run("db", "migrate")
    running.run("pools", "set", "fieldnation", "4", "companies read at once")
    try:
        running.start("redis", redis, "--port", str(broker), "--bind", "127.0.0.1", "--save", "")
        running.start("api-server", PYTHON, "-m", "airflow", "api-server", "--port", str(server), "--workers", "1")
        running.start("scheduler", PYTHON, "-m", "airflow", "scheduler")
        running.start("dag-processor", PYTHON, "-m", "airflow", "dag-processor")
        until(lambda: is_answered(f"http://127.0.0.1:{server}/api/v2/monitor/health"), 3, "the API server answers")
        until(lambda: running.rows(f"select 1 from dag where dag_id = '{DAG}'"), 3, "the DAG is known")
        running.run("dags", "unpause", DAG)
        yield running
    finally:
        for name in list(running.processes):
            running.kill(name)


def worker(airflow: Airflow, name: str) -> None:
    command = ("celery", "worker", "--celery-hostname", f"{name}@%h", "--skip-serve-logs")
    airflow.start(name, PYTHON, "-m", "airflow", *command)


def orders(api: Emulator) -> list[Any]:
    """The work orders of a company."""
    return [api.company.work_order(one) for one in api.company.visible_ids()]


def has_template(order: Any) -> bool:
    return bool(order["template"] and order["template"]["id"])


def overlaps(runs: list[tuple[str, datetime, datetime, str]]) -> list[tuple[str, datetime]]:
    """The runs of a company that began before its previous run had ended."""
    return [
        (name, began)
        for (before, _, ended, _), (name, began, *_) in itertools.pairwise(runs)
        if before == name and began < ended
    ]


def test_forty_companies_survive_the_loss_of_a_worker(
    airflow: Airflow, companies: dict[str, Emulator], postgres: Server
) -> None:
    worker(airflow, "one")
    worker(airflow, "two")
    airflow.trigger(COMPANIES[:1], "first")  # creates the tables
    until(lambda: airflow.has_ended("first"), 10, "the first company is loaded")

    start = time.monotonic()
    airflow.trigger(COMPANIES, "all")

    def read_by_worker_one() -> set[str]:
        mine = "".join(map(command_line, descendants(airflow.processes["one"].pid)))
        begun = {name for name, api in companies.items() if len(api.log.of("/workorders")) >= 3}
        return {name for name in begun if f"--state-id-suffix={name} " in mine} - set(airflow.succeeded("all"))

    until(lambda: len(airflow.succeeded("all")) >= DONE_BEFORE_THE_KILL, 15, "some companies are loaded")
    lost = until(read_by_worker_one, 5, "the worker reads a company")
    airflow.kill("one")
    killed_after = time.monotonic() - start
    until(lambda: airflow.has_ended("all"), MINUTES, "all companies are loaded")
    seconds = time.monotonic() - start

    loads = [(COMPANIES[number], *load) for number, *load in sorted(airflow.rows(f"{LOADS} and run_id = 'all'"))]
    heading = ["company", "state", "tries", "worker", "start", "end"]
    sys.stdout.write(table(heading, [[str(cell) for cell in row] for row in loads]))  # pytest shows it, by -rA
    sys.stdout.write(f"\nkilled after {killed_after:.0f} s while reading {', '.join(sorted(lost))}; {seconds:.0f} s\n")
    assert [(name, state) for name, state, *_ in loads] == [(name, "success") for name in COMPANIES]
    tries = {name: number for name, _, number, *_ in loads}
    assert all(tries[name] > 1 for name in lost), "they were read again"

    with psycopg.connect(postgres.with_database("meltano").uri) as connection:
        runs = connection.execute(RUNS).fetchall()
    assert {name.rpartition(":")[2] for name, *_ in runs} == set(COMPANIES)
    assert overlaps(runs) == []
    with psycopg.connect(postgres.with_database("warehouse").uri) as connection:
        loaded = {one for (one,) in connection.execute("select id from fieldnation.work_orders")}
        modelled = connection.execute(MODELLED).fetchall()
        clients = connection.execute("select company_id, id, name from fieldnation.clients order by 1, 2").fetchall()
    assert loaded == {one for api in companies.values() for one in api.company.visible_ids()}
    assert len(loaded) == WORK_ORDERS * len(COMPANIES)
    assert clients == [
        (api.company.id, client.id, client.name)
        for api in companies.values()
        for client in api.company.directory.clients
    ], "no company overwrote rows of another"
    assert modelled == [
        (api.company.id, WORK_ORDERS, 0, sum(map(has_template, orders(api)))) for api in companies.values()
    ], "dbt ran after all companies"
