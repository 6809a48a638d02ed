"""What a connection with TLS costs: memory while it is idle, processor time to set it up."""

from __future__ import annotations

import datetime
import ssl
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.figures import Table, Target, spoken, typical
from bench.stations import Station
from bench.subjects import Server, Subject, python_server

OURS, BARE = "txocpp, no store, TLS", "bare Autobahn, fixed JSON, TLS"
WARM_UP = 100
BATCH = 50


class TlsStation(Station):
    """A station that speaks TLS 1.3, and trusts everybody."""

    def __init__(self, identity: str, port: int, path: str) -> None:
        super().__init__(identity, port, path)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.socket.setblocking(True)
        self.socket = context.wrap_socket(self.socket)
        self.socket.setblocking(False)

    def handshake_finished(self) -> bool:
        """What comes may be a session ticket."""
        try:
            return super().handshake_finished()
        except ssl.SSLWantReadError:
            return False

    def heard(self) -> bool:
        """The same."""
        try:
            return super().heard()
        except ssl.SSLWantReadError:
            return False


@attrs.frozen
class Row:
    """One server."""

    what: str
    connection_kib: float
    connection_us: float
    """Of processor time, for TLS handshake, WebSocket handshake and boot."""


def rows(rounds: int = 7) -> list[Row]:
    """Connect batches to both in turn."""
    with tempfile.TemporaryDirectory(prefix="txocpp-bench-") as name:
        folder = Path(name)
        _make_certificate(folder)
        servers = [
            Server(Subject(what, python_server(module, "tls"), kind=TlsStation), None, folder)
            for what, module in ((OURS, "txocpp_library"), (BARE, "autobahn_fixed"))
        ]
        try:
            return _measured(servers, rounds)
        finally:
            for server in servers:
                server.stop()


def tables(measured: Sequence[Row]) -> list[Table]:
    """The rows for people."""
    lines = [[row.what, spoken(row.connection_kib), spoken(row.connection_us)] for row in measured]
    header = ("server", "KiB / idle connection", "us / set-up")
    remark = "TLS 1.3, a new session each time, a certificate with a P-256 key."
    return [Table("Central system: connections with TLS", header, lines, remark)]


def targets(measured: Sequence[Row]) -> list[Target]:
    """What was promised."""
    kib = next((row.connection_kib for row in measured if row.what == OURS), None)
    return [Target("per idle connection with TLS", kib, 45, 37, False, " KiB")]


def _measured(servers: Sequence[Server], rounds: int) -> list[Row]:
    before = {}
    for server in servers:
        assert server.fleet is not None
        server.fleet.connect(WARM_UP)
        before[server] = server.resident_kib()
    spent: dict[Server, list[float]] = {server: [] for server in servers}
    for _ in range(rounds):
        for server in servers:
            assert server.fleet is not None
            begin = server.processor_us()
            server.fleet.connect(BATCH)
            time.sleep(0.05)
            spent[server].append((server.processor_us() - begin) / BATCH)
    return [
        Row(
            server.subject.name,
            (server.resident_kib() - before[server]) / (rounds * BATCH),
            typical(spent[server]),
        )
        for server in servers
    ]


def _make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
