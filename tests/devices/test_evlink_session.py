"""The host's half of a session against frames written by hand, and both halves together."""

from __future__ import annotations

from typing import Any

import pytest
from evlink_house import KEY
from hypothesis import given
from hypothesis import strategies as st

from txocpp.devices.esp8266.frames import Direction, decode, encode, parse, session_keys
from txocpp.devices.esp8266.session import (
    Answered,
    Closed,
    Denied,
    Heard,
    Missed,
    Opened,
    Phase,
    Restarted,
    Session,
    Unanswered,
)

HOST_NONCE, DEVICE_NONCE = bytes(range(16)), bytes(range(16, 32))
KEYS = session_keys(KEY, HOST_NONCE, DEVICE_NONCE)


class Bench:
    """A session at one end, and somebody who writes frames by hand at the other."""

    def __init__(self, key: bytes | None = None) -> None:
        self.key = key
        self.session = Session("txocpp/0.1", key=key, nonce=lambda: HOST_NONCE)
        self.counter = 0
        self.seal: bytes | None = None

    def sent(self) -> list[str]:
        """Lines that the host has written since the last time."""
        return [line for line in self.session.take_output().decode().split("\n") if line]

    def requests(self) -> list[tuple[int, list[Any]]]:
        """Counters and messages of those lines."""
        frames = [parse(line.encode(), Direction.TO_DEVICE) for line in self.sent()]
        assert all(frame is not None for frame in frames)
        return [(frame.counter, decode(frame.body)) for frame in frames if frame is not None]  # type: ignore[misc]

    def say(self, message: list[Any], now: float = 0.0, *, counter: int | None = None) -> list[Any]:
        """A frame of the device; gives what has happened then."""
        if counter is None:
            self.counter += 1
            counter = self.counter
        seal = self.seal if counter else None
        self.session.receive(encode(Direction.TO_HOST, counter, message, seal), now)
        return self.session.take_happenings()

    def open(self) -> Bench:
        """Greet, and if there is a key prove it."""
        self.session.greet(0.0)
        hello = {"v": 1, "auth": 0}
        if self.key is not None:
            proof = session_keys(self.key, HOST_NONCE, DEVICE_NONCE).device_proof.hex()
            hello = {"v": 1, "auth": 1, "n": DEVICE_NONCE.hex(), "p": proof}
        self.say([3, 1, hello], counter=0)
        if self.key is not None:
            self.seal = KEYS.to_host
            assert self.session.phase is Phase.PROVING
            self.say([3, 2, {}])
        assert self.session.phase is Phase.OPEN
        self.session.take_happenings()
        self.sent()
        return self


def test_the_published_plain_dialogue() -> None:
    """What the host says in the vectors, it says byte for byte."""
    bench = Bench()
    bench.session.greet(0.0)
    assert bench.sent() == ['>0 [2,1,"hello",{"v":[1],"h":"txocpp/0.1"}]*0faf4483']
    assert bench.say([3, 1, {"v": 1, "auth": 0}], counter=0) == [Opened({"v": 1, "auth": 0})]
    bench.session._last_id = 2
    assert bench.session.ask("ping", None, 0.0) == 3
    assert bench.sent() == ['>1 [2,3,"ping"]*9223d7d8']
    bench.session.receive(b'\n<1 [3,3,{"up":0,"bad":0}]*7d6faf30\n', 0.0)
    assert bench.session.take_happenings() == [Answered(3, {"up": 0, "bad": 0})]
    bench.session.ask("limit", {"c": 1, "ma": 16000, "ttl": 30}, 0.0)
    assert bench.sent() == ['>2 [2,4,"limit",{"c":1,"ma":16000,"ttl":30}]*1eff37cb']


def test_the_published_sealed_dialogue() -> None:
    """Greeting, proofs and the first sealed frames, byte for byte."""
    bench = Bench(KEY)
    session = bench.session
    session.greet(0.0)
    (hello,) = bench.sent()
    assert hello == (
        '>0 [2,1,"hello",{"v":[1],"h":"txocpp/0.1",'
        '"n":"000102030405060708090a0b0c0d0e0f"}]*ec3588e1'
    )
    greeting = (
        '{"id":"esp8266-00a1b2c3","fw":"0.3.0","hw":"s0pilot","boot":17,"why":"power","nc":1,'
        '"cap":"pwm,relay,ph,meter,fail","max":[32000],"ph":[3],"rx":256,"up":1234,"v":1,"auth":1,'
        '"n":"101112131415161718191a1b1c1d1e1f","p":"f029654651bb6c68921fbc678730d919"}'
    )
    session.receive(f"\n<0 [3,1,{greeting}]*dfe414d7\n".encode(), 0.0)
    assert bench.sent() == ['>1 [2,2,"auth",{"p":"d7f42aff95157627fd1a18f5010f7109"}]*b95933c6']
    session.receive(b"\n<1 [3,2,{}]*1140a8504768e810\n", 0.0)
    assert isinstance(session.take_happenings()[0], Opened)
    session.ask("ping", None, 0.0)
    session.ask("limit", {"c": 1, "ma": 16000, "ttl": 30}, 0.0)
    assert bench.sent() == ['>1 [2,3,"ping"]*495b1769c04d8e7e']
    session.receive(b'\n<2 [3,3,{"up":0,"bad":0}]*46edb8c5b191d1d3\n', 0.0)
    assert bench.sent() == ['>2 [2,4,"limit",{"c":1,"ma":16000,"ttl":30}]*898b2fe9c0349898']
    session.receive(b'\n<4 [3,4,{"ma":0,"why":"host"}]*d512a6a40766735f\n', 0.0)
    assert session.take_happenings() == [
        Answered(3, {"up": 0, "bad": 0}),
        Missed(),
        Answered(4, {"ma": 0, "why": "host"}),
    ]


def test_a_request_is_repeated_with_the_same_id() -> None:
    """Three tries with new counters, half a second apart, then it is given up."""
    bench = Bench().open()
    number = bench.session.ask("limit", {"c": 1, "ma": 6000}, 0.0)
    seen = bench.requests()
    for now in (0.4, 0.5, 0.9, 1.0, 1.4):
        bench.session.advance(now)
        seen += bench.requests()
    assert [(counter, message[1]) for counter, message in seen] == [(1, 2), (2, 2), (3, 2)]
    assert bench.session.take_happenings() == []
    bench.session.advance(1.5)
    assert bench.session.take_happenings() == [Unanswered(number)]
    assert bench.session.deadline is None


def test_requests_go_one_by_one_and_urgent_ones_first() -> None:
    """The next is sent when the one before is answered."""
    bench = Bench().open()
    session = bench.session
    ids = [session.ask("meter", {"c": 1}, 0.0), session.ask("meter", {"c": 2}, 0.0)]
    urgent = session.ask("gate", {"c": 1, "on": 0}, 0.0, urgent=True)
    said = bench.requests()
    for id in (ids[0], urgent, ids[1]):
        assert said[-1][1][1] == id
        assert bench.say([3, id, {}]) == [Answered(id, {})]
        said += bench.requests()
    assert len(said) == 3


def test_a_refusal_is_handed_on() -> None:
    """With the device's code and words."""
    bench = Bench().open()
    number = bench.session.ask("limit", {"c": 9}, 0.0)
    assert bench.say([4, number, "BadConn", "nine"]) == [Denied(number, "BadConn", "nine")]
    number = bench.session.ask("limit", {"c": 9}, 0.0)
    assert bench.say([4, number, "BadConn"]) == [Denied(number, "BadConn", "")]


def test_too_many_requests_are_asked_again_later() -> None:
    """Rate is no refusal: the same id, a quarter of a second later, without counting as a try."""
    bench = Bench().open()
    number = bench.session.ask("meter", {"c": 1}, 0.0)
    bench.requests()
    for turn in range(10):
        assert bench.say([4, number, "Rate", ""], now=turn * 0.25) == []
        bench.session.advance(turn * 0.25 + 0.25)
        assert [message[1] for _, message in bench.requests()] == [number]
    assert bench.say([3, number, {}]) == [Answered(number, {})]


def test_late_and_stray_answers_are_harmless() -> None:
    """An answer to nothing is nothing."""
    bench = Bench().open()
    assert bench.say([3, 77, {}]) == []
    number = bench.session.ask("ping", None, 0.0)
    assert bench.say([4, number + 1, "Internal", ""]) == []
    assert bench.say([3, number, {}]) == [Answered(number, {})]
    assert bench.say([3, number, {}]) == []


def test_events_and_their_gaps() -> None:
    """A gap in the device's counter says that something was lost."""
    bench = Bench().open()
    assert bench.say([5, "state", 12, {"c": 1}]) == [Heard("state", 12, {"c": 1})]
    bench.counter += 1
    assert bench.say([5, "btn", 13, {"c": 1}]) == [Missed(), Heard("btn", 13, {"c": 1})]


@pytest.mark.parametrize("key", [None, KEY])
def test_replays_and_old_counters_are_dropped(key: bytes | None) -> None:
    """A frame is good once."""
    bench = Bench(key).open()
    bench.counter = 10
    bench.say([5, "state", 12, {"c": 1}])
    bad = bench.session.bad
    assert bench.say([5, "state", 12, {"c": 1}], counter=11) == []
    assert bench.say([5, "state", 12, {"c": 1}], counter=3) == []
    assert bench.session.bad == bad + 2


@pytest.mark.parametrize(
    "message",
    [
        [3, "1", {}],
        [3, 1],
        [3, 1, []],
        [4, 1, 7],
        [5, "state", "now", {}],
        [5, 1, 2, {}],
        [6, 1, {}],
        [2, 1, "ping"],
        {"a": 1},
    ],
)
def test_a_message_of_no_known_form_is_counted(message: Any) -> None:
    """It changes nothing but the counter of bad frames."""
    bench = Bench().open()
    bad = bench.session.bad
    assert bench.say(message) == []
    assert bench.session.bad == bad + 1


def test_in_a_sealed_session_nothing_plain_is_believed() -> None:
    """No answer, no event, no denial; only the hint that the device wants to begin anew."""
    bench = Bench(KEY).open()
    number = bench.session.ask("gate", {"c": 1, "on": 1}, 0.0)
    bench.seal = None
    bad = bench.session.bad
    assert bench.say([3, number, {"on": 1, "ma": 6000}], counter=50) == []
    assert bench.say([5, "state", 1, {"c": 1}], counter=51) == []
    assert bench.session.bad == bad + 2
    assert bench.say([3, number, {}], counter=0) == []
    assert bench.say([4, number, "Denied", ""], counter=0) == []
    assert bench.session.phase is Phase.OPEN


def test_a_forged_tag_is_dropped() -> None:
    """Sealed with another key, it is noise."""
    bench = Bench(KEY).open()
    bench.seal = b"not the key"
    assert bench.say([5, "state", 1, {"c": 1}]) == []


@pytest.mark.parametrize("how", ["boot", "NoSession"])
def test_a_device_that_restarted_is_greeted_again(how: str) -> None:
    """What was out or queued is unanswered."""
    bench = Bench().open()
    ids = [bench.session.ask("ping", None, 0.0), bench.session.ask("ping", None, 0.0)]
    bench.requests()
    message = [5, "boot", 7, {}] if how == "boot" else [4, ids[0], "NoSession", ""]
    assert bench.say(message, counter=0) == [Restarted(), *map(Unanswered, ids)]
    assert [message[2] for _, message in bench.requests()] == ["hello"]
    assert bench.session.phase is Phase.GREETING


def test_a_host_that_gets_no_answer_to_its_greeting_closes() -> None:
    """After three tries with the same nonce."""
    bench = Bench(KEY)
    bench.session.greet(0.0)
    nonces = set()
    for now in (0.5, 1.0):
        nonces |= {message[3]["n"] for _, message in bench.requests()}
        bench.session.advance(now)
    nonces |= {message[3]["n"] for _, message in bench.requests()}
    bench.session.advance(1.5)
    assert bench.session.take_happenings() == [Closed("no answer to hello")]
    assert nonces == {HOST_NONCE.hex()}


@pytest.mark.parametrize(
    ("key", "greeting", "words", "wrong_key"),
    [
        (None, {"v": 2}, "speaks version 2", False),
        (None, {}, "speaks version None", False),
        (None, {"v": 1, "auth": 1}, "demands a key", True),
        (KEY, {"v": 1, "auth": 0}, "has no key", True),
        (KEY, {"v": 1, "auth": 1}, "does not have the configured key", True),
        (KEY, {"v": 1, "auth": 1, "n": "zz", "p": 7}, "does not have the configured key", True),
        (KEY, {"v": 1, "auth": 1, "n": "00" * 16, "p": "00" * 16}, "does not have", True),
    ],
)
def test_greetings_that_are_refused(
    key: bytes | None, greeting: dict[str, Any], words: str, wrong_key: bool
) -> None:
    """No downgrade, and no proof for a device that has none."""
    bench = Bench(key)
    bench.session.greet(0.0)
    bench.sent()
    (closed,) = bench.say([3, 1, greeting], counter=0)
    assert isinstance(closed, Closed)
    assert words in closed.reason
    assert closed.wrong_key is wrong_key
    assert bench.sent() == []


def test_a_device_that_refuses_our_proof() -> None:
    """It is told as what it is."""
    bench = Bench(KEY)
    bench.session.greet(0.0)
    assert bench.say([4, 1, "Auth", "wait"], counter=0) == [
        Closed("the device refuses hello: Auth wait", True)
    ]


def test_a_request_that_is_too_long_is_not_sent() -> None:
    """The caller is told, the session goes on."""
    bench = Bench().open()
    with pytest.raises(ValueError, match="too long"):
        bench.session.ask("ui", {"m": "x" * 300}, 0.0)
    assert bench.session.ask("ping", None, 0.0)


def test_ids_and_counters_begin_again() -> None:
    """Ids after 65535; counters by a new session."""
    bench = Bench().open()
    bench.session._last_id = 65_535
    assert bench.session.ask("ping", None, 0.0) == 1
    bench.say([3, 1, {}])
    bench.session._tx = 999_999_998
    bench.session.ask("ping", None, 0.0)
    assert bench.session.phase is Phase.GREETING


lines = st.one_of(
    st.binary(max_size=60),
    st.builds(
        lambda counter, message, sealed: encode(
            Direction.TO_HOST, counter, message, KEYS.to_host if sealed else None
        ),
        st.integers(0, 12),
        st.one_of(
            st.tuples(st.just(3), st.integers(0, 8), st.just({})).map(list),
            st.tuples(
                st.just(3),
                st.integers(0, 8),
                st.just({"v": 1, "auth": 1, "n": DEVICE_NONCE.hex(), "p": KEYS.device_proof.hex()}),
            ).map(list),
            st.tuples(
                st.just(4), st.integers(0, 8), st.sampled_from(["Rate", "NoSession", "Auth"])
            ).map(list),
            st.tuples(
                st.just(5), st.sampled_from(["boot", "state"]), st.integers(0, 9), st.just({})
            ).map(list),
        ),
        st.booleans(),
    ),
)


@given(st.lists(lines, max_size=30), st.sampled_from([None, KEY]))
def test_no_device_can_make_the_host_stumble(story: list[bytes], key: bytes | None) -> None:
    """Nothing is raised, and every request is answered, refused or given up exactly once."""
    session = Session("h", key=key, nonce=lambda: HOST_NONCE)
    session.greet(0.0)
    asked: set[int] = set()
    ended: list[int] = []
    for now, line in enumerate(story):
        session.receive(line, float(now))
        session.advance(float(now))
        if session.phase is Phase.OPEN:
            asked.add(session.ask("ping", None, float(now)))
        ended += [
            happening.id
            for happening in session.take_happenings()
            if isinstance(happening, Answered | Denied | Unanswered)
        ]
    session.line_lost()
    ended += [h.id for h in session.take_happenings() if isinstance(h, Unanswered)]
    assert sorted(ended) == sorted(asked)
    for line in session.take_output().split(b"\n"):
        assert len(line) <= 256
