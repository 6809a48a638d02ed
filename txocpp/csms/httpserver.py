"""The port on which the API and the pages are served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.internet.protocol import Factory
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


class HttpServer(Service):
    """A port with a site on it. `description`: a Twisted server endpoint."""

    def __init__(
        self, reactor: Any, description: str, make_site: Callable[[], Factory[Any]]
    ) -> None:
        self.description = description
        self.port: IListeningPort | None = None
        self._reactor = reactor
        self._site = LateSite(make_site)

    def startService(self) -> None:
        """Open the port. Raises `ConfigurationError` if that cannot be done."""
        endpoint = serverFromString(self._reactor, self.description)
        outcome: list[Any] = []
        endpoint.listen(self._site).addBoth(outcome.append)
        if outcome and isinstance(outcome[0], Failure):
            reason = outcome[0].getErrorMessage()
            raise ConfigurationError(f"cannot listen on {self.description!r}: {reason}")
        self.port = outcome[0] if outcome else None
        super().startService()  # type: ignore[no-untyped-call]

    async def stopService(self) -> None:
        """Close the port; requests that are being answered are cut off."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self.port is not None:
            await maybeDeferred(self.port.stopListening)
