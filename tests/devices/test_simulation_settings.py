"""Settings of the simulated charger: what is wrong is named."""

from __future__ import annotations

from decimal import Decimal

import pytest

from txocpp.devices.simulated import SimulationSettings, simulation_settings
from txocpp.errors import ConfigurationError


def test_the_defaults_are_a_wall_box_at_home() -> None:
    """32 A three-phase with a cable, a 16 A three-phase car."""
    settings = SimulationSettings()
    assert (settings.maximum_current_a, settings.phases, settings.lock) == (32, 3, False)
    assert (settings.car_max_a, settings.car_phases) == (16, 3)


def test_numbers_of_a_configuration_file_become_exact() -> None:
    """0.1 is a tenth, not nearly a tenth."""
    assert SimulationSettings(maximum_current_a=31.1).maximum_current_a == Decimal("31.1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("maximum_current_a", 5),
        ("maximum_current_a", 16.05),
        ("maximum_current_a", "16"),
        ("maximum_current_a", float("nan")),
        ("maximum_current_a", True),
        ("phases", 4),
        ("phases", True),
        ("lock", 1),
        ("soc_percent", 101),
        ("battery_wh", 0),
        ("steps_a", 16),
        ("steps_a", [16, 8]),
        ("steps_a", [5]),
        ("steps_a", [6.05]),
        ("colour", "red"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(name: str, value: object) -> None:
    """The error begins with the setting."""
    with pytest.raises(ConfigurationError, match=f"^{name}: "):
        simulation_settings({name: value})


def test_single_connectors_may_differ() -> None:
    """Common options first, then those of the connector."""
    one, two = simulation_settings(
        {"car_max_a": 10, "connector": {"2": {"car_phases": 1, "car_max_a": 20}}}, 2
    )
    assert (one.car_max_a, one.car_phases) == (10, 3)
    assert (two.car_max_a, two.car_phases) == (20, 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"connector": {"3": {}}}, "connector.3: there are only 2"),
        ({"connector": {"2": {"phases": 9}}}, "connector.2.phases: 9"),
        ({"connector": {"2": 9}}, "connector.2: must be a table"),
        ({"connector": 9}, "connector: must be a table"),
    ],
)
def test_a_wrong_place_is_named(options: dict[str, object], words: str) -> None:
    """The path leads to the fault."""
    with pytest.raises(ConfigurationError, match=words):
        simulation_settings(options, 2)
