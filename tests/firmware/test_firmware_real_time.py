"""The driver on a real serial port and a real socket, the firmware in MicroPython behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import boxes
import pytest
import pytest_twisted
from firmware_house import Witness
from firmware_rig import KEY
from processes import eventually
from twisted.internet import reactor

from txocpp.devices.esp8266.device import EvlinkDevice, evlink_device
from txocpp.evse import CarState

Meet = Callable[..., Awaitable[tuple[EvlinkDevice, boxes.FirmwareBox]]]


@pytest_twisted.async_yield_fixture
async def meet(tmp_path: Path) -> AsyncIterator[Meet]:
    """Brings driver and charger together; both are gone after the test."""
    running: list[tuple[EvlinkDevice, boxes.FirmwareBox]] = []

    async def start(*, cable: bool, key: bytes = b"") -> tuple[EvlinkDevice, boxes.FirmwareBox]:
        box = await boxes.start_firmware(cable=cable, key=key.hex())
        key_file = tmp_path / "key"
        key_file.write_text(key.hex())
        key_file.chmod(0o600)
        device = evlink_device(
            reactor,
            box.where,
            key_file=key_file if key else None,
        )
        running.append((device, box))
        device.evses[0].listen(Witness())
        device.startService()
        await eventually(lambda: device.evses[0].state.online, "a session")
        return device, box

    yield start
    for device, box in running:
        await device.stopService()
        await box.pull_down()


@pytest.mark.parametrize(
    ("cable", "key"), [(True, b""), (True, KEY), (False, KEY)], ids=["cable", "sealed", "network"]
)
async def test_a_charge_over_a_real_line(meet: Meet, cable: bool, key: bytes) -> None:
    """Plug, limit, permission, current, another limit, and the end."""
    device, box = await meet(cable=cable, key=key)
    evse = device.evses[0]
    await evse.set_current_limit(Decimal(16))
    await evse.permit(True)
    await box.do("plant", car="C", draw=20000)
    await box.becomes(closed=True, flows=16000)
    await eventually(lambda: evse.state.energised, "the driver to hear of it")
    assert evse.state.car is CarState.READY
    assert (await evse.read_meter()).power_w == 11040

    await evse.set_current_limit(Decimal(10))
    await box.becomes(closed=True, flows=10000)
    await eventually(lambda: evse.state.offered_a == 10, "the driver to hear of it")

    await evse.permit(False, at_once=True)
    await box.becomes(closed=False)
