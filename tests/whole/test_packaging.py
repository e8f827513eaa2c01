"""What is in the wheel, and that the tap works from a wheel as from an editable install."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trove_classifiers
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[2]
CATALOG = "from tap_fieldnation.tap import TapFieldNation; TapFieldNation.cli(['--discover'])"
PLACES = "from tap_fieldnation.records import schema; print(schema.__file__); print(schema.folder())"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, as `./dev build` makes it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def project() -> dict[str, Any]:
    """What pyproject.toml says of the project."""
    loaded: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return loaded


def python(code: str, folder: Path, *, path: Path | None = None) -> str:
    """What a program prints that runs elsewhere, with `path` before what is installed."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if path:
        environment["PYTHONPATH"] = str(path)
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True, encoding="utf-8"
    ).stdout


def sources(folder: str, patterns: Iterable[str]) -> set[str]:
    """Names of files in the repository, as the wheel has them."""
    found = {file.relative_to(ROOT).as_posix() for pattern in patterns for file in (ROOT / folder).rglob(pattern)}
    return {name if name.startswith("tap_fieldnation/") else f"tap_fieldnation/{name}" for name in found}


def test_wheel_holds_the_package_and_the_schemas_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    about = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    assert names - about == sources("tap_fieldnation", ["*.py", "py.typed"]) | sources("schemas", ["*.json"])
    assert "tap_fieldnation/schemas/common.json" in names
    assert "tap_fieldnation/schemas/work_orders.json" in names
    assert {name.split("/", 1)[1] for name in about} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }


def test_wheel_says_what_it_is(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = message_from_string(archive.read(name).decode())
        entry_points = archive.read(name.replace("METADATA", "entry_points.txt")).decode()
    assert metadata["Name"] == project()["name"]
    assert metadata["Version"] == project()["version"]
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.10"
    assert {Requirement(text) for text in metadata.get_all("Requires-Dist", [])} == {
        Requirement(text) for text in project()["dependencies"]
    }
    assert "tap-fieldnation = tap_fieldnation.__main__:main" in entry_points


def test_tap_from_the_wheel_reads_the_schemas_in_it(wheel: Path, tmp_path: Path) -> None:
    unpacked, elsewhere = tmp_path / "unpacked", tmp_path / "elsewhere"
    elsewhere.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)  # noqa: S202  our own wheel
    module, folder = python(PLACES, elsewhere, path=unpacked).splitlines()
    assert Path(module).is_relative_to(unpacked)
    assert Path(folder) == unpacked / "tap_fieldnation" / "schemas"
    assert json.loads(python(CATALOG, elsewhere, path=unpacked)) == json.loads(python(CATALOG, elsewhere))


def test_editable_install_reads_the_folder_of_the_checkout(tmp_path: Path) -> None:
    module, folder = python(PLACES, tmp_path).splitlines()
    assert Path(module) == ROOT / "tap_fieldnation" / "records" / "schema.py"
    assert Path(folder) == ROOT / "schemas"


@pytest.fixture(scope="module")
def unpacked_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in the source distribution, as `./dev build` makes it."""
    folder = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder)  # noqa: S202  our own
    return folder / archive.name.removesuffix(".tar.gz")


def test_source_distribution_holds_what_the_wheel_is_made_of_and_nothing_else(unpacked_source: Path) -> None:
    found = {file.relative_to(unpacked_source).as_posix() for file in unpacked_source.rglob("*") if file.is_file()}
    about = {".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    schemas = {f"schemas/{file.name}" for file in (ROOT / "schemas").glob("*.json")}
    assert found == about | schemas | sources("tap_fieldnation", ["*.py", "py.typed"])


def test_source_distribution_makes_the_same_wheel(unpacked_source: Path, wheel: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=unpacked_source, check=True, capture_output=True)
    (made,) = tmp_path.glob("*.whl")
    assert made.name == wheel.name
    with zipfile.ZipFile(wheel) as here, zipfile.ZipFile(made) as there:
        assert [(name, here.read(name)) for name in here.namelist()] == [
            (name, there.read(name)) for name in there.namelist()
        ]


def test_metadata_is_complete(unpacked_source: Path) -> None:
    metadata = message_from_string((unpacked_source / "PKG-INFO").read_text(encoding="utf-8"))
    for name in ("Name", "Version", "Summary", "Author", "License-Expression", "Keywords", "Requires-Python"):
        assert metadata[name], name
    urls = dict(url.split(", ") for url in metadata.get_all("Project-URL", []))
    assert {"Homepage", "Documentation", "Changelog", "Issues", "Source"} <= urls.keys()
    known = trove_classifiers.classifiers
    classifiers = metadata.get_all("Classifier", [])
    assert [one for one in classifiers if one not in known] == []
    assert "Typing :: Typed" in classifiers
    assert not any(one.startswith("License ::") for one in classifiers), "License-Expression says it"
    assert metadata["Description-Content-Type"] == "text/markdown"
    # the page of the package index shows the README, and has no files beside it
    text = metadata.get_payload()
    assert re.findall(r"\]\((?!https://|#)[^)]*\)", str(text)) == []


def test_the_version_stands_in_one_place() -> None:
    version = project()["version"]
    said = python("from tap_fieldnation.tap import TapFieldNation; print(TapFieldNation.plugin_version)", ROOT)
    assert said.strip() == version
    files = [*(ROOT / "tap_fieldnation").rglob("*.py"), ROOT / "meltano.yml", ROOT / "meltano-hub.yml"]
    assert [file for file in files if f'"{version}"' in file.read_text(encoding="utf-8")] == []
