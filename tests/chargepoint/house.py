"""A whole charge point on one clock: simulated charger, store in memory, a central system that
writes down what it hears. Rule tests are stories told to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from txocpp.chargepoint.assembly import Assembly
from txocpp.chargepoint.bay import Bay
from txocpp.chargepoint.parts import Equipment
from txocpp.chargepoint.service import ChargePoint, LineSettings
from txocpp.chargepoint.settings import Behaviour, Security, StationSettings
from txocpp.devices.simulated import SimulatedDevice, SimulatedEVSE, simulation_settings
from txocpp.errors import CallFailed, RemoteError
from txocpp.messages import v16
from txocpp.messages.v16 import MessageFactory16
from txocpp.storage.memory import MemoryChargePointStore
from txocpp.transport.memory import MemoryLink
from txocpp.transport.peer import Peer

ACCEPTED = v16.GenericStatusEnumType.ACCEPTED
NOON = datetime(2026, 6, 3, 12, 0, 0, tzinfo=UTC)


class MemoryLine:
    """The connection of one boot: up when the house says so."""

    def __init__(self, house: House, receiver: Peer, settings: LineSettings) -> None:
        self.house = house
        self.receiver = receiver
        self.settings = settings
        self.link = MemoryLink(
            house.clock, receiver, house.central.peer, names=("station", "central")
        )
        self.reconnects: list[str] = []
        self.changes: dict[str, Any] = {}

    def startService(self) -> None:
        if self.house.network:
            self.link.connect()

    def stopService(self) -> Deferred[None]:
        self.receiver.close(1001, "the charge point stops")
        gone: Deferred[None] = Deferred()
        self.house.clock.callLater(0.001, gone.callback, None)
        return gone

    def change(self, **settings: Any) -> None:
        self.changes.update(settings)

    def reconnect(self, reason: str = "") -> None:
        self.reconnects.append(reason)
        self.receiver.close(1000, reason)
        self.house.clock.callLater(0, self.startService)


class CentralDouble:
    """Answers everything with Accepted unless told otherwise, and writes down what it hears."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.heard: list[Any] = []
        self.heard_at: list[float] = []
        self.tags: dict[str, v16.IdTagInfo] = {}
        """What it says about tags; others are accepted."""
        self.boot_status = "Accepted"
        self.boot_interval = 3600
        self.answer: Callable[[Any], Any] | None = None
        """Asked first about every request; None answers as usual."""
        self.transactions = 0
        self.started_at = clock.seconds()
        self.peer = Peer(
            MessageFactory16(),
            {
                v16.AuthorizeRequest: self.take(
                    lambda r: v16.AuthorizeResponse(id_tag_info=self.tag(r.id_tag))
                ),
                v16.BootNotificationRequest: self.take(self.boot),
                v16.HeartbeatRequest: self.take(
                    lambda r: v16.HeartbeatResponse(current_time=self.now())
                ),
                v16.MeterValuesRequest: self.take(lambda r: v16.MeterValuesResponse()),
                v16.StartTransactionRequest: self.take(self.start),
                v16.StatusNotificationRequest: self.take(
                    lambda r: v16.StatusNotificationResponse()
                ),
                v16.StopTransactionRequest: self.take(self.stop),
                v16.DataTransferRequest: self.take(
                    lambda r: v16.DataTransferResponse(status=v16.DataTransferStatus.ACCEPTED)
                ),
                v16.FirmwareStatusNotificationRequest: self.take(
                    lambda r: v16.FirmwareStatusNotificationResponse()
                ),
                v16.DiagnosticsStatusNotificationRequest: self.take(
                    lambda r: v16.DiagnosticsStatusNotificationResponse()
                ),
                v16.SecurityEventNotificationRequest: self.take(
                    lambda r: v16.SecurityEventNotificationResponse()
                ),
                v16.LogStatusNotificationRequest: self.take(
                    lambda r: v16.LogStatusNotificationResponse()
                ),
                v16.SignedFirmwareStatusNotificationRequest: self.take(
                    lambda r: v16.SignedFirmwareStatusNotificationResponse()
                ),
                v16.SignCertificateRequest: self.take(
                    lambda r: v16.SignCertificateResponse(status=ACCEPTED)
                ),
            },
            clock=clock,
        )

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.clock.seconds() - self.started_at)

    def take(self, usual: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def respond(request: Any) -> Any:
            self.heard.append(request)
            self.heard_at.append(self.clock.seconds())
            special = self.answer(request) if self.answer is not None else None
            return usual(request) if special is None else special

        return respond

    def tag(self, id_tag: str) -> v16.IdTagInfo:
        return self.tags.get(id_tag, v16.IdTagInfo(status=v16.AuthorizationStatus.ACCEPTED))

    def boot(self, request: Any) -> Any:
        return v16.BootNotificationResponse(
            current_time=self.now(),
            interval=self.boot_interval,
            status=v16.RegistrationStatus(self.boot_status),
        )

    def start(self, request: Any) -> Any:
        self.transactions += 1
        return v16.StartTransactionResponse(
            transaction_id=self.transactions, id_tag_info=self.tag(request.id_tag)
        )

    def stop(self, request: Any) -> Any:
        info = None if request.id_tag is None else self.tag(request.id_tag)
        return v16.StopTransactionResponse(id_tag_info=info)


class House:
    """One charge point and its world.

    `configuration` are initial OCPP keys, `car` settings of the simulated charger, `behaviour`
    those of the charge point.
    """

    def __init__(
        self,
        connectors: int = 1,
        *,
        configuration: dict[str, object] | None = None,
        car: dict[str, Any] | None = None,
        behaviour: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
        store: MemoryChargePointStore | None = None,
        network: bool = True,
        start: bool = True,
        equipment: Equipment | None = None,
    ) -> None:
        self.clock = Clock()
        self.clock.advance(NOON.timestamp())
        self.network = network
        self.equipment = equipment
        self.connectors = connectors
        self.lines: list[MemoryLine] = []
        self.central = CentralDouble(self.clock)
        self.store = store or MemoryChargePointStore()
        self.car = {"wake_s": 1, "follow_s": 1, **(car or {})}
        self.settings = StationSettings(
            identity="CP1",
            vendor="txocpp",
            model="House",
            configuration={"MeterValueSampleInterval": 0, **(configuration or {})},
            behaviour=Behaviour(**(behaviour or {})),
            **{"security": Security(push_events="all"), **(settings or {})},
        )
        self._told = 0
        self._build()
        if start:
            self.station.startService()
            self.run(0)

    # The charge point.

    def _build(self) -> None:
        self.station = ChargePoint(
            self.settings,
            self._make_device,
            self.store,
            self._make_line,
            self.clock,
            equipment=self.equipment,
        )

    def _make_device(self, memory: Any, remember: Any) -> SimulatedDevice:
        self.device = SimulatedDevice(
            self.clock,
            simulation_settings(self.car, self.connectors),
            memory=memory.get("1"),
            on_remember=lambda document: remember("1", document),
        )
        return self.device

    def _make_line(self, receiver: Any, settings: LineSettings) -> MemoryLine:
        self.lines.append(MemoryLine(self, receiver, settings))
        return self.lines[-1]

    @property
    def assembly(self) -> Assembly:
        assert self.station.assembly is not None
        return self.station.assembly

    @property
    def line(self) -> MemoryLine:
        return self.lines[-1]

    def bay(self, number: int = 1) -> Bay:
        return self.assembly.bays[number]

    def evse(self, number: int = 1) -> SimulatedEVSE:
        return self.device.evse(number)

    # Time.

    def run(self, seconds: float = 0.0) -> None:
        """Let this much time pass, event by event."""
        end = self.clock.seconds() + seconds
        while True:
            due = min((c.getTime() for c in self.clock.getDelayedCalls()), default=None)
            if due is None or due > end:
                break
            self.clock.advance(max(0.0, due - self.clock.seconds()))
        self.clock.advance(end - self.clock.seconds())

    # What happens.

    def plug(self, number: int = 1, **car: Any) -> None:
        self.evse(number).plug_in(**car)
        self.run(0)

    def unplug(self, number: int = 1) -> None:
        self.evse(number).plug_out()
        self.run(0)

    def swipe(self, id_tag: str = "TAG1", *connectors: int) -> None:
        self.device.swipe(id_tag, connectors)
        self.run(0)

    def charge(self, number: int = 1, id_tag: str = "TAG1") -> None:
        """A car is plugged in, a tag presented, and energy flows."""
        self.plug(number)
        self.swipe(id_tag, number)
        self.run(10)
        self.heard()

    def disconnect(self) -> None:
        """The network is gone."""
        self.network = False
        self.line.link.cut()
        self.run(0)

    def connect(self) -> None:
        """The network is back, and so is the line."""
        self.network = True
        self.line.link.connect()
        self.run(0)

    def power_cut(self) -> None:
        """The process dies at once and starts again, from what was on the disk."""
        self.line.link.cut()
        for call in self.clock.getDelayedCalls():
            call.cancel()
        self.store = self.store.survivor()
        self._build()
        self.station.startService()
        self.run(0)

    def stop(self) -> None:
        """Shut down in good order."""
        Deferred.fromCoroutine(self.station.stopService())
        self.run(10)

    # What the central system says and hears.

    def ask(self, request: Any) -> Any:
        """What the charge point answers: a response, or the code of its CALLERROR."""
        answers: list[Any] = []
        self.central.peer.call(request).addCallbacks(
            answers.append, lambda f: answers.append(f.value)
        )
        self.run(0)
        assert answers, f"no answer to {request}"
        answer = answers[0]
        if isinstance(answer, RemoteError):
            return answer.code
        if isinstance(answer, CallFailed):
            raise answer
        return answer

    def status(self, request: Any) -> str:
        """The status that the charge point answers with."""
        answer = self.ask(request)
        return answer if isinstance(answer, str) else answer.status.value

    def set_key(self, key: str, value: object) -> str:
        return self.status(v16.ChangeConfigurationRequest(key=key, value=str(value)))

    def heard(self, *kinds: str) -> list[str]:
        """What the central system has heard since the last look, in short, or only these kinds;
        security events only if they are asked for."""
        new = self.central.heard[self._told :]
        self._told = len(self.central.heard)
        told = [short(message) for message in new]
        return [one for one in told if (one.split()[0] in kinds if kinds else one[:6] != "Event ")]

    def last(self, kind: type) -> Any:
        """The newest message of a class that the central system has heard."""
        return [m for m in self.central.heard if isinstance(m, kind)][-1]

    def all(self, kind: type) -> list[Any]:
        """All messages of a class that the central system has heard."""
        return [m for m in self.central.heard if isinstance(m, kind)]


def short(message: Any) -> str:
    """A message in a few words."""
    m = message
    match m:
        case v16.StatusNotificationRequest():
            error = "" if m.error_code == "NoError" else f" {m.error_code.value}"
            return f"Status {m.connector_id} {m.status.value}{error}"
        case v16.AuthorizeRequest():
            return f"Authorize {m.id_tag}"
        case v16.StartTransactionRequest():
            reserved = "" if m.reservation_id is None else f" reservation {m.reservation_id}"
            return f"Start {m.connector_id} {m.id_tag}{reserved}"
        case v16.StopTransactionRequest():
            tag = "" if m.id_tag is None else f" by {m.id_tag}"
            return f"Stop {m.transaction_id} {m.reason.value}{tag}"
        case v16.MeterValuesRequest():
            context = m.meter_value[0].sampled_value[0].context.value
            tx = "" if m.transaction_id is None else f" of {m.transaction_id}"
            return f"Meter {m.connector_id} {context}{tx}"
        case v16.BootNotificationRequest():
            return "Boot"
        case v16.HeartbeatRequest():
            return "Heartbeat"
        case v16.SecurityEventNotificationRequest():
            return f"Event {m.type}"
        case v16.FirmwareStatusNotificationRequest():
            return f"Firmware {m.status.value}"
        case v16.SignedFirmwareStatusNotificationRequest():
            return f"SignedFirmware {m.request_id} {m.status.value}"
        case v16.DiagnosticsStatusNotificationRequest():
            return f"Diagnostics {m.status.value}"
        case v16.LogStatusNotificationRequest():
            return f"Log {m.request_id} {m.status.value}"
    return type(m).__name__.removesuffix("Request")


def accepted(**more: Any) -> v16.IdTagInfo:
    """A good tag."""
    return v16.IdTagInfo(status=v16.AuthorizationStatus.ACCEPTED, **more)


def refused(status: str = "Invalid", **more: Any) -> v16.IdTagInfo:
    """A bad tag."""
    return v16.IdTagInfo(status=v16.AuthorizationStatus(status), **more)


def never(_: Any) -> Deferred[Any]:
    """An answer that does not come."""
    return Deferred()


def sequence(answers: Sequence[Any]) -> Callable[[Any], Any]:
    """One answer after the other."""
    left = list(answers)
    return lambda request: left.pop(0) if left else None
