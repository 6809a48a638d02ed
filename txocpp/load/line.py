"""The connection of one station and the calls over it, each of them timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.python.failure import Failure

from txocpp.errors import CallTimeout, ConnectionGone, InvalidResponse, RemoteError
from txocpp.load.figures import Figures
from txocpp.load.settings import LoadSettings
from txocpp.messages.v16 import MessageFactory16
from txocpp.transport.peer import Peer, Responder
from txocpp.transport.status import ConnectionStatus, Phase
from txocpp.transport.websocket_client import WebSocketClient
from txocpp.transport.websocket_settings import ClientSettings

FACTORY: Final = MessageFactory16()
LONGEST_REASON: Final = 80
_CALL: Final = "[2"


class Line:
    """Keeps a station connected, and counts what becomes of its calls."""

    __slots__ = (
        "_clock",
        "_dialled_s",
        "_figures",
        "_leaving",
        "_out_since",
        "_was_open",
        "client",
        "on_stranger",
        "peer",
    )

    def __init__(
        self,
        reactor: Any,
        settings: LoadSettings,
        identity: str,
        figures: Figures,
        responders: Mapping[type[Any], Responder],
        *,
        endpoint: IStreamClientEndpoint,
        chance: Callable[[], float],
    ) -> None:
        self.on_stranger: Callable[[], object] = lambda: None
        """The central system says that the station is not registered."""
        self.peer = Peer(
            FACTORY, responders, clock=reactor, timeout_s=settings.timeout_s, on_frame=self._frame
        )
        self.client = WebSocketClient(
            reactor,
            self.peer,
            ClientSettings(
                url=settings.url,
                identity=identity,
                password=settings.password_of(identity),
                ping_interval_s=0,
                first_wait_s=settings.first_wait_s,
                longest_wait_s=settings.longest_wait_s,
            ),
            endpoint=endpoint,
            chance=chance,
        )
        self.client.on_status = self._status
        self._clock = reactor
        self._figures = figures
        self._out_since: float | None = None
        self._dialled_s = 0.0
        self._was_open = False
        self._leaving = False

    @property
    def is_open(self) -> bool:
        """Calls can be made."""
        return self.peer.is_connected

    def call(self, request: Any, message_id: str | None = None) -> Deferred[Any]:
        """Ask the central system; gives the response. Fails with a `CallFailed`."""
        action = request.action
        return self.peer.call(request, message_id=message_id).addCallbacks(
            self._answered, self._failed, (action,), {}, (action,), {}
        )

    def tell(self, request: Any) -> None:
        """The same for messages that nobody repeats: whether it arrives is only counted."""
        self.call(request).addErrback(lambda _: None)

    def cut(self) -> None:
        """Lose the connection, as networks do."""
        if self._was_open:
            self._leaving = True
            self.client.cut("cut by the load generator")

    def redial(self) -> None:
        """Close the connection properly and come back."""
        self._leaving = self._was_open
        self.client.reconnect("the station restarts")

    # --- inside

    def _frame(self, direction: str, text: str) -> None:
        # One call is out at a time, so one moment is enough to remember.
        if direction == "sent" and text.startswith(_CALL):
            self._out_since = self._clock.seconds()

    def _answered(self, response: Any, action: str) -> Any:
        figures = self._ended(action)
        figures.answered += 1
        return response

    def _failed(self, failure: Failure, action: str) -> Failure:
        error = failure.value
        if isinstance(error, RemoteError):
            self._ended(action).errors[error.wire_code] += 1
            if error.code == "SecurityError" and action != "BootNotification":
                self.on_stranger()
        elif isinstance(error, CallTimeout):
            self._figures.action(action).timed_out += 1
            self._ended(action)
        elif isinstance(error, InvalidResponse):
            self._ended(action).invalid += 1
        elif isinstance(error, ConnectionGone) and self._out_since is not None:
            # Calls that waited for their turn were never sent.
            self._out_since = None
            figures = self._figures.action(action)
            figures.sent += 1
            figures.cut_off += 1
        return failure

    def _ended(self, action: str) -> Any:
        figures = self._figures.action(action)
        figures.sent += 1
        if self._out_since is not None:
            figures.latencies.add(self._clock.seconds() - self._out_since)
            self._out_since = None
        return figures

    def _status(self, status: ConnectionStatus) -> None:
        figures = self._figures
        if status.phase is Phase.CONNECTING:
            figures.attempts += 1
            self._dialled_s = self._clock.seconds()
        elif status.phase is Phase.CONNECTED:
            figures.opened += 1
            figures.handshakes.add(self._clock.seconds() - self._dialled_s)
            self._was_open, self._leaving = True, False
        elif status.phase is Phase.WAITING:
            reason = status.reason[:LONGEST_REASON]
            if status.http_status is not None:
                figures.refused[f"HTTP {status.http_status}"] += 1
            elif not self._was_open:
                figures.failed[reason] += 1
            elif self._leaving:
                figures.cut += 1
            else:
                figures.closed[reason] += 1
            self._was_open = self._leaving = False
