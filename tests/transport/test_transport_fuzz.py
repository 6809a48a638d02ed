"""Whatever strangers send: nobody else is disturbed, and memory stays bounded."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from transport_rig import EchoRequest, RecordingTransport, TinyFactory, echo
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from websocket_rig import Hall
from websockets.protocol import State

from txocpp.rpc.conversation import MOST_OWED
from txocpp.transport.peer import Peer
from txocpp.transport.websocket_settings import LineLimits

GOOD = (
    b"GET /CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)

json_values: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["Echo", "Odd", "id", "x" * 36, "word", 2, 3, 4]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
frames = (
    st.tuples(
        st.sampled_from([2, 2, 2, 3, 4, 5]) | json_values,
        st.text(max_size=40) | json_values,
        st.sampled_from(["Echo", "Odd", "Nope"]) | json_values,
        st.fixed_dictionaries({"word": st.text(max_size=8) | json_values}) | json_values,
    ).map(json.dumps)
    | st.lists(json_values, max_size=6).map(json.dumps)
    | st.text(max_size=50)
    | st.integers(1, 60_000).map(lambda n: '[2,"id","Echo",' + "[" * n)
    | st.integers(1, 60_000).map(lambda n: '[2,"id","Echo",{"word":' + "9" * n + "}]")
    | st.integers(1, 3000).map(lambda n: '[2,"id","Echo",' + '{"word":' * n + "1" + "}" * n + "]")
)


@given(st.lists(frames, max_size=8))
@settings(max_examples=300)
def test_a_peer_survives_any_frames(texts: list[str]) -> None:
    """Every answer is a proper frame, at most one for each; then it answers as if nothing was."""
    peer = Peer(TinyFactory(), {EchoRequest: echo}, clock=Clock())
    line = RecordingTransport()
    peer.connected(line)
    for text in texts:
        before = len(line.sent)
        peer.frame_received(text)
        assert len(line.sent) - before <= 1
    for answer in map(json.loads, line.sent):
        assert answer[0] in (3, 4)
        assert isinstance(answer[1], str)
        assert len(answer) == {3: 3, 4: 5}[answer[0]]
        assert answer[0] == 3 or answer[2] != "InternalError"
    peer.frame_received('[2,"last","Echo",{"word":"hi"}]')
    assert line.sent[-1] == '[3,"last",{"word":"hi"}]'
    peer.disconnected("done")


@given(
    st.lists(st.binary(max_size=300) | st.sampled_from([GOOD, b"\r\n\r\n", b"\r\n"]), max_size=6)
)
@settings(max_examples=200)
def test_a_server_survives_any_bytes(chunks: list[bytes]) -> None:
    """Before, during and after the handshake, while another station talks."""
    hall = Hall()
    other = hall.station("/other")
    hall.stranger(*chunks)
    other.say("still here")
    assert hall.gate.receivers[0].events == ["connected", "still here"]
    assert other.ws.state is State.OPEN
    for line in list(hall.factory.lines):
        assert len(line.data) <= hall.settings.limits.longest_header
        line.transport.part(line)
    other.leave()
    assert hall.leaves_nothing()


def mutated(draw: st.DrawFn) -> bytes:
    """A good request with a few bytes changed, dropped or doubled."""
    data = bytearray(GOOD)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1))
        what = draw(st.sampled_from(["change", "drop", "double", "cut"]))
        if what == "change":
            data[at] = draw(st.integers(0, 255))
        elif what == "drop":
            del data[at]
        elif what == "double":
            data[at:at] = data[at : at + 20]
        elif len(data) - at > 2:
            del data[at:-4]
    return bytes(data)


@given(st.composite(mutated)())
@settings(max_examples=300)
def test_a_server_survives_almost_good_handshakes(request: bytes) -> None:
    """Each is let in, refused in HTTP, or waits for more until its time is over."""
    hall = Hall()
    cable = hall.stranger(request)
    answer = cable.take()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    hall.clock.advance(60)
    for line in list(hall.factory.lines):
        line.transport.part(line)
    hall.clock.advance(60)
    assert hall.leaves_nothing()


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=10))
@settings(max_examples=200)
def test_a_station_may_send_any_bytes_as_frames(chunks: list[bytes]) -> None:
    """Its own connection may end, with a close frame; that of another goes on."""
    hall = Hall(LineLimits(largest_message=1000))
    other, station = hall.station("/other"), hall.station()
    for chunk in chunks:
        if not station.cable.lost:
            station.raw(chunk)
    other.say("still here")
    assert hall.gate.receivers[0].events == ["connected", "still here"]
    if not station.cable.lost:
        assert len(station.line.data) < 1000
        station.leave()
    other.leave()
    assert hall.leaves_nothing()


def test_what_a_peer_makes_us_remember_is_bounded() -> None:
    """Calls that wait for a slow responder are counted; the rest is refused and forgotten."""
    asked: list[Any] = []

    def never(request: EchoRequest) -> Deferred[Any]:
        asked.append(request)
        return Deferred()

    peer = Peer(TinyFactory(), {EchoRequest: never}, clock=Clock())
    line = RecordingTransport()
    peer.connected(line)
    for n in range(1000):
        peer.frame_received(f'[2,"{n}","Echo",{{"word":"hi"}}]')
    assert len(asked) == MOST_OWED
    assert len(line.sent) == 1000 - MOST_OWED
    peer.disconnected("done")
