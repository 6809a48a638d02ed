"""The daemons as real processes, under fire from real sockets: they stay up, small and helpful."""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest_twisted
from bad_input import (
    ACTIONS_TO_CENTRAL_SYSTEM,
    GOOD_REQUEST,
    MONSTERS,
    close_code,
    odd_frames,
    request,
    texts,
    wire,
    ws_frame,
)
from daemons import CentralSystem, ChargePoint
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from twisted.internet.threads import deferToThread

GROWTH_MIB = 24
"""Much less than what the attackers send."""

PATIENCE_S = 60
"""How long a socket waits before a test fails; far beyond what a busy machine needs."""


def collected(strategy: st.SearchStrategy[Any], number: int) -> list[Any]:
    """Examples of a strategy, the same in every run."""
    found: list[Any] = []

    @settings(
        max_examples=number,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return found


def resident_mib(pid: int) -> float:
    """Memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


class RawStation:
    """A station that speaks through a plain blocking socket; used off the reactor's thread."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)

    def send(self, data: bytes) -> None:
        """The server may have hung up already."""
        with suppress(OSError):
            self.socket.sendall(data)

    def upgrade(self, identity: str) -> None:
        """Go through the handshake."""
        self.send(request(f"/ocpp/{identity}"))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.socket.recv(1)
        assert head.startswith(b"HTTP/1.1 101"), head

    def call(self, text: str) -> list[Any]:
        """One call and its answer."""
        self.send(ws_frame(text.encode()))
        heard = b""
        while True:
            heard += self.socket.recv(65536)
            with suppress(AssertionError, IndexError):
                if found := texts(heard):
                    return list(found[-1])

    def drain(self, patience_s: float = 0.02) -> bytes:
        """What comes until the server hangs up or falls silent."""
        heard = b""
        self.socket.settimeout(patience_s)
        with suppress(OSError):
            while data := self.socket.recv(65536):
                heard += data
        return heard

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


def attacks(port: int) -> Iterator[Callable[[], None]]:
    """Every kind of rudeness, one after the other."""

    def handshake(data: bytes) -> None:
        station = RawStation(port)
        station.send(data)
        station.drain()
        station.close()

    def after_upgrade(*chunks: bytes) -> None:
        station = RawStation(port)
        station.upgrade("RUDE")
        for chunk in chunks:
            station.send(chunk)
        code = None
        with suppress(AssertionError, IndexError):
            code = close_code(station.drain())
        assert code in (None, 1000, 1002, 1003, 1007, 1008, 1009)
        station.close()

    for dropped in range(len(GOOD_REQUEST)):
        headers = [header for at, header in enumerate(GOOD_REQUEST) if at != dropped]
        yield lambda headers=headers: handshake(request("/ocpp/RUDE", headers=headers))
    for data in collected(st.binary(min_size=1, max_size=400), 20):
        yield lambda data=data: handshake(data + b"\r\n\r\n")
    yield lambda: handshake(b"GET /ocpp/RUDE HTTP/1.1\r\nX: " + b"y" * 1_000_000)
    for data in collected(wire(masked=True), 60):
        yield lambda data=data: after_upgrade(data)
    for text in collected(odd_frames, 40):
        yield lambda text=text: after_upgrade(ws_frame(text.encode("utf-8", "replace")))
    for text in MONSTERS.values():
        yield lambda text=text: after_upgrade(ws_frame(text.encode()))
    fragments = [ws_frame(b"a" * 60_000, opcode=0, fin=False)] * 40
    yield lambda: after_upgrade(ws_frame(b"a", fin=False), *fragments)
    for action in ACTIONS_TO_CENTRAL_SYSTEM:
        frames = [ws_frame(json.dumps([2, str(n), action, {"a": n}]).encode()) for n in range(50)]
        yield lambda frames=frames: after_upgrade(*frames)


@pytest_twisted.async_yield_fixture
async def central(tmp_path: Path) -> AsyncIterator[CentralSystem]:
    """A central system of ours."""
    daemon = CentralSystem(tmp_path / "csms")
    await daemon.start()
    yield daemon
    await daemon.stop()
    assert not [line for line in daemon.running.lines if "Traceback" in line], (
        daemon.running.story()
    )


async def test_central_system_under_fire(central: CentralSystem) -> None:
    """Attackers neither stop the central system nor keep a good station from being served."""
    good = RawStation(central.ocpp_port)
    boot = '[2,"b","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]'

    def begin() -> list[Any]:
        good.upgrade("GOOD")
        return good.call(boot)

    def attack() -> None:
        sequence = list(attacks(central.ocpp_port))
        random.Random(7).shuffle(sequence)
        idlers = [RawStation(central.ocpp_port) for _ in range(50)]
        for number, one in enumerate(sequence):
            one()
            if number % 10 == 0:
                answer = good.call(f'[2,"h{number}","Heartbeat",{{}}]')
                assert answer[:2] == [3, f"h{number}"]
        for idler in idlers:
            idler.close()

    assert (await deferToThread(begin))[2]["status"] == "Accepted"
    await deferToThread(attack)
    before = resident_mib(central.running.pid)
    await deferToThread(attack)
    assert resident_mib(central.running.pid) - before < GROWTH_MIB
    stations = await central.get("/api/stations")
    assert {s["identity"]: s["connected"] for s in stations["items"]}["GOOD"]
    good.close()


async def test_api_under_fire(central: CentralSystem) -> None:
    """Nonsense over HTTP gets a clear 4xx, whatever it is; the API goes on."""

    def ask(head: str, body: bytes = b"") -> bytes:
        station = RawStation(central.http_port)
        length = f"\r\nContent-Length: {len(body)}" if body else ""
        station.send(
            f"{head}\r\nHost: 127.0.0.1:{central.http_port}\r\nConnection: close"
            f"\r\nContent-Type: application/json{length}\r\n\r\n".encode("latin-1")
            + body
        )
        answer = station.drain(10)
        station.close()
        return answer.split(b"\r\n")[0]

    post = "POST /api/stations/X/operations HTTP/1.1"
    deep = b'{"action":"Reset","payload":' + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"}"
    rude = [
        ("GET /nothing HTTP/1.1", b""),
        ("GET /api/stations/%ff%fe HTTP/1.1", b""),
        ("GET /api/stations/../../etc/passwd HTTP/1.1", b""),
        ("GET /api/stations?limit=x HTTP/1.1", b""),
        ("GET /api/transactions/" + "9" * 400 + " HTTP/1.1", b""),
        ("BREW /api/stations HTTP/1.1", b""),
        (post, b"{"),
        (post, b"[]"),
        (post, b"\xff\xfe"),
        (post, deep),
        (post, b'{"action":"Reset","payload":' + b"[" * 400 + b"]" * 400 + b"}"),
        (post, b'{"action":"Reset","payload":{"type":"Soft"}}'),
        (post, b'{"action":"' + b"x" * 100_000 + b'"}'),
        ("POST /api/tags HTTP/1.1", b'{"id_tag":"' + b"x" * 500 + b'"}'),
    ]
    for head, body in rude:
        status = await deferToThread(ask, head, body)
        assert status.split(b" ")[1][:1] == b"4", (head[:60], body[:60], status)
    assert (await central.get("/api/stations"))["items"] == []


async def test_charge_point_under_fire(tmp_path: Path) -> None:
    """Whatever a charge point finds where its central system should be, it comes back and boots."""
    office = socket.create_server(("127.0.0.1", 0))
    office.settimeout(PATIENCE_S)
    cp = ChargePoint(tmp_path, "CP1", f"ws://127.0.0.1:{office.getsockname()[1]}/ocpp")
    cp.launch()
    rude = [
        b"",
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        b"HTTP/1.1 401 Unauthorized\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"\x16\x03\x01" + b"\x00" * 50,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000,
    ]

    def be_rude() -> None:
        for answer in rude:
            line, _ = office.accept()
            line.settimeout(5)
            assert line.recv(4096).startswith(b"GET /ocpp/CP1 HTTP/1.1\r\n")
            with suppress(OSError):
                line.sendall(answer)
            line.close()

    def wait_once_more() -> bytes:
        line, _ = office.accept()
        with line:
            return bytes(line.recv(4096))

    try:
        await deferToThread(be_rude)
        assert (await deferToThread(wait_once_more)).startswith(b"GET /ocpp/CP1")
        door = await cp.open_door()
        for nonsense in (
            b"{",
            b"[]",
            b"\xff\xfe",
            b'{"do":"fly"}',
            b'{"do":"plug_in","connector":9}',
        ):
            door.sendLine(nonsense)
            answer = await door.hear()
            assert answer["ok"] is False
            assert answer["error"]
        assert (await cp.connector(1))["car"] == "A"
    finally:
        office.close()
        await cp.stop()
    cp.assert_no_traceback()
