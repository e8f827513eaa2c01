"""The README, as somebody follows it who knows nothing else: its commands, from an empty folder; and its links.

Real: the clone (of what is here, by git), the demo, and each run of the tap, Meltano and target-postgres. Not as it is
written: environment variables point at the emulator and at an embedded PostgreSQL; what would be installed is taken
from the environment that the tests run in; the demo has fewer work orders, and the tests are few; and `.env` is not
filled in.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
import typing as t

import psycopg
import pytest

from demo.project import BIN, ROOT
from emulator import Emulator

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from demo.postgres import Server

HOME = "https://github.com/tap-fieldnation/tap-fieldnation"
README = ROOT / "README.md"
SHELL = re.compile(r"^```(?:sh|bash|console|shell)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGES = [
    README,
    *(ROOT / f"{name}.md" for name in ("CONTRIBUTING", "CHANGELOG", "SECURITY")),
    *sorted((ROOT / "docs").glob("*.md")),
]


@pytest.fixture
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=130, seed=6, rate_limit=0) as running:
        yield running


def git(*arguments: str, folder: Path) -> str:
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.com", "-c", f"safe.directory={ROOT}"]
    program = shutil.which("git") or pytest.skip("no git here")
    command = [program, *identity, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, encoding="utf-8").stdout


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A repository that holds what is here, committed or not."""
    if not (ROOT / ".git").exists():
        pytest.skip("not in a clone")
    folder = tmp_path / "published"
    for name in git("ls-files", "-z", "-co", "--exclude-standard", folder=ROOT).split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git("init", "--quiet", "--initial-branch=main", folder=folder)
    git("add", "--all", folder=folder)
    git("commit", "--quiet", "--message=All", folder=folder)
    return folder


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder for PATH: programs that say what they would install, and a `python3` that is ours."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "python3").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (folder / "pipx").write_text('#!/bin/sh\necho "not done again, it is there: pipx $*"\n')
    for file in folder.iterdir():
        file.chmod(0o755)
    return folder


LESS = ("./dev demo --work-orders 120", "./dev test tests/unit/test_timestamps.py")

# Makes `.venv` of the clone one that is up to date: the packages of the environment that the tests run in.
REUSE = """
import importlib.machinery, importlib.util, pathlib, sys
loader = importlib.machinery.SourceFileLoader("dev", "dev")
dev = importlib.util.module_from_spec(importlib.util.spec_from_loader("dev", loader))
loader.exec_module(dev)
dev.VENV.mkdir()
for part in pathlib.Path(sys.prefix).iterdir():
    if part.name in ("bin", "Scripts", "lib", "lib64", "Lib", "pyvenv.cfg"):
        (dev.VENV / part.name).symlink_to(part)
(dev.VENV / "installed-by-dev").write_text(dev.fingerprint(sys.executable, dev.PINS, dev.PROJECT))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a shell of Unix")
def test_its_commands_work_in_order_from_an_empty_folder(
    api: Emulator, database: Server, published: Path, programs: Path, tmp_path: Path
) -> None:
    blocks = SHELL.findall(README.read_text(encoding="utf-8"))
    assert len(blocks) >= 5
    first = blocks[0].removesuffix("./dev demo\n./dev test\n")
    assert first != blocks[0], "the two commands are there"
    reuse = textwrap.dedent(f"python3 - <<'REUSE'\n{REUSE}\nREUSE\n")
    script = "\n".join(["set -euxo pipefail", first, reuse, *LESS, *blocks[1:]])
    foreign = ("MELTANO_", "TAP_FIELDNATION_", "TARGET_POSTGRES_", "VIRTUAL_ENV", "PYTEST_")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
        "PATH": os.pathsep.join([str(programs), str(BIN), os.environ["PATH"]]),
        "NO_PROXY": "127.0.0.1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{published}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"{HOME}.git",
        "TAP_FIELDNATION_API_URL": api.url,
        "TAP_FIELDNATION_CLIENT_ID": api.client_id,
        "TAP_FIELDNATION_CLIENT_SECRET": api.client_secret,
        "TAP_FIELDNATION_REQUESTS_PER_MINUTE": "6000",
        "TARGET_POSTGRES_HOST": database.host,
        "TARGET_POSTGRES_PORT": str(database.port),
        "TARGET_POSTGRES_USER": database.user,
        "TARGET_POSTGRES_PASSWORD": database.password,
        "TARGET_POSTGRES_DATABASE": database.database,
        "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": "fieldnation",
    }
    empty = tmp_path / "empty"
    empty.mkdir()
    with (tmp_path / "said").open("w+", encoding="utf-8") as said:
        command = [shutil.which("bash") or "bash", "-c", script]
        code = subprocess.run(
            command, cwd=empty, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False
        ).returncode
        said.seek(0)
        text = said.read()
    assert code == 0, text[-6000:]
    assert re.search(r"^fieldnation_dev\.work_orders +120$", text, re.MULTILINE), "the demo shows what landed"
    assert "A join of five tables" in text
    assert "GET /workorders responds with 200: the API counts 130 work orders" in text
    assert "total, at least" in text
    assert '"bookmarks"' in (empty / "tap-fieldnation" / "state.json").read_text()
    with psycopg.connect(database.uri) as connection:
        (count,) = connection.execute("select count(*) from fieldnation.work_orders").fetchone() or (0,)
    assert count == 130
    assert "Block run completed" in text, "Meltano has run too"


def test_it_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) < 200


def test_dev_lists_its_commands_and_the_documentation_has_them() -> None:
    listed = subprocess.run([sys.executable, ROOT / "dev"], check=True, capture_output=True, text=True).stdout
    commands = re.findall(r"^(\w+)  +\S.*\.$", listed, re.MULTILINE)
    assert {"demo", "test", "lint", "docs", "bench", "emulator", "matrix"} <= set(commands)
    page = (ROOT / "docs" / "development.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `\./dev (\w+)` \|", page, re.MULTILINE)) == set(commands)


def anchors(page: Path) -> set[str]:
    """What headings can be linked to."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_its_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        place, _, anchor = link.partition("#")
        if place.startswith(f"{HOME}/blob/main/"):
            target = ROOT / place.removeprefix(f"{HOME}/blob/main/")
        elif "://" in place:
            continue
        else:
            target = (page.parent / place).resolve() if place else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []
