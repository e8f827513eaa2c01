"""`--about --format=markdown`: as the SDK has it, with title, kind and secrecy of each setting besides."""

from __future__ import annotations

import dataclasses
import typing as t

from singer_sdk.about import AboutInfo, MarkdownFormatter
from typing_extensions import override


class TitledFormatter(MarkdownFormatter, format_name="markdown"):
    """Takes the place of the SDK's own, which leaves these out."""

    @override
    def format_about(self, about_info: AboutInfo) -> str:
        """The text, complete enough to be a page of Meltano's Hub."""
        properties = {name: _titled(one) for name, one in about_info.settings["properties"].items()}
        settings = {**about_info.settings, "properties": properties}
        return super().format_about(dataclasses.replace(about_info, settings=settings))


def _titled(setting: dict[str, t.Any]) -> dict[str, t.Any]:
    """A setting whose description begins with what else is known of it, such as ``Client ID (string, secret):``."""
    if "title" not in setting:
        return setting
    kinds = [kind for kind in setting["type"] if kind != "null"]
    kinds = [f"`{value}`" for value in setting.get("enum", ())] or [setting.get("format", kinds[0])]
    told = ", ".join([" or ".join(kinds), *(["secret"] if setting.get("secret") else [])])
    return {**setting, "description": f"{setting['title']} ({told}): {setting['description']}"}
