"""Twisted's own floor: a TCP server that sends back the bytes that it gets."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.protocol import Factory, Protocol

from bench.servers.twisted_door import log, open_door


class Echo(Protocol):
    """One connection."""

    def dataReceived(self, data: bytes) -> None:
        """Send it back."""
        self.transport.write(data)  # type: ignore[union-attr]


def main() -> None:
    """Serve until the benchmark ends."""
    log()
    factory = Factory.forProtocol(Echo)
    port = reactor.listenTCP(0, factory, backlog=4096, interface="127.0.0.1")  # type: ignore[attr-defined]
    open_door(port.getHost().port)
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
