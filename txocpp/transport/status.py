"""How a charge point's line to its central system is doing."""

from __future__ import annotations

from enum import StrEnum

import attrs


class Problem(StrEnum):
    """What kind of thing keeps the line down."""

    NETWORK = "network"
    REFUSED = "refused"
    """The server answered the handshake with an HTTP error; 401 is CREDENTIALS."""
    CREDENTIALS = "credentials"
    CERTIFICATE = "certificate"
    """The server's certificate is not trusted or not for its host name (X-21)."""
    TLS = "tls"
    """No common TLS version or cipher suite (X-22, X-24), or another TLS failure."""
    PROTOCOL = "protocol"
    """What answers speaks no WebSocket, or no common subprotocol (C-06)."""
    CONFIGURATION = "configuration"


class Phase(StrEnum):
    """What the client is doing."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    """Until the next attempt."""


@attrs.frozen(kw_only=True)
class ConnectionStatus:
    """For status pages and security events."""

    phase: Phase
    since: float
    """Seconds of the reactor's clock."""
    next_attempt_at: float | None = None
    """Seconds of the reactor's clock, while waiting."""
    problem: Problem | None = None
    """Of the last attempt that failed, or why the last connection ended."""
    reason: str = ""
    """The same in words."""
    http_status: int | None = None
    """What the server answered to the handshake, if it refused it."""
    server_chain: tuple[str, ...] = ()
    """While connected by TLS: SHA-256 fingerprints of the server's certificate, of those between,
    and of the root that vouches for it."""
