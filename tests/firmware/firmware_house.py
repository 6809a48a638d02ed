"""The package's own driver at one end of a line, the firmware on its bench at the other.

Both live in one virtual time: `House.advance` lets the driver's clock and the bench's run side by
side, and carries the bytes between them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from firmware_rig import Engine
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.devices.esp8266.device import EvlinkDevice
from txocpp.devices.esp8266.evse import EvlinkEVSE
from txocpp.devices.esp8266.settings import EvlinkSettings
from txocpp.evse import EVSEState, MeterReading
from txocpp.interfaces import IEVSEListener

STEP_MS = 40


@implementer(IStreamClientEndpoint)
class BenchEndpoint:
    """A line to the charger on the bench: its cable, or a TCP connection for each attempt."""

    def __init__(self, engine: Engine, *, tcp: bool) -> None:
        self._engine = engine
        self._tcp = tcp
        self.plugged = True
        """The cable is in, or the network up."""
        self.protocol: Any = None
        self.transport: StringTransport | None = None
        self.line = 0

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        if not self.plugged:
            return fail(ConnectError(string="no such line"))
        self.protocol = protocolFactory.buildProtocol(None)  # type: ignore[arg-type]
        self.transport = StringTransport()
        if self._tcp:
            self.line = self._engine.command({"do": "connect"})["line"]
        self.protocol.makeConnection(self.transport)
        return succeed(self.protocol)

    def step(self, ms: int) -> None:
        """Time goes by on the bench; bytes go to and fro."""
        lines = {}
        if self.transport is not None:
            if self.transport.disconnecting:
                self.lose()
            else:
                lines[str(self.line)] = self.transport.value().hex()
                self.transport.clear()
        answer = self._engine.command({"do": "run", "ms": ms, "in": lines})
        data = bytes.fromhex(answer["out"].get(str(self.line), ""))
        if self.protocol is not None and data:
            self.protocol.dataReceived(data)
        if self.line in answer["closed"]:
            self.lose()

    def lose(self) -> None:
        """The line is gone at this end."""
        protocol, self.protocol, self.transport = self.protocol, None, None
        if protocol is not None:
            if self._tcp:
                self._engine.command({"do": "disconnect", "line": self.line})
            protocol.connectionLost(Failure(ConnectionDone()))


@implementer(IEVSEListener)
class Witness:
    """Writes down what an EVSE tells."""

    def __init__(self) -> None:
        self.states: list[EVSEState] = []
        self.tags: list[str] = []
        self.readings: list[MeterReading] = []

    def state_changed(self, evse: object, state: EVSEState) -> None:
        self.states.append(state)

    def tag_presented(self, evses: object, id_tag: str) -> None:
        self.tags.append(id_tag)

    def measured(self, evse: object, reading: MeterReading) -> None:
        self.readings.append(reading)


class House:
    """One driver, one charger."""

    def __init__(
        self,
        engine: Engine,
        *,
        key: bytes | None = None,
        tcp: bool = False,
        settings: EvlinkSettings | None = None,
        **config: Any,
    ) -> None:
        engine.command({"do": "new", "config": {**config, "key": (key or b"").hex()}})
        self.engine = engine
        self.clock = Clock()
        self.endpoint = BenchEndpoint(engine, tcp=tcp)
        self.witness = Witness()
        self.device = EvlinkDevice(
            self.clock,
            self.endpoint,
            key=key,
            serial=not tcp,
            settings=settings,
            connectors=config.get("outlets", 1),
        )
        self.evse.listen(self.witness)

    @property
    def evse(self) -> EvlinkEVSE:
        """The driver's end of the first outlet."""
        return self.device.evses[0]

    def start(self) -> None:
        """Open the line and let both sides meet."""
        self.advance(0.2)
        self.device.startService()
        self.advance(0.8)

    def stop(self) -> None:
        """Leave nothing behind."""
        stopped = self.device.stopService()
        self.advance(3)
        assert stopped.called

    def advance(self, seconds: float) -> None:
        """Let time go by at both ends."""
        for _ in range(int(seconds * 1000 / STEP_MS)):
            self.clock.advance(STEP_MS / 1000)
            self.endpoint.step(STEP_MS)

    def result(self, waiting: Deferred[Any], within_s: float = 2.0) -> Any:
        """What a Deferred gives; raises what it fails with."""
        outcome: list[Any] = []
        waiting.addBoth(outcome.append)
        for _ in range(int(within_s * 1000 / STEP_MS)):
            if outcome:
                break
            self.advance(STEP_MS / 1000)
        assert outcome, "no answer"
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]

    def plant(self, **attributes: Any) -> None:
        """Change what the plant is like."""
        self.engine.command({"do": "plant", **attributes})

    def truth(self, connector: int = 1) -> dict[str, Any]:
        """What is really so at an outlet."""
        outlets: list[dict[str, Any]] = self.engine.command({"do": "state"})["outlets"]
        return outlets[connector - 1]

    def charge(self, limit_a: str = "16") -> None:
        """A car comes, and gets a limit and a permission."""
        self.plant(car="C", draw=32000)
        self.result(self.evse.set_current_limit(Decimal(limit_a)))
        self.result(self.evse.permit(True))
        self.advance(1)
        assert self.truth()["closed"]
