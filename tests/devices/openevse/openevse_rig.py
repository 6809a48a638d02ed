"""A simulated controller at the end of a line in virtual time, with the driver at the other."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.devices.openevse.device import OpenEVSEDevice
from txocpp.devices.openevse.rapi_controller import RapiController
from txocpp.devices.openevse.rapi_simulator import RapiSimulator
from txocpp.evse import EVSEState
from txocpp.interfaces import IEVSEListener

STEP_S = 0.05


@implementer(IStreamClientEndpoint)
class Wire:
    """The line to a simulated controller."""

    def __init__(self, box: RapiSimulator) -> None:
        self.box = box
        self.plugged = True
        self.sent = b""
        """All that the driver has ever written."""
        self._protocol: Any = None
        self._transport: StringTransport | None = None

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        if not self.plugged:
            return fail(ConnectError(string="no such line"))
        self._protocol = protocolFactory.buildProtocol(None)
        self._transport = StringTransport()
        self._protocol.makeConnection(self._transport)
        return succeed(self._protocol)

    def carry(self) -> None:
        """Bytes both ways."""
        if self._transport is None:
            self.box.take()
            return
        if self._transport.disconnecting:
            self.cut()
            return
        data = self._transport.value()
        self._transport.clear()
        self.sent += data
        self.box.feed(data)
        said = self.box.take()
        if said and self._protocol is not None:
            self._protocol.dataReceived(said)

    def say(self, data: bytes) -> None:
        """Bytes that seem to come from the controller."""
        self._protocol.dataReceived(data)

    def cut(self) -> None:
        """The cable is out."""
        protocol, self._protocol, self._transport = self._protocol, None, None
        if protocol is not None:
            protocol.connectionLost(Failure(ConnectionDone()))


@implementer(IEVSEListener)
class Witness:
    """Writes down the states it is told."""

    def __init__(self) -> None:
        self.states: list[EVSEState] = []

    def state_changed(self, evse: object, state: EVSEState) -> None:
        self.states.append(state)

    def tag_presented(self, evses: object, id_tag: str) -> None:
        """Never."""

    def measured(self, evse: object, reading: object) -> None:
        """Never."""


class Garage:
    """One driver, one simulated controller."""

    def __init__(self, box: RapiSimulator | None = None, **options: Any) -> None:
        self.clock = Clock()
        self.box = box or RapiSimulator()
        self.wire = Wire(self.box)
        supervision = {
            name: options.pop(name) for name in ("supervision_s", "fallback_a") if name in options
        }
        self.controller = RapiController(self.clock, self.wire, name="test", **supervision)
        alive = options.pop("alive", lambda: True)
        self.device = OpenEVSEDevice(self.clock, self.controller, **options)
        self.device.alive_while(alive)
        self.evse = self.device.evse
        self.witness = Witness()
        self.evse.listen(self.witness)

    def start(self) -> Garage:
        """Meet."""
        self.device.startService()
        self.run(2)
        return self

    def stop(self) -> None:
        """Leave nothing behind."""
        stopped = self.device.stopService()
        self.run(8)
        assert stopped.called
        assert not self.clock.getDelayedCalls()

    def run(self, seconds: float) -> None:
        """Let time go by at both ends."""
        for _ in range(round(seconds / STEP_S)):
            self.box.advance(STEP_S)
            self.wire.carry()
            self.clock.advance(STEP_S)

    def result(self, waiting: Deferred[Any], within_s: float = 10) -> Any:
        """What a Deferred gives; raises what it fails with."""
        outcome: list[Any] = []
        waiting.addBoth(outcome.append)
        for _ in range(round(within_s / STEP_S)):
            if outcome:
                break
            self.run(STEP_S)
        assert outcome, "no answer"
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]
