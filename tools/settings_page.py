"""The generated parts of docs/settings.md: a section for each setting of the tap, and a table of those of the SDK."""

from __future__ import annotations

import sys
import typing as t

from tap_fieldnation.tap import TapFieldNation

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Setting = dict[str, t.Any]

# Values of settings that have no default and are no secret.
EXAMPLES = {
    "api_url": "https://proxy.example.com",
    "company_id": "1234",
    "end_date": "2026-06-30",
    "max_minutes": "50",
    "start_date": "2026-01-01",
    "user_agent": "our-warehouse/1",
}


def own(settings: Mapping[str, Setting], type_and_default: Callable[[Setting], str]) -> str:
    """A section for each of the tap's own settings."""
    return "\n".join(line for name, setting in settings.items() for line in _section(name, setting, type_and_default))


def _section(name: str, setting: Setting, type_and_default: Callable[[Setting], str]) -> Iterator[str]:
    variable = f"TAP_FIELDNATION_{name.upper()}"
    yield from ("", f"### {name}", "", setting["description"], "")
    yield f"- Type: {type_and_default(setting)}"
    if setting.get("secret"):
        yield f"- In the environment, and for Meltano in `.env`: `{variable}`"
    else:
        yield f"- In the environment: `{variable}`"
        yield f"- In a Meltano project: `meltano config set tap-fieldnation {name} {_example(name, setting)}`"


def _example(name: str, setting: Setting) -> str:
    if "default" in setting:
        default = setting["default"]
        return str(default).lower() if isinstance(default, bool) else str(default)
    if name not in EXAMPLES:
        sys.exit(f"{name} has no default: add an example of its value to EXAMPLES in tools/settings_page.py")
    return EXAMPLES[name]


def sdk(names: Mapping[str, Setting]) -> str:
    """A table of the settings that the SDK adds to every tap, without `names`, which are the tap's own."""
    schema: Setting = {"properties": {}}
    TapFieldNation.append_builtin_config(schema)
    rows = [
        f"| `{name}` | {' '.join(str(setting['description']).split())} |"
        for name, setting in schema["properties"].items()
        if name not in names
    ]
    return "\n".join(["", "| name | meaning |", "|---|---|", *rows, ""])
