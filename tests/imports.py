"""The import graph of a package, read from its source files: for tests of layers and cycles."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path


def imports_of(package_dir: Path) -> dict[str, set[str]]:
    """Map each module of a package to the modules of the same package that it imports.

    Type-only imports (under `if TYPE_CHECKING`), relative imports and imports inside functions count. That a submodule
    implicitly imports the packages above it does not count. Names start with the name of the folder.
    """
    files = {_module_name(path, package_dir): path for path in package_dir.rglob("*.py")}
    return {
        module: {
            found
            for name in _imported_names(path, module)
            if (found := _module_of(name, files)) is not None and found != module
        }
        for module, path in files.items()
    }


def cycles(graph: Mapping[str, AbstractSet[str]]) -> list[list[str]]:
    """The groups of modules that import each other, directly or not; each group is sorted (Tarjan's algorithm)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(module: str) -> None:
        order[module] = lowest[module] = len(order)
        stack.append(module)
        for imported in graph[module]:
            if imported not in order:
                visit(imported)
                lowest[module] = min(lowest[module], lowest[imported])
            elif imported in stack:
                lowest[module] = min(lowest[module], order[imported])
        if lowest[module] == order[module]:
            start = stack.index(module)
            group = stack[start:]
            del stack[start:]
            if len(group) > 1:
                found.append(sorted(group))

    for module in sorted(graph):
        if module not in order:
            visit(module)
    return found


def _module_name(path: Path, package_dir: Path) -> str:
    parts = path.relative_to(package_dir.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def _imported_names(path: Path, module: str) -> Iterator[str]:
    """Everything that a file imports, with its full dotted name: modules, and names within modules."""
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            prefix = [*base, *([node.module] if node.module else [])]
            yield from (".".join((*prefix, alias.name)) for alias in node.names)


def _module_of(name: str, modules: Mapping[str, object]) -> str | None:
    """The module that an imported name is, or is defined in; None where it is outside the package."""
    if name in modules:
        return name
    parent = name.rpartition(".")[0]
    return parent if parent in modules else None
