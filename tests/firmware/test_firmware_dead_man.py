"""The dead man's switch, whole: charge point, driver, firmware and plant in one virtual time.

The charge point can die in ways that leave its process, and the line to the charger, alive. Then no
lease may be renewed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from firmware_rig import KEY
from firmware_station import StationHouse

from txocpp.errors import StoreError
from txocpp.evse import OfferReason
from txocpp.storage.memory import MemoryChargePointStore

Furnish = Callable[..., StationHouse]


@pytest.mark.parametrize("line", [{}, {"key": KEY, "tcp": True}], ids=["cable", "network"])
def test_a_charge_point_at_work_renews_the_lease(station: Furnish, line: dict[str, Any]) -> None:
    """Five minutes with a lease of ten seconds: the limit is the host's all the time."""
    house = station(**line)
    house.transact()
    for _ in range(30):
        house.advance(10)
        assert (house.truth()["offer"], house.truth()["why"]) == (32000, "host")


def test_one_that_cannot_work_out_its_limits_is_dead(
    station: Furnish, logged_failures: Any
) -> None:
    """Its process lives and its line is up; the charger falls back within the lease, for good."""
    house = station()
    house.transact()
    cure = house.dies("_shares", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        house.charge_point.assembly.limits.refresh()  # type: ignore[union-attr]
    assert not house.charge_point.is_alive
    house.advance(12.5)
    assert (house.truth()["offer"], house.truth()["why"]) == (6000, "fb")
    house.advance(300)
    assert house.truth()["offer"] == 6000
    assert house.truth()["closed"]
    cure()
    house.charge_point.assembly.limits.refresh()  # type: ignore[union-attr]
    house.advance(8)
    assert (house.truth()["offer"], house.truth()["why"]) == (32000, "host")
    assert house.evse.state.reason is OfferReason.HOST
    assert logged_failures.flush(ZeroDivisionError)


def test_a_charger_that_restarts_under_a_dead_charge_point_stays_open(
    station: Furnish, logged_failures: Any
) -> None:
    """The driver meets it again and gives it nothing, as long as nobody lives who could want it."""
    house = station()
    house.transact()
    cure = house.dies("_shares", lambda *_: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        house.charge_point.assembly.limits.refresh()  # type: ignore[union-attr]
    house.engine.command({"do": "reboot", "why": "wdt"})
    house.advance(60)
    assert not house.truth()["closed"]
    assert not house.truth()["gate"]
    cure()
    house.charge_point.assembly.limits.refresh()  # type: ignore[union-attr]
    house.advance(10)
    assert (house.truth()["offer"], house.truth()["closed"]) == (32000, True)
    logged_failures.flush(ZeroDivisionError)


def test_one_that_is_stopped_leaves_an_open_contactor(station: Furnish) -> None:
    """In good order: the permission is taken, and nobody renews anything."""
    house = station()
    house.transact()
    house.stop()
    assert not house.charge_point.is_alive
    assert not house.truth()["closed"]


class BrokenStore(MemoryChargePointStore):
    """A disk that cannot be read."""

    def load(self) -> Any:
        raise StoreError("the disk is gone")


def test_one_that_cannot_boot_is_dead(station: Furnish, logged_failures: Any) -> None:
    """It never becomes one that could renew anything."""
    house = station(store=BrokenStore())
    assert not house.charge_point.is_alive
    assert house.truth()["offer"] == 0
    assert logged_failures.flush(StoreError)
