"""Every story with strangers ends with nobody having found fault with what we sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_twisted
import strangers


@pytest_twisted.async_yield_fixture(scope="module", params=strangers.LIBRARIES)
async def foreign_central_system(
    request: pytest.FixtureRequest,
) -> AsyncIterator[strangers.Actor]:
    """A central system of each foreign library, one for all stories of a module."""
    actor = await strangers.central_system(request.param)
    yield actor
    await actor.stop()
    actor.assert_no_fault()


@pytest_twisted.async_yield_fixture(scope="module", params=strangers.LIBRARIES)
async def foreign_charge_points(
    request: pytest.FixtureRequest,
) -> AsyncIterator[strangers.Actor]:
    """A process of each foreign library that is as many charge points as the stories need."""
    actor = await strangers.charge_points(request.param)
    yield actor
    await actor.stop()
    actor.assert_no_fault()


@pytest.fixture(autouse=True)
def no_fault_found(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test if a foreign library complained and the test has not taken the complaint."""
    yield
    for name in ("foreign_central_system", "foreign_charge_points"):
        if name in request.fixturenames:
            request.getfixturevalue(name).assert_no_fault()
