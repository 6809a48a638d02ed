"""The simulated charger as a whole: `IEVSEDevice` with its EVSEs, tag reader and power switch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import attrs
from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from txocpp.devices.simulation.evse import SimulatedEVSE
from txocpp.devices.simulation.settings import SimulationSettings
from txocpp.devices.telling import Teller
from txocpp.errors import DeviceRefused, InstallationFailed, StoreError
from txocpp.evse import DeviceInfo, ResetKind
from txocpp.interfaces import IEVSEDevice, IFirmwareInstaller, Installation

REBOOT_S: Final = {ResetKind.SOFT: 1.0, ResetKind.HARD: 3.0}
"""How long a restart of the simulated device takes."""

_log = Logger()


INSTALL_S: Final = 3.0
"""How long new firmware takes."""


@implementer(IEVSEDevice, IFirmwareInstaller)
class SimulatedDevice(Service):
    """A box with simulated EVSEs, a tag reader in front of all of them, and a power switch.

    `clock` may be real, a `twisted.internet.task.Clock` or anything between. `memory` is what an
    earlier device gave to `on_remember`: registers, plugged cars and their batteries survive with
    it. `on_remember` is called with such a small document of plain JSON values before a new
    register reading is given out, and when a car comes or goes. Every file is good firmware, the
    next version of what there is.
    """

    def __init__(
        self,
        clock: IReactorTime,
        settings: Sequence[SimulationSettings] = (SimulationSettings(),),
        *,
        info: DeviceInfo | None = None,
        memory: Mapping[str, Any] | None = None,
        on_remember: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.clock = clock
        self.info = info or DeviceInfo(
            vendor="txocpp",
            model="Simulated EVSE",
            serial_number="SIM-0001",
            firmware_version="1",
            meter_type="simulated",
        )
        self._on_remember = on_remember
        self._remembered: dict[str, Any] | None = None
        self._teller = Teller(clock)
        self._power: IDelayedCall | None = None
        self._takes_firmware = True
        self.evses: tuple[SimulatedEVSE, ...] = tuple(
            SimulatedEVSE(self, number, one) for number, one in enumerate(settings, 1)
        )
        if memory is not None:
            self._recall(memory)

    @property
    def online(self) -> bool:
        """The device has power and is not restarting."""
        return all(evse.outlet.powered for evse in self.evses)

    def startService(self) -> None:
        """Switch the device on."""
        super().startService()  # type: ignore[no-untyped-call]
        self._power_on()

    def stopService(self) -> None:
        """Open all contactors and switch the device off."""
        self.remember()
        for evse in self.evses:
            evse.forget_permission()
            evse.switch_power(False)
        super().stopService()  # type: ignore[no-untyped-call]
        for evse in self.evses:
            evse.stop()
        self._teller.stop()
        if self._power is not None and self._power.active():
            self._power.cancel()

    def evse(self, number: int) -> SimulatedEVSE:
        """The EVSE with this 1-based number."""
        if not 1 <= number <= len(self.evses):
            raise DeviceRefused(f"there is no connector {number}, only 1 to {len(self.evses)}")
        return self.evses[number - 1]

    def swipe(self, id_tag: str, connectors: Sequence[int] = ()) -> None:
        """Hold a tag to the reader of these connectors, or of all.

        One listener is told, that of the first of them.
        """
        if not self.online:
            raise DeviceRefused("the device is off, nobody reads the tag")
        chosen = tuple(self.evse(number) for number in connectors) or self.evses
        chosen[0].present_tag(chosen, id_tag)

    def power_cut(self, duration_s: float = 5.0) -> None:
        """Mains gone for this long. Limits, availability and permissions are back afterwards, the
        permission only if the car stayed plugged in."""
        for evse in self.evses:
            evse.switch_power(False)
        if self._power is not None and self._power.active():
            self._power.cancel()
        self._power = self.clock.callLater(duration_s, self._power_on)

    def restart(self, kind: ResetKind) -> None:
        """Restart on demand: as a power cut, but no permission survives it."""
        _log.info("simulated device restarts ({kind})", kind=kind.value)
        for evse in self.evses:
            evse.forget_permission()
        self.power_cut(REBOOT_S[kind])

    def fail_installations(self, on: bool = True) -> None:
        """New firmware cannot be installed from now on, or again."""
        self._takes_firmware = not on

    # IFirmwareInstaller

    def install(self, image: Path) -> Deferred[Installation]:
        """Take some time, and be another version afterwards."""
        done: Deferred[Installation] = Deferred(lambda _: timer.cancel())
        timer = self.clock.callLater(INSTALL_S, self._installed, done)
        return done

    def outcome(self) -> Deferred[bool | None]:
        """The version tells."""
        return succeed(None)

    def _installed(self, done: Deferred[Installation]) -> None:
        try:
            self.next_version()
        except InstallationFailed as error:
            done.errback(error)
        else:
            done.callback(Installation.REBOOT)

    def next_version(self) -> None:
        """Have the firmware that comes after the present one; raises `InstallationFailed`."""
        if not self._takes_firmware:
            raise InstallationFailed("the simulated device does not take it")
        before = self.info.firmware_version
        self.set_version(str(int(before) + 1) if before.isdecimal() else f"{before}+1")

    def set_version(self, version: str) -> None:
        """Have this firmware."""
        self.info = attrs.evolve(self.info, firmware_version=version)
        self.remember()

    def remember(self) -> None:
        """Give what has to survive to whoever keeps it, if it is news."""
        if self._on_remember is None:
            return
        document = self.memory()
        if document != self._remembered:
            self._on_remember(document)
            self._remembered = document

    def memory(self) -> dict[str, Any]:
        """Registers, plugs, batteries and the version as plain JSON values."""
        outlets = [evse.outlet for evse in self.evses]
        return {
            "firmware": self.info.firmware_version,
            "evses": [
                {
                    "energy_wh": outlet.energy_wh,
                    "plugged": outlet.plugged,
                    "soc_percent": str(outlet.car.soc_percent),
                }
                for outlet in outlets
            ],
        }

    def tell(self, call: Callable[[], None]) -> None:
        """Queue a call to a listener: never from inside whatever happens now, one at a time."""
        if self.running:
            self._teller.tell(call)

    def _power_on(self) -> None:
        self._power = None
        for evse in self.evses:
            evse.switch_power(True)

    def _recall(self, memory: Mapping[str, Any]) -> None:
        """Raises `StoreError` for what no device has written."""
        version = str(memory.get("firmware", self.info.firmware_version))
        self.info = attrs.evolve(self.info, firmware_version=version)
        try:
            for evse, kept in zip(self.evses, memory["evses"], strict=False):
                evse.outlet.recall(
                    energy_wh=int(kept["energy_wh"]),
                    plugged=bool(kept["plugged"]),
                    soc_percent=Decimal(kept["soc_percent"]),
                )
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise StoreError(f"not the memory of a simulated charger: {error!r}") from None
