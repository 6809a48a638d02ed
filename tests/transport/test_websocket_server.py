"""A server where charge points connect."""

from __future__ import annotations

from typing import Any

import pytest
from transport_rig import Outcome
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from websocket_rig import Gate, Hall, Station
from websockets.exceptions import InvalidHandshake
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from zope.interface.verify import verifyObject

from txocpp.errors import ConfigurationError
from txocpp.interfaces import IStationGate, ITransport, Refusal
from txocpp.transport.http_handshake import identity_of
from txocpp.transport.websocket_line import MOST_FRAGMENTS
from txocpp.transport.websocket_server import BACKLOG, WebSocketServer, with_backlog
from txocpp.transport.websocket_settings import LineLimits

REQUEST = (
    b"GET /CP1 HTTP/1.1\r\nHost: csms\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
)


@pytest.fixture
def hall() -> Hall:
    return Hall()


# --- coming in


@pytest.mark.rule("C-01", "C-05")
def test_a_station_connects_and_talks(hall: Hall) -> None:
    """Frames go both ways between a foreign client and the gate's receiver."""
    assert verifyObject(IStationGate, hall.gate)
    station = hall.station()
    assert station.ws.state is State.OPEN
    assert station.ws.subprotocol == "ocpp1.6"
    assert verifyObject(ITransport, hall.receiver.transport)
    assert hall.receiver.transport.peer == "CP1"
    station.say("hello")
    hall.receiver.transport.send("wörld")
    station.pump()
    assert hall.receiver.events == ["connected", "hello"]
    assert station.texts == ["wörld"]


@pytest.mark.rule("C-02")
@pytest.mark.parametrize(
    ("uri", "identity"),
    [
        ("/CP1", "CP1"),
        ("/ocpp/CP1", "CP1"),
        ("/any/path/at/all/CP1", "CP1"),
        ("/ocppj/RDAM%20123", "RDAM 123"),
        ("/ocpp/CP%2F1", "CP/1"),
        ("/ocpp/CP;1", "CP;1"),
        ("/ocpp/CP%3B1", "CP;1"),
        ("/ocpp/CP1?token=x/y", "CP1"),
        ("/ocpp/S%C3%A4ule", "Säule"),
        ("http://csms/ocpp/CP1", "CP1"),
        ("/ocpp/100%25", "100%"),
        ("/", None),
        ("/ocpp/", None),
        ("/ocpp/%FF", None),
        ("/ocpp/CP%0A1", None),
        ("/ocpp/CP%00", None),
        ("/ocpp/?CP1", None),
    ],
)  # fmt: skip
def test_the_identity_is_the_last_segment_decoded(uri: str, identity: str | None) -> None:
    """Any path may stand before it; what no station can be called is none."""
    assert identity_of(uri) == identity


@pytest.mark.rule("C-02", "C-03")
def test_identities_arrive_as_they_were_provisioned(hall: Hall) -> None:
    """Slashes and semicolons included, although libraries cut at them."""
    for path in ("/ocpp/RDAM%20123", "/ocpp/CP%2F1", "/ocpp/CP;1"):
        hall.station(path)
    assert [c.identity for c in hall.gate.asked] == ["RDAM 123", "CP/1", "CP;1"]


@pytest.mark.rule("C-02")
def test_a_path_prefix_may_be_demanded() -> None:
    """Exactly that; anything else is not found."""
    hall = Hall(path_prefix="/ocpp/")
    statuses = [hall.station(p).status for p in ("/ocpp/CP1", "/CP1", "/ocpp/x/CP1", "/x/CP1")]
    assert statuses == [101, 404, 404, 404]


@pytest.mark.rule("C-02")
@pytest.mark.parametrize(
    ("uri", "identity"),
    [
        ("/ocpp/CP1", "CP1"),
        ("/ocpp/CP1/", "CP1"),
        ("/CP1", "CP1"),
        ("/CP1/?x=1", "CP1"),
        ("/ocpp", None),
        ("/ocpp/", None),
        ("/", None),
        ("//CP1", None),
        ("/ocpp/x/CP1", None),
        ("/ocpp/CP1//", None),
        ("/elsewhere/CP1", None),
    ],
)
def test_a_path_prefix_may_be_left_out(uri: str, identity: str | None) -> None:
    """Whoever was told only host and port is known too; the prefix alone is nobody's name."""
    assert identity_of(uri, "/ocpp/", prefix_may_lack=True) == identity


@pytest.mark.rule("C-05", "C-04")
def test_the_station_decides_among_common_subprotocols() -> None:
    """Its list is in order of preference."""
    hall = Hall(subprotocols=("ocpp1.6", "ocpp2.0.1"))
    assert hall.station(subprotocols=["x", "ocpp2.0.1", "ocpp1.6"]).ws.subprotocol == "ocpp2.0.1"
    assert hall.gate.events == ["CP1 ocpp2.0.1"]
    assert hall.gate.asked[0].subprotocols == ("x", "ocpp2.0.1", "ocpp1.6")


@pytest.mark.rule("C-06")
@pytest.mark.parametrize("offered", [[], ["ocpp1.5"], ["OCPP1.6"]])
def test_without_a_common_subprotocol_the_line_is_closed_at_once(
    hall: Hall, offered: list[str]
) -> None:
    """The handshake is completed without the header; nobody gets to know the station."""
    station = hall.station(subprotocols=offered)
    assert station.status == 101
    assert "Sec-WebSocket-Protocol" not in station.header
    assert station.ws.close_code == 1002
    assert station.ws.close_reason == "no common subprotocol; this server speaks ocpp1.6"
    assert hall.gate.receivers == []
    assert hall.leaves_nothing()


@pytest.mark.rule("C-07", "C-16")
@pytest.mark.parametrize("status", [404, 401, 403, 503, 499])
def test_the_gate_refuses_before_the_upgrade(hall: Hall, status: int) -> None:
    """The answer is plain HTTP with a body that says why; no WebSocket comes about."""
    hall.gate.refusal = Refusal(status, "no such thing")
    station = hall.station()
    assert station.status == status
    assert isinstance(station.ws.handshake_exc, InvalidHandshake)
    assert station.header["Connection"] == "close"
    assert int(station.header["Content-Length"]) == len("no such thing\n")
    assert ("WWW-Authenticate" in station.header) == (status == 401)
    assert hall.gate.receivers == []
    assert hall.leaves_nothing()


@pytest.mark.rule("C-15", "C-16", "X-10")
def test_the_gate_sees_user_and_password_bytes(hall: Hall) -> None:
    """The example of the specification."""
    header = "Basic QUwxMDAwOgABAgMEBQYH////////////////"
    hall.station("/AL1000", headers={"Authorization": header})
    (credentials,) = hall.gate.asked
    assert (credentials.identity, credentials.user) == ("AL1000", "AL1000")
    assert credentials.password == bytes.fromhex("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF")
    assert (credentials.address, credentials.secure) == ("192.0.2.7:5555", False)
    assert credentials.certificate_common_name is None
    assert "password" not in repr(credentials)


@pytest.mark.rule("C-16")
@pytest.mark.parametrize("header", ["Bearer x", "Basic !", "Basic QQ==", "Basic QTpi, Basic QTpi"])
def test_malformed_credentials_are_refused_without_asking(hall: Hall, header: str) -> None:
    """They are not quoted either."""
    station = hall.station(headers={"Authorization": header})
    assert station.status == 401
    assert station.header["WWW-Authenticate"].startswith("Basic")
    assert hall.gate.asked == []


def test_without_credentials_the_gate_sees_none(hall: Hall) -> None:
    """None is something else than empty."""
    hall.station()
    assert (hall.gate.asked[0].user, hall.gate.asked[0].password) == (None, None)


def test_a_trusted_proxy_tells_where_the_station_is() -> None:
    """Without trust in it the header is just text."""
    header = {"X-Forwarded-For": "198.51.100.9", "X-Forwarded-Proto": "https"}
    for trusted, address in [(0, "192.0.2.7:5555"), (1, "198.51.100.9")]:
        hall = Hall(trusted_proxies=trusted)
        hall.station(headers=header)
        assert hall.gate.asked[0].address == address
        assert hall.gate.asked[0].secure == bool(trusted)


@pytest.mark.rule("C-16")
def test_the_gate_may_take_its_time(hall: Hall) -> None:
    """The upgrade waits for it; what the station sends meanwhile is not lost."""
    hall.gate.decision = Deferred()
    station = hall.station()
    assert station.handshakes == []
    station.line.dataReceived(bytes.fromhex("818200000000") + b"hi")
    hall.gate.decision.callback(None)
    station.pump()
    assert station.ws.state is State.OPEN
    assert hall.receiver.events == ["connected", "hi"]


def test_a_second_request_while_the_gate_decides_is_no_request(hall: Hall) -> None:
    """It does not ask the gate twice; as a frame it is nonsense."""
    hall.gate.decision = Deferred()
    station = hall.station()
    station.raw(REQUEST)
    assert len(hall.gate.asked) == 1
    hall.gate.decision.callback(None)
    station.pump()
    assert station.ws.close_code == 1002


def test_a_station_that_leaves_while_the_gate_decides_leaves_no_ghost(hall: Hall) -> None:
    """The decision is cancelled; nobody hears of a connection."""
    cancelled: list[str] = []
    hall.gate.decision = Deferred(lambda _: cancelled.append("cancelled"))
    station = hall.station()
    station.leave()
    assert cancelled == ["cancelled"]
    assert hall.gate.receivers == []
    assert hall.leaves_nothing()


def test_a_gate_that_never_decides_is_given_up(hall: Hall) -> None:
    """The handshake has its time limit whoever is slow, and a late yes changes nothing."""
    hall.gate.decision = Deferred(lambda _: None)
    station = hall.station()
    hall.clock.advance(30)
    assert station.cable.aborted
    station.leave()
    assert hall.gate.receivers == []
    assert hall.leaves_nothing()


def test_a_yes_that_comes_just_after_the_limit_is_too_late(hall: Hall) -> None:
    """The connection is being dropped, although the network has not said so yet."""
    hall.gate.decision = decision = Deferred()
    station = hall.station()
    hall.clock.advance(30)
    decision.callback(None)
    assert hall.gate.receivers == []
    station.leave()
    assert hall.leaves_nothing()


@pytest.mark.parametrize("how", ["raises", "fails"])
def test_a_gate_that_breaks_down_is_an_internal_error(
    hall: Hall, how: str, logged_failures: Any
) -> None:
    """The station may come again; the reason is in the log only."""

    def break_down(credentials: object) -> Any:
        if how == "raises":
            raise KeyError("secret")
        return fail(KeyError("secret"))

    hall.gate.admit = break_down  # type: ignore[method-assign]
    station = hall.station()
    assert station.status == 500
    assert b"secret" not in (station.handshakes[0].body or b"")  # type: ignore[union-attr]
    assert len(logged_failures.flush(KeyError)) == 1


def test_a_gate_without_a_receiver_closes_the_line(hall: Hall, logged_failures: Any) -> None:
    """1011, and the identity is free again."""

    def break_down(*_: object) -> Any:
        raise KeyError

    hall.gate.receiver = break_down  # type: ignore[method-assign]
    assert hall.station().ws.close_code == 1011
    assert len(logged_failures.flush(KeyError)) == 1
    assert hall.factory.stations == {}
    assert hall.leaves_nothing()


def test_too_many_connections_are_refused() -> None:
    """Those that are open stay so."""
    hall = Hall(most_connections=2)
    stations = [hall.station(f"/CP{n}") for n in range(3)]
    assert [s.status for s in stations] == [101, 101, 503]


# --- newest wins


@pytest.mark.rule("C-14")
def test_the_newest_connection_of_an_identity_wins(hall: Hall) -> None:
    """The receiver of the old one is told first; then the new one begins."""
    order: list[str] = []
    old = hall.station()
    old_receiver = hall.receiver
    old_receiver.disconnected = order.append  # type: ignore[method-assign]
    make = hall.gate.receiver
    hall.gate.receiver = lambda c, s: order.append("new receiver") or make(c, s)  # type: ignore
    new = hall.station()
    old.pump()
    assert order == ["replaced by a newer connection", "new receiver"]
    assert (old.ws.close_code, new.ws.state) == (1008, State.OPEN)
    new.say("still here")
    assert hall.receiver.events == ["connected", "still here"]


@pytest.mark.rule("C-14")
def test_the_late_end_of_a_stale_connection_harms_nobody(hall: Hall) -> None:
    """A half-open one answers no close frame, and is lost much later."""
    stale = hall.station()
    stale_receiver = hall.receiver
    new = hall.station()
    stale.line.dataReceived(bytes.fromhex("818200000000") + b"hi")
    hall.clock.advance(10)
    assert stale.cable.aborted
    stale.leave()
    assert [e.split(":")[0] for e in stale_receiver.events] == ["connected", "disconnected"]
    assert hall.factory.stations["CP1"] is new.line
    new.say("still here")
    assert hall.receiver.events[-1] == "still here"


@pytest.mark.rule("C-14")
def test_an_identity_is_free_when_its_connection_ends(hall: Hall) -> None:
    """Others are not touched by it."""
    first, other = hall.station("/CP1"), hall.station("/CP2")
    first.leave()
    assert list(hall.factory.stations) == ["CP2"]
    assert other.ws.state is State.OPEN


# --- talking


@pytest.mark.rule("J-18")
def test_binary_messages_close_the_line(hall: Hall) -> None:
    """OCPP-J is text."""
    station = hall.station()
    station.ws.send_binary(b"\x00")
    station.pump()
    assert station.ws.close_code == 1003
    assert hall.receiver.events[1:] == ["disconnected: closed by us: 1003 OCPP-J frames are text"]


@pytest.mark.parametrize("size", [125, 126, 65535, 65536, 300_000])
def test_messages_of_any_size_pass(hall: Hall, size: int) -> None:
    """In both directions, whichever way the length is written."""
    station = hall.station()
    station.say("x" * size)
    hall.receiver.transport.send("y" * size)
    station.pump()
    assert hall.receiver.events[-1] == "x" * size
    assert station.texts == ["y" * size]


def test_fragmented_messages_are_put_together(hall: Hall) -> None:
    """Pings may come in between."""
    station = hall.station()
    for n in range(300):
        send = station.ws.send_text if n == 0 else station.ws.send_continuation
        send(b"x", fin=n == 299)
        station.ws.send_ping(b"p")
    station.pump()
    assert hall.receiver.events == ["connected", "x" * 300]


def test_endless_empty_fragments_are_refused(hall: Hall) -> None:
    """They have no size, but would fill the memory."""
    station = hall.station()
    station.ws.send_text(b"", fin=False)
    for _ in range(MOST_FRAGMENTS):
        station.ws.send_continuation(b"", fin=False)
    station.pump()
    assert station.ws.close_code == 1009


@pytest.mark.parametrize("fragments", [1, 4])
def test_a_message_beyond_the_limit_closes_the_line(fragments: int) -> None:
    """1009, whether it comes in one piece or in several; one byte less passes."""
    hall = Hall(LineLimits(largest_message=1000))
    good, bad = hall.station("/good"), hall.station("/bad")
    good.say("x" * 1000)
    assert hall.gate.receivers[0].events[-1] == "x" * 1000
    for n in range(fragments):
        send = bad.ws.send_text if n == 0 else bad.ws.send_continuation
        send(b"x" * (1000 // fragments + 1), fin=n == fragments - 1)
    bad.pump()
    assert bad.ws.close_code == 1009
    assert good.ws.state is State.OPEN


def test_an_own_message_may_be_larger() -> None:
    """The limit is for what comes; the peer has its own for what it gets."""
    hall = Hall(LineLimits(largest_message=1000))
    station = hall.station()
    for size in (1001, 70_000):
        hall.receiver.transport.send("x" * size)
    station.pump()
    assert [len(t) for t in station.texts] == [1001, 70_000]


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("8182000000004869", None),  # masked with zeros: good
        ("81024869", 1002),  # not masked
        ("c182000000004869", 1002),  # a reserved bit, nothing negotiated
        ("8382000000004869", 1002),  # a reserved opcode
        ("808200000000" + "4869", 1002),  # a continuation of nothing
        ("81fe000200000000" + "4869", 1002),  # a length that is not minimal
        ("81820000000" + "0c328", 1007),  # no UTF-8
        ("8183000000" + "00eda080", 1007),  # half a surrogate pair
        ("898000000000", None),  # a ping
        ("8a8000000000", None),  # a pong that nobody asked for
        ("888100000000" + "03", 1002),  # a close frame with half a code
        ("88820000000003ed", 1002),  # a close code that is reserved
    ],
)  # fmt: skip
def test_what_is_no_websocket_frame_closes_the_line(
    hall: Hall, frame: str, code: int | None
) -> None:
    """With the code that RFC 6455 has for it; other stations are not touched."""
    other, station = hall.station("/other"), hall.station()
    station.raw(bytes.fromhex(frame))
    assert station.ws.close_code == code
    assert other.ws.state is State.OPEN


@pytest.mark.rule("C-09")
def test_compression_is_not_negotiated(hall: Hall) -> None:
    """An offer of it is declined by not mentioning it."""
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    station = hall.station(headers=offer)
    assert station.status == 101
    assert "Sec-WebSocket-Extensions" not in station.header


def test_a_receiver_that_fails_closes_its_own_line_only(hall: Hall, logged_failures: Any) -> None:
    """1011; the failure is logged."""

    def break_down(frame: str) -> None:
        raise KeyError

    other, station = hall.station("/other"), hall.station()
    hall.receiver.frame_received = break_down  # type: ignore[method-assign]
    station.say("hi")
    assert station.ws.close_code == 1011
    assert other.ws.state is State.OPEN
    assert len(logged_failures.flush(KeyError)) == 1


# --- pings


@pytest.mark.rule("C-10")
def test_the_server_answers_pings(hall: Hall) -> None:
    """With the payload of the ping."""
    station = hall.station()
    station.ws.send_ping(b"are you there")
    pongs: list[bytes] = []
    hear = station.hear
    station.hear = lambda data: pongs.append(data) or hear(data)  # type: ignore
    station.pump()
    assert pongs == [b"\x8a\x0dare you there"]


@pytest.mark.rule("C-11")
def test_a_station_that_answers_pings_stays(hall: Hall) -> None:
    """For hours without a message."""
    station = hall.station()
    for _ in range(60):
        hall.clock.advance(60)
        station.pump()
    assert station.pings == 60
    assert station.ws.state is State.OPEN


@pytest.mark.rule("C-11")
def test_a_dead_station_is_found_by_its_missing_pong(hall: Hall) -> None:
    """Even if frames still come from it: it does not hear us."""
    station = hall.station()
    station.answers_pings = False
    hall.clock.advance(60)
    station.pump()
    assert station.pings == 1
    station.say("I talk only")
    hall.clock.advance(29)
    assert not station.cable.aborted
    hall.clock.advance(1)
    assert station.cable.aborted
    station.leave()
    assert hall.receiver.events[-1] == "disconnected: no pong within 30 s"
    assert hall.leaves_nothing()


@pytest.mark.rule("C-11")
def test_a_dead_station_is_found_within_two_intervals() -> None:
    """Also when the interval is shorter than the time that a pong may take."""
    hall = Hall(ping_interval_s=5)
    station = hall.station()
    station.answers_pings = False
    hall.clock.advance(5)
    hall.clock.advance(5)
    assert station.cable.aborted


@pytest.mark.rule("C-10")
def test_the_ping_interval_may_change_while_stations_are_connected(hall: Hall) -> None:
    """For those that are there and for those that come."""
    first = hall.station("/CP1")
    hall.factory.set_ping_interval(5)
    second = hall.station("/CP2")
    for _ in range(2):
        hall.clock.advance(5)
        for station in (first, second):
            station.pump()
    assert (first.pings, second.pings) == (2, 2)
    hall.factory.set_ping_interval(0)
    hall.clock.advance(1000)
    for station in (first, second):
        station.pump()
    assert (first.pings, second.pings) == (2, 2)


# --- peers that do not read


def test_a_peer_that_does_not_read_is_dropped(hall: Hall) -> None:
    """When more waits for it than may wait; the others are served."""
    hall = Hall(LineLimits(most_unsent=5000))
    other, station = hall.station("/other"), hall.station()
    wire = hall.receiver.transport
    station.cable.producer.pauseProducing()
    for _ in range(4):
        wire.send("x" * 1000)
    assert not station.cable.aborted
    wire.send("x" * 1000)
    assert station.cable.aborted
    station.leave()
    assert hall.receiver.events[-1].startswith("disconnected: the peer does not read")
    other.say("hi")
    assert hall.gate.receivers[0].events[-1] == "hi"


def test_a_slow_peer_that_catches_up_is_kept() -> None:
    """Only what waits counts, not what has been sent before."""
    hall = Hall(LineLimits(most_unsent=5000))
    station = hall.station()
    producer = station.cable.producer
    for _ in range(10):
        producer.pauseProducing()
        for _ in range(4):
            hall.receiver.transport.send("x" * 1000)
        producer.resumeProducing()
    assert not station.cable.aborted


def test_pongs_count_as_well() -> None:
    """Who pings without reading fills the buffer too."""
    hall = Hall(LineLimits(most_unsent=5000))
    station = hall.station()
    station.cable.producer.pauseProducing()
    station.line.dataReceived(bytes.fromhex("89fd00000000")[:2] + bytes(4) + b"p" * 125)
    for _ in range(50):
        station.line.dataReceived(b"\x89\xfd" + bytes(4) + b"p" * 125)
    assert station.cable.aborted


# --- handshakes that are none


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /CP1 HTTP/1.1\r\nHost: csms\r\n\r\n", 426),
        (b"GET /?redirect=https://evil.test HTTP/1.1\r\nHost: csms\r\n\r\n", 426),
        (b"POST /CP1 HTTP/1.1\r\nHost: csms\r\n\r\n", 405),
        (b"GET /CP1 HTTP/1.0\r\nHost: csms\r\n\r\n", 505),
        (b"GET /CP1 HTTP/1.1\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET\r\n\r\n", 400),
        (b"GET /a b HTTP/1.1\r\nHost: csms\r\n\r\n", 400),
        (REQUEST.replace(b"Version: 13", b"Version: 99"), 400),
        (REQUEST.replace(b"Version: 13", b"Version: x"), 400),
        (REQUEST.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short"), 400),
        (REQUEST.replace(b"websocket", b"h2c"), 400),
        (REQUEST.replace(b"Connection: Upgrade", b"Connection: close"), 400),
        (REQUEST.replace(b"Host: csms", b"Host: csms:port"), 400),
        (REQUEST.replace(b"/CP1", b"/CP\xff"), 404),
        (REQUEST.replace(b"ocpp1.6", b"ocpp1.6, ocpp1.6"), 400),
        (REQUEST[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate; x=y\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_what_is_no_handshake_is_refused_in_http(hall: Hall, request_: bytes, status: int) -> None:
    """With a whole answer that any client understands, and never by a redirection."""
    cable = hall.stranger(request_)
    answer = cable.take()
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0].startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Length: %d" % len(body) in lines
    assert b"ocation" not in head
    assert b"Autobahn" not in answer
    assert hall.gate.receivers == []
    assert hall.leaves_nothing()


def test_a_refusal_of_a_version_names_the_right_one(hall: Hall) -> None:
    """RFC 6455 §4.4."""
    cable = hall.stranger(REQUEST.replace(b"Version: 13", b"Version: 7000"))
    assert b"Sec-WebSocket-Version: 13" in cable.take()


def test_an_endless_header_is_refused(hall: Hall) -> None:
    """Byte by byte or in one piece; the memory of the server is not for it."""
    for size in (1, 1000, 100_000):
        chunks = [b"x" * size] * (20_000 // size + 1)
        cable = hall.stranger(b"GET / HTTP/1.1\r\n", *chunks)
        assert cable.take().startswith(b"HTTP/1.1 431 ")
    assert hall.leaves_nothing()


def test_silence_is_given_up(hall: Hall) -> None:
    """And so is who never gets to the end of the header."""
    for chunks in ([], [REQUEST[:50]]):
        cable = hall.stranger(*chunks)
        hall.clock.advance(30)
        assert cable.aborted
        (line,) = hall.factory.lines
        cable.part(line)
    assert hall.leaves_nothing()


def test_a_refused_client_that_stays_is_dropped(hall: Hall) -> None:
    """It may take the answer, but not for ever; what it still sends is thrown away."""
    line = hall.factory.buildProtocol(None)
    station = Station(hall, start=False)
    line = station.line
    line.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    for _ in range(100):
        line.dataReceived(b"x" * 10_000)
    assert len(line.data) < 1000
    assert not station.cable.aborted
    hall.clock.advance(10)
    assert station.cable.aborted


# --- going


def test_a_station_that_says_goodbye_is_answered(hall: Hall) -> None:
    """The receiver hears code and reason."""
    station = hall.station()
    station.ws.send_close(1001, "power down")
    station.pump()
    assert station.ws.state is State.CLOSED
    assert hall.receiver.events[-1] == "disconnected: closed by the peer: 1001 power down"
    assert hall.leaves_nothing()


def test_a_lost_connection_is_told_as_such(hall: Hall) -> None:
    """Nobody said anything."""
    station = hall.station()
    station.leave(ConnectionError())
    assert hall.receiver.events[-1].startswith("disconnected: ")
    assert hall.leaves_nothing()


def test_the_receiver_may_close(hall: Hall) -> None:
    """With a reason that is cut to what a close frame holds, never inside a character."""
    station = hall.station()
    wire = hall.receiver.transport
    wire.close(1000, "ä" * 100)
    wire.send("too late")
    wire.close()
    station.pump()
    assert station.ws.close_code == 1000
    assert station.ws.close_reason == "ä" * 61
    assert station.texts == []
    assert [e.split(":")[0] for e in hall.receiver.events] == ["connected", "disconnected"]
    assert hall.leaves_nothing()


def test_a_station_that_does_not_agree_to_a_close_is_dropped(hall: Hall) -> None:
    """After the close time-out; its frames are not heard meanwhile."""
    station = hall.station()
    hall.receiver.transport.close()
    station.line.dataReceived(bytes.fromhex("818200000000") + b"hi")
    hall.clock.advance(9.9)
    assert not station.cable.aborted
    hall.clock.advance(0.1)
    assert station.cable.aborted
    station.leave()
    assert [e.split(":")[0] for e in hall.receiver.events] == ["connected", "disconnected"]
    assert hall.leaves_nothing()


def test_shutting_down_says_goodbye_to_everybody(hall: Hall) -> None:
    """1001 to those who talk, an end to those who have not come in, nothing to late-comers."""
    stations = [hall.station(f"/CP{n}") for n in range(3)]
    hall.gate.decision = Deferred(lambda _: None)
    undecided = hall.station("/slow")
    closing = Outcome(Deferred.fromCoroutine(hall.factory.close()))
    for station in (*stations, undecided):
        station.pump()
    assert [s.ws.close_code for s in stations] == [1001] * 3
    assert undecided.cable.aborted
    assert closing.is_known
    hall.gate.decision = None
    assert hall.station("/late").status == 503
    assert hall.leaves_nothing()


def test_shutting_down_does_not_wait_for_the_silent(hall: Hall) -> None:
    """The close time-out bounds it."""
    station = hall.station()
    closing = Outcome(Deferred.fromCoroutine(hall.factory.close()))
    assert not closing.is_known
    hall.clock.advance(10)
    station.leave()
    assert closing.is_known


# --- the port


@pytest.mark.parametrize(
    "description", ["", "nonsense", "nonsense:1", "tcp:port", "ssl:1:privateKey=/no"]
)
def test_a_description_that_is_none_is_refused_by_name(description: str) -> None:
    """When the service starts, not later."""
    server = WebSocketServer(Clock(), description, Gate())
    with pytest.raises(ConfigurationError) as refusal:
        server.startService()
    assert repr(description) in str(refusal.value)


def test_an_endpoint_that_fails_late_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can be raised at any more."""
    opening: Deferred[Any] = Deferred()

    class Slow:
        def listen(self, factory: object) -> Deferred[Any]:
            return opening

    place = "txocpp.transport.websocket_server.serverFromString"
    monkeypatch.setattr(place, lambda reactor, description: Slow())
    server = WebSocketServer(Clock(), "slow:1", Gate())
    server.startService()
    logged: list[dict[str, Any]] = []
    globalLogPublisher.addObserver(logged.append)
    try:
        opening.errback(OSError("no luck"))
    finally:
        globalLogPublisher.removeObserver(logged.append)
    assert [(e["description"], e["reason"]) for e in logged] == [("slow:1", "no luck")]


def test_frames_of_the_rig_are_foreign() -> None:
    """The rig's client masks its frames, as a client has to."""
    (frame,) = [Frame(Opcode.TEXT, b"hi").serialize(mask=True)]
    assert frame[1] & 0x80


def test_many_may_wait_at_the_door() -> None:
    """A port takes a crowd that comes at once, unless its description says how much of one."""
    assert with_backlog("tcp:9000") == f"tcp:9000:backlog={BACKLOG}"
    assert with_backlog("ssl:9001:privateKey=k.pem").endswith(f":backlog={BACKLOG}")
    assert with_backlog("tcp:9000:backlog=5") == "tcp:9000:backlog=5"
    assert with_backlog("systemd:domain=INET:index=0") == "systemd:domain=INET:index=0"
