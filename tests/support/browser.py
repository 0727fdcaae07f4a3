"""Debian's Chromium, headless, for tests of the page; skipped where it is missing, but never in CI, which installs it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, sync_playwright

QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
).split()

PATIENCE_MS = 60_000
"""Time in milliseconds that a page may take on a loaded machine."""


@contextmanager
def browser_page() -> Iterator[Page]:
    """A page of 1280 x 900 pixels; what it writes to its console as an error fails the test."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        assert os.environ.get("CI") != "true", "chromium is not installed: apt-get install chromium"
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        yield page
        browser.close()
        assert errors == []


def opened(page: Page, address: str, tab: str) -> None:
    """Opens a tab of the site and waits until it is drawn."""
    page.goto("about:blank")
    page.goto(f"{address}#{tab}")
    page.wait_for_selector(f"main[data-ready={tab}]", timeout=PATIENCE_MS)


def hover(page: Page, label: str, x: int, y: int, size: int) -> None:
    """Puts the mouse on the centre of a pixel of the picture of that name."""
    box = page.get_by_role("img", name=label, exact=True).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + (x + 0.5) * box["width"] / size, box["y"] + (y + 0.5) * box["height"] / size)
