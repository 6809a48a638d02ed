"""The simulator as a program: a controller on a port, its car on the keyboard."""

from __future__ import annotations

import sys
from decimal import Decimal

import processes
from processes import eventually
from twisted.internet import reactor

from txocpp.devices.openevse.settings import openevse_device
from txocpp.evse import CarState


async def test_a_controller_on_a_port_charges_over_a_real_socket() -> None:
    """People without an OpenEVSE can try the driver: `car C` plugs in, the rest is RAPI."""
    port = processes.free_port()
    where = f"tcp:{port}:interface=127.0.0.1"
    box = processes.start(
        "RAPI simulator",
        [sys.executable, "-m", "txocpp.devices.openevse.rapi_simulator", where],
    )
    device = openevse_device(reactor, f"tcp:127.0.0.1:{port}")
    try:
        await box.line("RAPI at")
        device.startService()
        evse = device.evse
        await eventually(lambda: evse.state.online, "a session")
        box.transport.write(b"car C\ndraw 16\n")
        await eventually(lambda: evse.state.car is CarState.READY, "a car")
        await evse.set_current_limit(Decimal(20))
        await evse.permit(True)
        await eventually(lambda: evse.state.energised, "a closed relay")
        reading = await evse.read_meter()
        assert reading.currents_a == (16,)
    finally:
        await device.stopService()
        await box.stop()
