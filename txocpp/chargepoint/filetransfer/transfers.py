"""Each file by the protocol of its URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from txocpp.chargepoint.filetransfer.ftp import FTPTransfers
from txocpp.chargepoint.filetransfer.places import Place
from txocpp.chargepoint.filetransfer.trust import Trust
from txocpp.chargepoint.filetransfer.web import WebTransfers
from txocpp.chargepoint.settings import Files


class Transfers(Protocol):
    """Carries files. Every Deferred may be cancelled, and fails with `TransferFailed`."""

    def download(self, place: Place, file: Path) -> Deferred[None]:
        """Fetch a file; `file` is there when it is complete. What an earlier attempt has got of it
        is made use of, where the server allows that."""

    def upload(self, file: Path, place: Place) -> Deferred[None]:
        """Deliver a file; `place` is the file's own, not its directory."""


class NetworkTransfers:
    """Provides `Transfers` by HTTP, HTTPS, FTP and FTPS."""

    def __init__(self, reactor: Any, settings: Files, trust: Trust) -> None:
        web = WebTransfers(reactor, settings, trust)
        ftp = FTPTransfers(reactor, settings, trust)
        self._speakers: dict[str, WebTransfers | FTPTransfers] = {
            "HTTP": web,
            "HTTPS": web,
            "FTP": ftp,
            "FTPS": ftp,
        }

    def download(self, place: Place, file: Path) -> Deferred[None]:
        """See `Transfers`."""
        return Deferred.fromCoroutine(self._speakers[place.protocol].download(place, file))

    def upload(self, file: Path, place: Place) -> Deferred[None]:
        """See `Transfers`."""
        return Deferred.fromCoroutine(self._speakers[place.protocol].upload(file, place))
