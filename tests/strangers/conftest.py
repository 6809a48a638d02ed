"""Every story with strangers ends with nobody having found fault with what we sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_twisted
import strangers
from daemons import ChargePoint
from garage import Arrival, Garage
from twisted.internet.defer import Deferred, gatherResults


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


@pytest_twisted.async_yield_fixture(scope="module")
async def garage(
    foreign_central_system: strangers.Actor, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Garage]:
    """Where the charge points of a module come from."""
    built = Garage(foreign_central_system, tmp_path_factory.mktemp("garage"))
    yield built
    left = [cp for cp in (built.spare, built.shared) if cp is not None]
    await gatherResults([Deferred.fromCoroutine(cp.stop()) for cp in left])


@pytest_twisted.async_yield_fixture
async def arrive(garage: Garage) -> AsyncIterator[Arrival]:
    """Brings a charge point of ours, with an identity of its own, to the foreign central system.

    `keys`, `car`, `central` and `more` are its configuration, anything else scripted answers to
    it. It has booted and told its statuses, unless it shall not be waited for until it has
    `settled`. A `shared` one is for stories that leave it as they found it.
    """
    arrived: list[ChargePoint] = []

    async def bring(
        *,
        keys: dict[str, Any] | None = None,
        car: dict[str, Any] | None = None,
        central: dict[str, Any] | None = None,
        more: str = "",
        settled: bool = True,
        shared: bool = False,
        **answers: Any,
    ) -> tuple[ChargePoint, strangers.ForeignPeer]:
        if shared and garage.shared is not None:
            office = garage.central_system.peer(garage.shared.identity)
            office.forget()
            return garage.shared, office
        if keys or car or central or more or answers:
            cp = garage.build(keys=keys, car=car, central=central, more=more)
            office = garage.central_system.peer(cp.identity)
            await office.answer(**answers)
            cp.launch()
        else:
            cp = garage.take()
            office = garage.central_system.peer(cp.identity)
        if shared:
            garage.shared = cp
        else:
            arrived.append(cp)
        if settled:
            await office.settled()
        return cp, office

    yield bring
    await gatherResults([Deferred.fromCoroutine(cp.stop()) for cp in arrived])
    for cp in arrived:
        cp.assert_no_traceback()
