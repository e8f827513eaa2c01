"""Meltano's state in PostgreSQL and in a bucket, so that it outlives a machine: `./dev state`.

Each machine is a folder with the project and nothing else. The bucket is SeaweedFS's, an S3 server. It comes from the
package index, as Meltano's support for S3 does, in the environment of `./dev state`.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from demo.project import BIN, ROOT, Project
from emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.postgres import Server

pytestmark = [pytest.mark.state, pytest.mark.skipif(sys.platform == "win32", reason="SeaweedFS's package is for Unix")]

PROGRAMS = ROOT / ".venvs" / "state" / "bin"
KEY, SECRET, BUCKET = "meltano", "the-secret-of-the-bucket", "states"
STATE = "prod:tap-fieldnation-to-target-postgres"
WORK_ORDERS = 130
SECONDS = 180
BACKENDS = ("postgres", "bucket")
CREATE = "import boto3, sys; boto3.client('s3', endpoint_url=sys.argv[1]).create_bucket(Bucket=sys.argv[2])"
KEYS = """
import boto3, sys
found = boto3.client("s3", endpoint_url=sys.argv[1]).list_objects_v2(Bucket=sys.argv[2])
print(*(each["Key"] for each in found["Contents"]))
"""
AWS = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}


def free_port() -> int:
    """A free port below 55,536: SeaweedFS also listens on the port 10,000 above each."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port < 55_536:
            return port


def s3(code: str, address: str) -> str:
    """Run a line of Python with boto3; returns what it prints."""
    command = [str(PROGRAMS / "python"), "-c", code, address, BUCKET]
    environment = {**os.environ, **AWS, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise OSError(done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an S3 server with a bucket."""
    folder = tmp_path_factory.mktemp("seaweedfs")
    (folder / "data").mkdir()
    identity = {"name": "meltano", "credentials": [{"accessKey": KEY, "secretKey": SECRET}], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    # Seven volumes are made for the bucket, and as many for the log of changes, which begins after a minute.
    command = [
        str(PROGRAMS / "weed"), "server", "-ip=127.0.0.1", f"-dir={folder / 'data'}", "-filer", "-s3",
        f"-s3.config={folder / 's3.json'}", "-volume.max=50", "-s3.port.iceberg=0", "-s3.port.lance=0",
        *(f"-{name}.port={port}" for name, port in ports.items()),
    ]  # fmt: skip
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
    ):
        address = f"http://127.0.0.1:{ports['s3']}"
        try:
            deadline = time.monotonic() + 60
            while True:
                with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                    s3(CREATE, address)
                    break
                assert time.monotonic() < deadline, (folder / "log").read_text()
            yield address
        finally:
            process.kill()  # on SIGTERM, SeaweedFS waits for minutes


@pytest.fixture
def api() -> Iterator[Emulator]:
    with Emulator(WORK_ORDERS, seed=9, rate_limit=0) as running:
        yield running


@pytest.fixture
def backends(database: Server, bucket: str, tmp_path: Path) -> dict[str, dict[str, str]]:
    """The settings of Meltano for each backend."""
    meltano = database.with_database(f"{database.database}_meltano")
    with psycopg.connect(database.uri, autocommit=True) as connection:
        connection.execute(f"create database {meltano.database}")
    in_postgres = {"MELTANO_DATABASE_URI": meltano.uri}
    in_bucket = {
        "MELTANO_STATE_BACKEND_URI": f"s3://{BUCKET}/{tmp_path.name}",
        "MELTANO_STATE_BACKEND_S3_ENDPOINT_URL": bucket,
        "MELTANO_STATE_BACKEND_S3_AWS_ACCESS_KEY_ID": KEY,
        "MELTANO_STATE_BACKEND_S3_AWS_SECRET_ACCESS_KEY": SECRET,
    }
    return {"postgres": in_postgres, "bucket": in_bucket, "bucket, and postgres for runs": {**in_postgres, **in_bucket}}


class Machine:
    """A folder with the project, whose state is elsewhere."""

    def __init__(self, folder: Path, api: Emulator, database: Server, backend: dict[str, str]) -> None:
        settings = {
            "api_url": api.url,
            "client_id": api.client_id,
            "client_secret": api.client_secret,
            "requests_per_minute": "6000",
            "page_size": "10",
        }
        self.folder = folder
        project = Project.create(folder, settings, database)
        path = os.pathsep.join([str(PROGRAMS), str(BIN), os.environ["PATH"]])
        self.environment = {**project.environment(), **backend, "PATH": path}

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start Meltano; its output goes to a file."""
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                [PROGRAMS / "meltano", "--environment=prod", *command],
                cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def ended(self, process: subprocess.Popen[bytes]) -> tuple[int, str]:
        """The exit code of Meltano, and what it said."""
        return process.wait(SECONDS), (self.folder / "log").read_text(encoding="utf-8")

    def run(self, *command: str) -> str:
        """Run Meltano to its end; returns what it said."""
        code, said = self.ended(self.start(*command))
        assert code == 0, said
        return said


def loaded(database: Server) -> list[int]:
    with psycopg.connect(database.uri) as connection:
        return [one for (one,) in connection.execute("select id from fieldnation.work_orders order by id")]


LOAD = ("run", "fieldnation-to-postgres")


@pytest.mark.parametrize("backend", BACKENDS)
def test_another_machine_continues(
    backend: str, backends: dict[str, dict[str, str]], api: Emulator, database: Server, bucket: str, tmp_path: Path
) -> None:
    first = Machine(tmp_path / "first", api, database, backends[backend])
    first.run(*LOAD)
    whole = len(api.log.of("/workorders"))
    assert loaded(database) == sorted(api.company.visible_ids())
    if backend == "bucket":
        assert STATE in s3(KEYS, bucket).replace("%3A", ":")

    second = Machine(tmp_path / "second", api, database, backends[backend])
    assert STATE in second.run("state", "list")
    api.reset_log()
    assert "those that are new or can have changed" in second.run(*LOAD)
    assert len(api.log.of("/workorders")) < whole


def while_reading(machine: Machine, api: Emulator) -> subprocess.Popen[bytes]:
    """Start a run, and wait until it reads."""
    api.reset_log()
    api.switch(latency=0.3)
    running = machine.start(*LOAD)
    while len(api.log.of("/workorders")) < 4:
        time.sleep(0.05)
        assert running.poll() is None, (machine.folder / "log").read_text()
    return running


@pytest.mark.parametrize("backend", ["postgres", "bucket, and postgres for runs"])
def test_a_second_run_with_the_same_state_is_rejected(
    backend: str, backends: dict[str, dict[str, str]], api: Emulator, database: Server, tmp_path: Path
) -> None:
    first, second = (Machine(tmp_path / name, api, database, backends[backend]) for name in ("first", "second"))
    running = while_reading(first, api)
    code, said = second.ended(second.start(*LOAD))
    assert running.poll() is None, "the second run ended while the first one was reading"
    assert (code, "already running" in said) == (1, True), said
    assert len(api.issued_tokens) == 1, "it made no request"
    code, said = first.ended(running)
    assert code == 0, said
    assert loaded(database) == sorted(api.company.visible_ids())


def test_two_runs_with_one_state_in_a_bucket_are_harmless(
    backends: dict[str, dict[str, str]], api: Emulator, database: Server, tmp_path: Path
) -> None:
    machines = [Machine(tmp_path / name, api, database, backends["bucket"]) for name in ("first", "second", "third")]
    machines[0].run(*LOAD)  # creates the tables, which two runs at once could not
    api.advance(3)
    running = while_reading(machines[1], api)
    tokens = len(api.issued_tokens)
    other = machines[2].start(*LOAD)
    while len(api.issued_tokens) == tokens:
        time.sleep(0.05)
        assert other.poll() is None, (machines[2].folder / "log").read_text()
    assert running.poll() is None, "both are reading"
    code, said = machines[2].ended(other)
    assert code == 0, said
    code, said = machines[1].ended(running)
    assert code == 0, said
    api.switch(latency=0)
    machines[0].run(*LOAD)
    assert loaded(database) == sorted(api.company.visible_ids())
