"""The port on which the API and the pages are served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocol
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure

from txocpp.errors import ConfigurationError


class LateSite(Factory[Any]):
    """Makes the site when somebody knocks for the first time.

    Web framework, routes and pages take as long to load as half of the rest of the central
    system, and charge points need none of them: they shall not wait for it after a restart.
    """

    noisy = False

    def __init__(self, make: Callable[[], Factory[Any]]) -> None:
        self._make = make
        self._site: Factory[Any] | None = None

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """Called by Twisted for every connection."""
        if self._site is None:
            self._site = self._make()
            self._site.doStart()
        return self._site.buildProtocol(addr)

    def stopFactory(self) -> None:
        """Called by Twisted when the port is closed."""
        site, self._site = self._site, None
        if site is not None:
            site.doStop()


class Connection(ProtocolWrapper):
    """A connection whose end can be waited for."""

    def __init__(self, factory: Connections, protocol: IProtocol) -> None:
        super().__init__(factory, protocol)
        self.gone: Deferred[None] = Deferred()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Called by Twisted when it is over."""
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        self.gone.callback(None)


class Connections(WrappingFactory[Connection]):
    """Remembers who is connected to a site, so that all can be hung up on."""

    noisy = False
    protocol = Connection

    async def cut(self) -> None:
        """End all connections, whatever goes on; they are gone then."""
        connections: list[Connection] = list(self.protocols)
        for connection in connections:
            connection.abortConnection()
        await DeferredList([connection.gone for connection in connections])


class HttpServer(Service):
    """A port with a site on it. `description`: a Twisted server endpoint."""

    def __init__(
        self, reactor: Any, description: str, make_site: Callable[[], Factory[Any]]
    ) -> None:
        self.description = description
        self.port: IListeningPort | None = None
        self._reactor = reactor
        self._connections = Connections(LateSite(make_site))  # type: ignore[no-untyped-call]

    def startService(self) -> None:
        """Open the port. Raises `ConfigurationError` if that cannot be done."""
        endpoint = serverFromString(self._reactor, self.description)
        outcome: list[Any] = []
        endpoint.listen(self._connections).addBoth(outcome.append)
        if outcome and isinstance(outcome[0], Failure):
            reason = outcome[0].getErrorMessage()
            raise ConfigurationError(f"cannot listen on {self.description!r}: {reason}")
        self.port = outcome[0] if outcome else None
        super().startService()  # type: ignore[no-untyped-call]

    async def stopService(self) -> None:
        """Close the port and all connections; requests that are being answered are cut off."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self.port is not None:
            await maybeDeferred(self.port.stopListening)
        await self._connections.cut()
