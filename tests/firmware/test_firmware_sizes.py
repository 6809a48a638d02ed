"""Does it fit? Each module compiled, and the heap that it takes in MicroPython, within limits.

An ESP8266 has some 35 KiB of heap after its own start. The table in docs/firmware.md is the output
of this module as a program: `python tests/firmware/test_firmware_sizes.py`.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import pytest
from firmware_rig import EMULATOR, compile_firmware, need_node

LARGEST_MODULE = 3600
RESIDENT = ("app", "board", "charger", "evlink", "outlet", "plant", "relay", "s0", "slot", "store")
"""What a charger with relay and S0 meter on a cable has loaded all the time."""
RESIDENT_BYTES = 18_000
HEAP_LIMITS = {
    "after_import": 24_500,
    "running": 25_000,
    "idle_turn": 400,
    "plain_request": 3_000,
    "handshake": 12_000,
    "sealed_request": 3_500,
    "after_600_plain": 25_000,
    "after_600_sealed": 26_500,
    "update_frame": 4_000,
    "with_update": 29_500,
}
"""Bytes of heap, with the network listener loaded but without the chip's own `board.py`."""


def measure(build: Path) -> dict[str, int]:
    """What `measure.mjs` finds for these .mpy files."""
    command = [need_node(), str(EMULATOR / "measure.mjs"), str(build)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    found: dict[str, int] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """The compiled firmware and the sizes of its modules."""
    folder = tmp_path_factory.mktemp("build")
    return folder, compile_firmware(folder)


def test_every_module_is_small(build: tuple[Path, dict[str, int]]) -> None:
    """No single file needs a large piece of a small heap."""
    sizes = build[1]
    assert {name: size for name, size in sizes.items() if size > LARGEST_MODULE} == {}


def test_what_is_always_loaded_is_small(build: tuple[Path, dict[str, int]]) -> None:
    """The code of an ordinary charger, all together."""
    assert sum(build[1][name] for name in RESIDENT) <= RESIDENT_BYTES


def test_the_heap_is_enough_and_nothing_grows(build: tuple[Path, dict[str, int]]) -> None:
    """Within limits after import, while running, in an update; and 600 requests leave nothing."""
    found = measure(build[0])
    print(found)
    assert {name: found[name] for name in HEAP_LIMITS if found[name] > HEAP_LIMITS[name]} == {}
    assert found["after_600_plain"] - found["running"] < 500
    assert found["after_600_sealed"] - found["running"] < 2000  # the session's keys, and `setting`


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, size in compile_firmware(Path(folder)).items():
            print(f"{name + '.mpy':18}{size:6}")
        for name, size in measure(Path(folder)).items():
            print(f"{name:18}{size:6}")
