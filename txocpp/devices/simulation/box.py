"""A simulated charger put together as a program of its own: device, evlink/1 line, door, memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.application.service import MultiService

from txocpp.devices.esp8266.keys import read_key
from txocpp.devices.simulation.control import DEFAULT_DOOR, control_service
from txocpp.devices.simulation.device import SimulatedDevice
from txocpp.devices.simulation.evlink_server import DEFAULT_LISTEN, EvlinkServer
from txocpp.devices.simulation.memory import MemoryFile
from txocpp.devices.simulation.settings import simulation_settings
from txocpp.errors import StoreError
from txocpp.evse import DeviceInfo


class SimulatedBox(MultiService):
    """A simulated charger, its line and its door, with what it remembers in a file.

    Raises `txocpp.errors.ConfigurationError` or `txocpp.errors.StoreError`; so does
    ``startService`` if a port or path is taken.
    """

    def __init__(
        self,
        reactor: Any,
        *,
        connectors: int = 1,
        options: dict[str, Any] | None = None,
        listen: str = DEFAULT_LISTEN,
        control: str = DEFAULT_DOOR,
        key_file: Path | None = None,
        insecure: bool = False,
        allow_remote: bool = False,
        memory_file: Path | None = None,
        serial_number: str = "SIM-0001",
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._file = None if memory_file is None else MemoryFile(memory_file)
        kept = (self._file.load() if self._file else None) or {}
        starts = kept.get("starts", 0)
        if type(starts) is not int:
            raise StoreError(f"{memory_file}: not the memory of a simulated charger")
        self._memory: dict[str, Any] = {"starts": starts, "device": None}
        self.device = SimulatedDevice(
            reactor,
            simulation_settings(options or {}, connectors),
            info=DeviceInfo("txocpp", "Simulated EVSE", serial_number, "1", "simulated"),
            memory=kept.get("device"),
            on_remember=lambda document: self._keep(device=document),
        )
        self.line = EvlinkServer(
            reactor,
            self.device,
            listen=listen,
            key=None if key_file is None else read_key(key_file),
            insecure=insecure,
            allow_remote=allow_remote,
            starts=starts,
            on_start=lambda starts: self._keep(starts=starts),
        )
        self.door = control_service(self.device, reactor, control, allow_remote=allow_remote)
        self.line.setServiceParent(self)  # type: ignore[no-untyped-call]
        self.door.setServiceParent(self)  # type: ignore[no-untyped-call]

    def _keep(self, **news: Any) -> None:
        self._memory |= news
        if self._memory["device"] is None:
            self._memory["device"] = self.device.memory()
        if self._file is not None:
            self._file.save(self._memory)
