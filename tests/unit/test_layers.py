"""A module imports only modules of its own part of the package and of lower layers, even for types."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imports import cycles, imports_of

PACKAGE = Path(__file__).resolve().parents[2] / "tap_fieldnation"
GRAPH = imports_of(PACKAGE)

# From the bottom to the top; modules and packages on one line do not import each other.
LAYERS = (
    {"timestamps", "memory", "hints"},
    {"api"},
    {"environment", "proxies"},
    {"settings", "records", "reading"},
    {"context"},
    {"streams"},
    {"commands"},
    {"tap"},
    {"__main__"},
)
LEVELS = {name: level for level, names in enumerate(LAYERS) for name in names}


def part(module: str) -> str:
    """The module or package directly below `tap_fieldnation`; "" for that itself."""
    return ".".join(module.split(".")[1:2])


@pytest.mark.parametrize("module", sorted(GRAPH))
def test_a_module_imports_its_own_part_and_lower_layers(module: str) -> None:
    own = part(module)
    other = [imported for imported in GRAPH[module] if part(imported) not in {"", own}]
    assert [imported for imported in other if LEVELS[part(imported)] >= LEVELS[own]] == []


def test_each_part_has_a_layer() -> None:
    assert LEVELS.keys() == {part(module) for module in GRAPH} - {""}


def test_no_modules_import_each_other() -> None:
    assert cycles(GRAPH) == []
