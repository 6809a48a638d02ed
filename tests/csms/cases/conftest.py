"""An operator at a desk for every official test case."""

from __future__ import annotations

import pytest
from desk import Desk
from street import Street

from txocpp.csms.settings import Authorization, Settings


@pytest.fixture
def desk() -> Desk:
    """A central system where only the tags that were entered may charge: TAG1 for now."""
    strict = Settings(authorization=Authorization(unknown_tags="invalid"))
    desk = Desk(Street(strict))
    desk.tag("TAG1")
    return desk
