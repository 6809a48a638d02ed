"""A simulated charger for tests, demonstrations and people without hardware.

>>> from twisted.internet.task import Clock
>>> clock = Clock()
>>> device = SimulatedDevice(clock, simulation_settings({"car_max_a": 10}, connectors=2))
>>> device.startService()
>>> device.evse(1).plug_in()
>>> device.evse(1).state.car
<CarState.CONNECTED: 'B'>
>>> device.stopService()
"""

from __future__ import annotations

from txocpp.devices.simulation.control import DEFAULT_DOOR, ControlService, control_service
from txocpp.devices.simulation.device import SimulatedDevice
from txocpp.devices.simulation.evse import SimulatedEVSE
from txocpp.devices.simulation.memory import MemoryFile
from txocpp.devices.simulation.settings import SimulationSettings, simulation_settings

__all__ = [
    "DEFAULT_DOOR",
    "ControlService",
    "MemoryFile",
    "SimulatedDevice",
    "SimulatedEVSE",
    "SimulationSettings",
    "control_service",
    "simulation_settings",
]
