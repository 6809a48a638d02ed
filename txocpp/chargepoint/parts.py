"""What a charge point is made from, and what outlives a reboot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Protocol
from uuid import uuid4

import attrs
from twisted.internet.interfaces import IReactorTime

from txocpp.chargepoint.datatransfer import DataTransfers
from txocpp.chargepoint.filetransfer.transfers import Transfers
from txocpp.chargepoint.journal import Journal
from txocpp.chargepoint.logbook import Logbook
from txocpp.chargepoint.settings import Files, StationSettings
from txocpp.interfaces import IEVSEDevice, IFirmwareInstaller, IMessageFactory
from txocpp.transport.peer import Responder


class Line(Protocol):
    """The connection to the central system, as far as the charge point steers it."""

    def change(self, **settings: Any) -> None:
        """Change its settings: ping_interval_s, password, url, certificates."""

    def reconnect(self, reason: str = ...) -> None:
        """Close the connection and make a new one."""


@attrs.frozen(kw_only=True)
class Equipment:
    """What firmware, diagnostics and security are handled with."""

    folder: Path = attrs.field(factory=lambda: Path(gettempdir()) / f"txocpp-{uuid4().hex}")
    """For files of all kinds; made when it is needed."""
    transfers: Transfers | None = None
    """None: over the network."""
    installer: IFirmwareInstaller | None = None
    """None: that of the device, if it has one."""
    logbook: Logbook = attrs.field(factory=Logbook)
    overview: Callable[[], Mapping[str, Any]] = dict
    """The present state as plain JSON values."""

    @classmethod
    def of(cls, files: Files) -> Equipment:
        """What the settings say, and otherwise the usual."""
        return cls() if files.folder is None else cls(folder=files.folder)


@attrs.frozen(kw_only=True)
class Parts:
    """What is assembled at each boot."""

    settings: StationSettings
    device: IEVSEDevice
    journal: Journal
    factory: IMessageFactory
    clock: IReactorTime
    monotonic: Callable[[], float] | None = None
    data_transfers: DataTransfers = attrs.field(factory=DataTransfers)
    responders: dict[type, Responder] = attrs.field(factory=dict)
    """An application's own, by request class; they come before ours."""
    equipment: Equipment = attrs.field(factory=Equipment)
