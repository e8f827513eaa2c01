"""meltano-hub.yml: the definition for Meltano's Hub, from `--about`, meltano.yml and pyproject.toml."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import typing as t
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

if t.TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
HOME = "https://github.com/tap-fieldnation/tap-fieldnation"
STATUSES = {"3 - Alpha": "development", "4 - Beta": "beta", "5 - Production/Stable": "active"}
# Meltano 4.4 cannot pass on a `decimal` from the environment; as `integer` it passes on any number.
KINDS = {"boolean": "boolean", "integer": "integer", "number": "integer", "object": "object", "array": "array"}

HEAD = """\
# The definition of this tap for Meltano's Hub, made by `./dev docs`. Any Meltano project can be given it as it is:
#
#   meltano add tap-fieldnation --from-ref meltano-hub.yml
"""
PREREQ = f"""\
You need a client ID and a client secret from Field Nation, for production or for the sandbox:
[how to get them]({HOME}/blob/main/docs/getting-started.md).
"""
SETTINGS_PREAMBLE = """\
`client_id` and `client_secret` are enough for most accounts. Where Field Nation refuses the client-credentials grant,
give `username` and `password` too.
"""
NEXT_STEPS = """\
`meltano invoke tap-fieldnation:test` says whether the credentials work and what they may read, and
`meltano invoke tap-fieldnation:plan` what a first run would read and cost.
"""
USAGE = f"""\
Field Nation answers 60 requests a minute to a company, all its integrations together. A first run takes about 2 minutes
for 10,000 work orders at the default of 50 a minute, later ones a few requests.

- [Which streams there are, and what each costs]({HOME}/blob/main/docs/streams.md)
- [Schedules]({HOME}/blob/main/docs/scheduling.md)
- [Destinations, and SQL to begin with]({HOME}/blob/main/docs/destinations.md)
- [What each error message asks for]({HOME}/blob/main/docs/troubleshooting.md)
"""


def definition(project: str) -> str:
    """The whole file, from the text of meltano.yml."""
    command = [sys.executable, "-m", "tap_fieldnation", "--about", "--format=json"]
    about = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)
    yaml = YAML()
    (plugin,) = YAML(typ="safe").load(project)["plugins"]["extractors"]
    status = re.search(r'"Development Status :: ([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = {
        **{key: plugin[key] for key in ("name", "namespace", "label", "description", "executable", "commands")},
        "variant": "tap-fieldnation",
        "pip_url": f"git+{HOME}.git",
        "repo": HOME,
        "docs": f"{HOME}/tree/main/docs",
        "domain_url": "https://fieldnation.com/",
        "logo_url": "/assets/logos/extractors/fieldnation.png",
        "keywords": ["meltano_sdk", "field service", "work orders"],
        "maintenance_status": STATUSES[status[1]] if status else "unknown",
        "capabilities": sorted(about["capabilities"]),
        "settings_group_validation": plugin["settings_group_validation"],
        "settings": list(_settings(about["settings"]["properties"])),
        "select": plugin["select"],
        "prereq": LiteralScalarString(PREREQ),
        "settings_preamble": LiteralScalarString(SETTINGS_PREAMBLE),
        "next_steps": LiteralScalarString(NEXT_STEPS),
        "usage": LiteralScalarString(USAGE),
    }
    yaml.width, yaml.allow_unicode = 10_000, True
    text = io.StringIO()
    yaml.dump(found, text)
    return HEAD + text.getvalue()


def _settings(properties: dict[str, dict[str, t.Any]], place: str = "") -> Iterator[dict[str, t.Any]]:
    for name, setting in properties.items():
        if setting.get("properties") and name != "stream_maps":  # whose names are those of the streams
            yield from _settings(setting["properties"], f"{place}{name}.")
            continue
        # without a type: one of several kinds, as which a text is taken everywhere
        kinds = [kind for kind in setting.get("type", ["string"]) if kind != "null"]
        made = {
            "name": f"{place}{name}",
            "label": setting.get("title") or name.replace("_", " ").capitalize(),
            "description": setting["description"],
            "kind": KINDS.get(kinds[0], "string"),
        }
        if setting.get("secret"):
            made |= {"kind": "password", "sensitive": True}
        elif "enum" in setting:
            made |= {
                "kind": "options",
                "options": [{"label": one.capitalize(), "value": one} for one in setting["enum"]],
            }
        elif setting.get("format") == "date-time":
            made["kind"] = "date_iso8601"
        if "default" in setting:
            made["value"] = setting["default"]
        yield made
