"""A charge point as a Twisted service: brings it up, reboots it, takes it down.

What belongs together between two boots is built in `assembly`; here is only what outlives a boot:
the device, the store, the line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, Protocol, cast

import attrs
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, fail, maybeDeferred
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.assembly import Assembly
from txocpp.chargepoint.datatransfer import DataTransfers, VendorResponder
from txocpp.chargepoint.journal import Journal
from txocpp.chargepoint.overview import overview
from txocpp.chargepoint.parts import Equipment, Parts
from txocpp.chargepoint.settings import StationSettings
from txocpp.errors import ConnectionGone
from txocpp.interfaces import (
    IChargePointStore,
    IDeadMansSwitch,
    IEVSEDevice,
    IFrameReceiver,
    IMessageFactory,
    Put,
)
from txocpp.messages.v16 import MessageFactory16
from txocpp.transport.peer import Responder
from txocpp.transport.status import ConnectionStatus
from txocpp.transport.tls import ClientCertificates

REBOOT_PAUSE_S: Final = 1.0
"""Between going down and coming up again."""

DEVICE_TABLE: Final = "device"

SETTLE_S: Final = 5.0
"""How long the store may take to write down the rest when the charge point stops."""

log = Logger()


@attrs.frozen(kw_only=True)
class LineSettings:
    """What the charge point decides about its connection."""

    identity: str
    password: bytes | None = attrs.field(default=None, repr=False)
    """Bytes of AuthorizationKey, if one has been set over OCPP; None: as configured."""
    ping_interval_s: float = 60.0
    """WebSocketPingInterval (C-10)."""
    url: str | None = None
    """Of the central system, as the security profile demands it. With it, `password` and
    `certificates` are the last word; without it all three are as configured."""
    certificates: ClientCertificates | None = None


class LineService(Protocol):
    """A connection that comes back: `txocpp.transport.websocket_client.WebSocketClient`."""

    on_status: Callable[[ConnectionStatus], object] | None
    """Hears how the connection does."""

    def startService(self) -> None:
        """Connect, now and for ever."""

    def stopService(self) -> Any:
        """Close the connection; may give a Deferred or a coroutine."""

    def change(self, **settings: Any) -> None:
        """Change ping_interval_s, password, url or certificates."""

    def reconnect(self, reason: str = ...) -> None:
        """Make a new connection."""


LineMaker = Callable[[IFrameReceiver, LineSettings], LineService]

DeviceMemory = Mapping[str, Mapping[str, Any]]
"""What the boxes of a device have to remember, by the name of the box."""

Remember = Callable[[str, Mapping[str, Any]], object]
"""Takes the name of a box and what it has to remember from now on."""

DeviceMaker = Callable[[DeviceMemory, Remember], IEVSEDevice]
"""Makes the device; for one that cannot keep its energy registers by itself."""


class ChargePoint(Service):
    """One charge point.

    `make_line` makes the connection to the central system for each boot. The device, or what
    `device` makes, is started and stopped along with the charge point. `equipment` is what
    firmware and logs are handled with.
    """

    def __init__(
        self,
        settings: StationSettings,
        device: IEVSEDevice | DeviceMaker,
        store: IChargePointStore,
        make_line: LineMaker,
        clock: IReactorTime,
        *,
        factory: IMessageFactory | None = None,
        monotonic: Callable[[], float] | None = None,
        responders: Mapping[type, Responder] | None = None,
        equipment: Equipment | None = None,
    ) -> None:
        self.assembly: Assembly | None = None
        """What is running; None before the first boot and between two."""
        self.line: LineService | None = None
        self.data_transfers = DataTransfers()
        self.device: IEVSEDevice | None = None
        """None before the store has been read."""
        self.settings = settings
        self.damage: str | None = None
        """What the store found damaged when it was read."""
        self._device = device
        self._store = store
        self._clock = clock
        self._make_line = make_line
        self._factory = factory or MessageFactory16()
        self._monotonic = monotonic
        self._responders = dict(responders or {})
        self._equipment = attrs.evolve(
            equipment or Equipment.of(settings.files), overview=partial(overview, self)
        )
        self._journal = Journal(store, clock)
        self._work: Deferred[None] | None = None
        self._pause: IDelayedCall | None = None
        self._comes_up = False

    # For applications.

    def on_data_transfer(
        self, vendor_id: str, respond: VendorResponder, message_ids: Any = None
    ) -> None:
        """Answer a vendor's messages, see `datatransfer.DataTransfers`."""
        self.data_transfers.register(vendor_id, respond, message_ids=message_ids)

    def call(self, request: Any) -> Deferred[Any]:
        """Send the central system a request of your own; fails with a `CallFailed`."""
        if self.assembly is None:
            return fail(ConnectionGone(f"{self.settings.identity} is not up"))
        return self.assembly.central.call(request)

    @property
    def is_alive(self) -> bool:
        """It is at work, or about to be. Boxes that fall back by themselves (`IDeadMansSwitch`) get
        signs of life only so long: not from a charge point that could not boot, or cannot work
        out its limits."""
        if self.assembly is not None:
            return self.assembly.is_alive
        return bool(self.running) and self._comes_up

    @property
    def line_status(self) -> Any:
        """What the line says of itself (`ConnectionStatus` of the WebSocket client), or None."""
        return getattr(self.line, "status", None)

    def note_security_event(self, event: str, info: str = "", *, critical: bool = False) -> None:
        """Note something in the security log, and tell the central system of it: that the housing
        has been opened, for example. Lost while the charge point boots."""
        if self.assembly is not None:
            self.assembly.upkeep.events.note(event, info, critical=critical or None)

    # The life of the service.

    def startService(self) -> None:
        """Read the store, start the device, boot."""
        super().startService()  # type: ignore[no-untyped-call]
        self._come_up()

    async def stopService(self) -> None:
        """Close the connection and make the device safe; transactions stay open on the disk."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._work is not None:
            self._work.cancel()
        if self._pause is not None and self._pause.active():
            self._pause.cancel()
        if self.assembly is not None:
            self.assembly.part()
        await self._go_down()
        if self.device is not None:
            await maybeDeferred(self.device.stopService)
        await self._written()
        self._journal.stop()
        await self._store.close()

    async def _boot(self) -> None:
        tables = self._journal.as_if_written(await self._store.load())
        if self._store.damage is not None and self.damage is None:
            self.damage = self._store.damage
            log.error("{damage}", damage=self.damage)
        if self.device is None:
            self.device = self._made_device(tables.get(DEVICE_TABLE, {}))
            self.device.startService()
        parts = Parts(
            settings=self.settings,
            device=self.device,
            journal=self._journal,
            factory=self._factory,
            clock=self._clock,
            monotonic=self._monotonic,
            data_transfers=self.data_transfers,
            responders=self._responders,
            equipment=self._equipment,
        )
        assembly = Assembly(
            parts, tables, reboot=self._reboot, line=lambda: cast(LineService, self.line)
        )
        await assembly.start()
        self.assembly = assembly
        self.line = self._make_line(assembly.peer, self._line_settings(assembly))
        self.line.on_status = assembly.upkeep.line_security.status_changed
        log.info("{identity} boots", identity=self.settings.identity)
        self.line.startService()

    def _made_device(self, memory: DeviceMemory) -> IEVSEDevice:
        given = self._device
        made = given if IEVSEDevice.providedBy(given) else given(memory, self._remember)
        if IDeadMansSwitch.providedBy(made):
            made.alive_while(lambda: self.is_alive)
        return made

    def _remember(self, name: str, memory: Mapping[str, Any]) -> None:
        """What a box has to remember is written before anything that follows from it."""
        self._journal.keep(Put(DEVICE_TABLE, name, memory))

    def _line_settings(self, assembly: Assembly) -> LineSettings:
        return LineSettings(
            identity=self.settings.identity,
            ping_interval_s=float(assembly.configuration.integer("WebSocketPingInterval")),
            **assembly.upkeep.line_security.wire(),
        )

    def _reboot(self) -> None:
        """After a Reset the charge point comes up again by itself."""
        self._comes_up = True
        self._work = Deferred.fromCoroutine(self._go_down())
        self._work.addCallback(lambda _: self._rest())
        self._work.addErrback(self._stumbled)

    def _rest(self) -> None:
        self._pause = self._clock.callLater(REBOOT_PAUSE_S, self._come_up)

    def _come_up(self) -> None:
        self._comes_up = True
        self._work = Deferred.fromCoroutine(self._boot())
        self._work.addErrback(self._stumbled)

    async def _go_down(self) -> None:
        assembly, self.assembly = self.assembly, None
        line, self.line = self.line, None
        if assembly is not None:
            assembly.stop()
        if line is not None:
            await maybeDeferred(line.stopService)
        await self._written()

    async def _written(self) -> None:
        """Wait for the journal, but not for ever: the disk may be full."""
        settled = self._journal.settled().addTimeout(SETTLE_S, self._clock)
        settled.addErrback(lambda failure: failure.trap(TookTooLong, CancelledError))
        await settled

    def _stumbled(self, failure: Failure) -> None:
        self._comes_up = False
        if failure.check(CancelledError) is None:
            log.failure("the charge point cannot run", failure)
