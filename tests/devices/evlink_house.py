"""A host and a simulated evlink/1 device, joined in memory on one virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.devices.esp8266.device import EvlinkDevice
from txocpp.devices.esp8266.settings import EvlinkSettings
from txocpp.devices.simulated import SimulatedDevice, simulation_settings
from txocpp.devices.simulation.evlink_device import EvlinkSimulation
from txocpp.devices.simulation.evlink_server import EvlinkFactory
from txocpp.interfaces import IEVSEListener

KEY = bytes(range(32))
LATENCY_S = 0.005


class End:
    """One end of the wire: a transport that delivers later, and may be tampered with."""

    def __init__(self, wire: Wire, to_device: bool) -> None:
        self._wire = wire
        self._to_device = to_device
        self.protocol: Any = None
        self.other: End
        self.closed = False

    def write(self, data: bytes) -> None:
        if not self.closed:
            self._wire.carry(self, data, self._to_device)

    def loseConnection(self) -> None:
        self._wire.clock.callLater(0, self._wire.cut)

    abortConnection = loseConnection

    def lost(self) -> None:
        if not self.closed:
            self.closed = True
            self.protocol.connectionLost(Failure(ConnectionDone()))


@implementer(IStreamClientEndpoint)
class Wire:
    """The endpoint of the host; `tamper` sees all bytes and may change or swallow them."""

    def __init__(self, clock: Clock, factory: EvlinkFactory) -> None:
        self.clock = clock
        self.factory = factory
        self.reachable = True
        self.connections = 0
        self.log: list[tuple[str, bytes]] = []
        self.tamper: Callable[[bool, bytes], bytes] = lambda to_device, data: data
        self._ends: list[End] = []

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        if not self.reachable:
            return fail(ConnectError(string="unplugged"))
        self.connections += 1
        host, device = End(self, True), End(self, False)
        host.other, device.other = device, host
        self._ends = [host, device]
        device.protocol = self.factory.buildProtocol(None)
        host.protocol = protocolFactory.buildProtocol(None)
        device.protocol.makeConnection(device)
        host.protocol.makeConnection(host)
        return succeed(host.protocol)

    def carry(self, end: End, data: bytes, to_device: bool) -> None:
        data = self.tamper(to_device, data)
        if data:
            self.log.append((">" if to_device else "<", data))
            self.clock.callLater(LATENCY_S, self._deliver, end.other, data)

    def cut(self) -> None:
        """Both ends hear of it."""
        ends, self._ends = self._ends, []
        for end in ends:
            end.lost()

    def inject(self, data: bytes, *, to_device: bool = False) -> None:
        """Bytes that nobody wrote."""
        if self._ends:
            self._deliver(self._ends[1 if to_device else 0], data)

    @staticmethod
    def _deliver(end: End, data: bytes) -> None:
        if not end.closed:
            end.protocol.dataReceived(data)


@implementer(IEVSEListener)
class Diary:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.states: list[tuple[int, Any]] = []
        self.tags: list[tuple[list[int], str]] = []
        self.readings: list[tuple[int, Any]] = []

    def state_changed(self, evse: Any, state: Any) -> None:
        self.states.append((evse.number, state))

    def tag_presented(self, evses: Any, id_tag: str) -> None:
        self.tags.append(([evse.number for evse in evses], id_tag))

    def measured(self, evse: Any, reading: Any) -> None:
        self.readings.append((evse.number, reading))


class EvlinkHouse:
    """Host `device` and box `sim`, talking over `wire`."""

    def __init__(
        self,
        connectors: int = 1,
        *,
        key: bytes | None = KEY,
        box_key: bytes | str | None = "same",
        cable: bool = False,
        settings: dict[str, Any] | None = None,
        memory: dict[str, Any] | None = None,
        configured: int | None = None,
        **simulation: Any,
    ) -> None:
        self.clock = Clock()
        self.sim = SimulatedDevice(self.clock, simulation_settings(simulation, connectors))
        shared = key if box_key == "same" else box_key
        self.box = EvlinkSimulation(self.sim, key=shared, insecure=shared is None)  # type: ignore[arg-type]
        factory = EvlinkFactory(self.box, cable=cable)
        self.box.on_power = factory.power
        self.wire = Wire(self.clock, factory)
        self.kept: list[dict[str, Any]] = []
        options = {"insecure": key is None, **(settings or {})}
        self.device = EvlinkDevice(
            self.clock,
            self.wire,
            connectors=configured or connectors,
            key=key,
            serial=cable,
            settings=EvlinkSettings.of(options),
            memory=memory,
            on_remember=self.kept.append,
        )
        self.diary = Diary()
        for evse in self.device.evses:
            evse.listen(self.diary)

    def start(self) -> EvlinkHouse:
        """Switch both on and let them meet."""
        self.sim.startService()
        self.run(0)
        self.device.startService()
        self.run(2)
        return self

    def run(self, seconds: float) -> None:
        """Let time pass, from event to event."""
        until = self.clock.seconds() + seconds
        while True:
            calls = sorted(call.getTime() for call in self.clock.getDelayedCalls())
            if not calls or calls[0] > until:
                break
            self.clock.advance(max(calls[0] - self.clock.seconds(), 0))
        self.clock.advance(max(until - self.clock.seconds(), 0))

    def stop(self) -> None:
        """Both off; nothing may be left on the clock."""
        stopping = self.device.stopService()
        self.run(5)
        assert stopping.called
        self.box.stop()
        self.sim.stopService()
        assert self.clock.getDelayedCalls() == []

    def charge(self, number: int = 1, limit_a: int = 16) -> Any:
        """A car that charges."""
        evse = self.device.evses[number - 1]
        self.sim.evse(number).plug_in()
        evse.set_current_limit(Decimal(limit_a))
        evse.permit(True)
        self.run(6)
        assert self.sim.evse(number).outlet.car.draw_ma == limit_a * 1000
        return evse


def result(deferred: Deferred[Any]) -> Any:
    """The result of a Deferred that has fired."""
    results: list[Any] = []

    def note(value: Any) -> Any:
        results.append(value)
        return value

    deferred.addCallback(note)
    assert results, "it has not fired"
    return results[0]


def failure(deferred: Deferred[Any]) -> Exception:
    """The error of a Deferred that has failed."""
    failures: list[Any] = []
    deferred.addErrback(failures.append)
    assert failures, "it has not failed"
    return failures[0].value
