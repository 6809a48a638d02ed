"""The port on which the API is served."""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort
from twisted.python.failure import Failure
from twisted.web.resource import Resource

from txocpp.csms.api.site import web_site
from txocpp.errors import ConfigurationError


class HttpServer(Service):
    """A port with a resource on it. `description`: a Twisted server endpoint."""

    def __init__(self, reactor: Any, description: str, root: Resource) -> None:
        self.description = description
        self.root = root
        self.port: IListeningPort | None = None
        self._reactor = reactor

    def startService(self) -> None:
        """Open the port. Raises `ConfigurationError` if that cannot be done."""
        endpoint = serverFromString(self._reactor, self.description)
        outcome: list[Any] = []
        endpoint.listen(web_site(self.root, clock=self._reactor)).addBoth(outcome.append)
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
