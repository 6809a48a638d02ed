"""A charge point above driver and firmware, and a central system that likes everything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from firmware_house import House
from twisted.internet.defer import Deferred

from txocpp.chargepoint.service import ChargePoint, LineSettings
from txocpp.chargepoint.settings import StationSettings
from txocpp.devices.esp8266.settings import EvlinkSettings
from txocpp.messages import v16
from txocpp.storage.memory import MemoryChargePointStore
from txocpp.transport.memory import MemoryLink
from txocpp.transport.peer import Peer


class Office:
    """A central system that likes everything, at the other end of a line in memory."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.accepted = v16.IdTagInfo(status=v16.AuthorizationStatus.ACCEPTED)
        self.status: list[str] = []
        self.notified: list[str] = []
        """Status, error code and the charger's word of connector 1."""
        self.tags: list[str] = []
        self.running: set[int] = set()
        """Transactions that have not been stopped."""
        self.peer = Peer(
            v16.MessageFactory16(),
            {
                v16.BootNotificationRequest: lambda _: v16.BootNotificationResponse(
                    current_time=datetime.fromtimestamp(clock.seconds(), UTC),
                    interval=300,
                    status=v16.RegistrationStatus.ACCEPTED,
                ),
                v16.StatusNotificationRequest: self._noted,
                v16.AuthorizeRequest: self._authorized,
                v16.StartTransactionRequest: self._started,
                v16.MeterValuesRequest: lambda _: v16.MeterValuesResponse(),
                v16.StopTransactionRequest: self._stopped,
            },
            clock=clock,
        )

    def _authorized(self, request: v16.AuthorizeRequest) -> v16.AuthorizeResponse:
        self.tags.append(request.id_tag)
        return v16.AuthorizeResponse(id_tag_info=self.accepted)

    def _started(self, request: v16.StartTransactionRequest) -> v16.StartTransactionResponse:
        self.running.add(1)
        return v16.StartTransactionResponse(transaction_id=1, id_tag_info=self.accepted)

    def _stopped(self, request: v16.StopTransactionRequest) -> v16.StopTransactionResponse:
        self.running.discard(request.transaction_id)
        return v16.StopTransactionResponse()

    def _noted(self, request: v16.StatusNotificationRequest) -> v16.StatusNotificationResponse:
        if request.connector_id:
            word = request.vendor_error_code or ""
            self.status.append(f"{request.status} {word}".strip())
            self.notified.append(f"{request.status} {request.error_code} {word}".strip())
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


class StationHouse(House):
    """The house with a charge point above the driver; leases last ten seconds."""

    def __init__(self, engine: Any, store: Any = None, **config: Any) -> None:
        wanted = {"fallback_a": 6, "lease_s": 10, **config.pop("settings", {})}
        super().__init__(engine, settings=EvlinkSettings.of(wanted), **config)
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

    def ask(self, request: Any) -> Any:
        """What the charge point answers the central system."""
        return self.result(self.office.peer.call(request))

    def transact(self) -> None:
        """A car, a tag, a transaction."""
        self.plug_and_swipe()
        self.advance(8)
        assert self.truth()["offer"] == 32000
        assert self.truth()["closed"]

    def plug_and_swipe(self, *, draw: int = 32000, **_: Any) -> None:
        """A car comes, and somebody with a tag."""
        self.plant(car="C", draw=draw)
        self.advance(0.5)
        self.engine.command({"do": "tag", "c": 1, "uid": "TAG1"})

    def dies(self, attribute: str, value: Any) -> Callable[[], None]:
        """The charge point loses a piece of its mind; gives what cures it."""
        limits = self.charge_point.assembly.limits  # type: ignore[union-attr]
        setattr(limits, attribute, value)
        return lambda: delattr(limits, attribute)
