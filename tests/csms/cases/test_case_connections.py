"""Official test cases of central systems over real sockets: passwords, TLS, certificates."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from certificates_rig import Authority
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from txocpp.csms.service import CentralSystemService, central_system
from txocpp.csms.settings import Database, KnownStation, Listen, Settings, Stations, Tls

KEY = bytes.fromhex("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF")
SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
"""The four of the white paper (X-23), as OpenSSL calls them."""

HERE = "tcp:0:interface=127.0.0.1"
BOOT = [2, "1", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}]


class Certificates:
    """Those of the server, one of each kind, and the root of all."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        curve = self.authority.issue("csms.test", "csms.test")
        rsa = self.authority.issue("csms.test", "csms.test", stem="rsa", with_rsa=True)
        self.settings = {
            "listen": HERE,
            "certificate": str(curve[0]),
            "private_key": str(curve[1]),
            "second_certificate": str(rsa[0]),
            "second_private_key": str(rsa[1]),
        }


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made once for all cases."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


class House:
    """A central system with a port for each security profile."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self.authority = certificates.authority
        mutual = {**certificates.settings, "client_authorities": str(self.authority.root)}
        settings = Settings(
            listen=Listen(ocpp=(HERE,), http=""),
            database=Database(url=str(folder / "central.sqlite3")),
            stations=Stations(certificate_organization="Operator"),
            tls=(Tls(**certificates.settings), Tls(**mutual)),
            known_stations=(
                KnownStation(identity="AL1000", password=KEY.hex(), serial_number="SN-1000"),
            ),
        )
        self.service: CentralSystemService = central_system(reactor, settings)

    @property
    def ports(self) -> list[int]:
        """Of the profiles 1, 2 and 3."""
        ports = [server.port for server in self.service.servers]
        return [port.getHost().port for port in ports if port is not None]


@pytest_twisted.async_yield_fixture
async def house(tmp_path: Path, certificates: Certificates) -> AsyncIterator[House]:
    """It runs as long as the case."""
    made = House(tmp_path, certificates)
    made.service.startService()
    yield made
    await made.service.stopService()


def visit(
    port: int,
    identity: str = "AL1000",
    password: bytes | None = None,
    tls: ssl.SSLContext | None = None,
) -> tuple[int, Any]:
    """Connect with nothing but Python's own library: the HTTP status, and the answer to a boot."""
    with contextlib.ExitStack() as open_lines:
        line = socket.create_connection(("127.0.0.1", port), timeout=20)
        open_lines.callback(line.close)
        if tls is not None:
            line = tls.wrap_socket(line, server_hostname="csms.test")
            open_lines.callback(line.close)
        return _talk(line, identity, password)


def _talk(line: socket.socket, identity: str, password: bytes | None) -> tuple[int, Any]:
    asked = [
        f"GET /ocpp/{identity} HTTP/1.1",
        "Host: csms.test",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: ocpp1.6",
    ]
    if password is not None:
        token = base64.b64encode(f"{identity}:".encode() + password).decode()
        asked.append(f"Authorization: Basic {token}")
    line.sendall("\r\n".join([*asked, "", ""]).encode())
    with line.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        while stream.readline().strip():
            pass
        if status != 101:
            return status, None
        frame = json.dumps(BOOT).encode()
        line.sendall(bytes([0x81, 0x80 | len(frame), 0, 0, 0, 0]) + frame)
        head = stream.read(2)
        length = head[1] if head[1] < 126 else int.from_bytes(stream.read(2))
        answer = json.loads(stream.read(length))
        line.sendall(bytes([0x88, 0x80, 0, 0, 0, 0]))
        stream.read()
    return status, answer


def trusting(house: House, suites: str = "", own: tuple[Path, Path] | None = None) -> Any:
    """A station that looks at the certificate of the server, and speaks TLS 1.2."""
    context = ssl.create_default_context(cafile=str(house.authority.root))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    if suites:
        context.set_ciphers(suites)
    if own is not None:
        context.load_cert_chain(*map(str, own))
    return context


@pytest.mark.case("TC_085")
@pytest.mark.rule("C-15", "C-16", "X-10")
@pytest.mark.parametrize(
    ("password", "status"),
    [(KEY, 101), (KEY.hex().encode(), 101), (KEY[:-1], 401), (b"", 401), (None, 401)],
)
async def test_password_at_the_connection(
    house: House, password: bytes | None, status: int
) -> None:
    """Without the right one there is no WebSocket."""
    found, answer = await deferToThread(visit, house.ports[0], password=password)
    assert found == status
    if status == 101:
        assert (answer[:2], answer[2]["status"]) == ([3, "1"], "Accepted")


@pytest.mark.case("TC_086")
@pytest.mark.rule("X-20", "X-22", "X-23", "X-26")
@pytest.mark.parametrize("suite", SUITES)
async def test_tls_with_the_certificate_of_the_server(house: House, suite: str) -> None:
    """Each of the four suites is spoken on the same port, with a certificate that fits it."""
    context = trusting(house, suite)
    found, answer = await deferToThread(visit, house.ports[1], password=KEY, tls=context)
    assert (found, answer[2]["status"]) == (101, "Accepted")


@pytest.mark.case("TC_086")
@pytest.mark.rule("X-22")
async def test_older_tls_is_refused(house: House) -> None:
    """1.1 is not spoken, nor are unsuitable suites."""
    old = trusting(house)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await deferToThread(visit, house.ports[1], password=KEY, tls=old)


@pytest.mark.case("TC_087")
@pytest.mark.rule("X-25", "X-26")
@pytest.mark.parametrize(("name", "status"), [("SN-1000", 101), ("AL1000", 101), ("SN-2000", 401)])
async def test_tls_with_the_certificate_of_the_station(
    house: House, name: str, status: int
) -> None:
    """Its CN is the serial number; no password is asked for."""
    own = house.authority.issue(name, stem=f"station-{name}")
    found, _ = await deferToThread(visit, house.ports[2], tls=trusting(house, own=own))
    assert found == status


@pytest.mark.case("TC_087")
@pytest.mark.rule("X-25")
async def test_no_certificate_or_a_forged_one_opens_nothing(house: House, tmp_path: Path) -> None:
    """The line ends in TLS already."""
    forged = Authority(tmp_path, "Foreign").issue("SN-1000")
    for own in (None, forged):
        with pytest.raises((ssl.SSLError, ConnectionError, IndexError)):
            await deferToThread(visit, house.ports[2], password=KEY, tls=trusting(house, own=own))
