"""Where a file is, or shall be put: URLs of the protocols in SupportedFileTransferProtocols."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote, unquote, urlsplit

import attrs

from txocpp.errors import TransferFailed, TransferTrouble

PORTS: Final = {"http": 80, "https": 443, "ftp": 21, "ftps": 21}


@attrs.frozen
class Place:
    """A URL, taken apart. Its text form holds neither password nor query: both may be secret."""

    protocol: str
    """As OCPP spells it: HTTP, HTTPS, FTP or FTPS."""
    host: str
    """Without brackets."""
    port: int
    path: str
    """As in the URL, percent-encoded."""
    query: str = attrs.field(default="", repr=False)
    user: str | None = None
    password: str | None = attrs.field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Place:
        """Read a URL. Raises `TransferFailed`."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise TransferFailed("the URL is malformed", TransferTrouble.MALFORMED) from None
        if parts.scheme not in PORTS:
            raise TransferFailed(
                f"files cannot be transferred by {parts.scheme[:20] or 'an unnamed protocol'}",
                TransferTrouble.UNSUPPORTED,
            )
        if not parts.hostname or any(ord(character) < 32 for character in unquote(url)):
            raise TransferFailed("the URL is malformed", TransferTrouble.MALFORMED)
        return cls(
            protocol=parts.scheme.upper(),
            host=parts.hostname,
            port=port or PORTS[parts.scheme],
            path=parts.path,
            query=parts.query,
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
        )

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"

    @property
    def origin(self) -> str:
        """Protocol, host and port as the beginning of a URL."""
        scheme = self.protocol.lower()
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}" + (f":{self.port}" if self.port != PORTS[scheme] else "")

    @property
    def file_path(self) -> str:
        """The path for an FTP server, seen from where its user arrives (RFC 1738 §3.2.2)."""
        return unquote(self.path).removeprefix("/")

    @property
    def resource(self) -> str:
        """Path and query as an HTTP server wants them."""
        path = quote(self.path or "/", safe="/%:@!$&'()*+,;=~")
        return path + (f"?{quote(self.query, safe='/%:@!$&()*+,;=~?')}" if self.query else "")

    def within(self, name: str) -> Place:
        """The place of a file in this directory. A place with a query is not touched: it was made
        for one request."""
        if self.query:
            return self
        return attrs.evolve(self, path=f"{self.path.rstrip('/')}/{quote(name, safe='')}")
