"""What can be set about WebSockets, for both ends."""

from __future__ import annotations

from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

import attrs

from txocpp.errors import ConfigurationError
from txocpp.transport.http_basic import authorization
from txocpp.transport.tls import ClientCertificates

MEBIBYTE: Final = 1 << 20
DEFAULT_PORTS: Final = {"ws": 80, "wss": 443}


@attrs.frozen(kw_only=True)
class LineLimits:
    """What a peer may ask of us: bytes, and patience."""

    largest_message: int = MEBIBYTE
    """Bytes of a message from the peer; a larger one closes the connection with 1009."""
    longest_header: int = 16 * 1024
    """Bytes of the HTTP header of the handshake."""
    fair_share: int = 0
    """Bytes a second that are read from a peer in the long run, where a message counts as 1,000
    bytes more than it has; what is beyond waits in the peer's own socket. 0 = as many as come."""
    most_unsent: int = MEBIBYTE
    """Bytes that may wait, beyond the transport's own buffer, for a peer that does not read."""
    handshake_timeout_s: float = 30.0
    """For TLS and HTTP together, the gate's decision included."""
    close_timeout_s: float = 10.0
    """For the peer to agree to a close before the connection is dropped."""
    pong_timeout_s: float = 30.0
    """After a ping; without a pong by then the connection is dropped (C-11). A server waits no
    longer than its ping interval."""


FAIR_SHARE: Final = 1_000_000
"""Of each station, at a server: several hundred messages a second, far more than a station with
one call at a time has use for, and little of a processor."""


@attrs.frozen(kw_only=True)
class ServerSettings:
    """How a server treats its stations."""

    subprotocols: tuple[str, ...] = ("ocpp1.6",)
    """What the server speaks; the station's order of preference decides (C-05)."""
    path_prefix: str | None = None
    """The URL path before the identity, for example ``/ocpp/``; None takes any (C-02)."""
    prefix_may_lack: bool = False
    """Also take a URL that has the identity and nothing before it."""
    ping_interval_s: float = 60.0
    """0 = no pings from this end."""
    most_connections: int = 0
    """Further ones are refused with 503; 0 = any number."""
    trusted_proxies: int = 0
    """Proxies in front of the server whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    limits: LineLimits = LineLimits(fair_share=FAIR_SHARE)


def _absolute(instance: object, attribute: object, url: str) -> None:
    parts = split_url(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ConfigurationError(f"{url!r} is no URL of a central system: ws://host or wss://host")
    if parts.username is not None:
        raise ConfigurationError("the URL holds a user name; set identity and password instead")


@attrs.frozen(kw_only=True)
class ClientSettings:
    """Where to connect, as whom, and how stubbornly."""

    url: str = attrs.field(validator=_absolute)
    """Of the central system, without the identity: ``ws://host:port/path`` or ``wss://...``."""
    identity: str
    """Of the charge point; it is added to the URL as one segment, percent-encoded (C-02)."""
    password: bytes | None = attrs.field(default=None, repr=False)
    """The bytes of AuthorizationKey; None sends no credentials (C-15)."""
    subprotocols: tuple[str, ...] = ("ocpp1.6",)
    """In order of preference (C-04)."""
    certificates: ClientCertificates = attrs.Factory(ClientCertificates)
    """For wss URLs."""
    endpoint: str | None = None
    """A Twisted client endpoint to connect to in place of the URL's host and port, for example
    ``tls:host:443:trustRoots=/etc/roots`` or ``unix:/run/proxy``."""
    ping_interval_s: float = 60.0
    """WebSocketPingInterval; 0 = none (C-10)."""
    first_wait_s: float = 2.0
    """After the first failure; doubled with each further one."""
    longest_wait_s: float = 60.0
    settled_after_s: float = 30.0
    """A connection that lasted that long was a good one: waiting begins anew."""
    limits: LineLimits = attrs.Factory(LineLimits)

    @property
    def is_secure(self) -> bool:
        """The URL wants TLS."""
        return split_url(self.url).scheme == "wss"

    @property
    def host(self) -> str:
        """Name or address, without brackets."""
        return split_url(self.url).hostname or ""

    @property
    def host_header(self) -> str:
        """The host as HTTP writes it: IPv6 addresses in brackets, names in ASCII."""
        return f"[{self.host}]" if ":" in self.host else self.host.encode("idna").decode()

    @property
    def port(self) -> int:
        """The URL's, or the usual one."""
        parts = split_url(self.url)
        return parts.port or DEFAULT_PORTS[parts.scheme]

    @property
    def resource(self) -> str:
        """Path and query of the request."""
        parts = split_url(self.url)
        path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
        query = quote(parts.query, safe="/%:@!$&'()*+,;=~?")
        return f"{path}/{quote(self.identity, safe='')}" + (f"?{query}" if query else "")

    @property
    def headers(self) -> dict[str, str]:
        """Of the request, beyond those of every WebSocket handshake."""
        if self.password is None:
            return {}
        return {"Authorization": authorization(self.identity, self.password)}


def split_url(url: str) -> SplitResult:
    """The parts of a URL, the port checked. Raises `ConfigurationError`."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises if it is no number
    except ValueError as error:
        raise ConfigurationError(f"{url!r} is no URL: {error}") from None
    return parts
