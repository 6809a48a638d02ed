"""``txocpp sim`` against a real door, and the ``txocpp`` command itself."""

from __future__ import annotations

import json
import socket
import sys
import types
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_twisted
from click.testing import CliRunner, Result
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from txocpp import cli
from txocpp.cli import main
from txocpp.cli.sim import state_table
from txocpp.devices.simulated import SimulatedDevice, control_service, simulation_settings
from txocpp.evse import CarState, FaultCode


@pytest.fixture
def device() -> Iterator[SimulatedDevice]:
    """A running device with two connectors, the first with a socket lock."""
    device = SimulatedDevice(reactor, simulation_settings({"connector": {"1": {"lock": True}}}, 2))
    device.startService()
    yield device
    device.stopService()


@pytest_twisted.async_yield_fixture
async def door(device: SimulatedDevice) -> AsyncIterator[str]:
    """Where its door is."""
    service = control_service(device, reactor, "tcp:0")
    service.startService()
    yield f"127.0.0.1:{service.address.port}"  # type: ignore[union-attr]
    await service.stopService()


def run(door: str, *words: str) -> Deferred[Result]:
    """Run the command in a thread, as it would run in another process."""
    return deferToThread(CliRunner().invoke, main, ["sim", "--at", door, *words])


async def test_a_story_at_a_terminal(device: SimulatedDevice, door: str) -> None:
    """Every word does what it says, quietly."""
    for words in (
        ["plug", "1", "--soc", "40", "--car-phases", "1"],
        ["pause", "1"],
        ["swipe", "TAG1", "-c", "1"],
        ["swipe", "TAG2"],
        ["fault", "1", "groundfailure", "--info", "wet"],
        ["lock-failure", "1"],
        ["set", "2", "car_max_a=10"],
        ["meter-silent", "2"],
        ["weld", "2"],
        ["weld", "2", "--off"],
    ):
        result = await run(door, *words)
        assert (result.exit_code, result.output) == (0, ""), words
    one, two = device.evse(1), device.evse(2)
    assert one.state.car is CarState.CONNECTED
    assert one.outlet.settings.car_phases == 1
    assert not one.outlet.car.ready
    assert [fault.code for fault in one.state.faults] == [FaultCode.GROUND_FAILURE]
    assert two.outlet.settings.car_max_a == 10
    for words in (
        ["clear", "1", "GroundFailure"],
        ["resume", "1"],
        ["clear", "2"],
        ["unplug", "1"],
    ):
        assert (await run(door, *words)).exit_code == 0
    assert one.state.car is CarState.ABSENT
    assert two.state.faults == ()
    assert (await run(door, "power-cut", "--seconds", "0.01")).exit_code == 0


async def test_refusals_are_plain_words(door: str) -> None:
    """The device's reason, no traceback, and a status that scripts notice."""
    result = await run(door, "unplug", "1")
    assert result.exit_code == 1
    assert result.output == "Error: connector 1: no car is plugged in\n"
    assert (await run(door, "plug")).output == 'Error: "connector" is missing, 1 to 2\n'
    assert (await run(door, "set", "1", "soc_percent")).exit_code == 2
    assert (await run(door, "set", "1", "soc_percent=full")).exit_code == 2
    assert "no such setting" not in (await run(door, "set", "1", "soc_percent=50")).output


async def test_error_codes_are_those_of_ocpp(door: str) -> None:
    """Shown as OCPP writes them; a near miss is put right, anything else is told what there is."""
    shown = (await run(door, "fault", "--help")).output
    assert all(code in shown for code in FaultCode)
    assert "did you mean GroundFailure?" in (await run(door, "fault", "1", "groundfault")).output
    wrong = await run(door, "fault", "1", "gremlin")
    assert wrong.exit_code == 2
    assert "there are ConnectorLockFailure, EVCommunicationError" in wrong.output


async def test_state_is_plain_text_in_a_pipe(device: SimulatedDevice, door: str) -> None:
    """No frames, no colours, one line per connector."""
    device.evse(2).plug_in()
    result = await run(door, "state")
    assert result.exit_code == 0
    header, one, two = result.output.splitlines()
    assert header.split()[:3] == ["car", "contactor", "limit"]
    assert one.split()[:3] == ["1", "none", "open"]
    assert two.split()[:4] == ["2", "plugged", "in", "open"]
    assert "not authorised" in two
    answer = json.loads((await run(door, "state", "--json")).output)
    assert [c["connector"] for c in answer["connectors"]] == [1, 2]


def test_the_table_has_a_frame_at_a_terminal() -> None:
    """Remarks tell what is unusual."""
    connector = {
        "connector": 1,
        "car": "C",
        "plugged": True,
        "ready": False,
        "energised": True,
        "permitted": False,
        "limit_a": 16.0,
        "offered_a": 16.0,
        "current_a": 15.9,
        "power_w": 10971.0,
        "energy_wh": 1234,
        "soc": 50.0,
        "locked": True,
        "available": False,
        "online": False,
        "faults": [{"error_code": "GroundFailure"}],
    }
    table = state_table({"connectors": [connector]}, plain=False)
    assert table.box is not None
    cells = [str(next(iter(column.cells))) for column in table.columns]
    assert cells[1:9] == [
        "asks", "closed", "16 A", "16 A", "15.9 A", "10.97 kW", "1.234 kWh", "50.0 %",
    ]  # fmt: skip
    assert cells[9] == (
        "GroundFailure, no power, out of service, car paused, not authorised, locked"
    )


def test_nobody_at_home() -> None:
    """A clear word on what to do, from the environment variable too."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{free.getsockname()[1]}"
    result = CliRunner().invoke(main, ["sim", "state"], env={"TXOCPP_SIM": at})
    assert result.exit_code == 1
    assert f"no simulated charger listens at {at}" in result.output
    result = CliRunner().invoke(main, ["sim", "--at", "/nowhere/sim", "state"])
    assert "no simulated charger listens at /nowhere/sim" in result.output
    assert CliRunner().invoke(main, ["sim", "--at", "tcp:x", "state"]).exit_code == 2


@pytest.mark.parametrize("said", [b"", b"SSH-2.0\n", b"[]\n"])
async def test_somebody_else_at_home(said: bytes) -> None:
    """A stranger behind the port is recognised as one."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        at = f"127.0.0.1:{stranger.getsockname()[1]}"
        running = run(at, "state")

        def answer() -> None:
            line, _ = stranger.accept()
            line.recv(1000)
            line.sendall(said)
            line.close()

        await deferToThread(answer)
        result = await running
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")


def test_the_command_knows_its_version_and_its_words() -> None:
    """Help lists what is installed; a word that is not is refused."""
    assert CliRunner().invoke(main, ["--version"]).output.startswith("txocpp, version")
    output = CliRunner().invoke(main, ["--help"]).output
    assert "sim" in output
    assert CliRunner().invoke(main, ["dance"]).exit_code == 2


def test_a_broken_subcommand_leaves_the_others_alone(monkeypatch: Any) -> None:
    """It is listed with its trouble and says so when it is called."""
    broken = types.ModuleType("txocpp_broken")
    broken.__spec__ = types.SimpleNamespace(name="txocpp_broken")  # type: ignore[assignment]
    monkeypatch.setitem(sys.modules, "txocpp_broken", broken)
    monkeypatch.setattr(
        cli, "SUBCOMMANDS", {**cli.SUBCOMMANDS, "odd": "txocpp_broken:odd", "gone": "txocpp_gone:x"}
    )
    output = CliRunner().invoke(main, ["--help"]).output
    assert "odd" in output
    assert "gone" not in output
    result = CliRunner().invoke(main, ["odd"])
    assert result.exit_code == 1
    assert "odd is not available here" in result.output
    assert CliRunner().invoke(main, ["gone"]).exit_code == 2
