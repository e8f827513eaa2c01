"""What the repository says beside its code: true to the code, and fit to be published.

The README's tables, and settings and streams in meltano.yml and .env.example, are made from what the tap says.
Where one differs, `./dev docs` writes it anew (it sets WRITE_DOCS for this file).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from packaging.requirements import Requirement
from packaging.version import Version
from ruamel.yaml import YAML

from tap_fieldnation.tap import TapFieldNation

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk.streams import Stream

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


def settings() -> dict[str, dict[str, Any]]:
    """The tap's own settings, without those that every tap has from the SDK."""
    everywhere: dict[str, Any] = {"properties": {}}
    TapFieldNation.append_builtin_config(everywhere)
    schema = TapFieldNation.config_jsonschema
    return {
        name: {**setting, "required": name in schema["required"]}
        for name, setting in schema["properties"].items()
        if name not in everywhere["properties"]
    }


def shown(value: object) -> str:
    """A default, as people write it in a config."""
    return value if isinstance(value, str) else json.dumps(value)


def kind(setting: dict[str, Any]) -> str:
    """The one type of a setting, other than null."""
    (name,) = set(setting["type"]) - {"null"}
    return "date-time" if setting.get("format") == "date-time" else str(name)


def type_and_default(setting: dict[str, Any]) -> str:
    """The second column of the README's table."""
    default = setting.get("default")
    if "enum" in setting:
        return " or ".join(f"`{value}`" + " (default)" * (value == default) for value in setting["enum"])
    words = kind(setting)
    if "maximum" in setting:
        words += f" {setting['minimum']}–{setting['maximum']}"  # noqa: RUF001  a range
    elif "minimum" in setting:
        words += f" >= {setting['minimum']}"
    elif "exclusiveMinimum" in setting:
        words += f" > {setting['exclusiveMinimum']}"
    if default is not None:
        words += f", default {shown(default)}"
    elif setting["required"]:
        words += ", required"
    else:
        words += ", optional"
    return f"{words}, secret" if setting.get("secret") else words


def readme() -> str:
    """The README's table."""
    rows = [
        f"| `{name}` | {type_and_default(setting)} | {setting['description']} |" for name, setting in settings().items()
    ]
    return "\n".join(["", "| name | type, default | meaning |", "|---|---|---|", *rows, ""])


def env_example() -> str:
    """The tap's part of .env.example: what is required to be filled in, the rest to be uncommented."""
    lines = []
    for name, setting in settings().items():
        variable = f"TAP_FIELDNATION_{name.upper()}={shown(setting.get('default', ''))}"
        lines.append(variable if setting["required"] else f"# {variable}")
    return "\n".join(lines)


def meltano_plugin() -> str:
    """The part of meltano.yml that the tap knows better."""
    # Meltano 4.4 cannot pass on a `decimal` from the environment ("Decimal is not JSON serializable"). As `integer` it
    # passes on whole numbers from there, and any number from meltano.yml.
    kinds = {"boolean": "boolean", "date-time": "date_iso8601", "integer": "integer", "number": "integer"}
    capabilities = sorted(capability.value for capability in TapFieldNation.capabilities)
    lines = ["    capabilities:", *(f"    - {name}" for name in capabilities), "    settings:"]
    for name, setting in settings().items():
        lines += [
            f"    - name: {name}",
            f"      label: {setting['title']}",
            f"      description: {json.dumps(setting['description'], ensure_ascii=False)}",
        ]
        if setting.get("secret"):
            lines.append("      sensitive: true")
        if "enum" in setting:
            lines += ["      kind: options", "      options:"]
            for value in setting["enum"]:
                lines += [f"      - label: {value.capitalize()}", f"        value: {value}"]
        else:
            lines.append(f"      kind: {kinds.get(kind(setting), 'string')}")
        if "default" in setting:
            lines.append(f"      value: {shown(setting['default'])}")
    lines.append("    select: # one by one: without it, Meltano takes also streams that are not read by default")
    lines += [f"    - {name}.*" for name, stream in streams().items() if stream.selected_by_default]
    return "\n".join(lines)


def streams() -> dict[str, Stream]:
    """The tap's streams, by name."""
    return dict(TapFieldNation(config={"client_id": "id", "client_secret": "secret"}).streams)


def readme_streams() -> str:
    """The README's lists of streams."""

    def names(*, selected: bool) -> str:
        return ", ".join(f"`{name}`" for name, stream in streams().items() if stream.selected_by_default is selected)

    return f"\n- Read by default: {names(selected=True)}.\n- When selected: {names(selected=False)}.\n"


@pytest.mark.parametrize(
    ("name", "begin", "make", "end"),
    [
        ("README.md", "<!-- settings -->", readme, "<!-- /settings -->"),
        ("README.md", "<!-- streams -->", readme_streams, "<!-- /streams -->"),
        (".env.example", "# <settings> made by `./dev docs`", env_example, "# </settings>"),
        ("meltano.yml", "    # <tap> made by `./dev docs`", meltano_plugin, "    # </tap>"),
    ],
)
def test_documents_say_what_the_tap_says(name: str, begin: str, make: Callable[[], str], end: str) -> None:
    file = ROOT / name
    text = file.read_text(encoding="utf-8")
    before, _, rest = text.partition(f"{begin}\n")
    _, _, after = rest.partition(f"{end}\n")
    right = f"{before}{begin}\n{make()}\n{end}\n{after}"
    if os.environ.get("WRITE_DOCS"):
        file.write_text(right, encoding="utf-8")
        text = right
    assert text == right, f"{name} is behind the tap: run ./dev docs"


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
    assert [setting["name"] for setting in tap["settings"]] == list(settings())
    assert {s["name"] for s in tap["settings"] if s.get("sensitive")} == {
        name for name, setting in settings().items() if setting.get("secret")
    }
    assert {s["name"]: s["value"] for s in tap["settings"] if "value" in s} == {
        name: setting["default"] for name, setting in settings().items() if "default" in setting
    }
    assert tap["select"] == [f"{name}.*" for name, stream in streams().items() if stream.selected_by_default]


def test_nothing_of_a_machine_or_a_registry_is_published() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in repository()
        for match in NOT_TO_BE_PUBLISHED.finditer(file.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


def test_pins_have_hashes_and_no_address() -> None:
    text = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "--" not in text.replace("--hash=sha256:", "")
    assert all(" \\\n    --hash=" in pin for pin in re.split(r"\n(?=\w)", text.strip()))


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
