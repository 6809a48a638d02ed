"""The simulated charger as a device of its own: its half of the protocol, and real lines."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from evlink_house import KEY, EvlinkHouse
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater
from twisted.internet.testing import StringTransport
from zope.interface.verify import verifyObject

from txocpp.devices.esp8266.device import EvlinkDevice, evlink_device
from txocpp.devices.esp8266.frames import Direction, decode, encode, parse, session_keys
from txocpp.devices.esp8266.keys import make_key
from txocpp.devices.esp8266.settings import EvlinkSettings
from txocpp.devices.simulated import SimulatedDevice, simulation_settings
from txocpp.devices.simulation.box import SimulatedBox
from txocpp.devices.simulation.evlink_device import EvlinkSimulation
from txocpp.devices.simulation.evlink_server import EvlinkFactory, EvlinkServer
from txocpp.errors import ConfigurationError, StoreError
from txocpp.evse import Fault, FaultCode
from txocpp.interfaces import IEVSEListener

HOST_NONCE = bytes(range(16))


class Bench:
    """A simulated device, and a host that writes its frames by hand."""

    def __init__(self, connectors: int = 1, *, key: bytes | None = None, **settings: Any) -> None:
        self.clock = Clock()
        self.sim = SimulatedDevice(self.clock, simulation_settings(settings, connectors))
        self.box = EvlinkSimulation(self.sim, key=key, insecure=key is None)
        self.factory = EvlinkFactory(self.box)
        self.box.on_power = self.factory.power
        self.sim.startService()
        self.clock.advance(0)
        self.counter = self.number = 0
        self.seal: bytes | None = None
        self.protocol, self.transport = self.connect()

    def connect(self) -> tuple[Any, StringTransport]:
        """Another line to the device."""
        protocol, transport = self.factory.buildProtocol(None), StringTransport()
        protocol.makeConnection(transport)
        return protocol, transport

    def answers(self) -> list[list[Any]]:
        """What the device has said since the last time."""
        frames = [parse(line, Direction.TO_HOST) for line in self.transport.value().split(b"\n")]
        self.transport.clear()
        messages = [decode(frame.body) for frame in frames if frame is not None]
        return [message for message in messages if message is not None]

    def send(self, message: list[Any], counter: int, key: bytes | None = None) -> list[list[Any]]:
        """One frame, and what it is answered."""
        self.protocol.dataReceived(encode(Direction.TO_DEVICE, counter, message, key))
        return self.answers()

    def hello(self, **args: Any) -> list[list[Any]]:
        """Greet."""
        self.counter = 0
        return self.send([2, 1, "hello", {"v": [1], "h": "test", **args}], 0)

    def prove(self) -> None:
        """Greet and prove the key."""
        (greeting,) = self.hello(n=HOST_NONCE.hex())
        keys = session_keys(KEY, HOST_NONCE, bytes.fromhex(greeting[2]["n"]))
        assert greeting[2]["p"] == keys.device_proof.hex()
        answers = self.send([2, 2, "auth", {"p": keys.host_proof.hex()}], 1)
        assert answers == [[3, 2, {}]]
        self.seal = keys.to_device

    def ask(self, verb: str, number: int | None = None, **args: Any) -> Any:
        """A request: the members of its result, or the code of the error."""
        self.counter += 1
        self.number = self.number + 1 if number is None else number
        said = self.send([2, self.number, verb, args], self.counter, self.seal)
        answers = [message for message in said if message[0] != 5]
        assert len(answers) <= 1
        if not answers:
            return None
        assert answers[0][1] == self.number
        return answers[0][2]


def test_it_listens_as_an_evse_listener() -> None:
    """The contract's letter."""
    assert verifyObject(IEVSEListener, Bench().box)


def test_nothing_is_obeyed_outside_of_a_session() -> None:
    """Not before a greeting, and not plain in a sealed session."""
    bench = Bench(key=KEY)
    assert bench.ask("limit", c=1, ma=16000) == "NoSession"
    bench.prove()
    seal, bench.seal = bench.seal, None
    assert bench.ask("gate", c=1, on=1) is None
    assert bench.hello(n="zz") == [[4, 1, "BadArg", "n"]]
    assert bench.hello(n="00") == [[4, 1, "BadArg", "n"]]
    assert bench.hello(v=[2]) == [[4, 1, "Version", ""]]
    bench.seal, bench.counter = seal, 10
    assert bench.ask("gate", c=1, on=1) == {"on": 0, "ma": 0}


def test_a_repeated_request_is_done_once() -> None:
    """The same id gets the same answer again, with a new counter."""
    bench = Bench()
    bench.hello()
    first = bench.ask("conf", 5, k="fb", v=6000)
    bench.box.conf["fb"] = 0
    assert bench.ask("conf", 5, k="fb", v=6000) == first
    assert bench.box.conf["fb"] == 0
    assert bench.ask("conf", 6, k="fb") == {"v": 0}


def test_wrong_proofs_earn_a_pause() -> None:
    """After the third, five seconds of it; then the right one is heard again."""
    bench = Bench(key=KEY)
    for _ in range(3):
        bench.hello(n=HOST_NONCE.hex())
        assert bench.send([2, 2, "auth", {"p": "00" * 16}], 1) == [[4, 2, "Auth", ""]]
    assert bench.hello(n=HOST_NONCE.hex()) == [[4, 1, "Auth", "wait"]]
    bench.clock.advance(5)
    bench.prove()


def test_too_many_requests() -> None:
    """Twenty at once, then twenty a second."""
    bench = Bench()
    bench.hello()
    answers = [bench.ask("ping") for _ in range(25)]
    assert answers[:19] == [{"up": 0, "bad": 0}] * 19
    assert answers[19:] == ["Rate"] * 6
    bench.clock.advance(1)
    assert bench.ask("ping") == {"up": 1, "bad": 0}


def test_a_second_host_does_not_interrupt_an_update() -> None:
    """It is told to come again, until the update is over or the first host has gone."""
    bench = Bench()
    bench.hello()
    sha = "00" * 32
    assert bench.ask("ota", op="begin", size=100, sha=sha, ver="2") == {"off": 0}
    first, first_line = bench.protocol, bench.transport
    bench.protocol, bench.transport = bench.connect()
    assert bench.hello() == [[4, 1, "Busy", "update"]]
    assert first.link.is_open
    assert not first_line.disconnecting
    first.connectionLost()
    assert bench.hello()[0][0] == 3


def test_a_second_host_takes_over_only_with_a_proof() -> None:
    """A newcomer has five seconds; the running session goes on until then."""
    bench = Bench(key=KEY)
    bench.prove()
    first = bench.protocol
    stranger, line = bench.connect()
    third, refused = bench.connect()
    assert refused.disconnecting
    third.connectionLost()
    bench.clock.advance(5)
    assert line.disconnecting
    stranger.connectionLost()
    assert first.link.is_open
    bench.protocol, bench.transport = bench.connect()
    bench.seal = None
    bench.prove()
    assert not first.link.is_open
    again, line = bench.connect()
    assert first.transport.disconnecting
    assert not line.disconnecting
    for protocol in (first, again, bench.protocol):
        protocol.connectionLost()
    assert bench.factory.lines == []


def test_the_lease_and_its_end() -> None:
    """The fail-safe current comes by itself, and only a new limit ends it."""
    bench = Bench()
    bench.hello()
    bench.sim.evse(1).plug_in()
    bench.ask("conf", k="fb", v=8000)
    bench.ask("limit", c=1, ma=16000, ttl=5)
    bench.ask("gate", c=1, on=1)
    bench.clock.pump([1] * 4)
    bench.ask("ping")
    bench.clock.pump([1] * 4)
    assert bench.ask("status", c=1)["why"] == "host"
    bench.clock.pump([1] * 6)
    state = next(m[3] for m in bench.answers() if m[0] == 5 and m[3].get("why") == "fb")
    assert (state["ma"], state["lim"]) == (8000, 16000)
    bench.ask("ping")
    assert bench.ask("status", c=1)["why"] == "fb"
    assert bench.ask("limit", c=1, ma=7000) == {"ma": 7000, "why": "host"}
    bench.clock.advance(31)
    assert bench.ask("status", c=1)["ma"] == 7000
    bench.ask("conf", k="up", v=1)
    assert bench.ask("status", c=1)["ma"] == 8000


@pytest.mark.parametrize(
    ("verb", "args", "code"),
    [
        ("dance", {}, "BadVerb"),
        ("status", {"c": 2}, "BadConn"),
        ("status", {"c": "1"}, "BadConn"),
        ("status", {}, "BadConn"),
        ("limit", {"c": 1}, "BadArg"),
        ("limit", {"c": 1, "ma": True}, "BadArg"),
        ("limit", {"c": 1, "ma": 80001}, "BadArg"),
        ("limit", {"c": 1, "ma": 6000, "ttl": 4}, "BadArg"),
        ("limit", {"c": 1, "ma": 6000, "ph": 1}, "Unsup"),
        ("gate", {"c": 1, "on": 2}, "BadArg"),
        ("lock", {"c": 1, "on": 1}, "Unsup"),
        ("sub", {"s": -1}, "BadArg"),
        ("conf", {"k": "colour"}, "BadArg"),
        ("conf", {"k": []}, "BadArg"),
        ("conf", {"k": "fb", "v": 5000}, "BadArg"),
        ("conf", {"k": "fb", "v": False}, "BadArg"),
        ("conf", {"k": "imp", "v": 0}, "BadArg"),
        ("conf", {"k": "name", "v": "x" * 33}, "BadArg"),
        ("ui", {"c": 1, "s": 1}, "BadArg"),
        ("reset", {"hard": 7}, "BadArg"),
        ("key", {"k": "00" * 32}, "Denied"),
        ("ota", {"op": "begin"}, "BadArg"),
        ("ota", {"op": "data"}, "Denied"),
        ("ota", {"op": "dance"}, "Denied"),
    ],
)
def test_requests_that_are_refused(verb: str, args: dict[str, Any], code: str) -> None:
    """With the code of the protocol."""
    bench = Bench()
    bench.hello()
    assert bench.ask(verb, **args) == code


def test_requests_that_are_obeyed() -> None:
    """The rest of the verbs."""
    bench = Bench(lock=True)
    bench.hello()
    assert bench.ask("lock", c=1, on=1) == {}
    assert bench.ask("status", c=1)["lk"] == 1
    assert bench.ask("time", t=1_700_000_000) == {}
    assert bench.ask("ui", c=1, s="Charging") == {}
    assert bench.ask("cycle", c=1) == {}
    assert bench.ask("avail", c=1, on=0) == {}
    assert bench.ask("status", c=1)["why"] == "off"
    assert bench.ask("avail", c=1, on=1) == {}
    assert bench.ask("conf", k="name", v="garage") == {"v": "garage"}
    assert bench.ask("conf", k="imp", v=2000) == {"v": 2000}
    bench.sim.evse(1).plug_in()
    bench.ask("limit", c=1, ma=6000)
    bench.ask("gate", c=1, on=1)
    bench.clock.pump([1] * 5)
    assert bench.ask("lock", c=1, on=0) == "Busy"
    assert bench.ask("cycle", c=1) == "Busy"
    bench.sim.evse(1).raise_fault(Fault(FaultCode.OTHER_ERROR))
    assert bench.ask("clear", c=1) == {"f": ["OtherError"]}
    assert bench.ask("status", c=1)["why"] == "fault"
    bench.sim.evse(1).fail_lock()
    assert bench.ask("lock", c=1, on=0) == "Fault"
    bench.box.stop()


def test_a_power_cut_ends_lines_and_leases() -> None:
    """The device is back as after a start: open, and with nothing asked."""
    bench = Bench()
    bench.hello()
    bench.sim.evse(1).plug_in()
    bench.ask("limit", c=1, ma=16000)
    bench.ask("gate", c=1, on=1)
    bench.clock.pump([1] * 5)
    bench.sim.power_cut(3)
    bench.clock.advance(0)
    assert bench.transport.disconnected
    bench.protocol.connectionLost()
    assert bench.connect()[1].disconnecting
    bench.clock.advance(3)
    bench.clock.advance(0)
    bench.protocol, bench.transport = bench.connect()
    (greeting,) = bench.hello()
    assert greeting[2]["boot"] == 2
    state = bench.ask("status", c=1)
    assert (state["gate"], state["lim"], state["why"], state["on"]) == (0, 0, "boot", 0)


requests = st.tuples(
    st.sampled_from(
        ["limit", "gate", "avail", "lock", "status", "meter", "conf", "clear", "cycle", "sub", "x"]
    ),
    st.dictionaries(
        st.sampled_from(["c", "ma", "ttl", "ph", "on", "hard", "k", "v", "s"]),
        st.one_of(
            st.integers(0, 2),
            st.sampled_from([5999, 6000, 16000, 32000, 80000, 30, "fb", "max", "up"]),
            st.none(),
            st.lists(st.integers(), max_size=2),
        ),
        max_size=5,
    ),
)


@given(st.lists(st.one_of(requests, st.binary(max_size=80)), max_size=30))
def test_no_host_can_make_the_device_stumble(story: list[Any]) -> None:
    """Whatever is asked: answered or dropped, and the offer is 0 or within 6 A and the maximum."""
    bench = Bench(2, can_switch_phases=True, lock=True)
    bench.hello()
    bench.sim.evse(1).plug_in()
    for step in story:
        if isinstance(step, bytes):
            bench.protocol.dataReceived(step + b"\n")
            bench.answers()
        else:
            assert bench.ask(step[0], **step[1]) is not None
        bench.clock.advance(1.5)
        for evse in bench.sim.evses:
            assert evse.state.offered_a == 0 or 6 <= evse.state.offered_a <= 32
    bench.box.stop()
    bench.sim.stopService()


async def wait_for(condition: Any) -> None:
    """Until it is so; the test's own time limit ends it otherwise."""
    while not condition():
        await deferLater(reactor, 0.01, lambda: None)


async def story(device: EvlinkDevice, sim: SimulatedDevice) -> None:
    """A charge over a real line."""
    device.startService()
    evse = device.evses[0]
    await wait_for(lambda: evse.state.online)
    sim.evse(1).plug_in(follow_s=0, wake_s=0)
    await evse.set_current_limit(Decimal(10))
    await evse.permit(True)
    await wait_for(lambda: evse.state.energised)
    assert sim.evse(1).outlet.car.draw_ma == 10_000
    reading = await evse.read_meter()
    assert reading.power_w == 6900
    await device.stopService()


async def test_over_tcp_with_a_key(tmp_path: Path) -> None:
    """As a program of its own, found by its description and a key file."""
    key_file = tmp_path / "box.key"
    make_key(key_file)
    box = SimulatedBox(
        reactor,
        listen="tcp:0",
        control=f"unix:{tmp_path / 'door'}",
        key_file=key_file,
        memory_file=tmp_path / "memory.json",
    )
    box.startService()
    where = f"tcp:127.0.0.1:{box.line.line.address.port}"  # type: ignore[union-attr]
    device = evlink_device(reactor, where, key_file=key_file)
    await story(device, box.device)
    await box.stopService()
    again = SimulatedBox(
        reactor,
        listen="tcp:0",
        control=f"unix:{tmp_path / 'door'}",
        key_file=key_file,
        memory_file=tmp_path / "memory.json",
    )
    assert again.device.evse(1).outlet.plugged
    again.startService()
    await wait_for(lambda: again.line.box.starts == 2)
    await again.stopService()


async def test_over_a_pseudo_terminal(tmp_path: Path) -> None:
    """As if it were a board on USB; the link to it goes when it stops."""
    path = tmp_path / "ttyBOX"
    path.symlink_to("/nowhere/left/by/an/earlier/run")
    sim = SimulatedDevice(reactor)
    server = EvlinkServer(reactor, sim, listen=f"pty:{path}")
    server.startService()
    await story(evlink_device(reactor, f"serial:{path}"), sim)
    stopping = server.stopService()
    if isinstance(stopping, Deferred):
        await stopping
    await wait_for(lambda: not path.is_symlink())


def test_what_cannot_be_served(tmp_path: Path) -> None:
    """A network line without key, a world that may connect, a path that is taken."""
    sim = SimulatedDevice(Clock())
    with pytest.raises(ConfigurationError, match="needs a key"):
        EvlinkServer(reactor, sim, listen="tcp:4116")
    with pytest.raises(ConfigurationError, match="other machines"):
        EvlinkServer(reactor, sim, listen="tcp:4116:interface=0.0.0.0", key=KEY)
    taken = tmp_path / "taken"
    taken.write_text("mine")
    server = EvlinkServer(reactor, SimulatedDevice(reactor), listen=f"pty:{taken}")
    with pytest.raises(ConfigurationError, match="File exists"):
        server.startService()
    server.stopService()
    assert taken.read_text() == "mine"
    memory = tmp_path / "memory.json"
    memory.write_text('{"starts": "many"}')
    with pytest.raises(StoreError, match="not the memory"):
        SimulatedBox(reactor, insecure=True, memory_file=memory)


def test_a_key_is_set_over_a_cable_only_once() -> None:
    """An unset key may be set; then it is demanded."""
    house = EvlinkHouse(key=None, box_key=None, cable=True).start()
    asked = house.device.ask("key", {"k": "ab" * 32})
    house.run(1)
    assert asked.result == {}
    assert house.box.key == bytes.fromhex("ab" * 32)
    denied = house.device.ask("key", {"k": "cd" * 32}).addErrback(
        lambda failure: str(failure.value)
    )
    house.run(1)
    assert denied.result == "Denied"
    bad = EvlinkHouse(key=None, box_key=None, cable=True).start()
    short = bad.device.ask("key", {"k": "ab"}).addErrback(lambda failure: str(failure.value))
    bad.run(1)
    assert short.result == "BadArg: k"
    bad.stop()
    house.stop()


def test_settings_of_evlink_are_kept_apart() -> None:
    """Defaults that harm nobody."""
    settings = EvlinkSettings()
    assert (settings.lease_s, settings.insecure, settings.open_on_stop) == (30, False, True)
