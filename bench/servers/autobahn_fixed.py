"""A bare Autobahn server: JSON in, a fixed payload per action out, nothing checked.

It is what somebody would write in an hour, and the floor for whatever uses Autobahn as it comes.
"""

from __future__ import annotations

import json
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort

from bench.servers.twisted_door import endpoint, log, open_door

NOW = "2030-01-01T00:00:00Z"
ANSWERS: dict[str, dict[str, Any]] = {
    "BootNotification": {"status": "Accepted", "currentTime": NOW, "interval": 300},
    "Heartbeat": {"currentTime": NOW},
    "StartTransaction": {"transactionId": 1, "idTagInfo": {"status": "Accepted"}},
    "StopTransaction": {},
    "MeterValues": {},
    "StatusNotification": {},
    "Authorize": {"idTagInfo": {"status": "Accepted"}},
}


class FixedAnswers(WebSocketServerProtocol):
    """One connection."""

    waiting: Deferred[Any] | None = None

    def onConnect(self, request: Any) -> str:
        """Every station may come."""
        return "ocpp1.6"

    def onOpen(self) -> None:
        """Remember it."""
        self.factory.stations.append(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Answer, or take the answer to our call."""
        frame = json.loads(payload)
        if frame[0] == 2:
            answer = [3, frame[1], ANSWERS[frame[2]]]
            self.sendMessage(json.dumps(answer, separators=(",", ":")).encode())
        elif self.waiting is not None:
            waiting, self.waiting = self.waiting, None
            waiting.callback(frame[2])

    def call(self) -> Deferred[Any]:
        """ClearCache, as plain as it gets."""
        self.waiting = Deferred()
        self.sendMessage(b'[2,"bench","ClearCache",{}]')
        return self.waiting


def main() -> None:
    """Serve until the benchmark ends."""
    log()
    factory = WebSocketServerFactory()
    factory.protocol = FixedAnswers
    factory.stations = []
    factory.setProtocolOptions(openHandshakeTimeout=60)

    def opened(port: IListeningPort) -> None:
        open_door(port.getHost().port, lambda: factory.stations, lambda station: station.call())

    serverFromString(reactor, endpoint()).listen(factory).addCallback(opened)
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
