"""A line to the central system that comes back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.application.service import IService
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost, ConnectionRefusedError, DNSLookupError
from twisted.logger import globalLogPublisher
from websocket_rig import Street
from websockets.protocol import State
from zope.interface.verify import verifyObject

from txocpp.errors import ConfigurationError
from txocpp.interfaces import ITransport
from txocpp.transport.status import ConnectionStatus, Phase, Problem
from txocpp.transport.websocket_settings import ClientSettings, LineLimits

OK = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


@pytest.fixture
def street() -> Street:
    return Street()


def problem(street: Street) -> tuple[Problem | None, str]:
    """What the status says is wrong."""
    return street.client.status.problem, street.client.status.reason


# --- connecting


@pytest.mark.rule("C-01", "C-04")
def test_a_client_connects_and_talks(street: Street) -> None:
    """Frames go both ways between a foreign server and the receiver."""
    verifyObject(IService, street.client)
    system = street.start()
    assert system.ws.state is State.OPEN
    assert verifyObject(ITransport, street.receiver.transport)
    street.receiver.transport.send("hellö")
    system.pump()
    system.say("welcome")
    assert system.texts == ["hellö"]
    assert street.receiver.events == ["connected", "welcome"]
    assert street.client.status.phase is Phase.CONNECTED
    assert street.stop()


@pytest.mark.rule("C-02", "C-03")
@pytest.mark.parametrize(
    ("url", "identity", "path"),
    [
        ("ws://h", "CP1", "/CP1"),
        ("ws://h/", "CP1", "/CP1"),
        ("wss://host/ocppj", "RDAM 123", "/ocppj/RDAM%20123"),
        ("ws://h/ocpp/", "a/b", "/ocpp/a%2Fb"),
        ("ws://h/a%20b", "CP;1?#", "/a%20b/CP%3B1%3F%23"),
        ("ws://h/ocpp?x=1&y=/", "CP1", "/ocpp/CP1?x=1&y=/"),
        ("ws://h/öcpp", "Säule 100%", "/%C3%B6cpp/S%C3%A4ule%20100%25"),
    ],
)
def test_the_identity_is_one_segment_of_the_url(url: str, identity: str, path: str) -> None:
    """Percent-encoded, whatever is in it."""
    assert ClientSettings(url=url, identity=identity).resource == path


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("ws://csms.test", "csms.test", 80),
        ("wss://csms.test", "csms.test", 443),
        ("ws://csms.test:9000", "csms.test", 9000),
        ("ws://[::1]:9000", "[::1]", 9000),
        ("ws://192.0.2.1", "192.0.2.1", 80),
        ("ws://säule.test", "xn--sule-loa.test", 80),
    ],
)
def test_the_host_header_names_host_and_port(url: str, host: str, port: int) -> None:
    """IPv6 addresses stand in brackets."""
    street = Street(url=url)
    assert street.start().headers["host"] == f"{host}:{port}"
    street.stop()


@pytest.mark.parametrize(
    "url",
    ["", "csms.test", "http://csms.test", "ws://", "ws:///path", "ws://h:port", "ws://h:99999",
     "ws://[::1", "ws://user:secret@h"],
)  # fmt: skip
def test_a_url_that_cannot_be_is_refused(url: str) -> None:
    """When it is set, not when it is used; a password in it is not repeated."""
    with pytest.raises(ConfigurationError) as refusal:
        ClientSettings(url=url, identity="CP1")
    assert "secret" not in str(refusal.value)
    street = Street()
    with pytest.raises(ConfigurationError):
        street.client.change(url=url)


@pytest.mark.rule("C-15", "X-10")
def test_credentials_are_the_bytes_of_the_key() -> None:
    """The example of the specification; without a password there is no header."""
    key = bytes.fromhex("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF")
    street = Street(identity="AL1000", password=key)
    header = street.start().headers["authorization"]
    assert header == "Basic QUwxMDAwOgABAgMEBQYH////////////////"
    assert "password" not in repr(street.client.settings)
    street.client.change(password=None)
    street.client.reconnect()
    street.pump()
    street.run(1)
    assert "authorization" not in street.system.headers
    assert street.stop()


@pytest.mark.rule("C-04")
def test_subprotocols_are_offered_in_order() -> None:
    """The server picks one of them."""
    street = Street(subprotocols=("ocpp1.6", "ocpp1.5"))
    street.subprotocols = ["ocpp1.5"]
    system = street.start()
    assert system.headers["sec-websocket-protocol"] == "ocpp1.6,ocpp1.5"
    assert street.receiver.events == ["connected"]
    assert street.stop()


@pytest.mark.rule("C-06")
def test_a_server_without_our_subprotocol_is_left(street: Street) -> None:
    """It completes the handshake without the header; we close, and try again later."""
    street.subprotocols = []
    system = street.start()
    assert system.ws.close_code == 1002
    assert street.receiver.events == []
    assert problem(street) == (Problem.PROTOCOL, "the server speaks none of our subprotocols")
    street.subprotocols = ["ocpp1.6"]
    street.run(5)
    assert street.receiver.events == ["connected"]
    assert street.stop()


# --- whatever a server may answer


@pytest.mark.rule("C-08")
@pytest.mark.parametrize(
    ("answer", "kind", "reason"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", Problem.REFUSED, "the server answered 404 Not Found"),
        (b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n\r\n", Problem.CREDENTIALS,
         "the server answered 401 Unauthorized"),
        (b"HTTP/1.1 301 Moved Permanently\r\nLocation: ws://other/\r\n\r\n", Problem.REFUSED,
         "the server answered 301 Moved Permanently to ws://other/; redirections are not followed"),
        (b"HTTP/1.1 302 Found\r\n\r\n", Problem.REFUSED, "the server answered 302 Found"),
        (b"HTTP/1.1 426 Upgrade Required\r\n\r\n", Problem.REFUSED,
         "the server answered 426 Upgrade Required"),
        (b"HTTP/1.1 500\r\n\r\n<html>", Problem.REFUSED, "the server answered 500"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Problem.REFUSED,
         "the server answered 200 OK"),
        (b"HTTP/1.0 200 OK\r\n\r\n", Problem.REFUSED, "the server answered 200 OK"),
        (b"HTTP/1.1 503 \x1b[1mBusy\r\n\r\n", Problem.REFUSED, "the server answered 503 ?[1mBusy"),
        (b"\r\n\r\n", Problem.PROTOCOL, "no WebSocket handshake came back"),
        (b"SSH-2.0-OpenSSH_9.0\r\n\r\n", Problem.PROTOCOL, "no WebSocket handshake came back"),
        (b"\xff\xfe\x00\r\n\r\n", Problem.PROTOCOL, "no WebSocket handshake came back"),
        (b"HTTP/1.1 abc Hm\r\n\r\n", Problem.PROTOCOL, "no WebSocket handshake came back"),
        (OK + b"\r\n", Problem.PROTOCOL, "no WebSocket handshake came back"),
        (OK + b"Sec-WebSocket-Accept: wrong\r\n\r\n", Problem.PROTOCOL,
         "no WebSocket handshake came back"),
        (b"HTTP/1.1 101 Yes\r\n\r\n", Problem.PROTOCOL, "no WebSocket handshake came back"),
        (b"x" * 20_000, Problem.PROTOCOL,
         "no WebSocket handshake came back: HTTP header too long"),
    ],
)  # fmt: skip
def test_any_answer_to_the_handshake_is_survived(
    street: Street, answer: bytes, kind: Problem, reason: str
) -> None:
    """One line says what it was, and the next attempt follows."""
    lines: list[Any] = []
    globalLogPublisher.addObserver(lines.append)
    try:
        street.answer = answer
        street.start()
    finally:
        globalLogPublisher.removeObserver(lines.append)
    assert problem(street)[0] is kind
    assert problem(street)[1].startswith(reason)
    assert street.receiver.events == []
    assert [e["log_format"] for e in lines] == [
        "not connected to {url}: {reason}; next attempt {when}"
    ]
    status = street.client.status
    assert (status.phase, status.next_attempt_at) == (Phase.WAITING, 2)
    assert (status.http_status or 0) == (
        int(reason.split()[3]) if kind in (Problem.REFUSED, Problem.CREDENTIALS) else 0
    )
    street.answer = None
    street.run(3)
    assert street.receiver.events == ["connected"]
    assert street.client.status.problem is None
    assert street.stop()


@pytest.mark.rule("C-08")
@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda b: OK + b + b"\r\n\r\n"))
@settings(max_examples=100)
def test_any_bytes_are_survived(answer: bytes) -> None:
    """Nothing that comes ends the attempts, or gets to the receiver."""
    street = Street()
    street.answer = answer
    street.start()
    street.run(100, step=10)
    assert street.receiver.events == []
    assert len(street.attempts) > 1
    street.pump()
    for system in street.systems:
        system.leave()
    assert street.stop()


@pytest.mark.rule("C-08")
@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 101 Switching"])
def test_silence_is_given_up(street: Street, answer: bytes) -> None:
    """After the handshake time-out, also in the middle of a header."""
    street.answer = answer
    street.start()
    street.run(29)
    assert len(street.attempts) == 1
    street.run(1)
    assert street.system.cable.aborted
    assert problem(street) == (Problem.NETWORK, "no handshake within 30 s")
    assert street.stop()


@pytest.mark.rule("C-08")
def test_a_server_that_hangs_up_during_the_handshake(street: Street) -> None:
    """Is told from one that does not answer."""
    street.answer = b"HTTP/1.1"
    street.start().leave()
    assert problem(street) == (
        Problem.NETWORK,
        "the server closed the connection during the handshake",
    )
    assert street.stop()


@pytest.mark.rule("C-08")
@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (ConnectionRefusedError("111"), "Connection was refused by other side"),
        (DNSLookupError("no such host"), "DNS lookup failed"),
        (OSError("network is down"), "network is down"),
        (KeyError(), "KeyError"),
    ],
)
def test_a_network_failure_is_survived(street: Street, failure: Exception, reason: str) -> None:
    """With its own words."""
    street.failure = failure
    street.client.startService()
    assert problem(street)[0] is Problem.NETWORK
    assert problem(street)[1].startswith(reason)
    street.failure = None
    street.run(2)
    assert street.receiver.events == ["connected"]
    assert street.stop()


@pytest.mark.rule("C-08")
def test_a_connection_attempt_that_hangs_is_given_up(street: Street) -> None:
    """A network may swallow it without a word."""
    street.failure = Deferred(lambda _: None)
    street.client.startService()
    street.clock.advance(30)
    assert problem(street) == (Problem.NETWORK, "no connection within 30 s")
    assert street.stop()


def test_frames_right_behind_the_handshake_are_heard(street: Street) -> None:
    """A server may talk at once."""
    street.client.startService()
    system = street.system
    hear = system.hear

    def answer_and_talk(data: bytes) -> None:
        hear(data)
        if not system.texts:
            system.ws.send_text(b"at once")
            system.texts.append("sent")

    system.hear = answer_and_talk  # type: ignore[method-assign]
    system.pump()
    assert street.receiver.events == ["connected", "at once"]
    assert street.stop()


# --- coming back


@pytest.mark.rule("C-08")
def test_attempts_back_off_for_ever() -> None:
    """Twice as long each time, up to the longest wait, however long it takes."""
    street = Street(first_wait_s=2, longest_wait_s=20)
    street.failure = ConnectionRefusedError()
    street.client.startService()
    street.run(100)
    assert street.attempts == [0, 2, 6, 14, 30, 50, 70, 90]
    street.run(24 * 3600, step=20)
    assert len(street.attempts) > 4000
    assert street.stop()


@pytest.mark.rule("C-08")
def test_a_connection_that_lasted_begins_anew() -> None:
    """The station is back soon after the central system is; one that is cut at once is not."""
    street = Street(first_wait_s=2, longest_wait_s=64, settled_after_s=30)
    street.failure = ConnectionRefusedError()
    street.client.startService()
    street.run(20)  # attempts at 0, 2, 6, 14; the next at 30
    street.failure = None
    street.run(10)
    street.system.leave()
    assert street.client.status.next_attempt_at == 30 + 32
    street.run(32)
    street.run(30)
    street.system.leave()
    assert street.client.status.next_attempt_at == 92 + 2
    assert street.stop()


@pytest.mark.rule("C-08")
def test_a_lost_connection_is_told_and_comes_back(street: Street) -> None:
    """The receiver hears of each end and each beginning once."""
    street.start().leave(ConnectionLost())
    street.run(3)
    street.system.ws.send_close(1012, "restart")
    street.system.pump()
    street.run(5)
    kinds = [event.split(":")[0] for event in street.receiver.events]
    assert kinds == ["connected", "disconnected"] * 2 + ["connected"]
    assert street.receiver.events[3] == "disconnected: closed by the peer: 1012 restart"
    assert street.stop()


def test_a_server_that_does_not_drop_the_connection_after_its_close(street: Street) -> None:
    """Is not waited for longer than the close time-out."""
    system = street.start()
    system.ws.send_close(1000)
    system.line.dataReceived(b"".join(system.ws.data_to_send()))
    system.cable.take()
    street.clock.advance(10)
    assert system.cable.aborted
    system.leave()
    assert street.receiver.events[-1] == "disconnected: closed by the peer: 1000"
    assert street.stop()


@pytest.mark.rule("X-12")
def test_a_new_password_is_used_by_reconnecting(street: Street) -> None:
    """The old connection is closed with 1000, the new one follows without waiting."""
    first = street.start()
    street.client.change(password=b"new")
    street.client.reconnect("new key")
    street.pump()
    assert (first.ws.close_code, first.ws.close_reason) == (1000, "new key")
    street.run(0.1, step=0.1)
    assert street.system is not first
    assert street.system.headers["authorization"] == "Basic Q1AxOm5ldw=="
    assert street.client.status.phase is Phase.CONNECTED
    assert street.stop()


def test_reconnecting_ends_a_wait(street: Street) -> None:
    """Whatever stage the client is in: waiting, connecting, shaking hands, stopped."""
    street.client.reconnect()
    assert street.attempts == []
    street.failure = ConnectionRefusedError()
    street.client.startService()
    street.run(1)
    street.failure = Deferred(lambda _: None)
    street.client.reconnect()
    assert street.attempts == [0, 1]
    street.failure = None
    street.answer = b""
    street.client.reconnect()
    street.run(0.1, step=0.1)
    assert len(street.attempts) == 3
    street.answer = None
    street.client.reconnect()
    street.run(1, step=0.5)
    assert len(street.attempts) == 4
    assert street.receiver.events == ["connected"]
    assert street.stop()


def test_settings_of_waiting_may_change(street: Street) -> None:
    """The longest wait is a setting that the station's owner may change."""
    street.failure = ConnectionRefusedError()
    street.client.startService()
    street.client.change(longest_wait_s=3)
    street.run(20)
    assert street.attempts == [0, 2, 5, 8, 11, 14, 17, 20]
    assert street.stop()


# --- pings


@pytest.mark.rule("C-10")
def test_the_station_pings_and_may_stop_to() -> None:
    """WebSocketPingInterval holds at once; 0 means none, and pings are still answered."""
    street = Street(ping_interval_s=10)
    system = street.start()
    street.run(35)
    assert system.pings == 3
    street.client.change(ping_interval_s=2)
    street.run(10)
    assert system.pings == 8
    street.client.change(ping_interval_s=0)
    street.run(100)
    assert system.pings == 8
    pongs: list[bytes] = []
    system.hear = pongs.append  # type: ignore[method-assign]
    system.ws.send_ping(b"")
    system.pump()
    assert len(pongs) == 1
    system.leave()
    assert street.stop()


@pytest.mark.rule("C-11")
def test_a_dead_server_is_found_by_its_missing_pong() -> None:
    """The connection is dropped, and the attempts begin."""
    street = Street(ping_interval_s=10, limits=LineLimits(pong_timeout_s=5))
    system = street.start()
    system.answers_pings = False
    street.run(14)
    assert not system.cable.aborted
    street.run(1)
    assert system.cable.aborted
    assert street.receiver.events[-1] == "disconnected: no pong within 5 s"
    street.run(2)
    assert street.receiver.events[-1] == "connected"
    assert street.stop()


# --- stopping


def test_stopping_says_goodbye(street: Street) -> None:
    """1001 to the server; the receiver hears of the end, and nobody comes back."""
    system = street.start()
    assert street.stop()
    assert system.ws.close_code == 1001
    assert street.receiver.events[-1].startswith("disconnected: closed by us: 1001")
    assert street.client.status.phase is Phase.STOPPED
    street.run(100)
    assert len(street.attempts) == 1


def test_stopping_does_not_wait_for_the_silent(street: Street) -> None:
    """The close time-out bounds it."""
    street.start()
    stopping = street.client.stopService()
    street.clock.advance(9)
    assert not stopping.called
    street.clock.advance(1)
    street.system.leave()
    assert stopping.called
    assert street.clock.getDelayedCalls() == []


@pytest.mark.parametrize("stage", ["waiting", "connecting", "shaking hands", "not started"])
def test_stopping_works_at_any_stage(street: Street, stage: str) -> None:
    """Nothing is left behind."""
    if stage == "waiting":
        street.failure = ConnectionRefusedError()
    elif stage == "connecting":
        street.failure = Deferred()
    elif stage == "shaking hands":
        street.answer = b""
    if stage != "not started":
        street.client.startService()
        street.pump()
    assert street.stop()
    assert street.client.status.phase is Phase.STOPPED


@pytest.mark.parametrize("phase", [Phase.CONNECTING, Phase.CONNECTED, Phase.WAITING])
def test_a_listener_to_the_status_may_stop_the_client(street: Street, phase: Phase) -> None:
    """Also in the middle of what it is told about."""
    stopped: list[bool] = []

    def stop(status: ConnectionStatus) -> None:
        if status.phase is phase and not stopped:
            stopped.append(True)
            street.client.stopService()

    street.client.on_status = stop
    if phase is Phase.WAITING:
        street.failure = ConnectionRefusedError()
    street.client.startService()
    street.pump()
    assert street.client.status.phase is Phase.STOPPED
    assert not street.clock.getDelayedCalls()
    street.run(100)
    assert len(street.attempts) <= 1


def test_a_receiver_may_stop_the_client_when_it_is_told_of_the_line(street: Street) -> None:
    """A role that gives up does so from wherever it is."""
    connected = street.receiver.connected

    def give_up(transport: ITransport) -> None:
        connected(transport)
        street.client.stopService()

    street.receiver.connected = give_up  # type: ignore[method-assign]
    street.start()
    assert [e.split(":")[0] for e in street.receiver.events] == ["connected", "disconnected"]
    assert street.client.status.phase is Phase.STOPPED
    assert not street.clock.getDelayedCalls()


def test_a_client_that_is_started_while_it_stops_comes_back(street: Street) -> None:
    """When the old connection is gone; both who stopped and who started it are served."""
    street.start()
    stopping = street.client.stopService()
    street.client.startService()
    assert (len(street.attempts), stopping.called) == (1, False)
    street.pump()
    assert stopping.called
    street.run(2)
    assert street.receiver.events[-1] == "connected"
    assert street.stop()


def test_a_stopped_client_may_be_started_again(street: Street) -> None:
    """Also several times."""
    for _ in range(3):
        street.start()
        assert street.stop()
    assert street.receiver.events.count("connected") == 3


def test_the_status_tells_a_story(street: Street) -> None:
    """Every change is told; a listener that fails does no harm."""
    statuses: list[ConnectionStatus] = []
    street.client.on_status = statuses.append
    street.failure = ConnectionRefusedError()
    street.client.startService()
    street.failure = None
    street.run(2)
    street.stop()
    phases = ["connecting", "waiting", "connecting", "connected", "stopped"]
    assert [s.phase.value for s in statuses] == phases
    assert [s.since for s in statuses] == [0, 0, 2, 2, 2]
    assert statuses[2].reason == statuses[1].reason != ""


def test_a_failing_listener_to_the_status_harms_nobody(
    street: Street, logged_failures: Any
) -> None:
    """The connection comes about all the same."""
    street.client.on_status = lambda _: 1 / 0
    street.start()
    assert street.receiver.events == ["connected"]
    assert street.stop()
    assert len(logged_failures.flush(ZeroDivisionError)) == 3


def test_a_configuration_that_cannot_work_is_a_status(street: Street) -> None:
    """A bad endpoint or certificate set at run time does not end the daemon."""
    street.client._endpoint = None
    street.client.change(endpoint="nonsense:1")
    street.client.startService()
    assert problem(street)[0] is Problem.CONFIGURATION
    assert "nonsense:1" in problem(street)[1]
    assert street.stop()
