"""docs/reliability.md: each promise names a test, and each test that it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
PROMISES = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in PAGE.partition("## Promises\n")[2].partition("\n## ")[0].splitlines()
    if line.startswith("| ") and not line.startswith("| promise |")
]


def test_there_are_promises() -> None:
    assert len(PROMISES) >= 25
    assert len({promise for promise, *_ in PROMISES}) == len(PROMISES)


@pytest.mark.parametrize(("promise", "_figure", "test"), PROMISES, ids=[promise for promise, *_ in PROMISES])
def test_a_promise_has_a_test(promise: str, _figure: str, test: str) -> None:
    assert promise
    found = re.fullmatch(r"(tests/[\w/]+\.py)::(test_\w+)", test)
    assert found, "no test is named"
    file, name = found.groups()
    nodes = ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8")))
    assert name in {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
