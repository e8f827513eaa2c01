"""Generates the documentation of streams and settings from the code: `./dev docs`.

These are the tables of the README, the settings and streams in meltano.yml and .env.example, docs/streams.md,
docs/settings.md, the selection in docs/getting-started.md, the faults in docs/reliability.md, the targets in
docs/try-your-target.md, meltano-hub.yml, the staging models of the dbt package, and the snapshot of the names that
users rely on.
"""

from __future__ import annotations

import functools
import json
import sys
import textwrap
import typing as t
from pathlib import Path

from tap_fieldnation.tap import TapFieldNation
from tests.whole import faults, targets
from tools import hub, settings_page, snapshot, staging, streams_page

if t.TYPE_CHECKING:
    from singer_sdk.streams import Stream

ROOT = Path(__file__).resolve().parents[1]
SNAPSHOT = ROOT / "tests" / "unit" / "snapshot.json"


@functools.cache
def settings() -> dict[str, dict[str, t.Any]]:
    """The tap's own settings, without those that the SDK adds to every tap."""
    of_sdk: dict[str, t.Any] = {"properties": {}}
    TapFieldNation.append_builtin_config(of_sdk)
    schema = TapFieldNation.config_jsonschema
    return {
        name: {**setting, "required": name in schema["required"]}
        for name, setting in schema["properties"].items()
        if name not in of_sdk["properties"]
    }


@functools.cache
def streams() -> dict[str, Stream]:
    """The tap's streams, by name."""
    return dict(sorted(TapFieldNation(config={"client_id": "id", "client_secret": "secret"}).streams.items()))


def by_default() -> list[str]:
    """The streams that are selected by default."""
    return [name for name, stream in streams().items() if stream.selected_by_default]


def as_text(value: object) -> str:
    """A default as it is written in a config."""
    return value if isinstance(value, str) else json.dumps(value)


def type_and_default(setting: dict[str, t.Any]) -> str:
    """The second column of the README's table of settings."""
    default = setting.get("default")
    if "enum" in setting:
        return " or ".join(f"`{value}`" + " (default)" * (value == default) for value in setting["enum"])
    words = snapshot.kind(setting)
    if "maximum" in setting:
        words += f" {setting['minimum']}–{setting['maximum']}"  # noqa: RUF001  a range
    elif "minimum" in setting:
        words += f" >= {setting['minimum']}"
    elif "exclusiveMinimum" in setting:
        words += f" > {setting['exclusiveMinimum']}"
    if default is not None:
        words += f", default {as_text(default)}"
    elif setting["required"]:
        words += ", required"
    else:
        words += ", optional"
    return f"{words}, secret" if setting.get("secret") else words


def readme_settings() -> str:
    """The README's table of settings."""
    rows = [
        f"| `{name}` | {type_and_default(setting)} | {setting['description']} |" for name, setting in settings().items()
    ]
    return "\n".join(["", "| name | type, default | meaning |", "|---|---|---|", *rows, ""])


def readme_streams() -> str:
    """The README's lists of streams."""
    others = [name for name in streams() if name not in by_default()]
    selected, not_selected = _comma_separated(by_default()), _comma_separated(others)
    lists = f"- Selected by default: {selected}.\n- Not selected by default: {not_selected}.\n"
    page = f"[docs/streams.md]({hub.HOME}/blob/main/docs/streams.md)"
    return f"\n{lists}\n{page} has the endpoint, the cost and the columns of each.\n"


def _comma_separated(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def env_example() -> str:
    """The tap's part of .env.example: required settings are to be filled in, the others are commented out."""
    lines = []
    for name, setting in settings().items():
        variable = f"TAP_FIELDNATION_{name.upper()}={as_text(setting.get('default', ''))}"
        lines.append(variable if setting["required"] else f"# {variable}")
    return "\n".join(lines)


def meltano_plugin() -> str:
    """The generated part of meltano.yml."""
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
            lines.append(f"      kind: {kinds.get(snapshot.kind(setting), 'string')}")
        if "default" in setting:
            lines.append(f"      value: {as_text(setting['default'])}")
    lines.append("    select: # one by one: without it, Meltano also selects streams that are not selected by default")
    lines += [f"    - {name}.*" for name in by_default()]
    return "\n".join(lines)


def meltano_select() -> str:
    """The command in docs/getting-started.md that selects the default streams in a Meltano project."""
    names = ", ".join(f'"{name}.*"' for name in by_default())
    lines = textwrap.wrap(names, 120)
    command = "\n".join(["meltano --no-environment config set tap-fieldnation _select '[", *lines, "]'"])
    return f"\n```sh\n{command}\n```\n"


def own_settings() -> str:
    """The part of docs/settings.md about the tap's own settings."""
    return settings_page.own(settings(), type_and_default)


def sdk_settings() -> str:
    """The part of docs/settings.md about the settings of the SDK."""
    return settings_page.sdk(settings())


# File, the line before the generated part, the part, and the line after it.
PARTS = (
    ("README.md", "<!-- settings -->", readme_settings, "<!-- /settings -->"),
    ("README.md", "<!-- streams -->", readme_streams, "<!-- /streams -->"),
    ("docs/getting-started.md", "<!-- select -->", meltano_select, "<!-- /select -->"),
    ("docs/settings.md", "<!-- settings -->", own_settings, "<!-- /settings -->"),
    ("docs/settings.md", "<!-- sdk -->", sdk_settings, "<!-- /sdk -->"),
    ("docs/reliability.md", "<!-- faults -->", faults.table, "<!-- /faults -->"),
    ("docs/try-your-target.md", "<!-- targets -->", targets.table, "<!-- /targets -->"),
    (".env.example", "# <settings> generated by `./dev docs`", env_example, "# </settings>"),
    ("meltano.yml", "    # <tap> generated by `./dev docs`", meltano_plugin, "    # </tap>"),
)


def documents() -> dict[Path, str]:
    """Every file that is generated, wholly or in part, with the text that it should have."""
    found = {
        ROOT / "docs" / "streams.md": streams_page.page(streams()),
        SNAPSHOT: json.dumps(snapshot.snapshot(streams().values()), indent=1) + "\n",
        **staging.files(streams()),
    }
    for name, begin, generate, end in PARTS:
        file = ROOT / name
        before, _, rest = (found.get(file) or read_text_or_empty(file)).partition(f"{begin}\n")
        _, _, after = rest.partition(f"{end}\n")
        found[file] = f"{before}{begin}\n{generate()}\n{end}\n{after}"
    found[ROOT / "meltano-hub.yml"] = hub.definition(found[ROOT / "meltano.yml"])
    return found


def read_text_or_empty(file: Path) -> str:
    """The text of a file; "" if it does not exist."""
    return file.read_text(encoding="utf-8") if file.exists() else ""


def main() -> int:
    """Write the files that differ, unless a name or type that users rely on would be removed or changed."""
    before = json.loads(read_text_or_empty(SNAPSHOT) or "{}")
    if found := snapshot.broken(before, snapshot.snapshot(streams().values())):
        print(f"Users rely on these names. For a new major version, change {SNAPSHOT.name} by hand first:")
        print(*found, sep="\n")
        return 1
    for file, text in documents().items():
        if read_text_or_empty(file) != text:
            file.write_text(text, encoding="utf-8")
            print(f"updated {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
