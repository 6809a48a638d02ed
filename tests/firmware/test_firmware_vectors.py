"""Frames of evlink/1 byte for byte, as both ends must make them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from firmware_rig import Host

VECTORS = Path(__file__).parent / "vectors.txt"
S0PILOT = {
    "fw": "0.3.0",
    "hw": "s0pilot",
    "caps": "pwm,relay,ph,meter,fail",
    "boots": 16,
    "lock": 0,
    "ms": 1134,
}


def story(title: str) -> list[tuple[str, str]]:
    """The frames of one story: who speaks, and the whole line."""
    lines = VECTORS.read_text(encoding="ascii").splitlines()
    start = lines.index(f"# {title}")
    frames = []
    for line in lines[start + 1 :]:
        if line.startswith("#"):
            break
        if line:
            frames.append((line[0], line))
    return frames


@pytest.mark.parametrize("title", ["plain", "sealed"])
def test_the_charger_speaks_the_published_frames(bench: Callable[..., Host], title: str) -> None:
    """A greeting, a limit, a permission and a car give exactly the frames of the vectors."""
    key = bytes(range(32)).hex() if title == "sealed" else ""
    host = bench(**S0PILOT, key=key)
    host.run(100)
    if title == "sealed":
        host.frames.clear()
    frames = story(title)
    for speaker, line in frames:
        if speaker == ">":
            host.run(0, b"\n" + line.encode() + b"\n")
    host.run(3960)
    host.plant(car="B")
    host.run(500)
    host.plant(car="C")
    host.run(40)
    assert host.frames == [line for speaker, line in frames if speaker == "<"]
