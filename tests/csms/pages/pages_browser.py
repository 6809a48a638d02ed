"""A person at a real browser: headless Chromium, steered by Playwright in a thread of its own.

One browser serves all stories; each gets a fresh profile in it.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

PATIENCE_MS = 20_000
"""How long a person waits for anything to appear; far beyond what a healthy run takes."""

DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}

# Playwright belongs to the thread that has started it.
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="browser")
_close: list[Callable[[], object]] = []


def chromium() -> str:
    """Where Chromium is; skips the test where it is missing."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed, so the pages were not tried in a browser")
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    found = found or shutil.which("google-chrome")
    if found is None:
        pytest.skip("Chromium is not installed, so the pages were not tried in a browser")
    return found


@cache
def _browser(executable: str) -> Any:
    from playwright.sync_api import sync_playwright

    playwright = sync_playwright().start()
    # Containers seldom allow what Chromium's own sandbox needs; only our own pages are opened.
    arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
    browser = playwright.chromium.launch(executable_path=executable, args=arguments)

    _close.extend((browser.close, playwright.stop))
    return browser


def close_browser() -> None:
    """After the last story."""
    for close in _close:
        _thread.submit(close).result(timeout=20)
    _close.clear()


class Person:
    """Looks at pages and uses them; remembers everything that went wrong in the browser."""

    def __init__(self, page: Any, base: str) -> None:
        self.page = page
        self.base = base
        self.complaints: list[str] = []
        self.foreign: list[str] = []
        self.asked: list[str] = []
        """Every request, in order."""
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._console)
        page.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _request(self, request: Any) -> None:
        self.asked.append(request.url.removeprefix(self.base))
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

    def choose(self, label: str, option: str) -> None:
        """Choose from the list with this label."""
        self.page.get_by_label(label, exact=True).select_option(label=option)

    def sees(self, text: str, where: str = "body") -> None:
        """Wait until this text stands there."""
        from playwright.sync_api import expect

        expect(self.page.locator(where)).to_contain_text(text, timeout=PATIENCE_MS)

    def sees_no(self, text: str, where: str = "body") -> None:
        """Wait until this text does not stand there."""
        from playwright.sync_api import expect

        expect(self.page.locator(where)).not_to_contain_text(text, timeout=PATIENCE_MS)

    def sees_many(self, where: str, number: int) -> None:
        """Wait until there are so many of these."""
        from playwright.sync_api import expect

        expect(self.page.locator(where)).to_have_count(number, timeout=PATIENCE_MS)

    def sees_value(self, text: str, label: str) -> None:
        """Wait until this stands in the field."""
        from playwright.sync_api import expect

        expect(self.page.get_by_label(label, exact=True)).to_have_value(text, timeout=PATIENCE_MS)

    def count(self, where: str) -> int:
        """How many of these there are."""
        return int(self.page.locator(where).count())

    def press(self, *keys: str) -> None:
        """Keys of the keyboard, one after another."""
        for key in keys:
            self.page.keyboard.press(key)


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
        settings = {"viewport": DESKTOP, "locale": "en-GB", **context}
        profile = _browser(executable).new_context(**settings)
        try:
            person = Person(profile.new_page(), f"http://127.0.0.1:{http_port}")
            story(person)
            left = [one for one in person.complaints if not any(word in one for word in expected)]
            assert not left
            assert not person.foreign
        finally:
            profile.close()

    await _in_the_browser(run)


def _in_the_browser(work: Callable[[], None]) -> Deferred[None]:
    """Run it in the browser's thread."""
    done: Deferred[None] = Deferred()

    def run() -> None:
        try:
            work()
        except BaseException:
            reactor.callFromThread(done.errback, Failure())
        else:
            reactor.callFromThread(done.callback, None)

    _thread.submit(run)
    return done
