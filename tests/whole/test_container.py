"""The container images, built by `./dev image` and run with a read-only root file system, and the Kubernetes manifest.

`./dev container` runs these tests. They need root, buildah and util-linux. The base image is pulled; where that is
impossible, it is made with debootstrap.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import psycopg
import pytest
from ruamel.yaml import YAML

from demo.project import ROOT
from emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from demo.postgres import Server

pytestmark = [pytest.mark.container, pytest.mark.skipif(sys.platform == "win32", reason="Windows has no buildah")]

BASE = "docker.io/library/python:3.13-slim"  # the default in Containerfile
OWN_BASE = "localhost/tap-fieldnation-test-base"
PACKAGES = "ca-certificates,python3,python3-pip,python3-venv"
MANIFEST = ROOT / "examples" / "kubernetes" / "cronjob.yaml"
VALIDATE = ROOT / ".venvs" / "kubernetes" / "bin" / "kubernetes-validate"
# In new namespaces: the root file system is read-only, some folders are writable, no process of the machine is visible,
# and the program of the image is process 1, which signals reach as they do in a container.
RUN = """
set -e
root=$1 user=$2 writable=$3; shift 3
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/dev/shm"
for folder in $writable; do mount -t tmpfs -o "uid=${user%:*},gid=${user#*:}" tmpfs "$root$folder"; done
exec chroot --userspec="$user" "$root" /usr/bin/env -i "$@"
"""


def buildah(*arguments: str | Path) -> str:
    environment = {**os.environ, "BUILDAH_ISOLATION": "chroot"}
    done = subprocess.run(["buildah", *arguments], env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"buildah {arguments}: {done.stderr}"
    return done.stdout.strip()


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A base image: the default one, or Debian's Python."""
    assert shutil.which("buildah"), "buildah is not installed"
    with contextlib.suppress(subprocess.SubprocessError):  # without a network, it tries again for minutes
        subprocess.run(["buildah", "pull", "--quiet", BASE], check=True, capture_output=True, timeout=60)
        return BASE
    if OWN_BASE not in buildah("images", "--format", "{{.Name}}"):
        root = tmp_path_factory.mktemp("debian")
        subprocess.run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "stable", root], check=True)
        certificates = Path("/etc/ssl/certs/ca-certificates.crt")
        shutil.copy(certificates, root / certificates.relative_to("/"))  # with those of a proxy of this machine
        made = buildah("from", "scratch")
        buildah("add", "--quiet", made, root, "/")
        buildah("commit", "--quiet", "--rm", made, OWN_BASE)
    return OWN_BASE


@dataclass(frozen=True)
class Running:
    """A running image: the process that waits for it, the id of its process 1 on this machine, and its output."""

    process: subprocess.Popen[bytes]
    first: int
    output: IO[bytes]
    log: IO[bytes]

    def ended(self, seconds: int = 300) -> tuple[int, str, str]:
        """Wait for its end; returns its exit code, its output and its log."""
        code = self.process.wait(seconds)
        texts = []
        for file in (self.output, self.log):
            file.seek(0)
            texts.append(file.read().decode())
        return code, texts[0], texts[1]


@dataclass(frozen=True)
class Image:
    """An image, mounted."""

    root: str
    config: Mapping[str, Any]

    @contextlib.contextmanager
    def started(
        self, *command: str, variables: Mapping[str, str] | None = None, writable: str = "", entrypoint: bool = True
    ) -> Iterator[Running]:
        """Run the image; its program ends with the block."""
        variables = {"NO_PROXY": "127.0.0.1", **(variables or {})}
        settings = [*self.config["Env"], *(f"{name}={value}" for name, value in variables.items())]
        program = [*(self.config["Entrypoint"] if entrypoint else []), *(command or self.config.get("Cmd", []))]
        with (
            tempfile.TemporaryFile() as output,  # a pipe would be full before anyone reads it
            tempfile.TemporaryFile() as log,
            subprocess.Popen(
                [
                    "unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", RUN, "run",
                    self.root, self.config["User"], writable, f"--chdir={self.config.get('WorkingDir') or '/'}",
                    *settings, *program,
                ],
                stdin=subprocess.DEVNULL, stdout=output, stderr=log,
            ) as process,
        ):  # fmt: skip
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            while not (child := children.read_text()) and process.poll() is None:
                time.sleep(0.01)
            try:
                yield Running(process, int(child), output, log)
            finally:
                process.kill()

    def run(self, *command: str, **options: Any) -> tuple[int, str, str]:
        """Run the image to its end; returns its exit code, its output and its log."""
        with self.started(*command, **options) as running:
            return running.ended()


@pytest.fixture(scope="session")
def built(base: str) -> Iterator[dict[str, Image]]:
    """Both images."""
    options = [f"--build-arg=BASE={base}", "--layers=false"]
    pip = next(filter(Path.exists, (Path("/etc/pip.conf"), Path.home() / ".config" / "pip" / "pip.conf")), None)
    if pip:
        options.append(f"--secret=id=pip,src={pip}")
    environment = {**os.environ, "BUILDAH_ISOLATION": "chroot"}
    done = subprocess.run(
        [sys.executable, ROOT / "dev", "image", *options], env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found, containers = {}, []
    for name in ("tap-fieldnation", "tap-fieldnation-meltano"):
        containers.append(buildah("from", f"localhost/{name}"))
        config = json.loads(buildah("inspect", "--type", "image", f"localhost/{name}"))["OCIv1"]["config"]
        found[name] = Image(buildah("mount", containers[-1]), config)
    yield found
    for container in containers:
        buildah("rm", container)


@pytest.fixture
def tap(built: dict[str, Image]) -> Image:
    return built["tap-fieldnation"]


@pytest.fixture
def meltano(built: dict[str, Image]) -> Image:
    return built["tap-fieldnation-meltano"]


@pytest.fixture
def api() -> Iterator[Emulator]:
    with Emulator(work_orders=400, seed=5, rate_limit=0) as running:
        yield running


def settings(api: Emulator) -> dict[str, str]:
    named = {"api_url": api.url, "client_id": api.client_id, "client_secret": api.client_secret}
    return {f"TAP_FIELDNATION_{name.upper()}": value for name, value in named.items()} | {
        "TAP_FIELDNATION_REQUESTS_PER_MINUTE": "6000",
        "TAP_FIELDNATION_PAGE_SIZE": "10",
    }


def ids(messages: str) -> set[int]:
    """The ids of the work orders among Singer messages."""
    found = map(json.loads, messages.splitlines())
    return {one["record"]["id"] for one in found if one["type"] == "RECORD" and one["stream"] == "work_orders"}


def test_the_image_says_what_the_tap_is(tap: Image) -> None:
    code, output, log = tap.run("--about", "--format=json")
    assert code == 0, log
    assert json.loads(output)["name"] == "tap-fieldnation"


def test_the_user_has_no_rights_and_the_image_no_build_tools(tap: Image) -> None:
    assert tap.config["User"] == "10001:10001"
    code, output, _ = tap.run("sh", "-c", "id -u; touch /opt/tap/x || echo read-only; ls /src", entrypoint=False)
    assert (code != 0, output) == (True, "10001\nread-only\n")
    assert not Path(tap.root, "opt/build").exists()
    assert not list(Path(tap.root, "opt/tap").rglob("pip"))


def test_the_tap_adds_little_to_its_base(tap: Image) -> None:
    files = [file for file in Path(tap.root, "opt/tap").rglob("*") if file.is_file() and not file.is_symlink()]
    assert 10_000_000 < sum(file.stat().st_size for file in files) < 80_000_000


def stopped(running: Running, api: Emulator, pages: int = 8) -> tuple[int, str, str]:
    """Stop a run as `docker stop` does, after some pages; returns how it ended, within 20 seconds."""
    while len(api.log.of("/workorders")) < pages:
        time.sleep(0.02)
        assert running.process.poll() is None, running.ended()
    os.kill(running.first, signal.SIGTERM)
    return running.ended(seconds=20)


def test_a_stop_in_mid_run_writes_state_from_which_the_next_run_continues(tap: Image) -> None:
    with Emulator(work_orders=1_500, seed=5, rate_limit=0, latency=0.05) as api:
        with tap.started("--config=ENV", variables=settings(api)) as running:
            code, output, log = stopped(running, api, pages=60)
        assert code == 128 + signal.SIGTERM, log
        last = json.loads(output.splitlines()[-1])
        assert last["type"] == "STATE"
        begun, everything = ids(output), set(api.company.visible_ids())
        assert begun < everything

        state = json.dumps(last["value"])
        command = f"echo '{state}' > /run/state.json; exec tap-fieldnation --config=ENV --state /run/state.json"
        code, output, log = tap.run("sh", "-c", command, entrypoint=False, variables=settings(api), writable="/run")
        assert code == 0, log
        assert len(ids(output)) < len(everything), "it begins where the first run stopped"
        assert begun | ids(output) == everything


def loader(database: Server) -> dict[str, str]:
    return {
        "TARGET_POSTGRES_HOST": database.host,
        "TARGET_POSTGRES_PORT": str(database.port),
        "TARGET_POSTGRES_USER": database.user,
        "TARGET_POSTGRES_PASSWORD": database.password,
        "TARGET_POSTGRES_DATABASE": database.database,
        "MELTANO_DATABASE_URI": database.uri,
    }


WRITABLE = "/tmp /var/lib/meltano"  # noqa: S108  the volumes of the manifest, in the container


def loaded(database: Server) -> set[int]:
    with psycopg.connect(database.uri) as connection:
        return {one for (one,) in connection.execute("select id from fieldnation.work_orders")}


def test_the_image_with_meltano_loads_everything(meltano: Image, api: Emulator, database: Server) -> None:
    code, output, log = meltano.run(variables={**settings(api), **loader(database)}, writable=WRITABLE)
    assert code == 0, output + log
    assert loaded(database) == set(api.company.visible_ids())


def test_a_stop_of_meltano_loses_nothing(meltano: Image, api: Emulator, database: Server) -> None:
    api.switch(latency=0.1)
    variables = {**settings(api), **loader(database)}
    with meltano.started(variables=variables, writable=WRITABLE) as running:
        code, _, log = stopped(running, api)
    assert code == 128 + signal.SIGTERM, log
    api.switch(latency=0)
    code, output, log = meltano.run(variables=variables, writable=WRITABLE)
    assert code == 0, output + log
    assert loaded(database) == set(api.company.visible_ids())


# Kubernetes


def test_the_manifest_fits_the_schemas_of_kubernetes(tmp_path: Path) -> None:
    def complaints(text: str) -> str:
        (tmp_path / "cronjob.yaml").write_text(text, encoding="utf-8")
        command = [str(VALIDATE), "--strict", str(tmp_path / "cronjob.yaml")]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        return done.stdout + done.stderr if done.returncode else ""

    text = MANIFEST.read_text(encoding="utf-8")
    assert complaints(text) == ""
    assert "concurrencyPolice" in complaints(text.replace("concurrencyPolicy", "concurrencyPolice"))
    assert complaints(text.replace("backoffLimit: 1", "backoffLimit: one")), "a wrong type"


def test_the_manifest_runs_the_image_as_these_tests_do(meltano: Image) -> None:
    job = YAML(typ="safe").load(MANIFEST)["spec"]
    assert job["concurrencyPolicy"] == "Forbid"
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}" == meltano.config["User"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert " ".join(sorted(mount["mountPath"] for mount in container["volumeMounts"])) == WRITABLE
    assert "command" not in container, "the image's own"
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
