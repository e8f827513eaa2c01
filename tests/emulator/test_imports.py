from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import emulator
from tests.imports import cycles, imports_of

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE = Path(emulator.__file__).parent


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, source in files.items():
        path = folder / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    return folder / "package"


def test_emulator_modules_have_no_import_cycles() -> None:
    graph = imports_of(PACKAGE)
    assert "emulator.server" in graph["emulator.emulator"]
    assert cycles(graph) == []


def test_emulator_does_not_import_the_tap() -> None:
    assert not [path for path in PACKAGE.rglob("*.py") if "tap_fieldnation" in path.read_text(encoding="utf-8")]


def test_every_form_of_import_counts(tmp_path: Path) -> None:
    package = write(
        tmp_path,
        {
            "__init__.py": "from .a import thing\n",
            "a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from package.sub.b import thing\n",
            "c.py": "def load():\n    import package.sub.b\n    from . import a\n",
            "sub/__init__.py": "",
            "sub/b.py": "import json\nfrom .. import c, thing\nfrom ..a import thing\n",
        },
    )
    assert imports_of(package) == {
        "package": {"package.a"},
        "package.a": {"package.sub.b"},
        "package.c": {"package.a", "package.sub.b"},
        "package.sub": set(),
        "package.sub.b": {"package", "package.a", "package.c"},
    }


def test_type_only_cycle_is_found(tmp_path: Path) -> None:
    package = write(
        tmp_path,
        {
            "__init__.py": "",
            "a.py": "from . import b\n",
            "b.py": "from .c import thing\n",
            "c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .a import thing\n",
            "d.py": "from . import a\n",
        },
    )
    assert cycles(imports_of(package)) == [["package.a", "package.b", "package.c"]]
