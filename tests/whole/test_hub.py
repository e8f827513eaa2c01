"""meltano-hub.yml: it meets the requirements of Meltano Hub, and a Meltano project can be given it."""

from __future__ import annotations

import re
import shlex
import typing as t

import pytest
from ruamel.yaml import YAML

from demo.project import ROOT, Project
from tap_fieldnation.settings import SETTINGS
from tools import docs

if t.TYPE_CHECKING:
    from pathlib import Path

# As the Hub's JSON Schemas for definitions of extractors had them in 2026.
KEYS = re.findall(
    r"\S+",
    """
    capabilities commands definition description docs domain_url executable hidden keywords label logo_url
    maintenance_status metadata name namespace next_steps pip_url prereq quality repo requires schema select settings
    settings_group_validation settings_preamble usage variant
    """,
)
KINDS = re.findall(r"\S+", "array boolean date_iso8601 email file hidden integer oauth object options password string")
CAPABILITIES = re.findall(
    r"\S+",
    """
    about activate-version batch catalog discover log-based properties schema-flattening state stream-maps
    structured-logging test
    """,
)


@pytest.fixture(scope="module")
def definition() -> dict[str, t.Any]:
    loaded: dict[str, t.Any] = YAML(typ="safe").load(ROOT / "meltano-hub.yml")
    return loaded


def test_definition_is_as_the_hub_wants_it(definition: dict[str, t.Any]) -> None:
    assert definition.keys() <= set(KEYS)
    assert {"name", "namespace", "variant", "label"} <= definition.keys()
    assert definition["maintenance_status"] in {"active", "beta", "development", "inactive", "unknown"}
    assert set(definition["capabilities"]) <= set(CAPABILITIES)
    for setting in definition["settings"]:
        assert setting.keys() <= {"name", "label", "description", "kind", "sensitive", "options", "value"}
        assert setting["label"]
        assert setting["description"]
        assert setting["kind"] in KINDS
        assert ("options" in setting) == (setting["kind"] == "options")
        if "options" in setting:
            assert setting["value"] in {option["value"] for option in setting["options"]}


def test_definition_says_what_the_tap_says(definition: dict[str, t.Any]) -> None:
    by_name = {setting["name"]: setting for setting in definition["settings"]}
    for setting in SETTINGS:
        found = by_name[setting.name]
        assert found["label"] == setting.title
        assert found["description"] == setting.description
        assert found.get("value") == setting.default
        assert (found["kind"] == "password") == found.get("sensitive", False) == setting.secret
    assert definition["select"] == [f"{name}.*" for name in docs.by_default()]
    assert {name for group in definition["settings_group_validation"] for name in group} <= by_name.keys()


def test_a_project_can_be_given_it(tmp_path: Path) -> None:
    (tmp_path / "meltano.yml").write_text("send_anonymous_usage_stats: false\n")
    project = Project(tmp_path, {})
    added = project.meltano("add", "tap-fieldnation", "--from-ref", str(ROOT / "meltano-hub.yml"), "--no-install")
    assert added.code == 0, added.last_words
    (plugin,) = YAML(typ="safe").load(tmp_path / "meltano.yml")["plugins"]["extractors"]
    assert {one["name"] for one in plugin["settings"] if one.get("sensitive")} == {
        one.name for one in SETTINGS if one.secret
    }
    assert plugin["settings_group_validation"]


def test_the_documented_command_selects_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "meltano.yml").write_text(
        "send_anonymous_usage_stats: false\ndefault_environment: dev\nenvironments: [{name: dev}]\n"
    )
    project = Project(tmp_path, {})
    project.meltano("add", "tap-fieldnation", "--from-ref", str(ROOT / "meltano-hub.yml"), "--no-install")
    page = (ROOT / "docs" / "getting-started.md").read_text(encoding="utf-8")
    command = page.partition("<!-- select -->\n\n```sh\n")[2].partition("```")[0]
    done = project.run(*shlex.split(command))
    assert done.code == 0, done.last_words
    (plugin,) = YAML(typ="safe").load(tmp_path / "meltano.yml")["plugins"]["extractors"]
    assert plugin["select"] == [f"{name}.*" for name in docs.by_default()]
