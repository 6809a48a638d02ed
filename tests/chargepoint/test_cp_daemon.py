"""From options to a running charge point: connection, boxes, doors."""

from __future__ import annotations

import json
import re
import socket
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from twisted.internet import reactor
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock, deferLater
from zope.interface.verify import verifyObject

from txocpp.chargepoint.boxes import SeveralBoxes, device_maker
from txocpp.chargepoint.daemon import Daemon, check, line_maker, websocket_charge_point
from txocpp.chargepoint.fromoptions import client_settings, station_settings
from txocpp.chargepoint.options import Options
from txocpp.chargepoint.service import LineSettings
from txocpp.devices.simulated import SimulatedDevice
from txocpp.errors import ConfigurationError
from txocpp.interfaces import IEVSEDevice


def options(**tables: Any) -> Options:
    """Options as a file would give them."""
    return msgspec.convert(tables, Options)


def test_who_it_is_and_how_it_behaves() -> None:
    """Every table finds its way into the settings of the charge point."""
    settings = station_settings(
        options(
            station={"identity": "X", "serial_number": "S"},
            behaviour={"queue_limit": 99, "left_out_keys": ["MessageTimeout"]},
            installation={
                "voltage_v": 110,
                "station_limit_a": 63.5,
                "time_zone": "Europe/Berlin",
            },
            configuration={"HeartbeatInterval": 7},
            smart_charging={"valid_to_inclusive": True},
        )
    )
    assert (settings.identity, settings.serial_number, settings.iccid) == ("X", "S", None)
    assert settings.behaviour.queue_limit == 99
    assert (settings.grid.voltage_v, settings.grid.station_limit_a) == (
        Decimal(110),
        Decimal("63.5"),
    )
    assert str(settings.grid.zone) == "Europe/Berlin"
    assert settings.readings.valid_to_inclusive
    assert settings.left_out_keys == ("MessageTimeout",)
    assert station_settings(options()).grid.station_limit_a is None
    assert station_settings(options()).grid.zone is None
    with pytest.raises(ConfigurationError, match="Europe/Atlantis"):
        station_settings(options(installation={"time_zone": "Europe/Atlantis"}))


@pytest.mark.parametrize(
    ("given", "password"),
    [
        ({}, None),
        ({"password": "päss"}, "päss".encode()),
        ({"authorization_key": "00ff10"}, b"\x00\xff\x10"),
        ({"password_file": "FILE"}, b"secret"),
    ],
)
def test_a_password_in_three_ways(
    given: dict[str, str], password: bytes | None, tmp_path: Path
) -> None:
    """As text, as hex digits, or on the first line of a file."""
    file = tmp_path / "password"
    file.write_text("secret\nsomething else\n")
    if "password_file" in given:
        given = {"password_file": str(file)}
    assert client_settings(options(central_system=given)).password == password


def test_a_file_without_a_password(tmp_path: Path) -> None:
    """An empty password file is a mistake, and is named."""
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(ConfigurationError, match="no password on the first line"):
        client_settings(options(central_system={"password_file": str(tmp_path / "empty")}))


@pytest.mark.rule("C-10", "C-15")
def test_a_line_takes_what_the_charge_point_wants() -> None:
    """A key that was set over OCPP wins over the configured password."""
    make = line_maker(reactor, client_settings(options(central_system={"password": "old"})))
    fresh = make(object(), LineSettings(identity="X", ping_interval_s=7))  # type: ignore[arg-type]
    assert (fresh.settings.password, fresh.settings.ping_interval_s) == (b"old", 7)
    changed = make(object(), LineSettings(identity="X", password=b"new"))  # type: ignore[arg-type]
    assert changed.settings.password == b"new"


def test_boxes_make_one_device() -> None:
    """Connectors are numbered through the boxes, in their order; each box remembers for itself."""
    boxes = options(device=[{"connectors": 2}, {"connectors": 1, "settings": {"phases": 1}}]).device
    remembered: list[str] = []
    memory = {"2": {"evses": [{"energy_wh": 77, "plugged": False, "soc_percent": "50"}]}}
    device = device_maker(Clock(), boxes)(memory, lambda name, document: remembered.append(name))
    assert verifyObject(IEVSEDevice, device)
    assert isinstance(device, SeveralBoxes)
    assert [evse.capabilities.phases for evse in device.evses] == [3, 3, 1]
    assert device.info.model == "Simulated EVSE"
    device.startService()
    device.devices[1].evse(1).plug_in()
    device.stopService()
    assert "2" in remembered


def test_without_boxes_there_is_one() -> None:
    """One simulated EVSE."""
    device = device_maker(Clock(), ())({}, lambda name, document: None)
    assert isinstance(device, SimulatedDevice)
    assert len(device.evses) == 1


def test_a_box_at_the_end_of_a_line() -> None:
    """An evlink box needs a link, and a key or the word that it needs none."""
    device = device_maker(
        reactor,
        options(
            device=[
                {"type": "evlink", "link": "tcp:127.0.0.1:4116", "settings": {"insecure": True}}
            ]
        ).device,
    )({}, lambda name, document: None)
    assert verifyObject(IEVSEDevice, device)
    with pytest.raises(ConfigurationError, match="device 1"):
        check(reactor, options(device=[{"type": "evlink", "link": "tcp:127.0.0.1:4116"}]))


def test_a_door_needs_something_to_poke() -> None:
    """A door to the simulation without a simulated device is a mistake."""
    with pytest.raises(ConfigurationError, match="no simulated device"):
        check(
            reactor,
            options(
                device=[
                    {
                        "type": "evlink",
                        "link": "tcp:127.0.0.1:4116",
                        "settings": {"insecure": True},
                    }
                ],
                simulation={"control": "tcp:7799"},
            ),
        )


async def test_it_starts_and_stops(tmp_path: Path) -> None:
    """With its file, its door and its page, and without leaving anything behind."""
    service = Daemon(
        reactor,
        options(
            central_system={"url": "ws://127.0.0.1:1/"},
            storage={"path": str(tmp_path / "cp.sqlite3")},
            simulation={"control": f"unix:{tmp_path / 'door'}"},
            status={"listen": f"unix:{tmp_path / 'page'}"},
        ),
    )
    service.startService()
    while service.charge_point.assembly is None:
        await _turn()
    assert (tmp_path / "door").exists()
    assert (tmp_path / "page").exists()
    assert set(service.charge_point.assembly.bays) == {1}
    await service.stopService()
    assert not (tmp_path / "door").exists()


async def test_a_store_that_is_in_use_ends_the_program(tmp_path: Path) -> None:
    """Rather no charge point than one that forgets, with the file named."""
    (tmp_path / "file").write_text("")
    service = Daemon(reactor, options(storage={"path": str(tmp_path / "file" / "x.sqlite3")}))
    with pytest.raises(SystemExit, match=r"ocpp-cp: .*x\.sqlite3"):
        service.startService()


@pytest.mark.parametrize("option", ["[simulation] control", "[status] listen"])
async def test_a_door_that_is_taken_is_named(option: str) -> None:
    """The program ends with the option and the port, before anything is charged."""
    taken = reactor.listenTCP(0, Factory(), interface="127.0.0.1")  # type: ignore[attr-defined]
    where = f"tcp:{taken.getHost().port}:interface=127.0.0.1"
    table, name = option.replace("[", "").split("] ")
    tables = {"storage": {"path": ":memory:"}, table: {name: where}}
    service = Daemon(reactor, options(central_system={"url": "ws://127.0.0.1:1/"}, **tables))
    with pytest.raises(
        SystemExit, match=rf"ocpp-cp: {re.escape(option)}: .*{taken.getHost().port}"
    ):
        service.startService()
    assert service.charge_point.device is None
    await service.stopService()
    await taken.stopListening()


async def test_who_comes_to_the_door_before_the_charger_waits(tmp_path: Path) -> None:
    """A command that is sent while the store is being read is obeyed when the charger is there."""
    where = f"unix:{tmp_path / 'door'}"
    service = Daemon(
        reactor,
        options(
            central_system={"url": "ws://127.0.0.1:1/"},
            storage={"path": str(tmp_path / "journal.sqlite3")},
            simulation={"control": where},
        ),
    )
    service.startService()
    assert service.charge_point.device is None
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(tmp_path / "door"))
    client.sendall(b'{"do": "state"}\n')
    client.setblocking(False)
    answer = b""
    while not answer:
        await _turn()
        with suppress(BlockingIOError):
            answer = client.recv(1 << 16)
    assert json.loads(answer)["ok"]
    client.close()
    await service.stopService()


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"files": {"trust_roots": "nowhere.pem"}}, r"\[files\] trust_roots: nowhere.pem holds no"),
        (
            {"central_system": {"certificate": "nowhere.pem", "private_key": "x"}},
            r"\[central_system\] certificate: there is no file nowhere.pem",
        ),
        (
            {"central_system": {"certificate": "nowhere.pem"}},
            r"\[central_system\] certificate and private_key go together",
        ),
        (
            {"central_system": {"password_file": "nowhere"}},
            r"\[central_system\] password_file: cannot read nowhere: No such file",
        ),
        (
            {"firmware": {"install_command": ["no-such-program-here", "{file}"]}},
            r"\[firmware\] install_command: there is no program 'no-such-program-here'",
        ),
    ],
)
def test_files_that_are_not_there_are_found_before_the_start(
    tables: dict[str, Any], words: str
) -> None:
    """Not when they are needed for the first time, months later."""
    with pytest.raises(ConfigurationError, match=words):
        check(Clock(), options(**tables))


async def test_in_a_program_of_ones_own(tmp_path: Path) -> None:
    """A few arguments make a charge point that keeps what it has to."""
    device = SimulatedDevice(reactor)  # type: ignore[arg-type]
    charge_point = websocket_charge_point(
        reactor,
        "ws://127.0.0.1:1/ocpp",
        "MINE",
        device,
        storage=tmp_path / "mine.sqlite3",
        configuration={"HeartbeatInterval": 11},
    )
    charge_point.startService()
    while charge_point.assembly is None:
        await _turn()
    assert charge_point.assembly.configuration.integer("HeartbeatInterval") == 11
    await charge_point.stopService()
    assert (tmp_path / "mine.sqlite3").exists()


async def _turn() -> None:
    """One turn of the reactor."""
    await deferLater(reactor, 0.01)  # type: ignore[arg-type]
