"""A street for every story."""

import pytest
from street import Street


@pytest.fixture
def street() -> Street:
    """A central system with the default settings, open to everybody."""
    return Street()
