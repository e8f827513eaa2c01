"""Hooks of MkDocs for the documentation site (mkdocs.yml): pages from outside docs/, links, and scripts.

The pages are written for GitHub, where a link can lead to any file of the repository. On the site, a link to a file
that has no page leads to GitHub. A link to nothing stays as it is, and fails the strict build.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
HOME = "https://github.com/tap-fieldnation/tap-fieldnation"
# file of the repository -> page of the site
OTHER_PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "emulator/README.md": "emulator.md",
}
SOURCES = {page: source for source, page in OTHER_PAGES.items()}
MERMAID = ROOT / ".venvs" / "mermaid" / "package" / "dist" / "mermaid.min.js"  # `./dev site` puts it there
DBT_DOCS = ROOT / ".venvs" / "dbt" / "docs.html"  # `./dev dbt` puts it there
DBT_PAGE = "dbt/index.html"
FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")


def on_config(config: MkDocsConfig) -> None:
    """Leave the documentation of the dbt models out of the navigation if it was not made."""
    if not DBT_DOCS.exists():
        config.nav = _without_dbt(config.nav)


def _without_dbt(nav: Any) -> Any:
    if isinstance(nav, dict):
        return {title: _without_dbt(item) for title, item in nav.items()}
    if isinstance(nav, list):
        return [_without_dbt(item) for item in nav if not isinstance(item, dict) or DBT_PAGE not in item.values()]
    return nav


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and the files that are not in docs/."""
    for source, page in OTHER_PAGES.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    files.append(File.generated(config, "javascripts/mermaid.min.js", abs_src_path=str(MERMAID)))
    if DBT_DOCS.exists():
        files.append(File.generated(config, DBT_PAGE, abs_src_path=str(DBT_DOCS)))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: Any) -> str:
    """Replace the links of a page, except in its code."""
    source = PurePosixPath(SOURCES.get(page.file.src_uri) or f"docs/{page.file.src_uri}")
    known = {SOURCES.get(file.src_uri) or f"docs/{file.src_uri}": file.src_uri for file in files}

    def replaced(link: re.Match[str]) -> str:
        target = os.path.normpath(source.parent / link[1])
        if target in known:
            return os.path.relpath(known[target], PurePosixPath(page.file.src_uri).parent)
        path = ROOT / target
        if path.exists():
            return f"{HOME}/{'tree' if path.is_dir() else 'blob'}/main/{target}"
        return link[0]

    parts, end = [], 0
    for code in FENCE.finditer(markdown):
        parts += [LINK.sub(replaced, markdown[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*parts, LINK.sub(replaced, markdown[end:])])
