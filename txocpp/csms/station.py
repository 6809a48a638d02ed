"""A charge point as it is connected right now."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from txocpp.errors import ConnectionGone, SecurityError
from txocpp.transport.peer import Peer

TRIGGERED_FOR_S: Final = 60.0
"""How long messages that were triggered are let through while the station is pending."""


class Registration(StrEnum):
    """How a BootNotification was answered (§4.2)."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


class UnheardConnectors:
    """Remembers of which connectors a status has come since the station booted."""

    def __init__(self) -> None:
        self._heard: set[int] = set()

    def hear(self, connector: int) -> bool:
        """True the first time: what comes then is the present, whatever time it bears (B-10)."""
        first = connector not in self._heard
        self._heard.add(connector)
        return first


@attrs.define(eq=False)
class Station:
    """One charge point on the line. A reconnection makes a new one."""

    identity: str
    clock: IReactorTime = attrs.field(repr=False)
    registration: Registration | None = Registration.ACCEPTED
    """None: it has not booted yet, and may say nothing else before (B-12)."""
    key: int = 0
    """Its key in the store; 0 without one."""
    address: str = ""
    protocol: str = ""
    secure: bool = False
    certificate_name: str | None = None
    """CN of its client certificate (X-25)."""
    unheard: UnheardConnectors | None = None
    """Since it booted on this connection; None: it did not."""
    connected_at: float = 0.0
    """Seconds of the clock."""
    last_heard: float = 0.0
    """Seconds of the clock; any message is a sign of life (H-03)."""
    facts: dict[str, Any] = attrs.field(factory=dict, repr=False)
    """For applications: whatever they like to remember about this connection."""
    _peer: Peer | None = attrs.field(default=None, init=False, repr=False)
    _triggered: dict[str, float] = attrs.field(factory=dict, init=False, repr=False)

    @property
    def peer(self) -> Peer:
        """The line to it."""
        if self._peer is None:
            raise ConnectionGone(f"{self.identity} has not been connected yet")
        return self._peer

    @peer.setter
    def peer(self, peer: Peer) -> None:
        self._peer = peer

    @property
    def is_connected(self) -> bool:
        """True while it can be called."""
        return self._peer is not None and self._peer.is_connected

    def call(self, request: Any, *, timeout_s: float | None = None) -> Deferred[Any]:
        """Ask the station; gives its response. Fails with `txocpp.errors.CallFailed`."""
        return self.peer.call(request, timeout_s=timeout_s)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection."""
        if self._peer is not None:
            self._peer.close(code, reason)

    def expect(self, action: str) -> None:
        """The station was asked to send this message; let it through while it is pending."""
        self._triggered[action] = self.clock.seconds() + TRIGGERED_FOR_S

    def screen(self, action: str) -> bool:
        """Whether a call may be answered by its responder; raises `SecurityError` if not."""
        self.last_heard = self.clock.seconds()
        if self.registration is Registration.ACCEPTED or action == "BootNotification":
            return True
        if (
            self.registration is Registration.PENDING
            and self._triggered.get(action, 0.0) >= self.last_heard
        ):
            return True
        # JE 3.10: "...SHOULD respond with CALLERROR SecurityError" (B-12).
        raise SecurityError("send BootNotification and wait until it is Accepted")


Responder = Callable[[Station, Any], Any]
"""Answers a request of a station: gives a response, or a Deferred or coroutine of one."""
