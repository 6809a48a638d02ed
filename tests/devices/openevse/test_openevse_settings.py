"""From a line of a configuration file to an OpenEVSE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock

from txocpp.devices.openevse.http import HttpController
from txocpp.devices.openevse.rapi_controller import RapiController
from txocpp.devices.openevse.settings import OpenEVSESettings, openevse_device
from txocpp.errors import ConfigurationError


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("serial:/dev/ttyUSB0", RapiController),
        ("tcp:192.168.1.20:8023", RapiController),
        ("http://openevse.local", HttpController),
    ],
)
def test_the_link_decides_how_it_is_reached(where: str, kind: type) -> None:
    """A serial line, a bridge to one, or the gateway."""
    reactor: Any = MemoryReactorClock()
    assert isinstance(openevse_device(reactor, where)._controller, kind)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"supervision_s": 61}, "supervision_s"),
        ({"fallback_a": 0}, "fallback_a"),
        ({"phases": True}, "phases"),
        ({"sleep_on_stop": "no"}, "sleep_on_stop"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_setting_is_named(options: dict[str, Any], why: str) -> None:
    """By its name, before anything is opened."""
    with pytest.raises(ConfigurationError, match=why):
        OpenEVSESettings.of(options)


def test_a_place_where_no_openevse_can_be_is_refused() -> None:
    """A Unix socket is none."""
    reactor: Any = Clock()
    with pytest.raises(ConfigurationError, match="unix"):
        openevse_device(reactor, "unix:/run/openevse")


def test_a_password_comes_from_a_file(tmp_path: Path) -> None:
    """Its first line; a file that is not there is named."""
    reactor: Any = MemoryReactorClock()
    file = tmp_path / "password"
    file.write_text("secret\n")
    settings = OpenEVSESettings(user="me", password_file=str(file))
    device = openevse_device(reactor, "http://openevse.local", settings=settings)
    assert device._controller._auth == ("me", "secret")  # type: ignore[attr-defined]
    missing = OpenEVSESettings(user="me", password_file=str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="none"):
        openevse_device(reactor, "http://openevse.local", settings=missing)
