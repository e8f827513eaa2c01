"""The parts of docs/settings.md that are made: each setting of the tap's own, and a table of the SDK's."""

from __future__ import annotations

import typing as t

from tap_fieldnation.tap import TapFieldNation

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Setting = dict[str, t.Any]


def own(settings: Mapping[str, Setting], type_and_default: Callable[[Setting], str]) -> str:
    """A section for each setting of the tap's own."""
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
    examples = {"start_date": "2026-01-01", "end_date": "2026-06-30", "api_url": "https://proxy.example.com"}
    examples |= {"company_id": "1234", "max_minutes": "50", "user_agent": "our-warehouse/1"}
    default = setting.get("default")
    return examples.get(name) or (str(default).lower() if isinstance(default, bool) else str(default))


def sdk(names: Mapping[str, Setting]) -> str:
    """A table of the settings that every tap on the SDK has; `names` are the tap's own, which it leaves out."""
    schema: Setting = {"properties": {}}
    TapFieldNation.append_builtin_config(schema)
    rows = [
        f"| `{name}` | {' '.join(str(setting['description']).split())} |"
        for name, setting in schema["properties"].items()
        if name not in names
    ]
    return "\n".join(["", "| name | meaning |", "|---|---|", *rows, ""])
