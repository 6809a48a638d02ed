"""The chip's own file, on a chip made of numbers: start, pins, memory, prompt, network."""

from __future__ import annotations

import itertools
import json
import runpy
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
import slot
from fake_chip import Chip, ChipReset
from firmware_rig import EMULATOR, seal

FIRMWARE = EMULATOR.parent / "esp8266"


@pytest.fixture
def chip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Chip:
    """A chip with an empty flash."""
    chip = Chip()
    chip.install(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(slot, "FOLDER", str(tmp_path))
    return chip


def start(config: dict[str, Any] | None = None) -> Any:
    """The firmware, started on the chip as `main.py` does it."""
    if config is not None:
        Path("board.json").write_text(json.dumps(config))
    from app import App
    from board import Board

    return App(Board("a"))


def turn(chip: Chip, app: Any, ms: int) -> None:
    """Let the chip live so long."""
    for _ in range(ms // 20):
        chip.ms += 20
        app.spin()


def test_a_relay_board_starts_and_charges(chip: Chip) -> None:
    """From `board.json` to a closed relay, over the chip's own UART."""
    app = start({"plant": "relay"})
    turn(chip, app, 200)
    assert b'"boot"' in chip.sent
    assert b"esp8266-00a1b2c3" in chip.sent
    assert chip.fed == 10
    requests = ('"hello",{"v":[1]}', '"limit",{"c":1,"ma":16000}', '"gate",{"c":1,"on":1}')
    for number, words in enumerate(requests):
        body = f">{number} [2,{number + 1},{words}]".encode()
        chip.received += b"\n" + body + b"*" + seal(body, None) + b"\n"
    chip.levels.update({14: 0, 13: 0})
    turn(chip, app, 200)
    assert b'"hw":"relay"' in chip.sent
    assert chip.levels[5] == 1


def test_a_board_that_nobody_has_configured_drives_no_pin(chip: Chip) -> None:
    """Without `board.json`, or with half of one, there is a line, and an outlet at fault."""
    for words in (None, '{"plant": "re', "[]"):
        chip.levels.clear()
        if words is not None:
            Path("board.json").write_text(words)
        app = start()
        turn(chip, app, 200)
        (outlet,) = app.charger.outlets
        assert outlet.faults == ["config"]
        assert outlet.blocked()
        assert set(chip.levels) <= {0, 2}


@pytest.mark.parametrize(
    ("cause", "why"),
    [(0, "power"), (1, "wdt"), (2, "fault"), (4, "soft"), (5, "soft"), (6, "ext"), (99, "power")],
)
def test_it_tells_what_it_was_reset_by(chip: Chip, cause: int, why: str) -> None:
    """The chip's causes in the protocol's words."""
    chip.cause = cause
    assert start().board.why == why


def test_an_exception_resets_the_chip_and_is_remembered(chip: Chip) -> None:
    """The relay is open when the chip resets, and the next start says `fault`."""
    app = start({"plant": "relay"})
    app.charger.outlets[0].on = 1
    chip.levels[5] = 1
    app.charger.step = None
    with pytest.raises(ChipReset):
        app.spin()
    assert chip.levels[5] == 0
    assert start().board.why == "fault"
    chip.cause = 4
    assert start().board.why == "soft"


def test_pulses_survive_a_reset_but_not_twice(chip: Chip) -> None:
    """They are counted on after a reset; once they are in the flash they count there."""
    app = start({"plant": "relay", "pins": {"s0": 4}})
    for _ in range(5):
        chip.ms += 1000
        chip.interrupts[4]()
    turn(chip, app, 40)
    assert app.charger.outlets[0].plant.wh == 5
    app = start()
    assert app.charger.outlets[0].plant.wh == 5
    turn(chip, app, 11000)
    assert app.settings.get("wh") == 5
    app = start()
    assert app.charger.outlets[0].plant.wh == 5
    chip.memory = b""
    assert start().charger.outlets[0].plant.wh == 5


def test_a_reset_right_after_the_flash_was_written_counts_nothing_twice(chip: Chip) -> None:
    """The memory of the chip still holds what the flash has taken over: it is not believed."""
    app = start({"plant": "relay", "pins": {"s0": 4}})
    for _ in range(5):
        chip.ms += 1000
        chip.interrupts[4]()
    turn(chip, app, 40)
    app.settings.put("wh", 5)
    app.settings.save()
    assert start().charger.outlets[0].plant.wh == 5


@pytest.mark.parametrize("memory", [b"x" * 12, b"tx1", b"", b"\xff" * 496])
def test_strange_memory_after_a_power_cut_is_not_believed(chip: Chip, memory: bytes) -> None:
    """What the chip woke up with is not what we left there."""
    chip.memory = memory
    app = start({"plant": "relay", "pins": {"s0": 4}})
    assert app.charger.outlets[0].plant.wh == 0


def test_the_duty_of_each_microsecond_is_exact(chip: Chip) -> None:
    """The chip makes `1000 * duty // 1023` microseconds of a duty: none is lost on the way."""
    start({"plant": "pilot"})
    from board import _pulse_duty

    assert [1000 * _pulse_duty(us) // 1023 for us in range(1001)] == list(range(1001))
    assert chip.duty[4] == 1023


def test_a_host_that_speaks_keeps_python_away_from_the_cable(chip: Chip) -> None:
    """A session on a cable has no end but silence: five seconds of it, and Python may come."""
    app = start()
    turn(chip, app, 200)
    for counter, verb in enumerate(('"hello",{"v":[1]}', '"ping"')):
        body = f">{counter} [2,{counter + 1},{verb}]".encode()
        chip.received += b"\n" + body + b"*" + seal(body, None) + b"\n"
        turn(chip, app, 4000)
        chip.received = b"\r\x03"
        turn(chip, app, 20)
        assert not Path("prompt").exists()
        chip.received = b"\n"
    turn(chip, app, 1200)
    chip.received = b"\r\x03"
    with pytest.raises(ChipReset):
        turn(chip, app, 20)
    assert Path("prompt").exists()


def test_a_developer_at_the_cable_gets_python(chip: Chip) -> None:
    """Return and Ctrl-C restart the chip into its prompt."""
    app = start()
    turn(chip, app, 200)
    chip.received = b"\r\x03"
    with pytest.raises(ChipReset):
        turn(chip, app, 40)
    assert Path("prompt").exists()
    chip.levels.clear()
    runpy.run_path(str(FIRMWARE / "main.py"))
    assert not Path("prompt").exists()
    assert chip.levels == {}


def test_the_light_tells_how_things_are(chip: Chip) -> None:
    """Dark when free, on when charging, blinking otherwise, a flicker before anybody has said
    anything (the LED is on when its pin is low)."""
    board = start().board
    seen = {}
    for status in ("", "Available", "Charging", "Preparing", "Faulted"):
        if status:
            board.show(1, status, "")
        levels = []
        for _ in range(64):
            board.feed()
            levels.append(chip.levels[2])
        seen[status] = sum(a != b for a, b in itertools.pairwise(levels))
        if not seen[status]:
            assert levels[-1] == (0 if status == "Charging" else 1)
    assert seen["Available"] == seen["Charging"] == 0
    assert 0 < seen["Preparing"] < seen["Faulted"] < seen[""]


def test_in_a_wifi_it_listens(chip: Chip) -> None:
    """A named network is joined, and a host with no key is told to get one."""
    config = {"plant": "relay", "wifi": {"ssid": "home", "password": "secret"}, "port": 0}
    app = start(config)
    assert chip.wifi == ("home", "secret")
    server = app._tcp._server
    with socket.create_connection(("127.0.0.1", server.getsockname()[1]), timeout=5) as host:
        body = b'>0 [2,1,"hello",{"v":[1]}]'
        host.sendall(b"\n" + body + b"*" + seal(body, None) + b"\n")
        for _ in range(200):
            turn(chip, app, 20)
            host.settimeout(0.05)
            try:
                answer = host.recv(500)
                break
            except TimeoutError:
                continue
        assert b'[4,1,"Auth","set a key over USB"]' in answer
    turn(chip, app, 200)
    server.close()


def test_weak_wifi_is_noticed_and_does_not_flutter(chip: Chip) -> None:
    """Below -85 dBm it is weak, until it is -80 again; looked at every second or so."""
    app = start({"plant": "relay", "wifi": {"ssid": "home", "password": "secret"}, "port": 0})
    (outlet,) = app.charger.outlets
    for rssi, weak in [(-60, False), (-86, True), (-83, True), (-79, False), (-83, False)]:
        chip.rssi = rssi
        turn(chip, app, 1500)
        assert outlet.faults == (["rssi"] if weak else [])
    app._tcp._server.close()


def test_main_starts_the_chosen_slot_and_resets_what_does_not_start(
    chip: Chip, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slot that cannot even be imported ends in a reset, and the next start takes the other."""
    Path("slot").write_text("ab")
    Path("b").mkdir()
    Path("b/app.py").write_text("raise RuntimeError('broken update')")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "app", raising=False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(sys, "print_exception", print, raising=False)
    with pytest.raises(ChipReset):
        runpy.run_path(str(FIRMWARE / "main.py"))
    assert "broken update" in capsys.readouterr().out
    assert Path("slot").read_text() == "ab?"
    assert slot.choose() == "a"
