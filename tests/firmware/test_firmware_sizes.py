"""Does it fit? Each module compiled, and the heap that it takes in MicroPython, within limits.

An ESP8266 has some 35 KiB of heap after MicroPython's own start. The table in docs/firmware.md is
the output of this module as a program: `python tests/firmware/test_firmware_sizes.py`.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from itertools import zip_longest
from pathlib import Path

import pytest
from firmware_rig import EMULATOR, compile_firmware, need_node

PAGE = EMULATOR.parents[1] / "docs" / "firmware.md"

CHIP_HEAP = 35 * 1024
FREE_IN_SERVICE = 7_000
"""With a sealed session on the network: room for the garbage of two requests."""
FREE_IN_AN_UPDATE = 4_500
"""No contactor is closed then."""

LARGEST_MODULE = 3_600
ALL_MODULES = 24_000
RESIDENT = ("app", "board", "charger", "evlink", "outlet", "plant", "relay", "s0", "slot", "store")
"""What a charger with relay and S0 meter on a cable has loaded all the time."""
RESIDENT_BYTES = 17_800
LIMITS = {
    "after_import": 24_300,
    "running": 27_600,
    "idle_turn": 256,
    "plain_request": 2_500,
    "after_600_plain": 27_600,
    "handshake": 11_000,
    "sealed_request": 3_100,
    "after_600_sealed": CHIP_HEAP - FREE_IN_SERVICE,
    "update_frame": 3_600,
    "with_update": CHIP_HEAP - FREE_IN_AN_UPDATE,
}
"""Bytes of heap, with the network listener loaded."""

WORDS = {
    "after_import": "heap after import: relay, S0 meter, network",
    "with_board": "and the chip's own `board.py`",
    "running": "running, after the start's code is given back",
    "idle_turn": "garbage of a turn of 20 ms",
    "plain_request": "garbage of a plain request",
    "after_600_plain": "heap after 600 requests",
    "handshake": "garbage of a sealed handshake, two frames",
    "sealed_request": "garbage of a sealed request",
    "after_600_sealed": "heap after 600 sealed requests",
    "update_frame": "garbage of a frame of an update",
    "with_update": "heap during an update",
}


def measure(build: Path) -> dict[str, int]:
    """What `measure.mjs` finds for these .mpy files."""
    command = [need_node(), str(EMULATOR / "measure.mjs"), str(build)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    found: dict[str, int] = json.loads(done.stdout)
    return found


def table(sizes: dict[str, int], found: dict[str, int]) -> str:
    """Sizes and heap side by side, as they stand in the page."""
    left = [(f"`{name}.mpy`", size) for name, size in sizes.items()]
    left.append(("all", sum(sizes.values())))
    right = [(WORDS[name], value) for name, value in found.items()]
    right.append(("free of 35 KiB in service", CHIP_HEAP - found["after_600_sealed"]))
    right.append(("free of 35 KiB during an update", CHIP_HEAP - found["with_update"]))
    lines = ["| compiled module | bytes | | heap | bytes |", "| --- | ---: | --- | --- | ---: |"]
    for (name, size), (what, value) in zip_longest(left, right, fillvalue=("", "")):
        lines.append(f"| {name} | {size} | | {what} | {value} |")
    return "\n".join(lines)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """The compiled firmware and the sizes of its modules."""
    folder = tmp_path_factory.mktemp("build")
    return folder, compile_firmware(folder)


@pytest.fixture(scope="module")
def found(build: tuple[Path, dict[str, int]]) -> dict[str, int]:
    """What it takes of the heap."""
    return measure(build[0])


def test_every_module_is_small(build: tuple[Path, dict[str, int]]) -> None:
    """No single file needs a large piece of a small heap, and all of them fit into a slot."""
    sizes = build[1]
    assert {name: size for name, size in sizes.items() if size > LARGEST_MODULE} == {}
    assert sum(sizes.values()) <= ALL_MODULES


def test_what_is_always_loaded_is_small(build: tuple[Path, dict[str, int]]) -> None:
    """The code of an ordinary charger, all together."""
    assert sum(build[1][name] for name in RESIDENT) <= RESIDENT_BYTES


def test_the_heap_is_enough_and_nothing_grows(found: dict[str, int]) -> None:
    """Within limits after import, while running, in an update; and 600 requests leave nothing."""
    print(found)
    assert {name: found[name] for name in LIMITS if found[name] > LIMITS[name]} == {}
    assert found["after_600_plain"] - found["running"] < 300
    assert found["after_600_sealed"] - found["running"] < 2000  # the session's keys, and `setting`


def test_what_is_free_is_enough_for_what_comes(found: dict[str, int]) -> None:
    """Between two collections come sixteen turns and a request or two."""
    free = CHIP_HEAP - found["after_600_sealed"]
    assert 16 * found["idle_turn"] + found["sealed_request"] < free
    assert found["update_frame"] < CHIP_HEAP - found["with_update"]


def test_the_page_tells_what_was_measured(
    build: tuple[Path, dict[str, int]], found: dict[str, int]
) -> None:
    """The figures in the docs are those of this firmware, within three in a hundred."""
    page = PAGE.read_text(encoding="utf-8")
    for line in table(build[1], found).splitlines()[2:]:
        for name, value in re.findall(r"\| ([^|]+) \| (\d+) \|", line.replace("| | ", "|| ")):
            told = re.search(rf"\| {re.escape(name)} \| (\d+) \|", page)
            assert told, f"{name} is not on the page"
            assert int(told[1]) == pytest.approx(int(value), rel=0.03, abs=64), name


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        modules = compile_firmware(Path(folder))
        print(table(modules, measure(Path(folder))))
