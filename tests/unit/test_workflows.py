"""The GitHub workflows: all supported Python versions, pinned actions, and no more permissions than needed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def loaded(file: Path) -> dict[str, Any]:
    workflow: dict[str, Any] = YAML(typ="safe").load(file)
    return workflow


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_every_action_is_pinned_by_its_commit(file: Path) -> None:
    used = re.findall(r"uses: (.*)", file.read_text(encoding="utf-8"))
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_rights_are_few(file: Path) -> None:
    workflow = loaded(file)
    assert workflow["permissions"] == {"contents": "read"}
    more = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    expected = {
        "release": {"publish": {"id-token": "write"}},
        "site": {"publish": {"id-token": "write", "pages": "write"}},
    }
    assert more == expected.get(file.stem, {})
    assert "secrets." not in file.read_text(encoding="utf-8")
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"] == {"persist-credentials": False}
            # what comes from outside goes into a script by the environment alone
            assert "${{" not in step.get("run", "")


def test_each_python_is_tested() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    versions = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    matrix = loaded(ROOT / ".github" / "workflows" / "tests.yml")["jobs"]["unit"]["strategy"]["matrix"]
    assert matrix["python"] == versions
