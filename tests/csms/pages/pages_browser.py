"""A person at a real browser: headless Chromium, steered by Playwright in a thread of its own."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from twisted.internet.threads import deferToThread

PATIENCE_MS = 20_000
"""How long a person waits for anything to appear; far beyond what a healthy run takes."""

DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}


def chromium() -> str:
    """Where Chromium is; skips the test where it is missing."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed, so the pages were not tried in a browser")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    found = found or shutil.which("google-chrome")
    if found is None:
        pytest.skip("Chromium is not installed, so the pages were not tried in a browser")
    return found


class Person:
    """Looks at pages and uses them; remembers everything that went wrong in the browser."""

    def __init__(self, page: Any, base: str) -> None:
        self.page = page
        self.base = base
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._console)
        page.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _request(self, request: Any) -> None:
        if not request.url.startswith(self.base):
            self.foreign.append(request.url)

    def open(self, where: str = "/") -> None:
        """Go to a page, given by what stands behind the ``#``."""
        self.page.goto(f"{self.base}/#{where}")

    def click(self, name: str, role: str = "button") -> None:
        """Press what is called so."""
        self.page.get_by_role(role, name=name, exact=True).click()

    def fill(self, label: str, text: str) -> None:
        """Write into the field with this label."""
        self.page.get_by_label(label, exact=True).fill(text)

    def sees(self, text: str, where: str = "body") -> None:
        """Wait until this text stands there."""
        from playwright.sync_api import expect

        expect(self.page.locator(where)).to_contain_text(text, timeout=PATIENCE_MS)

    def count(self, where: str) -> int:
        """How many of these there are."""
        return int(self.page.locator(where).count())


@contextmanager
def _browser(executable: str, base: str, **context: Any) -> Iterator[Person]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Containers seldom allow what Chromium's own sandbox needs; only our own pages are opened.
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        running = playwright.chromium.launch(executable_path=executable, args=arguments)
        try:
            settings = {"viewport": DESKTOP, "locale": "en-GB", **context}
            yield Person(running.new_context(**settings).new_page(), base)
        finally:
            running.close()


async def at_the_browser(
    http_port: int,
    story: Callable[[Person], None],
    *,
    expected: tuple[str, ...] = (),
    **context: Any,
) -> None:
    """Let a person do a story. Nothing may go wrong in the browser except what is expected.

    `context`: viewport, color_scheme and the like.
    """
    executable = chromium()

    def run() -> None:
        with _browser(executable, f"http://127.0.0.1:{http_port}", **context) as person:
            story(person)
            left = [one for one in person.complaints if not any(word in one for word in expected)]
            assert not left
            assert not person.foreign

    await deferToThread(run)
