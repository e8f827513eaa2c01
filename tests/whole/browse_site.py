"""Opens the site in a browser and prints what it sees, as JSON. test_site.py runs it, with Playwright's Python.

Arguments: the browser's program, the address of the site, the folder for screenshots.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

# Chromium as root needs no sandbox; without the others it calls its maker's servers
OPTIONS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
# Material puts each drawn diagram into a closed shadow root, which scripts cannot enter; its host has the size of it
SIZES = "nodes => nodes.map(node => [node.getBoundingClientRect().width, node.getBoundingClientRect().height])"
LINKS = (
    "nodes => nodes.map(node => new URL(node.href)).filter(url => url.origin == location.origin).map(u => u.pathname)"
)


def diagrams(page: Page, address: str) -> Any:
    """Open a page, and return [width, height] of each of its diagrams, in pixels, once all are drawn."""
    page.goto(address)
    page.wait_for_function("document.querySelectorAll('pre.mermaid').length == 0")
    page.wait_for_function("[...document.querySelectorAll('div.mermaid')].every(d => d.clientHeight > 150)")
    return page.eval_on_selector_all("div.mermaid", SIZES)


def main(browser: str, address: str, folder: Path) -> dict[str, Any]:
    """Visit the start page, the pages with diagrams, and the search."""
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"requests": [], "errors": [], "diagrams": {}}
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(executable_path=browser, args=OPTIONS).new_page()
        page.set_viewport_size({"width": 1280, "height": 900})
        page.on("request", lambda request: found["requests"].append(request.url))
        page.on("pageerror", lambda error: found["errors"].append(str(error)))
        page.on("requestfailed", lambda request: found["errors"].append(request.url))
        page.goto(address)
        found["links"] = page.eval_on_selector_all("a[href]", LINKS)
        page.screenshot(path=folder / "start.png")
        page.set_viewport_size({"width": 1280, "height": 3000})  # the header would cover a part of a picture
        for name, picture in (("streams", "tables"), ("how-it-reads", "sync")):
            found["diagrams"][name] = diagrams(page, f"{address}/{name}/")
            page.locator("div.mermaid").last.screenshot(path=folder / f"{picture}.png")
        page.goto(address)
        page.keyboard.press("/")
        page.keyboard.type("reconcile_days")
        page.wait_for_selector(".md-search-result__link")
        found["search"] = page.eval_on_selector_all(".md-search-result__link", "nodes => nodes.map(node => node.href)")
        page.context.browser.close()
    return {**found, "screenshots": [str(file) for file in folder.glob("*.png")]}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))))
