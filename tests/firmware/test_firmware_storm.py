"""Fuzz in both directions: nothing escapes, nothing is closed that must be open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from evlink import Link
from firmware_rig import InThisPython, seal
from firmware_storm import odd_value, storm_over_device, storm_over_host
from hypothesis import given, settings
from hypothesis import strategies as st
from outlet import Outlet


def test_a_short_storm_over_the_firmware(tmp_path: Path) -> None:
    """A thousand frames from a host gone mad, under CPython."""
    counts = storm_over_device(InThisPython(tmp_path), 1000, seed=11)
    assert counts["closed"] > 50


def test_a_short_storm_over_micropython(micropython: Any) -> None:
    """The same under MicroPython."""
    counts = storm_over_device(micropython, 400, seed=12)
    assert counts["closed"] > 20


def test_a_short_storm_over_the_driver() -> None:
    """A thousand frames from a device gone mad, with the driver being used meanwhile."""
    counts = storm_over_host(1000, seed=13)
    assert counts["online"] > 100


class Charger:
    """Takes everything that a link lets through."""

    key = b""
    locked_out = 0
    host = update = None

    def __init__(self) -> None:
        self.board = self
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def greeting(self) -> str:
        return '"v":1'

    def opened(self, link: Any) -> None:
        self.link = link

    def renew(self) -> None:
        pass

    def request(self, link: Any, request_id: int, verb: str, args: dict[str, Any]) -> str:
        self.requests.append((verb, args))
        return "{}"


@given(st.lists(st.binary(max_size=300)))
def test_no_bytes_can_hurt_a_link(pieces: list[bytes]) -> None:
    """Whatever comes, in whatever pieces: nothing is raised, nothing is obeyed, little is kept."""
    charger = Charger()
    link = Link(charger, lambda data: None, True)
    for piece in pieces:
        link.feed(piece)
    assert charger.requests == []
    assert len(link._buffer) <= 256


@given(st.randoms(use_true_random=False), st.integers(0, 40))
def test_a_frame_that_is_damaged_anywhere_is_dropped(dice: Any, place: int) -> None:
    """One changed byte in the body or tag is always noticed."""
    charger = Charger()
    link = Link(charger, lambda data: None, True)
    link.feed(framed(0, '[2,1,"hello",{"v":[1]}]'))
    frame = bytearray(framed(1, '[2,2,"limit",{"c":1,"ma":16000}]'))
    frame[2 + place % (len(frame) - 3)] ^= 1 << dice.randrange(7)
    link.feed(bytes(frame).replace(b"\r", b"x"))
    assert charger.requests == []


@given(st.text(max_size=200))
def test_any_text_under_a_right_tag_is_survived(words: str) -> None:
    """The tag is no promise about the content."""
    charger = Charger()
    link = Link(charger, lambda data: None, True)
    link.feed(framed(0, '[2,1,"hello",{"v":[1]}]'))
    link.feed(framed(1, words))
    assert charger.requests == [] or words.strip().startswith("[2,")


def framed(counter: int, words: str) -> bytes:
    body = f">{counter} {words}".encode("utf-8", "surrogatepass")
    return b"\n" + body + b"*" + seal(body, None) + b"\n"


class Plant:
    """A plant that hypothesis moves."""

    caps, max, steps, ph, phases = "pwm", 32000, (), 3, (1, 3)
    blind, vent, grace = False, False, 6000
    cp, aux, trips = "A", 0, ()
    cable, temp, lk = None, None, None
    metered, wh, w, mv, ma, hz, pf = True, 0, 0, None, None, None, None
    contactor, offer, closings = 0, 0, 0

    def read(self, dt: int) -> None:
        self.aux = self.contactor

    def drive(self, on: int, ma: int, f: bool) -> None:
        assert not (f and (on or ma))
        self.closings += on and not self.contactor
        self.contactor, self.offer = on, ma

    def lock(self, on: int) -> None: ...

    def use(self, ph: int) -> None:
        assert not self.contactor
        assert not self.offer
        self.ph = ph

    def test(self) -> bool:
        return True


DEEDS = st.one_of(
    st.tuples(st.just("car"), st.sampled_from("ABCDEF")),
    st.tuples(st.just("limit"), st.sampled_from([0, 5999, 6000, 16000, 80000])),
    st.tuples(st.just("gate"), st.sampled_from([(1, 0), (0, 0), (0, 1)])),
    st.tuples(st.just("trip"), st.sampled_from([(), ("rcd",), ("earth",), ("reader",)])),
    st.tuples(st.just("temp"), st.sampled_from([None, 300, 650, 720, 800])),
    st.tuples(st.just("cable"), st.sampled_from([None, 13000, 5000])),
    st.tuples(st.just("av"), st.booleans()),
    st.tuples(st.just("phases"), st.sampled_from([1, 3])),
    st.tuples(st.just("wait"), st.sampled_from([20, 100, 1000, 7000, 31000])),
    st.tuples(st.sampled_from(["clear", "cycle", "renew", "open"]), st.none()),
)


@settings(max_examples=150)
@given(st.lists(DEEDS, max_size=40))
def test_the_laws_of_an_outlet(deeds: list[tuple[str, Any]]) -> None:
    """Closed only with permission or within the grace, in C, without a fault; offers are lawful."""
    plant = Plant()
    outlet = Outlet(plant, {"boot": 0, "fb": 6000, "up": 0, "max": 0})
    for deed, value in deeds:
        do(outlet, plant, deed, value)
        away_ms = 0
        for _ in range(value // 20 if deed == "wait" else 1):
            before = plant.contactor
            outlet.step(20)
            away_ms = away_ms + 20 if plant.cp not in "CD" else 0
            assert plant.offer == 0 or 6000 <= plant.offer <= 32000
            assert plant.offer <= (plant.cable or 80000)
            assert not (plant.contactor and away_ms >= 100)
            if plant.contactor:
                assert outlet.cp == "C"
                assert not outlet.blocked()
            if plant.contactor and not before:
                assert outlet.gate
                assert plant.offer >= 6000


def do(outlet: Outlet, plant: Plant, deed: str, value: Any) -> None:
    """One deed of the world."""
    if deed == "car":
        plant.cp = value
    elif deed == "limit":
        outlet.limit(value, 30, outlet.ph)
    elif deed == "gate":
        outlet.permit(*value)
    elif deed == "trip":
        plant.trips = value
    elif deed in ("temp", "cable"):
        setattr(plant, deed, value)
    elif deed == "av":
        outlet.av = int(value)
    elif deed == "phases":
        outlet.ph = value
    elif deed == "cycle":
        if not outlet.on:
            outlet.cycle()
    elif deed != "wait":
        getattr(outlet, deed)()


def test_odd_values_are_odd() -> None:
    """The storm throws every type that JSON has."""
    import random

    dice = random.Random(1)
    assert {type(odd_value(dice)) for _ in range(500)} >= {str, int, float, bool, list, dict}


@pytest.mark.parametrize("dt", [0, 1, 20, 500, 100000])
def test_an_outlet_takes_any_step_of_time(dt: int) -> None:
    """A turn that took long changes no law; one that took no time tells nothing of a car."""
    plant = Plant()
    outlet = Outlet(plant, {"boot": 0, "fb": 0, "up": 0, "max": 0})
    outlet.limit(16000, 30, 3)
    outlet.permit(1, 0)
    plant.cp = "C"
    for _ in range(5):
        outlet.step(dt)
    assert plant.contactor == (0 < dt < 100000)
