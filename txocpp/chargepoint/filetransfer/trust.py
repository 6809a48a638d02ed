"""Which file servers are believed to be who they say they are."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from txocpp.errors import ConfigurationError
from txocpp.transport.tls import ClientCertificates


@implementer(IPolicyForHTTPS)
@attrs.frozen
class Trust:
    """Roots in files, or those of the operating system, and those that have been installed."""

    roots: Path | None = None
    """A PEM file or a folder of them; None: those of the operating system."""
    installed: Callable[[], Sequence[str]] = lambda: ()
    """Further ones as PEM texts."""

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        """Called by Twisted for each HTTPS connection."""
        certificates = ClientCertificates(
            trust_roots=self.roots, more_roots=tuple(self.installed())
        )
        return certificates.options(hostname.decode("ascii"))

    def context(self) -> ssl.SSLContext:
        """For connections that the standard library makes. Raises `ConfigurationError`."""
        if self.roots is None:
            made = ssl.create_default_context()
        else:
            made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            files = sorted(self.roots.glob("*.pem")) if self.roots.is_dir() else [self.roots]
            try:
                for file in files:
                    made.load_verify_locations(cafile=file)
            except OSError as error:
                raise ConfigurationError(f"{self.roots} holds no valid certificate") from error
        for root in self.installed():
            made.load_verify_locations(cadata=root)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        # Python 3.13 is stricter by default than older ones, and than HTTPS here.
        made.verify_flags &= ~ssl.VERIFY_X509_STRICT
        made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return made
