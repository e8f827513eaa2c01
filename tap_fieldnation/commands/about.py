"""`--about`: the SDK's report, with more details about each setting."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from singer_sdk.about import AboutInfo, MarkdownFormatter, TextFormatter
from typing_extensions import override

SETTINGS = "\nSettings:\n"


class DescribedFormatter(TextFormatter, format_name="text"):
    """Replaces the SDK's formatter, which shows only the name, type and environment variable of a setting."""

    @override
    def format_about(self, about_info: AboutInfo) -> str:
        """The report for people."""
        head, _, _ = super().format_about(about_info).partition(SETTINGS)
        required = about_info.settings.get("required", ())
        settings = (
            _described(name, setting, f"{about_info.env_var_prefix}{name.upper()}", required=name in required)
            for name, setting in about_info.settings["properties"].items()
        )
        return f"{head}{SETTINGS}{''.join(settings)}"


class TitledFormatter(MarkdownFormatter, format_name="markdown"):
    """Replaces the SDK's formatter, which omits titles and types, and which settings are secret."""

    @override
    def format_about(self, about_info: AboutInfo) -> str:
        """The report, complete enough for a page of Meltano Hub."""
        properties = {name: _titled(one) for name, one in about_info.settings["properties"].items()}
        settings = {**about_info.settings, "properties": properties}
        return super().format_about(dataclasses.replace(about_info, settings=settings))


def _described(name: str, setting: dict[str, t.Any], variable: str, *, required: bool) -> str:
    """The lines about one setting."""
    lines = {
        "Name": name,
        "Type": _kind(setting),
        "Required": "yes" if required else "no",
        "Default": json.dumps(setting["default"]) if "default" in setting else "none",
        "Environment Variable": variable,
        "Description": " ".join(setting.get("description", "").split()),
    }
    first, *others = (f"{label}: {text}" for label, text in lines.items())
    return "\n    ".join([f"  - {first}", *others]) + "\n"


def _titled(setting: dict[str, t.Any]) -> dict[str, t.Any]:
    """A setting whose description begins with its title and type, such as ``Client ID (string, secret):``."""
    if "title" not in setting:
        return setting
    return {**setting, "description": f"{setting['title']} ({_kind(setting)}): {setting['description']}"}


def _kind(setting: dict[str, t.Any]) -> str:
    """Type, format or values of a setting, and whether it is secret: ``string, secret``."""
    types = [kind for kind in setting["type"] if kind != "null"]
    kinds = [f"`{value}`" for value in setting.get("enum", ())] or [setting.get("format", types[0])]
    return ", ".join([" or ".join(kinds), *(["secret"] if setting.get("secret") else [])])
