"""Databases that the tap loads, each with a dbt project that installs the dbt package."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
import typing as t
from dataclasses import dataclass

import psycopg

from demo.project import BIN, ROOT
from tests.whole.in_process import catalog, names
from tests.whole.targets import DUCKDB
from tests.whole.test_targets import installed

if t.TYPE_CHECKING:
    from pathlib import Path

    from demo.postgres import Server
    from emulator import Emulator

Row = dict[str, t.Any]
PACKAGE = ROOT / "dbt"
PROGRAMS = ROOT / ".venvs" / "dbt" / ("Scripts" if os.name == "nt" else "bin")
SECONDS = 600
RECONCILE_DAYS = 1e-5  # so every run reads closed work orders again

# The company's calendar is behind the clock.
NOW = """{% macro default__now_utc() %}cast('{{ env_var("NOW") }}' as {{ dbt.type_timestamp() }}){% endmacro %}"""

ASK_DUCKDB = """
import duckdb, json, sys
path, query = sys.argv[1:]
with duckdb.connect(path, read_only=True) as database:
    database.execute("set search_path = 'analytics,analytics_staging,fieldnation'")
    answer = database.execute(query)
    columns = [column[0] for column in answer.description]
    print(json.dumps([dict(zip(columns, row)) for row in answer.fetchall()], default=str))
"""


@dataclass
class Warehouse:
    """A database with the tables of the tap, and a dbt project with the package.

    Attributes:
        adapter: The dbt adapter.
        folder: Of the project.
        server: The PostgreSQL server, whether or not it is used.
        now: The time that it is for the models.
    """

    adapter: str
    folder: Path
    server: Server
    now: str = ""

    @property
    def file(self) -> Path:
        """The DuckDB database."""
        return self.folder / "warehouse.duckdb"

    def environment(self) -> dict[str, str]:
        """The environment of dbt."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DBT_")}
        return {
            **inherited,
            "NOW": self.now,
            "DBT_TARGET": self.adapter,
            "DBT_POSTGRES_HOST": self.server.host,
            "DBT_POSTGRES_PORT": str(self.server.port),
            "DBT_POSTGRES_USER": self.server.user,
            "DBT_POSTGRES_PASSWORD": self.server.password,
            "DBT_POSTGRES_DATABASE": self.server.database,
            "DBT_DUCKDB_PATH": str(self.file),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "NO_COLOR": "1",
        }

    def create(self, package: Row, **variables: t.Any) -> None:
        """Write a project that installs the package."""
        self.folder.mkdir()
        shutil.copy(PACKAGE / "profiles.yml", self.folder)
        project = {
            "name": "company",
            "version": "1.0.0",
            "profile": "fieldnation",
            "flags": {"send_anonymous_usage_stats": False},
            "vars": variables,
            "dispatch": [{"macro_namespace": "fieldnation", "search_order": ["company", "fieldnation"]}],
        }
        (self.folder / "dbt_project.yml").write_text(json.dumps(project))
        (self.folder / "packages.yml").write_text(json.dumps({"packages": [package]}))
        (self.folder / "macros").mkdir()
        (self.folder / "macros" / "now.sql").write_text(NOW)
        self.dbt("deps")

    def dbt(self, *arguments: str, code: int = 0) -> str:
        """What a dbt command says."""
        done = subprocess.run(
            [PROGRAMS / "dbt", *arguments],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            check=False,
            text=True,
            timeout=SECONDS,
        )
        told = [line for line in done.stdout.splitlines() if not re.search(r" (START|PASS|OK|SKIP) ", line)]
        assert done.returncode == code, "\n".join([*told, done.stderr])
        return done.stdout

    def rows(self, query: str) -> list[Row]:
        """What a query returns. Of DuckDB, times and exact numbers are text."""
        if self.adapter == "duckdb":
            done = subprocess.run(
                [PROGRAMS / "python", "-c", ASK_DUCKDB, self.file, query], capture_output=True, check=False, text=True
            )
            assert done.returncode == 0, done.stderr
            found: list[Row] = json.loads(done.stdout)
            return found
        options = "-c search_path=analytics,analytics_staging,fieldnation -c timezone=UTC"
        with psycopg.connect(self.server.uri, options=options, row_factory=psycopg.rows.dict_row) as connection:
            return connection.execute(query.encode()).fetchall()

    def execute(self, statement: str) -> None:
        """Change something in PostgreSQL."""
        with psycopg.connect(self.server.uri) as connection:
            connection.execute(statement.encode())


class Loader:
    """Runs the tap, and loads what it writes into both databases."""

    def __init__(self, api: Emulator, folder: Path, server: Server, duckdb: Path) -> None:
        self._folder = folder
        config = {"client_id": api.client_id, "client_secret": api.client_secret, "api_url": api.url}
        postgres = {name: getattr(server, name) for name in ("host", "port", "user", "password", "database")}
        files: dict[str, t.Any] = {
            "config": {**config, "requests_per_minute": 60_000, "reconcile_days": RECONCILE_DAYS},
            "catalog": catalog(names()),
            "state": {},
            "postgres": {
                **postgres,
                "default_target_schema": "fieldnation",
                "validate_records": False,
                "use_copy": True,
            },
            "duckdb": {"filepath": str(duckdb), "default_target_schema": "fieldnation"},
        }
        for name, content in files.items():
            (folder / f"{name}.json").write_text(json.dumps(content))

    def load(self) -> None:
        """One run."""
        arguments = [f"--{name}={name}.json" for name in ("config", "catalog", "state")]
        with (self._folder / "messages").open("wb") as output:
            self._run([BIN / "tap-fieldnation", *arguments], stdout=output)
        for program, config in (
            (BIN / "target-postgres", "postgres.json"),
            (installed(DUCKDB.packages) / DUCKDB.program, "duckdb.json"),
        ):
            with (self._folder / "messages").open("rb") as messages:
                states = self._run([program, "--config", config], stdin=messages, stdout=subprocess.PIPE)
            (self._folder / "state.json").write_bytes(states.splitlines()[-1])

    def _run(self, command: list[str | Path], **streams: t.Any) -> bytes:
        environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
        done = subprocess.run(
            command, cwd=self._folder, env=environment, check=False, stderr=subprocess.PIPE, timeout=SECONDS, **streams
        )
        assert done.returncode == 0, done.stderr.decode()
        return t.cast("bytes", done.stdout)


@functools.cache
def in_git(folder: Path) -> Row:
    """The package as users install it, in a repository with the files of this one."""
    copied = folder / "repository"
    shutil.copytree(PACKAGE, copied / "dbt", ignore=shutil.ignore_patterns("target", "logs", "dbt_packages"))
    who = ("-c", "user.name=tests", "-c", "user.email=tests@localhost")
    for arguments in (("init", "-q", "-b", "main"), ("add", "."), (*who, "commit", "-q", "-m", "all")):
        subprocess.run(["git", *arguments], cwd=copied, check=True)  # noqa: S607
    return {"git": copied.as_uri(), "subdirectory": "dbt", "revision": "main"}
