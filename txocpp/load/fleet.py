"""All stations of a load: connected one after the other, cut at once, ended in good order."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IDelayedCall, IStreamClientEndpoint
from twisted.internet.task import LoopingCall, deferLater

from txocpp.load.figures import Figures
from txocpp.load.settings import LoadSettings
from txocpp.load.station import OnSettled, Station
from txocpp.load.times import SimulatedTime
from txocpp.transport.tls import ClientCertificates
from txocpp.transport.websocket_settings import DEFAULT_PORTS, split_url

LOOK_EVERY_S: Final = 0.1
CLOSING_SPREAD_S: Final = 2.0
"""The transactions of the end are stopped over so many real seconds."""


@attrs.frozen(kw_only=True)
class Census:
    """How many stations are in which state."""

    stations: int
    begun: int
    """Have been switched on."""
    connected: int
    accepted: int
    """Are connected and registered."""
    charging: int
    """Running transactions."""
    waiting: int
    """Transaction messages that are not acknowledged yet."""


class Fleet:
    """The stations, and what becomes of them."""

    def __init__(
        self, reactor: Any, settings: LoadSettings, *, on_settled: OnSettled | None = None
    ) -> None:
        """`on_settled` hears of every transaction message that is acknowledged or given up.

        Raises `ConfigurationError` for certificates and passwords that cannot be read.
        """
        self.settings = settings
        self.figures = Figures()
        self.time = SimulatedTime(reactor, settings.faster, settings.ahead_s)
        self._reactor = reactor
        endpoint = _endpoint(reactor, settings)
        self.stations = tuple(
            Station(
                reactor,
                settings,
                settings.identity(number),
                self.time,
                self.figures,
                endpoint=endpoint,
                on_settled=on_settled,
            )
            for number in range(1, settings.stations + 1)
        )
        self._begun = 0
        self._timers: set[IDelayedCall] = set()
        self._ramp: IDelayedCall | None = None
        self._cutting: LoopingCall | None = None

    def start(self) -> None:
        """Switch the stations on, one after the other."""
        self._began_s = self._reactor.seconds()
        self._switch_on()
        if self.settings.cut_every_s:
            self._cutting = LoopingCall(self.cut)
            self._cutting.clock = self._reactor
            self._cutting.start(self.settings.cut_every_s, now=False)

    def cut(self) -> None:
        """All lines are lost at once; what follows is a storm."""
        for station in self.stations:
            station.line.cut()

    def census(self) -> Census:
        """How it looks now."""
        connected = accepted = charging = waiting = 0
        for station in self.stations:
            connected += station.line.is_open
            accepted += station.is_online
            waiting += len(station.outbox)
            charging += sum(c.transaction is not None for c in station.connectors)
        return Census(
            stations=len(self.stations),
            begun=self._begun,
            connected=connected,
            accepted=accepted,
            charging=charging,
            waiting=waiting,
        )

    async def close(self, patience_s: float = 30.0) -> bool:
        """End every transaction and wait until all is delivered; False: it took too long."""
        self._halt()
        count = max(1, len(self.stations))
        deadline = self._reactor.seconds() + patience_s
        for number, station in enumerate(self.stations):
            at_s = min(CLOSING_SPREAD_S, count / 500) * number / count
            self._timers.add(self._reactor.callLater(at_s, station.close))
        while any(timer.active() for timer in self._timers) or self._undelivered():
            if self._reactor.seconds() >= deadline:
                return False
            await deferLater(self._reactor, LOOK_EVERY_S, lambda: None)
        return True

    async def stop(self) -> None:
        """Hang up everywhere; what was not delivered is counted as such."""
        self._halt()
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        ends: list[Deferred[None]] = [station.stop() for station in self.stations]
        await DeferredList(ends)

    def _undelivered(self) -> bool:
        return any(len(station.outbox) for station in self.stations)

    def _halt(self) -> None:
        if self._ramp is not None and self._ramp.active():
            self._ramp.cancel()
        if self._cutting is not None and self._cutting.running:
            self._cutting.stop()

    def _switch_on(self) -> None:
        ramp_s, count = self.settings.ramp_s, len(self.stations)
        elapsed_s = self._reactor.seconds() - self._began_s
        due = count if elapsed_s >= ramp_s else max(1, int(count * elapsed_s / ramp_s))
        for station in self.stations[self._begun : due]:
            station.start()
        self._begun = max(self._begun, due)
        if self._begun < count:
            wait_s = max(0.001, ramp_s / count)
            self._ramp = self._reactor.callLater(wait_s, self._switch_on)


def _endpoint(reactor: Any, settings: LoadSettings) -> IStreamClientEndpoint:
    """One for all stations: an address needs no look-up, and TLS is set up once."""
    parts = split_url(settings.url)
    host = parts.hostname or ""
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    try:
        plain: IStreamClientEndpoint = TCP4ClientEndpoint(reactor, str(IPv4Address(host)), port)
    except AddressValueError:
        plain = HostnameEndpoint(reactor, host, port)
    if parts.scheme != "wss":
        return plain
    certificates = ClientCertificates(trust_roots=settings.trust_roots)
    return wrapClientTLS(certificates.options(host), plain)
