"""The page that leads from the box to the first charge: what it shows is so, step by step."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest
import slot
from chip_engine import ChipEngine
from fake_chip import Chip
from firmware_rig import EMULATOR
from firmware_station import StationHouse

from txocpp.cli import flash, line, main
from txocpp.devices.esp8266.wiring import WIRINGS, check_pins
from txocpp.devices.esp8266.words import Greeting
from txocpp.messages import v16

ROOT = EMULATOR.parents[1]
PAGE = (ROOT / "docs" / "wiring.md").read_text("utf-8")
RELAY, LED, PLUG, ASK, AUTH = 5, 2, 14, 13, 12
CLOSED, OPEN = 0, 1


def blocks(language: str) -> list[str]:
    """The examples of the page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


COMMANDS = [
    said[2:] for block in blocks("console") for said in block.splitlines() if said.startswith("$ ")
]
OURS = [said for said in COMMANDS if said.startswith("txocpp ")]


@pytest.fixture
def chip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Chip:
    """A chip with the `board.json` that the page's command makes."""
    chip = Chip()
    chip.install(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(slot, "FOLDER", str(tmp_path))
    (first,) = (said for said in OURS if "--micropython" in said)
    Path("board.json").write_text(json.dumps(config_of(first)))
    return chip


def start() -> Any:
    """The firmware, as `main.py` starts it."""
    from app import App
    from board import Board

    return App(Board("a"))


@pytest.fixture
def house(chip: Chip) -> Iterator[StationHouse]:
    """The board on the cable of a charge point with a central system."""
    house = StationHouse(ChipEngine(chip, start), settings={"fallback_a": 0})
    yield house
    house.stop()


def parsed(said: str) -> click.Context:
    """A command of the page, read as it would be; files that it names have to be there."""
    words = shlex.split(said)[1:]
    command, context = main, click.Context(main, info_name="txocpp")
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, said
        command = found  # type: ignore[assignment]
    return command.make_context(command.name, words, parent=context)


def config_of(said: str) -> dict[str, Any]:
    """The `board.json` that a command makes."""
    for name in ("ESP8266_GENERIC.bin", "wifi.txt"):
        Path(name).touch()
    given = parsed(said).params
    return flash.board_config(given["plant"], given["ma"], given["phases"], given["pins"])


@pytest.mark.parametrize("said", OURS)
def test_every_command_is_one(said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With options that exist, and pins that are good."""
    monkeypatch.chdir(tmp_path)
    for name in ("ESP8266_GENERIC.bin", "wifi.txt"):
        Path(name).touch()
    context = parsed(said)
    for question in context.params.get("questions", ()):
        assert line.parse_question(question)
    if context.params.get("plant"):
        assert config_of(said)["plant"] in WIRINGS


def test_all_steps_are_there() -> None:
    """From the parts to the charge, the network and the update, in this order."""
    verbs = [" ".join(said.split()[:3]) for said in COMMANDS]
    wanted = ["pip install 'txocpp[flash]'", "txocpp flash board", "txocpp line --once"]
    wanted += ["twistd -n ocpp-csms", "twistd -n ocpp-cp", "txocpp keygen garage.key"]
    wanted += ["txocpp flash update"]
    places = [verbs.index(one) for one in wanted]
    assert places == sorted(places)


@pytest.mark.parametrize("plant", WIRINGS)
def test_the_tables_of_pins_are_those_of_the_firmware(plant: str) -> None:
    """Names, numbers and directions; the words for another wiring hold, too."""
    part = PAGE.partition(f"### `{plant}`")[2].partition("###")[0].partition("\n## ")[0]
    rows = re.findall(
        r"^\| (GPIO(\d+) \[D\d\]|any input|any) \| `(\w+)` \| (in|out) \|", part, re.M
    )
    if plant == "socket":
        more = {*WIRINGS["socket"].names} - {*WIRINGS["relay"].names}
        assert more <= set(re.findall(r"`(\w+)`", part))
        return
    wiring = WIRINGS[plant]
    usual = {name: int(number) for _, number, name, _ in rows if number}
    assert usual == wiring.usual
    outs = {name for *_, name, way in rows if way == "out"}
    assert outs == {*wiring.contactors, *wiring.outputs} & set(usual)
    for pins in re.findall(r"`((?:--pin \w+=\w+ ?)+)`", part):
        pairs = dict(one.split("=") for one in pins.replace("--pin ", "").split())
        check_pins(plant, {n: None if v == "none" else int(v) for n, v in pairs.items()})


def test_every_further_setting_is_on_the_page() -> None:
    """What `--set` takes, no more and no less."""
    told = set(re.findall(r"^\| `(\w+)=", PAGE, re.M))
    assert told == {"port", "insecure"}.union(*(wiring.more for wiring in WIRINGS.values()))


def test_the_printed_names_of_the_pins_are_right() -> None:
    """Dn is what a NodeMCU calls them."""
    printed = {16: 0, 5: 1, 4: 2, 0: 3, 2: 4, 14: 5, 12: 6, 13: 7, 15: 8}
    drawn = (ROOT / "docs" / "pictures" / "wiring-relay.svg").read_text("utf-8")
    for text, pattern in ((PAGE, r"GPIO(\d+) \[D(\d)\]"), (drawn, r"GPIO(\d+)  D(\d)")):
        found = re.findall(pattern, text)
        assert found
        assert all(printed[int(gpio)] == int(label) for gpio, label in found)


def test_what_a_new_board_says_is_what_it_says(
    chip: Chip, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first look at the line, as the page shows it."""
    app = start()
    for _ in range(10):
        chip.ms += 20
        app.spin()
    line.show_greeting(Greeting.read(json.loads("{" + app.charger.greeting() + "}")))
    line.show("status", json.loads(app.charger._state(1)))
    assert capsys.readouterr().out in PAGE


def test_the_tables_of_the_configuration_are_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon takes them, and they lead where the page says."""
    from twisted.internet.testing import MemoryReactorClock

    from txocpp.chargepoint.daemon import check
    from txocpp.chargepoint.options import Options
    from txocpp.devices.esp8266.keys import make_key
    from txocpp.plugins import configfile

    monkeypatch.chdir(tmp_path)
    make_key("garage.key")
    tables = blocks("toml")
    assert len(tables) == 2
    for text in tables:
        assert tomllib.loads(text)["device"][0]["type"] == "evlink"
        check(MemoryReactorClock(), configfile.loads(text, Options))


def test_what_it_says_that_you_see_is_said() -> None:
    """Each message of the table of troubles is one of ours."""
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "txocpp").rglob("*.py"))
    troubles = PAGE.partition("## When it does not work")[2]
    messages = [said for said in re.findall(r"^\| `([^`]+)` \|", troubles, re.M) if " " in said]
    assert len(messages) >= 8
    assert [said for said in messages if said not in sources] == []


def test_the_first_charge(house: StationHouse, chip: Chip) -> None:
    """Step by step: plug, tag, ask, limit, pulled cable, unplug; relay, status and light."""
    pins = chip.levels
    house.start()
    assert house.office.status == ["Available"]
    assert light(house) == "dark"

    chip.levels[PLUG] = CLOSED
    house.advance(1)
    assert house.office.status[-1] == "Preparing"
    assert (pins[RELAY], light(house)) == (0, "blinks")

    chip.levels[AUTH] = CLOSED
    house.advance(1)
    chip.levels[AUTH] = OPEN
    house.advance(8)
    assert house.office.tags == ["LOCAL"]
    assert (pins[RELAY], house.office.status[-1]) == (0, "SuspendedEV")
    chip.levels[ASK] = CLOSED
    house.advance(5)
    assert (pins[RELAY], house.office.status[-1], light(house)) == (1, "Charging", "on")

    chip.levels[ASK] = OPEN
    house.advance(0.2)
    assert pins[RELAY] == 0
    chip.levels[ASK] = CLOSED
    house.advance(5)
    assert pins[RELAY] == 1

    house.ask(limit(10))
    house.advance(2)
    assert (pins[RELAY], house.office.status[-1]) == (0, "SuspendedEVSE")
    house.ask(v16.ClearChargingProfileRequest())
    house.advance(10)
    assert (pins[RELAY], house.office.status[-1]) == (1, "Charging")

    house.endpoint.plugged = False
    house.endpoint.lose()
    house.advance(8)
    assert pins[RELAY] == 1
    house.advance(4)
    assert pins[RELAY] == 0
    house.endpoint.plugged = True
    house.advance(40)
    assert (pins[RELAY], house.office.status[-1]) == (1, "Charging")
    assert house.charge_point.assembly.transactions.running()  # type: ignore[union-attr]

    chip.levels[PLUG] = chip.levels[ASK] = OPEN
    house.advance(3)
    assert (pins[RELAY], house.office.status[-1], light(house)) == (0, "Available", "dark")
    assert not house.charge_point.assembly.transactions.running()  # type: ignore[union-attr]


def light(house: StationHouse) -> str:
    """What the LED does (it is on when its pin is low)."""
    seen = set()
    for _ in range(40):
        house.advance(0.04)
        seen.add(house.engine.chip.levels[LED])  # type: ignore[attr-defined]
    return {(0,): "on", (1,): "dark"}.get(tuple(seen), "blinks")


def limit(limit_a: int) -> v16.SetChargingProfileRequest:
    """A limit for the transaction that runs."""
    period = v16.ChargingSchedulePeriod(start_period=0, limit=Decimal(limit_a))
    schedule = v16.ChargingSchedule(
        charging_rate_unit=v16.ChargingRateUnitType.A, charging_schedule_period=(period,)
    )
    profile = v16.ChargingProfile(
        charging_profile_id=1,
        stack_level=0,
        charging_profile_purpose=v16.ChargingProfilePurposeType.TX_PROFILE,
        charging_profile_kind=v16.ChargingProfileKindType.RELATIVE,
        charging_schedule=schedule,
    )
    return v16.SetChargingProfileRequest(connector_id=1, cs_charging_profiles=profile)
