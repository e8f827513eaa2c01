"""The repository's Meltano project, copied to an empty folder: without the state and the .env of this checkout.

The demo and the tests use it, so that both run what a user runs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.postgres import Server

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
SECONDS_TO_END = 10


@dataclass(frozen=True)
class Result:
    """The exit code of a command, its stdout and its stderr."""

    code: int
    output: str
    log: str

    @property
    def last_words(self) -> str:
        """The errors in its log, or the last lines of its output if there are none."""
        lines = f"{self.output}\n{self.log}".strip().splitlines()
        errors = [line for line in lines if "[error" in line or "[critical" in line]
        return "\n".join(errors[:10] or lines[-15:])


@dataclass(frozen=True)
class Project:
    """A folder with a copy of this repository's meltano.yml and dbt package, and the variables that plugins need."""

    folder: Path
    variables: Mapping[str, str] = field(repr=False)

    @classmethod
    def create(cls, folder: Path, api: Mapping[str, str], server: Server) -> Project:
        """Create a project that reads from an API (given as settings of the tap) and loads into a server."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "meltano.yml", folder)
        shutil.copytree(ROOT / "dbt", folder / "dbt", ignore=shutil.ignore_patterns("target", "logs", "dbt_packages"))
        tap = {f"TAP_FIELDNATION_{name.upper()}": value for name, value in api.items()}
        target = {
            "TARGET_POSTGRES_HOST": server.host,
            "TARGET_POSTGRES_PORT": str(server.port),
            "TARGET_POSTGRES_USER": server.user,
            "TARGET_POSTGRES_PASSWORD": server.password,
            "TARGET_POSTGRES_DATABASE": server.database,
        }
        return cls(folder, {**tap, **target})

    def environment(self) -> dict[str, str]:
        """The process environment: ours, but with only these variables for Meltano and the plugins."""
        # COVERAGE_ makes all Python programs slow, and the SDK read the `.env` of the folder
        foreign = ("MELTANO_", "TAP_FIELDNATION_", "TARGET_POSTGRES_", "DBT_", "COVERAGE_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return {
            **inherited,
            "PATH": os.pathsep.join([str(BIN), os.environ.get("PATH", os.defpath)]),
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
            "NO_COLOR": "1",
            "PYTHONUTF8": "1",
            **self.variables,
        }

    def meltano(self, *arguments: str) -> Result:
        """Run Meltano in the folder."""
        return self.run("meltano", *arguments)

    def run(self, command: str, *arguments: str) -> Result:
        """Run a program in the folder. The processes it starts end with it, or when this process is stopped."""
        program = shutil.which(command, path=BIN) or str(BIN / command)
        with (self.folder / "stdout").open("w+b") as output, (self.folder / "stderr").open("w+b") as log:
            with subprocess.Popen(
                [program, *arguments],
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                start_new_session=True,
            ) as process:
                try:
                    code = process.wait()
                finally:
                    _end(process)
            return Result(code, _text(output), _text(log))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    if sys.platform == "win32":
        process.kill()
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(SECONDS_TO_END)
            return
