"""A central system of txocpp without a store: typed, validated messages, answers only.

What an application starts from that brings its own logic, so it does what the other servers here
do, and nothing more.
"""

from __future__ import annotations

from twisted.internet import reactor

from bench.servers.twisted_door import endpoint, log, open_door
from txocpp.csms.central import CentralSystem
from txocpp.messages.v16 import ClearCacheRequest
from txocpp.transport.websocket_server import ServerSettings, WebSocketServer


def main() -> None:
    """Serve until the benchmark ends."""
    log()
    central_system = CentralSystem(reactor)
    server = WebSocketServer(
        reactor,
        endpoint(),
        central_system,
        ServerSettings(ping_interval_s=0),
    )
    server.startService()
    assert server.port is not None
    open_door(
        server.port.getHost().port,
        lambda: list(central_system.stations),
        lambda station: station.call(ClearCacheRequest()),
    )
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
