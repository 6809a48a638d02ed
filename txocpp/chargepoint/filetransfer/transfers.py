"""Each file by the protocol of its URL."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from twisted.internet.defer import Deferred

from txocpp.chargepoint.filetransfer.places import Place
from txocpp.chargepoint.filetransfer.trust import Trust
from txocpp.chargepoint.settings import Files

if TYPE_CHECKING:
    from txocpp.chargepoint.filetransfer.ftp import FTPTransfers
    from txocpp.chargepoint.filetransfer.web import WebTransfers


class Transfers(Protocol):
    """Carries files. Every Deferred may be cancelled, and fails with `TransferFailed`."""

    def download(self, place: Place, file: Path) -> Deferred[None]:
        """Fetch a file; `file` is there when it is complete. What an earlier attempt has got of it
        is made use of, where the server allows that."""

    def upload(self, file: Path, place: Place) -> Deferred[None]:
        """Deliver a file; `place` is the file's own, not its directory."""


class NetworkTransfers:
    """Provides `Transfers` by HTTP, HTTPS, FTP and FTPS. `reactor` is for sockets, time and
    threads."""

    def __init__(self, reactor: Any, settings: Files, trust: Trust) -> None:
        self._made_with = (reactor, settings, trust)
        self._web: WebTransfers | None = None
        self._ftp: FTPTransfers | None = None

    def download(self, place: Place, file: Path) -> Deferred[None]:
        """See `Transfers`."""
        return Deferred.fromCoroutine(self._speaker(place).download(place, file))

    def upload(self, file: Path, place: Place) -> Deferred[None]:
        """See `Transfers`."""
        return Deferred.fromCoroutine(self._speaker(place).upload(file, place))

    def _speaker(self, place: Place) -> WebTransfers | FTPTransfers:
        """Loaded when it is wanted first: most charge points never transfer a file."""
        if place.protocol in ("FTP", "FTPS"):
            if self._ftp is None:
                from txocpp.chargepoint.filetransfer.ftp import FTPTransfers

                self._ftp = FTPTransfers(*self._made_with)
            return self._ftp
        if self._web is None:
            from txocpp.chargepoint.filetransfer.web import WebTransfers

            self._web = WebTransfers(*self._made_with)
        return self._web
