"""docs/troubleshooting.md: each sentence in it is one that the tap says, and each advice that it gives is in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tap_fieldnation.api import auth, causes, errors, requester

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
HEADINGS = [line.removeprefix("### ") for line in PAGE.splitlines() if line.startswith("### ")]


def strings() -> Iterator[str]:
    """All texts in the code of the tap, with a gap where something is put in."""
    for file in (ROOT / "tap_fieldnation").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"%\w|%\.\df", "…", node.value)
            elif isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    for rule in (*vars(errors).values(), *vars(causes).values()):  # put together of several
        if isinstance(rule, errors.LoginRule):
            yield from rule
        elif isinstance(rule, errors.Rule):
            yield rule.advice


SAID = "\n".join(strings())


@pytest.mark.parametrize("heading", HEADINGS)
def test_the_tap_says_it(heading: str) -> None:
    parts = [part.strip(" :.()") for part in re.sub(r"HTTP \d+", "HTTP …", heading).split("…")]
    # an advice follows what it is about by a colon
    pieces = [piece for part in parts for piece in ([part] if part in SAID else part.split(": "))]
    assert [piece for piece in pieces if piece.strip(" :.()") not in SAID] == []
    assert max(map(len, parts)) > 8


def test_each_advice_is_there() -> None:
    others = (auth._NO_TOKEN, errors._NO_RESPONSE, errors._REDIRECT, requester._INVALID_JSON, errors._NOT_HTTP)
    certificates = (causes._CA_FILE, causes._AUTHORITY, causes._VALIDITY)
    rules = [*errors.RULES.values(), *(rule for _, rule in errors.TOKEN_RULES), *others, *certificates]
    advices = {rule.advice.split(": ")[0].split(",")[0] for rule in rules}
    assert {advice for advice in advices if advice not in PAGE} == set()
