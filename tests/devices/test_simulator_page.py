"""The page on the simulated charger says what is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import attrs

from txocpp.devices.simulated import SimulationSettings, simulation_settings
from txocpp.devices.simulation.commands import VERBS, connector_state
from txocpp.devices.simulation.settings import CAR_SETTINGS

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    """The examples of the page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


def test_every_setting_is_there_with_its_default() -> None:
    """In the order of the class, the car's last."""
    part = PAGE.partition("## Settings")[2]
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \|", part, re.M)
    settings = SimulationSettings()
    names = [field.name for field in attrs.fields(SimulationSettings)]
    assert [name for name, _ in rows] == names
    for name, default in rows:
        assert simulation_settings({name: tomllib.loads(f"x = {default}")["x"]}) == (settings,)
    assert set(names[names.index("ready") :]) == CAR_SETTINGS


def test_every_verb_and_its_members_are_there() -> None:
    """In the table of the door."""
    for name, verb in VERBS.items():
        (row,) = [line for line in PAGE.splitlines() if re.match(rf"\| .*`{name}`", line)]
        if verb.at_connector:
            assert "`connector`" in row
        if name not in ("plug_in", "set"):
            assert all(f"`{member}`" in row for member in verb.members), name


def test_every_member_of_a_state_is_there() -> None:
    """As the door answers it."""
    from twisted.internet.task import Clock

    from txocpp.devices.simulated import SimulatedDevice

    for member in connector_state(SimulatedDevice(Clock()).evse(1)):
        assert f"`{member}`" in PAGE


def test_the_examples_work() -> None:
    """The program runs, and the tables are settings."""
    for program in blocks("python"):
        exec(compile(program, "simulator.md", "exec"), {})
    simulated = [
        device
        for table in blocks("toml")
        for device in tomllib.loads(table)["device"]
        if device["type"] == "simulated"
    ]
    for device in simulated:
        simulation_settings(device["settings"], device["connectors"])
    assert simulated
