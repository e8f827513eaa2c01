"""`./dev audit`: how it handles pip-audit's answer, and a missing one."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = {"name": "requests", "version": "2.34.2", "vulns": []}
BAD = {
    "name": "idna",
    "version": "3.1",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-2024-1"], "fix_versions": ["3.7"], "description": "long"}],
}
SKIPPED = {"name": "other", "skip_reason": "Dependency not found"}


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The chores, with nothing that they would install."""
    loader = importlib.machinery.SourceFileLoader("dev", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev", loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader.exec_module(module)
    monkeypatch.setattr(module, "install", lambda *_, **__: None)
    return module


def answer(monkeypatch: pytest.MonkeyPatch, output: str, log: str = "") -> list[list[str]]:
    """Let pip-audit say so; what it was called with."""
    calls: list[list[str]] = []

    def run(command: list[Any], **_: Any) -> subprocess.CompletedProcess[str]:
        calls.append([str(part) for part in command])
        return subprocess.CompletedProcess(command, 1, output, log)

    monkeypatch.setattr(subprocess, "run", run)
    return calls


def said(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_without_a_network_it_says_so_and_fails(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for output in ("", "Traceback", "[]", said(), said(SKIPPED)):
        answer(monkeypatch, output, "Traceback (most recent call last):\n  File …\nConnectionError: no such host\n")
        with pytest.raises(SystemExit) as caught:
            dev.audit([])
        assert caught.value.code == (
            "dev: nothing was checked, because the advisory service did not respond: check the network "
            "(ConnectionError: no such host)"
        )


def test_known_vulnerabilities_are_listed_and_fail(
    dev: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = answer(monkeypatch, said(GOOD, BAD))
    assert dev.audit([]) == 1
    assert [call[call.index("--requirement") + 1] for call in calls] == [
        "requirements/dev.txt",
        "requirements/audit.txt",
    ]
    output = capsys.readouterr().out
    assert "idna 3.1: PYSEC-1, CVE-2024-1; fixed in 3.7\n" in output
    assert "dev: known vulnerabilities: 2; " in output
    assert "requests" not in output


def test_a_package_that_was_not_checked_fails_too(
    dev: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, said(GOOD, SKIPPED))
    assert dev.audit([]) == 1
    assert "NOT checked, because the advisory service does not know them: other, other\n" in capsys.readouterr().out


def test_no_known_vulnerability_passes(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, said(GOOD))
    assert dev.audit([]) == 0
