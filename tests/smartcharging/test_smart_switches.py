"""The readings that can be chosen."""

from __future__ import annotations

import pytest
from smart_stations import VECTORS

from txocpp.errors import ConfigurationError
from txocpp.smartcharging import Connector0, Switches


def test_every_choice_of_the_examples_is_a_switch() -> None:
    """The names and values of the worked examples are those of the switches."""
    choices = [
        alternative["choice"]
        for vector in VECTORS["vectors"]
        for alternative in vector.get("alternatives", [])
    ]
    for choice in choices:
        assert Switches.from_mapping(choice) == Switches(**choice) != Switches()


def test_a_table_of_a_configuration_file() -> None:
    """What is not named keeps its default."""
    switches = Switches.from_mapping({"connector0": "max-only"})
    assert switches.connector0 is Connector0.MAX_ONLY
    assert switches == Switches(connector0=Connector0.MAX_ONLY)
    assert Switches.from_mapping({}) == Switches()


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"recur_forwards": True}, "recur_forwards: not known; there are tx_profile_hides"),
        ({"connector0": "all"}, "connector0: 'all' is none of sum, max-only"),
        ({"recur_backwards": "yes"}, "recur_backwards: 'yes' is none of true, false"),
        ({"recur_backwards": 1}, "recur_backwards: 1 is none of true, false"),
    ],
)
def test_faults_name_the_switch(table: dict[str, object], text: str) -> None:
    """The text says which switch, what it holds and what it may hold."""
    with pytest.raises(ConfigurationError, match=text):
        Switches.from_mapping(table)
