"""The documentation site in Chromium, and the README's picture: `./dev browser`, which builds the site first.

Playwright is in the environment of `./dev site`; the browser is the machine's. BROWSER_SCREENSHOTS names a folder
to keep the screenshots in.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from demo.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.browser

SITE = ROOT / "site"
PYTHON = ROOT / ".venvs" / "site" / "bin" / "python"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DBT_DOCS = ROOT / ".venvs" / "dbt" / "docs.html"
PICTURE = ROOT / "docs" / "images" / "terminal.svg"


class Quiet(http.server.SimpleHTTPRequestHandler):
    @override
    def log_message(self, *_: Any) -> None:
        """Nothing: pytest's output is for failures."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def seen(address: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the browser reports of the site: see browse_site.py."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert browser, f"none of these browsers is installed: {', '.join(BROWSERS)}"
    folder = Path(os.environ.get("BROWSER_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots")).resolve()
    command = [str(PYTHON), str(Path(__file__).with_name("browse_site.py")), browser, address, str(folder)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_start_page_leads_to_each_page(seen: dict[str, Any]) -> None:
    pages = {path.parent.relative_to(SITE).as_posix() for path in SITE.rglob("index.html")} - {"."}
    assert pages >= {path.stem for path in (ROOT / "docs").glob("*.md")} - {"README"} | {"changelog", "security"}
    assert pages <= {link.removesuffix("index.html").strip("/") for link in seen["links"]}
    assert ("dbt" in pages) is DBT_DOCS.exists()


def test_nothing_is_loaded_from_other_hosts_and_no_script_fails(seen: dict[str, Any], address: str) -> None:
    assert seen["requests"]
    assert [url for url in seen["requests"] if not url.startswith((address, "data:", "blob:"))] == []
    assert seen["errors"] == []


def test_the_diagrams_are_drawn(seen: dict[str, Any]) -> None:
    tables, sync = seen["diagrams"]["streams"], seen["diagrams"]["how-it-reads"]
    assert len(tables) == len(re.findall("^```mermaid$", (ROOT / "docs" / "streams.md").read_text(), re.MULTILINE))
    assert len(sync) == 1
    assert all(width > 200 and height > 100 for width, height in [*tables, *sync])


def test_search_finds_a_setting(seen: dict[str, Any]) -> None:
    assert any("settings" in result for result in seen["search"]), seen["search"]


def test_screenshots_show_something(seen: dict[str, Any]) -> None:
    assert {Path(file).stem for file in seen["screenshots"]} == {"start", "tables", "sync"}
    for file in map(Path, seen["screenshots"]):
        assert file.read_bytes().startswith(b"\x89PNG"), file
        assert file.stat().st_size > 20_000, "a blank page takes less"


def test_a_broken_link_fails_the_build(tmp_path: Path) -> None:
    for entry in ROOT.iterdir():
        if entry.name in ("docs", "tools"):
            shutil.copytree(entry, tmp_path / entry.name)
        elif entry != SITE:
            (tmp_path / entry.name).symlink_to(entry)
    build = [str(PYTHON.with_name("mkdocs")), "build", "--strict"]
    assert subprocess.run(build, cwd=tmp_path, check=False).returncode == 0
    for link in ("[gone](gone.md)", "[gone](../examples/gone.sql)", "[gone](settings.md#gone)"):
        page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
        (tmp_path / "docs" / "performance.md").write_text(f"{page}\n{link}\n", encoding="utf-8")
        failed = subprocess.run(build, cwd=tmp_path, check=False, capture_output=True, text=True)
        assert failed.returncode == 1, link
        assert "gone" in failed.stderr, link


def text_of(picture: Path) -> list[str]:
    """The text of a picture, without the numbers, which differ from run to run."""
    lines = re.findall(r"<text [^>]*>(.*?)</text>", picture.read_text(encoding="utf-8"))
    return [re.sub(r"[\d.:,]+|[█▏▎▍▌▋▊▉ ]+|about [^<]*", " ", line) for line in lines]


def test_the_picture_of_the_terminal_is_from_this_version(tmp_path: Path) -> None:
    drawn = tmp_path / "terminal.svg"
    subprocess.run([PYTHON, "-m", "tools.picture", "--output", drawn], cwd=ROOT, check=True, timeout=300)
    assert text_of(drawn) == text_of(PICTURE), "run ./dev picture"
    shown = drawn.read_text(encoding="utf-8")
    for part in ("total, at least", "work_orders:  6", "the API counts 12,000"):
        assert part in shown
