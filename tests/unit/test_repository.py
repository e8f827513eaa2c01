"""The files beside the code: they agree with the code, and are fit to be published.

What is made from what the tap says, `tools/docs.py` makes: `./dev docs`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from packaging.requirements import Requirement
from packaging.version import Version
from ruamel.yaml import YAML

from tools import docs

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
# in brackets, so that this file does not hold what it looks for
NOT_TO_BE_PUBLISHED = re.compile(
    r"/wor[k]/|/far[m]/|/roo[t]/|/hom[e]/[a-z]|/op[t]/(wheels|pypi)|/tm[p]/[a-z]|\.\./share[d]"
    r"|pyp[i]\.org|pythonhoste[d]|npmj[s]\.(org|com)|registry\.np[m]|debia[n]\.org"
)


def repository() -> Iterator[Path]:
    """The files that are, or are about to be, committed."""
    if (ROOT / ".git").exists() and (git := shutil.which("git")):
        listed = subprocess.run(
            [git, "-c", f"safe.directory={ROOT}", "ls-files", "-z", "-co", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        yield from filter(Path.is_file, (ROOT / name for name in listed.split("\0") if name))
        return
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name in (".ci", ".github") or not name.startswith((".", "__"))]
        yield from (Path(folder, name) for name in names)


def test_generated_documents_are_up_to_date() -> None:
    generated = docs.documents()
    outdated = [
        str(file.relative_to(ROOT)) for file, text in generated.items() if docs.read_text_or_empty(file) != text
    ]
    assert outdated == [], "run ./dev docs"
    assert len(generated) >= 5


@pytest.fixture(scope="module")
def meltano() -> dict[str, Any]:
    """meltano.yml."""
    loaded: dict[str, Any] = YAML(typ="safe").load(ROOT / "meltano.yml")
    return loaded


def test_meltano_project_is_as_meltano_wants_it(meltano: dict[str, Any]) -> None:
    schema = json.loads((files("meltano") / "schemas" / "meltano.schema.json").read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(meltano)] == []
    assert "version" not in meltano, "deprecated"


def test_meltano_knows_the_tap(meltano: dict[str, Any]) -> None:
    (tap,) = meltano["plugins"]["extractors"]
    assert [setting["name"] for setting in tap["settings"]] == list(docs.settings())
    assert {s["name"] for s in tap["settings"] if s.get("sensitive")} == {
        name for name, setting in docs.settings().items() if setting.get("secret")
    }
    assert {s["name"]: s["value"] for s in tap["settings"] if "value" in s} == {
        name: setting["default"] for name, setting in docs.settings().items() if "default" in setting
    }
    assert tap["select"] == [f"{name}.*" for name in docs.by_default()]


def test_nothing_of_a_machine_or_a_registry_is_published() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in repository()
        for match in NOT_TO_BE_PUBLISHED.finditer(file.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def test_the_site_leads_to_each_page() -> None:
    """`./dev site` fails otherwise, but takes packages that not every change installs."""
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    assert {page.name for page in (ROOT / "docs").glob("*.md")} <= set(
        re.findall(r": (\S+\.md)$", navigation, re.MULTILINE)
    )


WITHOUT_HASHES = ("airflow.txt", "dagster.txt")  # only tests use these: hashes would be most of the repository


@pytest.mark.parametrize("file", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda file: file.stem)
def test_pins_have_hashes_and_no_address(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if file.name in WITHOUT_HASHES:
        assert "://" not in text + file.with_suffix(".in").read_text(encoding="utf-8")
        return
    assert "://" not in text
    assert "--" not in text.replace("--hash=sha256:", "")
    assert all(" \\\n    --hash=" in pin for pin in re.split(r"\n(?=\w)", text.strip()))


def test_only_what_the_image_copies_can_get_into_it() -> None:
    build = (ROOT / "Containerfile").read_text(encoding="utf-8")
    sources = {
        source for copy in re.findall("^COPY (?!--from)(.*)$", build, re.MULTILINE) for source in copy.split()[:-1]
    }
    rules = [
        line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    assert rules[0] == "*", "everything is left out, except for what follows"
    allowed = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert all(
        any(fnmatch(f"{source}", rule) or rule.startswith(f"{source}/") for rule in allowed) for source in sources
    )
    secret = (".env", ".git", "config.json", "state.json", ".meltano", "target.json", "tests", ".venv")
    assert not any(fnmatch(name, rule) for name in secret for rule in allowed)


def test_pins_fit_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [
        Requirement(text)
        for text in [*project["project"]["dependencies"], *chain(*project["dependency-groups"].values())]
        if isinstance(text, str)
    ]
    text = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    pins = re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE)
    for requirement in asked:
        versions = [Version(version) for name, version in pins if name == requirement.name]
        assert versions, f"{requirement} is not pinned: run ./dev lock"
        assert all(version in requirement.specifier for version in versions), f"{requirement}: run ./dev lock"
