"""What a charger wants of an OpenEVSE controller, whichever way it is reached."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Protocol

import attrs

from txocpp.devices.openevse.rapi import Range
from txocpp.evse import CarState, DeviceInfo, Fault


class Mode(Enum):
    """What the controller shall do with a car."""

    ENABLED = "enabled"
    """Offer current, and close the relay when the car asks."""
    ASLEEP = "asleep"
    """Offer nothing; the pilot still tells whether a car is there. Opens within seconds."""
    DISABLED = "disabled"
    """Pilot at -12 V. Opens at once."""


@attrs.frozen
class Observation:
    """One look at the controller."""

    mode: Mode
    car: CarState
    energised: bool
    pilot_a: int = 0
    """What the pilot offers while enabled."""
    faults: tuple[Fault, ...] = ()
    meter_wh: int | None = None
    """The controller's register; others may clear it."""
    current_a: Decimal | None = None
    voltage_v: Decimal | None = None
    temperature_c: Decimal | None = None
    locked: bool | None = None
    fallen_back: bool = False
    """It has missed us, and offers its own fallback current."""


class ControllerUser(Protocol):
    """Who is told of what a controller does by itself."""

    def ready(self) -> None:
        """It can be asked, and has forgotten what it was told."""

    def lost(self) -> None:
        """It cannot be asked for the time being."""

    def stirred(self) -> None:
        """Something has changed: look."""


class Controller(Protocol):
    """An OpenEVSE controller. Everything fails with `txocpp.errors.DeviceError`."""

    user: ControllerUser
    info: DeviceInfo
    range: Range
    has_lock: bool

    def start(self) -> None:
        """Reach it, and try again for ever."""

    async def stop(self) -> None:
        """Leave it alone."""

    async def look(self) -> Observation:
        """How things are."""

    async def set_current(self, current_a: int) -> None:
        """Offer this from now on: 6 A or more, within the range."""

    async def set_mode(self, mode: Mode) -> None:
        """Do this from now on."""

    async def set_lock(self, locked: bool) -> None:
        """Move the lock."""

    async def restart(self) -> None:
        """Start again."""

    async def pulse(self) -> None:
        """Show it that the host is alive."""
