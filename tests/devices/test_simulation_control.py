"""The door of the simulated charger: every line is answered, whatever it says."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, clientFromString
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactor, StringTransport
from twisted.protocols.basic import LineReceiver

from txocpp.devices.simulated import SimulatedDevice, control_service, simulation_settings
from txocpp.devices.simulation.commands import VERBS, obey
from txocpp.devices.simulation.control import LONGEST_LINE, MOST_CLIENTS, ControlFactory
from txocpp.errors import ConfigurationError
from txocpp.evse import CarState, FaultCode


def running(connectors: int = 1, **settings: Any) -> tuple[Clock, SimulatedDevice]:
    """A device that has been switched on."""
    clock = Clock()
    device = SimulatedDevice(clock, simulation_settings(settings, connectors))
    device.startService()
    return clock, device


def say(device: SimulatedDevice, **command: Any) -> dict[str, Any]:
    """One command and its answer."""
    return obey(device, json.dumps(command).encode())


def knock(factory: ControlFactory) -> tuple[Any, StringTransport]:
    """A new client at the door."""
    protocol = factory.buildProtocol(None)
    transport = StringTransport()
    protocol.makeConnection(transport)
    return protocol, transport


def answers(transport: StringTransport) -> list[dict[str, Any]]:
    """What has been answered so far."""
    return [json.loads(line) for line in transport.value().splitlines()]


def test_a_story_by_commands() -> None:
    """Plug, pause, resume, break, mend, unplug: each is answered with ok and done."""
    clock, device = running(2)
    assert say(device, do="plug_in", connector=2) == {"ok": True}
    assert device.evse(2).state.car is CarState.CONNECTED
    assert say(device, do="plug_in", connector=2) == {
        "ok": False,
        "error": "connector 2: a car is plugged in already",
    }
    assert say(device, do="ev_pause", connector=2) == {"ok": True}
    assert say(device, do="ev_resume", connector=2) == {"ok": True}
    assert say(device, do="swipe", id_tag="TAG1") == {"ok": True}
    assert say(device, do="swipe", id_tag="TAG1", connectors=[2]) == {"ok": True}
    assert say(device, do="fault", connector=2, error_code="GroundFailure") == {"ok": True}
    fault = device.evse(2).state.faults[0]
    assert (fault.code, fault.blocking) == (FaultCode.GROUND_FAILURE, True)
    assert say(device, do="clear_fault", connector=2) == {"ok": True}
    assert device.evse(2).state.faults == ()
    assert say(device, do="plug_out", connector=2) == {"ok": True}
    clock.advance(0)


def test_a_lone_connector_need_not_be_named() -> None:
    """With one connector it is meant, with two it must be said."""
    assert say(running(1)[1], do="plug_in") == {"ok": True}
    assert say(running(2)[1], do="plug_in") == {
        "ok": False,
        "error": '"connector" is missing, 1 to 2',
    }


def test_state_tells_everything_about_every_connector() -> None:
    """One object per connector, currents in A, power in W, energy in Wh."""
    clock, device = running(2, lock=True)
    say(device, do="plug_in", connector=1, soc_percent=50)
    say(device, do="fault", connector=2, error_code="WeakSignal", info="-90 dBm")
    device.evse(1).set_current_limit(10)
    device.evse(1).permit(True)
    clock.pump([1] * 5)
    answer = say(device, do="state")
    assert answer["ok"] is True
    one, two = answer["connectors"]
    assert one["car"] == "C"
    assert (one["offered_a"], one["current_a"], one["power_w"]) == (10, 10, 6900)
    assert one["energised"] is True
    assert 50 <= one["soc"] < 50.1
    assert one["energy_wh"] == 3
    assert one["locked"] is False
    assert two["faults"] == [
        {
            "error_code": "WeakSignal",
            "blocking": False,
            "info": "-90 dBm",
            "vendor_error_code": "",
        }
    ]
    assert [c["connector"] for c in say(device, do="state", connector=2)["connectors"]] == [2]


def test_whether_a_fault_is_a_warning_can_be_said() -> None:
    """The default is what the code usually means; the command has the last word."""
    _, device = running()
    for code, said, blocking in (
        ("GroundFailure", {}, True),
        ("EVCommunicationError", {}, False),
        ("GroundFailure", {"warning": True}, False),
        ("WeakSignal", {"warning": False}, True),
    ):
        say(device, do="fault", error_code=code, vendor_error_code="x", **said)
        fault = device.evse(1).state.faults[-1]
        assert (fault.code, fault.blocking, fault.vendor_code) == (code, blocking, "x")
        say(device, do="clear_fault", error_code=code)


def test_other_accidents() -> None:
    """Lock, contactor, meter, mains and the car itself."""
    clock, device = running(lock=True)
    evse = device.evse(1)
    assert say(device, do="lock_failure") == {"ok": True}
    assert evse.outlet.lock_fails
    assert say(device, do="lock_failure", on=False) == {"ok": True}
    assert not evse.outlet.lock_fails
    assert say(device, do="weld") == {"ok": True}
    assert evse.outlet.welded
    assert say(device, do="weld", on=False) == {"ok": True}
    assert say(device, do="meter_silent") == {"ok": True}
    assert evse.state.faults[0].code is FaultCode.POWER_METER_FAILURE
    assert say(device, do="set", car_max_a=10) == {"ok": True}
    assert evse.outlet.settings.car_max_a == 10
    assert say(device, do="power_cut", seconds=3) == {"ok": True}
    assert say(device, do="swipe", id_tag="TAG1")["ok"] is False
    assert say(device, do="state")["connectors"][0]["online"] is False
    clock.advance(3)
    assert say(device, do="state")["connectors"][0]["online"] is True
    assert set(say(device, do="help")["verbs"]) == set(VERBS)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"nonsense", "not JSON: "),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b"[" * 15_000, "nested too deeply"),
        (b"[1]", "one JSON object is expected"),
        (b"{}", '"do" is missing'),
        (b'{"do": 7}', '"do": no such verb 7; there are plug_in, '),
        (b'{"do": "explode"}', 'no such verb "explode"'),
        (b'{"do": {"a": "' + b"x" * 1000 + b'"}}', "xxx..."),
        (b'{"do": "plug_in", "connector": "1"}', '"connector" must be a whole number'),
        (b'{"do": "plug_in", "connector": true}', '"connector" must be a whole number'),
        (b'{"do": "plug_in", "connector": 3}', "there is no connector 3, only 1 to 2"),
        (b'{"do": "plug_in", "connector": 0}', "there is no connector 0"),
        (b'{"do": "plug_in", "connector": 1, "colour": 1}', 'unknown member "colour"'),
        (b'{"do": "plug_in", "connector": 1, "soc_percent": 101}', "soc_percent: 101 is not"),
        (b'{"do": "plug_out", "connector": 1}', "connector 1: no car is plugged in"),
        (b'{"do": "swipe"}', '"id_tag" is missing'),
        (b'{"do": "swipe", "id_tag": ""}', '"id_tag" must be a text of 1 to 20'),
        (b'{"do": "swipe", "id_tag": "123456789012345678901"}', "1 to 20"),
        (b'{"do": "swipe", "id_tag": 5}', '"id_tag" must be a text'),
        (b'{"do": "swipe", "id_tag": "A", "connectors": 1}', "must be a list"),
        (b'{"do": "swipe", "id_tag": "A", "connectors": [true]}', "must be a whole number"),
        (b'{"do": "swipe", "id_tag": "A", "connectors": [9]}', "no connector 9"),
        (b'{"do": "fault", "connector": 1}', '"error_code" is missing'),
        (b'{"do": "fault", "connector": 1, "error_code": "Oops"}', "must be one of Connector"),
        (b'{"do": "fault", "connector": 1, "error_code": []}', "must be one of Connector"),
        (b'{"do": "weld", "connector": 1, "on": 1}', '"on" must be true or false'),
        (b'{"do": "set", "connector": 1}', "say what to set: battery_wh"),
        (b'{"do": "power_cut", "seconds": -1}', '"seconds" must be within 0 and'),
        (b'{"do": "power_cut", "seconds": NaN}', '"seconds" must be within 0 and'),
        (b'{"do": "power_cut", "seconds": "5"}', '"seconds" must be a number'),
        (b'{"do": "set", "connector": 1, "car_max_a": 1e999}', "car_max_a: inf is not a finite"),
    ],
)
def test_what_is_wrong_is_said(line: bytes, words: str) -> None:
    """The answer names the fault; nothing has happened."""
    _, device = running(2)
    before = say(device, do="state")
    answer = obey(device, line)
    assert answer["ok"] is False
    assert words in answer["error"]
    assert say(device, do="state") == before


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
names = sorted({name for verb in VERBS.values() for name in verb.members} | {"connector"})
sensible = st.fixed_dictionaries(
    {"do": st.sampled_from(sorted(VERBS))},
    optional={
        "connector": st.integers(1, 2),
        "id_tag": st.just("TAG1"),
        "error_code": st.sampled_from([code.value for code in FaultCode]),
        "on": st.booleans(),
        "seconds": st.integers(0, 5),
    },
)
wild = st.fixed_dictionaries(
    {"do": st.sampled_from(sorted(VERBS)) | values},
    optional=dict.fromkeys(names, values),
)


@given(st.lists((sensible | wild).map(lambda c: json.dumps(c).encode()) | st.binary(), max_size=20))
def test_every_line_is_answered_and_leaves_a_state_allowed(lines: list[bytes]) -> None:
    """No sequence of lines escapes the rules, or the answer's form."""
    clock, device = running(2)
    for evse in device.evses:
        evse.set_current_limit(16)
        evse.permit(True)
    register = 0
    for line in lines:
        answer = obey(device, line)
        assert answer["ok"] is True or (answer["ok"] is False and answer["error"])
        json.dumps(answer, allow_nan=False)
        clock.advance(7)
        state = say(device, do="state")["connectors"]
        for connector in state:
            assert connector["offered_a"] == 0 or 6 <= connector["offered_a"] <= 32
            assert connector["current_a"] == 0 or connector["energised"]
        assert sum(connector["energy_wh"] for connector in state) >= register
        register = sum(connector["energy_wh"] for connector in state)
    device.stopService()
    assert clock.getDelayedCalls() == []


def test_lines_come_in_any_pieces() -> None:
    """A command may arrive byte by byte, or several at once; empty lines are nothing."""
    _, device = running()
    protocol, transport = knock(ControlFactory(device))
    for byte in b'{"do": "plug_in"}\r\n\n':
        protocol.dataReceived(bytes([byte]))
    protocol.dataReceived(b'{"do": "plug_out"}\n{"do": "plug_out"}\n')
    assert [answer["ok"] for answer in answers(transport)] == [True, True, False]


def test_a_line_that_is_too_long_is_answered_once_and_skipped() -> None:
    """However long it is, memory stays small, and the connection works on."""
    _, device = running()
    protocol, transport = knock(ControlFactory(device))
    for _ in range(100):
        protocol.dataReceived(b"x" * LONGEST_LINE)
    assert len(protocol._buffer) <= LONGEST_LINE
    protocol.dataReceived(b'x"}\n{"do": "plug_in"}\n')
    protocol.dataReceived(b"y" * (LONGEST_LINE + 1) + b'\n{"do": "plug_out"}\n')
    told = answers(transport)
    assert [answer["ok"] for answer in told] == [False, True, False, True]
    assert told[0]["error"] == f"a line has at most {LONGEST_LINE} bytes"


def test_a_client_that_does_not_read_is_not_read_from() -> None:
    """Its answers wait in its own buffer, not in ours for ever."""
    protocol, transport = knock(ControlFactory(running()[1]))
    protocol.pauseProducing()
    assert transport.producerState == "paused"
    protocol.resumeProducing()
    assert transport.producerState == "producing"
    protocol.stopProducing()


def test_the_door_has_room_for_so_many() -> None:
    """One more is told so and shown out; when one leaves there is room again."""
    factory = ControlFactory(running()[1])
    clients = [knock(factory) for _ in range(MOST_CLIENTS)]
    late, transport = knock(factory)
    assert answers(transport)[0]["error"] == f"there are {MOST_CLIENTS} clients already"
    assert transport.disconnecting
    late.dataReceived(b'{"do": "plug_in"}\n')
    assert len(answers(transport)) == 1
    late.connectionLost()
    clients[0][0].connectionLost()
    assert not knock(factory)[1].disconnecting


class Client(LineReceiver):
    """Waits for one line at a time."""

    delimiter = b"\n"

    def __init__(self) -> None:
        self.waiting: Deferred[bytes] = Deferred()

    def lineReceived(self, line: bytes) -> None:
        waiting, self.waiting = self.waiting, Deferred()
        waiting.callback(line)


@pytest.mark.parametrize("kind", ["tcp", "unix"])
async def test_the_door_over_a_real_socket(kind: str, tmp_path: Path) -> None:
    """TCP on this machine or a Unix socket that only its owner can open."""
    _, device = running()
    path = tmp_path / "sim.sock"
    service = control_service(device, reactor, "tcp:0" if kind == "tcp" else f"unix:{path}")
    service.startService()
    if kind == "tcp":
        endpoint = clientFromString(reactor, f"tcp:127.0.0.1:{service.address.port}")
    else:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        endpoint = UNIXClientEndpoint(reactor, str(path))
    client = await endpoint.connect(Factory.forProtocol(Client))
    client.sendLine(b'{"do": "plug_in"}')
    assert json.loads(await client.waiting) == {"ok": True}
    gone: Deferred[None] = Deferred()
    client.connectionLost = lambda *_: gone.callback(None)
    await service.stopService()
    await gone


def test_nobody_opens_the_door_to_the_world_by_accident() -> None:
    """Another interface than loopback must be allowed in so many words."""
    _, device = running()
    with pytest.raises(ConfigurationError, match="can be reached from other machines"):
        control_service(device, MemoryReactor(), "tcp:7716:interface=0.0.0.0")
    service = control_service(
        device, MemoryReactor(), "tcp:7716:interface=0.0.0.0", allow_remote=True
    )
    service.startService()
    service.stopService()
