"""New firmware for a simulated charger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from txocpp.devices.simulated import SimulatedDevice
from txocpp.devices.simulation.commands import obey
from txocpp.errors import InstallationFailed
from txocpp.evse import DeviceInfo
from txocpp.interfaces import IFirmwareInstaller, Installation

IMAGE = Path("image")


def installed(device: SimulatedDevice, clock: Clock) -> Any:
    """How an installation ends."""
    ends: list[Any] = []
    device.install(IMAGE).addBoth(ends.append)
    clock.advance(2)
    assert ends == []
    clock.advance(2)
    return ends[0]


@pytest.mark.parametrize(("before", "after"), [("1", "2"), ("1.4", "1.4+1")])
def test_every_file_is_the_next_version(before: str, after: str) -> None:
    """After some time and a boot; the version is remembered like everything else."""
    clock = Clock()
    memory: list[dict[str, Any]] = []
    info = DeviceInfo(firmware_version=before)
    device = SimulatedDevice(clock, info=info, on_remember=memory.append)
    assert verifyObject(IFirmwareInstaller, device)
    assert installed(device, clock) is Installation.REBOOT
    assert device.info.firmware_version == after
    assert SimulatedDevice(clock, memory=memory[-1]).info.firmware_version == after
    outcomes: list[bool | None] = []
    device.outcome().addCallback(outcomes.append)
    assert outcomes == [None]


def test_it_can_be_made_to_fail() -> None:
    """Through the door, until it is told otherwise; the version stays."""
    clock = Clock()
    device = SimulatedDevice(clock)
    assert obey(device, b'{"do": "firmware_failure"}') == {"ok": True}
    assert installed(device, clock).check(InstallationFailed)
    assert device.info.firmware_version == "1"
    assert obey(device, b'{"do": "firmware_failure", "on": false}') == {"ok": True}
    assert installed(device, clock) is Installation.REBOOT


def test_it_can_be_cancelled() -> None:
    """And nothing is left of it."""
    clock = Clock()
    ends: list[Any] = []
    doing = SimulatedDevice(clock).install(IMAGE)
    doing.addErrback(ends.append)
    doing.cancel()
    assert ends[0].check(CancelledError)
    assert clock.getDelayedCalls() == []
