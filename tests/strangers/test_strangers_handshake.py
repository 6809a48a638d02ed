"""A stranger with nothing but a socket at our central system: handshakes and frames in bytes."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted
from daemons import CentralSystem
from twisted.internet.threads import deferToThread

pytestmark = pytest.mark.stranger

WAIT_S = 20.0
KEY = bytes.fromhex("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF")
BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}


@pytest_twisted.async_yield_fixture(scope="module")
async def central(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[CentralSystem]:
    """One central system for all strangers."""
    daemon = CentralSystem(
        tmp_path_factory.mktemp("csms"),
        more="""
[stations]
largest_message_bytes = 100000

[[known_stations]]
identity = "GUARDED"
password = "0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF"
""",
    )
    await daemon.start()
    yield daemon
    assert await daemon.stop() in (0, -15)
    daemon.assert_no_traceback()


def head(path: str = "/ocpp/S", *, without: str = "", method: str = "GET", **more: str) -> bytes:
    """An opening handshake; `more` replaces or adds headers, _ for -."""
    headers = {
        "host": "127.0.0.1",
        "upgrade": "websocket",
        "connection": "Upgrade",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version": "13",
        "sec-websocket-protocol": "ocpp1.6",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    headers.pop(without, None)
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def frame(payload: bytes, opcode: int = 1, *, fin: bool = True, masked: bool = True) -> bytes:
    """A WebSocket frame with a mask of zeros."""
    first = bytes([(0x80 if fin else 0) | opcode])
    flag = 0x80 if masked else 0
    if len(payload) < 126:
        size = bytes([flag | len(payload)])
    elif len(payload) < 1 << 16:
        size = bytes([flag | 126]) + len(payload).to_bytes(2)
    else:
        size = bytes([flag | 127]) + len(payload).to_bytes(8)
    return first + size + (bytes(4) if masked else b"") + payload


class Line:
    """A socket and what has come over it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        self.stream = self.socket.makefile("rb")

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        self.socket.close()

    def shake(self, hello: bytes) -> tuple[int, dict[str, str]]:
        """Send a handshake; status and headers of the answer."""
        self.socket.sendall(hello)
        status = int(self.stream.readline().split()[1])
        headers = {}
        while text := self.stream.readline().decode("latin-1").strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        return status, headers

    def read(self) -> tuple[int, bytes] | None:
        """The next frame: opcode and payload; None: the line has ended."""
        start = self.stream.read(2)
        if len(start) < 2:
            return None
        size = start[1]
        if size > 125:
            size = int.from_bytes(self.stream.read(2 if size == 126 else 8))
        return start[0] & 15, self.stream.read(size)

    def call(self, action: str, payload: Any) -> Any:
        """A call and its answer."""
        self.socket.sendall(frame(json.dumps([2, "1", action, payload]).encode()))
        found = self.read()
        assert found is not None
        return json.loads(found[1])


async def shaken(central: CentralSystem, hello: bytes) -> tuple[int, dict[str, str]]:
    """What a handshake is answered."""

    def visit() -> tuple[int, dict[str, str]]:
        with Line(central.ocpp_port) as line:
            return line.shake(hello)

    found: tuple[int, dict[str, str]] = await deferToThread(visit)
    return found


def basic(text: bytes) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(text).decode()


@pytest.mark.rule("C-04", "C-05", "C-09")
@pytest.mark.parametrize(
    "offered", ["ocpp1.6", "ocpp2.0.1, ocpp1.6", "ocpp1.6,ocpp1.5", "x , ocpp1.6"]
)
async def test_subprotocol(central: CentralSystem, offered: str) -> None:
    """1.6 is picked from what is offered; compression is not taken up."""
    hello = head(sec_websocket_protocol=offered, sec_websocket_extensions="permessage-deflate")
    status, headers = await shaken(central, hello)
    assert (status, headers["sec-websocket-protocol"]) == (101, "ocpp1.6")
    assert "sec-websocket-extensions" not in headers
    assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.rule("C-06")
@pytest.mark.parametrize("offered", [None, "ocpp2.0.1", "ocpp1.5", "OCPP1.6", "soap"])
async def test_nothing_in_common(central: CentralSystem, offered: str | None) -> None:
    """The handshake ends without a subprotocol, and the line is closed at once."""
    more = {} if offered is None else {"sec_websocket_protocol": offered}
    hello = head("/ocpp/NOTHING", without="" if offered else "sec-websocket-protocol", **more)

    def visit() -> tuple[int, dict[str, str], Any]:
        with Line(central.ocpp_port) as line:
            return *line.shake(hello), line.read()

    status, headers, goodbye = await deferToThread(visit)
    assert status == 101
    assert "sec-websocket-protocol" not in headers
    assert goodbye is not None
    assert (goodbye[0], int.from_bytes(goodbye[1][:2])) == (8, 1002)


@pytest.mark.rule("C-02", "C-03", "C-07")
@pytest.mark.parametrize(
    ("path", "identity"),
    [
        ("/ocpp/RDAM%20123", "RDAM 123"),
        ("/ocpp/A%2FB", "A/B"),
        ("/ocpp/a;b", "a;b"),
        ("/ocpp/%C3%BC?x=1", "ü"),
        ("/ocpp/CP%2B1", "CP+1"),
        ("/ocpp/CP2/", "CP2"),
        ("/BARE_1", "BARE_1"),
        ("/ocpp/", None),
        ("/ocpp", None),
        ("/", None),
        ("/elsewhere/CP1", None),
        ("/ocpp/deeper/CP1", None),
        ("/ocpp/%FF", None),
        ("/ocpp/a%00b", None),
        ("/ocpp/" + "x" * 256, None),
    ],
)
async def test_identity(central: CentralSystem, path: str, identity: str | None) -> None:
    """The last segment of the path, decoded; anything else is not found."""
    status, _ = await shaken(central, head(path))
    assert status == (404 if identity is None else 101)
    if identity is not None:
        stations = await central.get("/api/stations?limit=1000")
        assert identity in [one["identity"] for one in stations["items"]]


@pytest.mark.rule("C-07")
async def test_the_right_path_is_told(central: CentralSystem) -> None:
    """To whoever came to another one."""

    def visit() -> str:
        with Line(central.ocpp_port) as line:
            _, headers = line.shake(head("/elsewhere/CP1"))
            return line.stream.read(int(headers["content-length"])).decode()

    assert "/ocpp/IDENTITY" in await deferToThread(visit)


@pytest.mark.rule("C-15", "C-16", "X-10")
@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (basic(b"GUARDED:" + KEY), 101),
        (basic(b"GUARDED:" + KEY.hex().encode()), 101),
        (basic(b"GUARDED:" + KEY + b"x"), 401),
        (basic(b"OTHER:" + KEY), 401),
        (basic(b"GUARDED"), 401),
        (basic(b""), 401),
        ("Basic !!!", 401),
        ("Bearer abc", 401),
        ("", 401),
        (None, 401),
    ],
)
async def test_credentials(central: CentralSystem, header: str | None, expected: int) -> None:
    """Checked before the upgrade, as bytes; 401 says how they are wanted."""
    more = {} if header is None else {"authorization": header}
    status, headers = await shaken(central, head("/ocpp/GUARDED", **more))
    assert status == expected
    if status == 401:
        assert headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    ("hello", "expected"),
    [
        (head(without="upgrade"), (400, 426)),
        (head(without="sec-websocket-key"), (400,)),
        (head(without="sec-websocket-version"), (400, 426)),
        (head(sec_websocket_version="12"), (400, 426)),
        (head(sec_websocket_key="short"), (400,)),
        (head(method="POST"), (400, 405)),
        (head(connection="close"), (400,)),
        (head(origin="https://evil.example"), (403,)),
        (head(origin="null"), (403,)),
        (head(origin="file://"), (101,)),
        (head(origin="http://["), (400,)),
        (head(origin="http://127.0.0.1:1234"), (101,)),
        (head(connection="keep-alive, Upgrade", upgrade="WebSocket"), (101,)),
    ],
)
async def test_odd_handshakes(
    central: CentralSystem, hello: bytes, expected: tuple[int, ...]
) -> None:
    """What is no opening handshake, or that of a foreign web page, is refused in HTTP."""
    status, _ = await shaken(central, hello)
    assert status in expected


@pytest.mark.rule("C-01", "J-01", "J-18")
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(b"\x00\x01", 2), 1003),
        (frame(b"[2,\xff]"), 1007),
        (frame(b"[]", masked=False), 1002),
        (frame(b"", 3), 1002),
        (frame(b"x" * 100_001), 1009),
        (frame(b"", 8), 1000),
        (frame((1000).to_bytes(2) + b"bye", 8), 1000),
    ],
)
async def test_frames_that_end_the_line(central: CentralSystem, sent: bytes, code: int) -> None:
    """With a code that says why."""

    def visit() -> Any:
        with Line(central.ocpp_port) as line:
            assert line.shake(head("/ocpp/ODD"))[0] == 101
            line.socket.sendall(sent)
            found = line.read()
            with contextlib.suppress(ConnectionError):
                line.socket.sendall(frame(b"", 8))
                line.stream.read()
            return found

    goodbye = await deferToThread(visit)
    assert goodbye is not None
    assert goodbye[0] == 8
    assert int.from_bytes(goodbye[1][:2]) == code


@pytest.mark.rule("J-01", "C-11")
async def test_frames_that_do_not(central: CentralSystem) -> None:
    """A ping is answered with what it brought; a message may come in pieces around it."""

    def visit() -> list[Any]:
        with Line(central.ocpp_port) as line:
            assert line.shake(head("/ocpp/PIECES"))[0] == 101
            assert line.call("BootNotification", BOOT)[2]["status"] == "Accepted"
            text = b'[2,"2","Heartbeat",{}]'
            line.socket.sendall(frame(text[:5], fin=False))
            line.socket.sendall(frame(b"are you there", 9))
            line.socket.sendall(frame(text[5:9], 0, fin=False) + frame(text[9:], 0))
            return [line.read(), line.read()]

    pong, answer = await deferToThread(visit)
    assert pong == (10, b"are you there")
    assert json.loads(answer[1])[:2] == [3, "2"]


async def test_tls_on_the_open_port(central: CentralSystem) -> None:
    """A TLS client is told at once that there is none, and does not wait."""
    status, _ = await shaken(central, bytes.fromhex("16030100") + bytes(40))
    assert status == 400


@pytest.mark.rule("T-06", "B-16", "J-09")
async def test_a_message_that_comes_before_the_answer_to_its_trigger(
    central: CentralSystem,
) -> None:
    """Both are answered, in whatever order they cross."""

    def visit(line: Line) -> list[Any]:
        found = line.read()
        assert found is not None
        trigger = json.loads(found[1])
        assert trigger[2:] == ["TriggerMessage", {"requestedMessage": "Heartbeat"}]
        beat = line.call("Heartbeat", {})
        line.socket.sendall(frame(json.dumps([3, trigger[1], {"status": "Accepted"}]).encode()))
        return [beat, line.call("Heartbeat", {})]

    def arrive() -> Line:
        line = Line(central.ocpp_port)
        assert line.shake(head("/ocpp/TRIGGERED"))[0] == 101
        assert line.call("BootNotification", BOOT)[2]["status"] == "Accepted"
        return line

    line = await deferToThread(arrive)
    with line:
        talking = deferToThread(visit, line)
        done = await central.operate("TRIGGERED", "TriggerMessage", requestedMessage="Heartbeat")
        assert done["answer"] == {"status": "Accepted"}
        assert [answer[0] for answer in await talking] == [3, 3]
