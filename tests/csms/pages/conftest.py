"""What stories at the pages start from."""

from collections.abc import Iterator

import pytest
from pages_browser import chromium, close_browser


@pytest.fixture(scope="session")
def one_browser() -> Iterator[None]:
    """One browser for all stories."""
    yield
    close_browser()


@pytest.fixture
def browser_is_there(one_browser: None) -> None:
    """Look for the browser before anything is started; skips where it is missing."""
    chromium()
