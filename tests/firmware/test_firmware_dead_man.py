"""The dead man's switch, whole: charge point, driver, firmware and plant in one virtual time.

The charge point can die in ways that leave its process, and the line to the charger, alive. Then no
lease may be renewed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from firmware_house import House
from firmware_rig import KEY, InThisPython
from twisted.internet.defer import Deferred

from txocpp.chargepoint.service import ChargePoint, LineSettings
from txocpp.chargepoint.settings import StationSettings
from txocpp.devices.esp8266.settings import EvlinkSettings
from txocpp.errors import StoreError
from txocpp.evse import OfferReason
from txocpp.messages import v16
from txocpp.storage.memory import MemoryChargePointStore
from txocpp.transport.memory import MemoryLink
from txocpp.transport.peer import Peer


class Office:
    """A central system that likes everything, at the other end of a line in memory."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        accepted = v16.IdTagInfo(status=v16.AuthorizationStatus.ACCEPTED)
        self.status: list[str] = []
        self.peer = Peer(
            v16.MessageFactory16(),
            {
                v16.BootNotificationRequest: lambda _: v16.BootNotificationResponse(
                    current_time=datetime.fromtimestamp(clock.seconds(), UTC),
                    interval=300,
                    status=v16.RegistrationStatus.ACCEPTED,
                ),
                v16.StatusNotificationRequest: self._noted,
                v16.AuthorizeRequest: lambda _: v16.AuthorizeResponse(id_tag_info=accepted),
                v16.StartTransactionRequest: lambda _: v16.StartTransactionResponse(
                    transaction_id=1, id_tag_info=accepted
                ),
                v16.MeterValuesRequest: lambda _: v16.MeterValuesResponse(),
                v16.StopTransactionRequest: lambda _: v16.StopTransactionResponse(),
            },
            clock=clock,
        )

    def _noted(self, request: v16.StatusNotificationRequest) -> v16.StatusNotificationResponse:
        if request.connector_id:
            self.status.append(f"{request.status} {request.vendor_error_code or ''}".strip())
        return v16.StatusNotificationResponse()

    def line(self, receiver: Peer, settings: LineSettings) -> Any:
        """The line of one boot."""
        return Line(MemoryLink(self.clock, receiver, self.peer, names=("station", "central")))


class Line:
    """A connection that is up as long as it runs."""

    on_status: Any = None

    def __init__(self, link: MemoryLink) -> None:
        self._link = link
        self.startService = link.connect
        self.stopService = link.cut

    def change(self, **settings: Any) -> None:
        """Nothing can be changed."""

    def reconnect(self, reason: str = "") -> None:
        """Nor made anew."""


class DeadMansHouse(House):
    """The house with a charge point above the driver."""

    def __init__(self, engine: Any, store: Any = None, **config: Any) -> None:
        settings = EvlinkSettings(fallback_a=Decimal(6), lease_s=10)
        super().__init__(engine, settings=settings, **config)
        self.clock.advance(1_780_000_000)
        self.office = Office(self.clock)
        self.charge_point = ChargePoint(
            StationSettings(identity="GARAGE", configuration={"MeterValueSampleInterval": 0}),
            self.device,
            store or MemoryChargePointStore(),
            self.office.line,
            self.clock,
        )

    def start(self) -> None:
        self.advance(0.2)
        self.charge_point.startService()
        self.advance(2)

    def stop(self) -> None:
        if self.charge_point.running:
            stopped = Deferred.fromCoroutine(self.charge_point.stopService())
            self.advance(10)
            assert stopped.called

    def transact(self) -> None:
        """A car, a tag, a transaction."""
        self.plant(car="C", draw=32000)
        self.advance(0.5)
        self.engine.command({"do": "tag", "c": 1, "uid": "TAG1"})
        self.advance(8)
        assert self.truth()["offer"] == 32000
        assert self.truth()["closed"]

    def dies(self, attribute: str, value: Any) -> Callable[[], None]:
        """The charge point loses a piece of its mind; gives what cures it."""
        limits = self.charge_point.assembly.limits  # type: ignore[union-attr]
        setattr(limits, attribute, value)
        return lambda: delattr(limits, attribute)


Furnish = Callable[..., DeadMansHouse]


@pytest.fixture(params=["cpython", "micropython"])
def furnish(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Furnish]:
    """Makes houses with the firmware in either engine, and leaves them tidily."""
    if request.param == "cpython":
        engine: Any = InThisPython(tmp_path)
    else:
        engine = request.getfixturevalue("micropython")
    houses: list[DeadMansHouse] = []

    def make(**config: Any) -> DeadMansHouse:
        house = DeadMansHouse(engine, **config)
        houses.append(house)
        house.start()
        return house

    yield make
    for house in houses:
        house.stop()


@pytest.mark.parametrize("line", [{}, {"key": KEY, "tcp": True}], ids=["cable", "network"])
def test_a_charge_point_at_work_renews_the_lease(furnish: Furnish, line: dict[str, Any]) -> None:
    """Five minutes with a lease of ten seconds: the limit is the host's all the time."""
    house = furnish(**line)
    house.transact()
    for _ in range(30):
        house.advance(10)
        assert (house.truth()["offer"], house.truth()["why"]) == (32000, "host")


def test_one_that_cannot_work_out_its_limits_is_dead(
    furnish: Furnish, logged_failures: Any
) -> None:
    """Its process lives and its line is up; the charger falls back within the lease, for good."""
    house = furnish()
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
    furnish: Furnish, logged_failures: Any
) -> None:
    """The driver meets it again and gives it nothing, as long as nobody lives who could want it."""
    house = furnish()
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


def test_one_that_is_stopped_leaves_an_open_contactor(furnish: Furnish) -> None:
    """In good order: the permission is taken, and nobody renews anything."""
    house = furnish()
    house.transact()
    house.stop()
    assert not house.charge_point.is_alive
    assert not house.truth()["closed"]


class BrokenStore(MemoryChargePointStore):
    """A disk that cannot be read."""

    def load(self) -> Any:
        raise StoreError("the disk is gone")


def test_one_that_cannot_boot_is_dead(furnish: Furnish, logged_failures: Any) -> None:
    """It never becomes one that could renew anything."""
    house = furnish(store=BrokenStore())
    assert not house.charge_point.is_alive
    assert house.truth()["offer"] == 0
    assert logged_failures.flush(StoreError)


def test_a_line_that_is_down_is_told_after_ten_seconds(furnish: Furnish) -> None:
    """Reckoned from the last frame that was heard, up to two seconds before the cut: driver and
    charge point do not both wait. After a minute a connector without a transaction is
    unavailable."""
    house = furnish()
    house.engine.command({"do": "cut", "on": 1})
    house.office.status.clear()
    house.advance(7.5)
    assert house.office.status == []
    house.advance(3)
    assert house.office.status == ["Available DeviceLinkLost"]
    house.advance(46)
    assert house.office.status == ["Available DeviceLinkLost"]
    house.advance(4)
    assert house.office.status[1:] == ["Unavailable DeviceLinkLost"]
    house.engine.command({"do": "cut", "on": 0})
    house.advance(10)
    assert house.office.status[2:] == ["Available"]
