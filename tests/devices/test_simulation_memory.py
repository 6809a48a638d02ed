"""The file that keeps the register of a simulated charger."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.internet.task import Clock

from txocpp.devices.simulated import MemoryFile, SimulatedDevice
from txocpp.errors import StoreError


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    """Nothing at first, then always the last document."""
    memory = MemoryFile(tmp_path / "sim.json")
    assert memory.load() is None
    for number in range(3):
        memory.save({"number": number})
    assert MemoryFile(str(tmp_path / "sim.json")).load() == {"number": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["sim.json"]


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff"])
def test_a_damaged_file_is_set_aside(tmp_path: Path, content: bytes) -> None:
    """The device begins anew, and what was there can be looked at."""
    path = tmp_path / "sim.json"
    path.write_bytes(content)
    assert MemoryFile(path).load() is None
    assert (tmp_path / "sim.json.damaged").read_bytes() == content
    assert MemoryFile(path).load() is None


def test_a_place_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """By its path and the reason."""
    with pytest.raises(StoreError, match="Is a directory"):
        MemoryFile(tmp_path).load()
    with pytest.raises(StoreError, match="No such file"):
        MemoryFile(tmp_path / "nowhere" / "sim.json").save({})


def test_a_device_survives_by_it(tmp_path: Path) -> None:
    """A car that was plugged in is plugged in after the restart."""
    memory = MemoryFile(tmp_path / "sim.json")
    device = SimulatedDevice(Clock(), memory=memory.load(), on_remember=memory.save)
    device.evse(1).plug_in()
    again = SimulatedDevice(Clock(), memory=memory.load(), on_remember=memory.save)
    assert again.evse(1).state.plugged
