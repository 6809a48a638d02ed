"""Server and client over TLS: security profiles 2 and 3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from certificates_rig import Authority
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate
from loopback_rig import Connected, Loopback
from OpenSSL.crypto import X509
from service_identity import VerificationError
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from websocket_rig import Gate

from txocpp.errors import ConfigurationError
from txocpp.transport.status import ConnectionStatus, Phase, Problem
from txocpp.transport.tls import ClientCertificates, ServerCertificates, common_name, fingerprint
from txocpp.transport.websocket_server import WebSocketServer


class Shop:
    """Certificates of one test session."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        certificate, key = self.authority.issue("csms.test", "127.0.0.1", "csms.test")
        self.server = ServerCertificates(certificate=certificate, private_key=key)
        self.trust = ClientCertificates(trust_roots=self.authority.root)
        certificate, key = self.authority.issue("SN-0815")
        self.own = ClientCertificates(
            trust_roots=self.authority.root, certificate=certificate, private_key=key
        )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("certificates"))


def asking(shop: Shop, required: bool) -> ServerCertificates:
    """The server's certificates, clients being asked for theirs."""
    return ServerCertificates(
        certificate=shop.server.certificate,
        private_key=shop.server.private_key,
        client_authorities=shop.authority.root,
        require_client_certificate=required,
    )


async def refused(connected: Connected) -> ConnectionStatus:
    """The status after the first attempt, which must fail."""
    status = await connected.until(Phase.WAITING)
    assert connected.receiver.events == []
    return status


@pytest.mark.rule("X-20", "X-10")
async def test_a_client_trusts_the_root_it_was_given(shop: Shop) -> None:
    """Frames go both ways; the gate knows that the line is secure."""
    loopback = Loopback(certificates=shop.server)
    try:
        connected = loopback.client("wss", certificates=shop.trust, password=b"pw")
        await connected.receiver.until("connected")
        for size in (1, 100_000):
            connected.receiver.transport.send("x" * size)
            await loopback.gate.receivers[-1].until("x" * size)  # type: ignore[attr-defined]
        (credentials,) = loopback.gate.asked
        assert (credentials.secure, credentials.password) == (True, b"pw")
        assert credentials.certificate_common_name is None
    finally:
        await loopback.close()


@pytest.mark.rule("X-20")
async def test_a_client_trusts_a_root_beside_its_files(shop: Shop) -> None:
    """A root as text is as good as one in a file, and the status says which one it was."""
    more = ClientCertificates(more_roots=(shop.authority.root.read_text(),))
    loopback = Loopback(certificates=shop.server)
    try:
        connected = loopback.client("wss", certificates=more)
        status = await connected.until(Phase.CONNECTED)
        root = load_pem_x509_certificate(shop.authority.root.read_bytes())
        assert len(status.server_chain) == 2
        assert status.server_chain[-1] == fingerprint(root.public_bytes(Encoding.DER))
    finally:
        await loopback.close()


@pytest.mark.rule("X-21")
async def test_a_name_that_is_not_in_the_certificate_is_refused(shop: Shop) -> None:
    """The status says that it is the certificate, for the security event."""
    certificate, key = shop.authority.issue("other.test", "other.test")
    loopback = Loopback(certificates=ServerCertificates(certificate=certificate, private_key=key))
    try:
        status = await refused(loopback.client("wss", certificates=shop.trust))
        assert status.problem is Problem.CERTIFICATE
        assert status.reason == "the server's certificate is not for 127.0.0.1"
    finally:
        await loopback.close()


@pytest.mark.rule("X-21")
async def test_a_common_name_counts_where_there_is_nothing_else(shop: Shop) -> None:
    """The white paper knows no subjectAltName: a certificate without one is for its common name,
    and for nobody else."""
    certificate, key = shop.authority.issue("127.0.0.1", stem="by-address")
    loopback = Loopback(certificates=ServerCertificates(certificate=certificate, private_key=key))
    try:
        connected = loopback.client("wss", certificates=shop.trust)
        await connected.receiver.until("connected")
    finally:
        await loopback.close()
    certificate, key = shop.authority.issue("127.0.0.2", stem="by-other-address")
    loopback = Loopback(certificates=ServerCertificates(certificate=certificate, private_key=key))
    try:
        status = await refused(loopback.client("wss", certificates=shop.trust))
        assert status.problem is Problem.CERTIFICATE
        assert status.reason == "the server's certificate is not for 127.0.0.1"
    finally:
        await loopback.close()


@pytest.mark.rule("X-21")
@pytest.mark.parametrize(
    ("host", "common", "others", "good"),
    [
        ("csms.test", "csms.test", [], True),
        ("csms.test", "CSMS.test", [], True),
        ("a.csms.test", "*.csms.test", [], True),
        ("csms.test", "elsewhere.test", [], False),
        ("csms.test", "not a name", [], False),
        ("csms.test", "10.0.0.1", [], False),
        ("10.0.0.1", "10.0.0.1", [], True),
        ("10.0.0.1", "csms.test", ["10.0.0.1"], True),
        ("csms.test", "elsewhere.test", ["csms.test"], True),
        ("csms.test", "csms.test", ["elsewhere.test"], False),
    ],
)
def test_whom_a_certificate_is_for(
    shop: Shop, host: str, common: str, others: list[str], good: bool
) -> None:
    """subjectAltName decides where there is one, else the common name."""
    certificate, _ = shop.authority.issue(common, *others, stem="whom")
    shown = X509.from_cryptography(load_pem_x509_certificate(certificate.read_bytes()))
    check = shop.trust.options(host).check
    if good:
        check(shown)
    else:
        with pytest.raises(VerificationError):
            check(shown)


@pytest.mark.rule("X-21")
@pytest.mark.parametrize("flaw", ["foreign root", "expired", "no roots of the system"])
async def test_a_certificate_that_is_not_trusted_is_refused(shop: Shop, flaw: str) -> None:
    """Unknown signer, or past its time."""
    certificates, trust = shop.server, shop.trust
    if flaw == "foreign root":
        trust = ClientCertificates(trust_roots=Authority(shop.folder, "Stranger").root)
    elif flaw == "expired":
        certificate, key = shop.authority.issue("old", "127.0.0.1", days=-1)
        certificates = ServerCertificates(certificate=certificate, private_key=key)
    else:
        trust = ClientCertificates()
    loopback = Loopback(certificates=certificates)
    try:
        status = await refused(loopback.client("wss", certificates=trust))
        assert status.problem is Problem.CERTIFICATE
        assert status.reason == "TLS: certificate verify failed"
    finally:
        await loopback.close()


async def test_tls_to_a_plain_port_and_back_are_told_apart(shop: Shop) -> None:
    """A wrong scheme in the URL is a common mistake."""
    plain, secure = Loopback(), Loopback(certificates=shop.server)
    try:
        status = await refused(plain.client("wss", certificates=shop.trust))
        assert status.problem is Problem.TLS
        assert status.reason.startswith("TLS: ")
        status = await refused(secure.client("ws"))
        assert status.problem is Problem.NETWORK
        assert status.reason == "the server closed the connection during the handshake"
    finally:
        await plain.close()
        await secure.close()


@pytest.mark.rule("X-25", "X-27")
async def test_a_client_certificate_names_the_station(shop: Shop) -> None:
    """The gate sees its common name; without a certificate nobody gets as far as the gate, and
    the log says so."""
    loopback = Loopback(certificates=asking(shop, required=True))
    refusals: list[str] = []

    def listen(event: dict[str, Any]) -> None:
        if event.get("log_format") == "refused {address}: {why}":
            refusals.append(event["why"])

    globalLogPublisher.addObserver(listen)
    try:
        stranger = loopback.client("wss", certificates=shop.trust, identity="stranger")
        assert (await refused(stranger)).problem in (Problem.TLS, Problem.NETWORK)
        await stranger.client.stopService()
        assert loopback.gate.asked == []
        foreign = Authority(shop.folder, "Foreign").issue("SN-0815", stem="forged")
        forged = ClientCertificates(
            trust_roots=shop.authority.root, certificate=foreign[0], private_key=foreign[1]
        )
        forger = loopback.client("wss", certificates=forged, identity="forger")
        assert (await refused(forger)).problem in (Problem.TLS, Problem.NETWORK)
        await forger.client.stopService()
        station = loopback.client("wss", certificates=shop.own)
        await station.receiver.until("connected")
        (credentials,) = loopback.gate.asked
        assert credentials.certificate_common_name == "SN-0815"
        assert "TLS: peer did not return a certificate" in refusals
        assert "TLS: certificate verify failed" in refusals
    finally:
        globalLogPublisher.removeObserver(listen)
        await loopback.close()


@pytest.mark.rule("X-25", "X-04")
async def test_a_client_certificate_may_be_optional(shop: Shop) -> None:
    """The gate sees the difference, and decides."""
    loopback = Loopback(certificates=asking(shop, required=False))
    try:
        await loopback.client("wss", certificates=shop.own).receiver.until("connected")
        await loopback.client("wss", certificates=shop.trust, identity="2").receiver.until("conn")
        names = [c.certificate_common_name for c in loopback.gate.asked]
        assert names == ["SN-0815", None]
    finally:
        await loopback.close()


@pytest.mark.rule("X-22")
async def test_an_old_tls_version_is_refused(shop: Shop) -> None:
    """Who knows nothing newer than 1.1 gets the alert that says so; the server goes on."""
    loopback = Loopback(certificates=shop.server)
    try:
        alert = await say(loopback.port, client_hello(b"\xc0\x2b", version=b"\x03\x02"))
        assert (alert[:1], alert[-2:]) == (b"\x15", bytes([2, 70]))  # fatal: protocol version
        assert loopback.gate.asked == []
        await loopback.client("wss", certificates=shop.trust).receiver.until("connected")
    finally:
        await loopback.close()


@pytest.mark.rule("X-24")
async def test_a_client_with_unsuitable_suites_only_is_refused(shop: Shop) -> None:
    """RC4 for example; and whoever offers compression does not get it."""
    loopback = Loopback(certificates=shop.server)
    try:
        alert = await say(loopback.port, client_hello(b"\x00\x05"))
        assert (alert[:1], alert[-2:]) == (b"\x15", bytes([2, 40]))  # fatal: handshake failure
        answer = await say(loopback.port, client_hello(b"\xc0\x2b", compression=b"\x01\x00"))
        assert answer[46 + answer[43]] == 0
    finally:
        await loopback.close()


@pytest.mark.rule("X-23")
async def test_the_suites_that_the_white_paper_asks_for_are_spoken(shop: Shop) -> None:
    """Those for a certificate with an elliptic curve, offered alone and over TLS 1.2."""
    loopback = Loopback(certificates=shop.server)
    try:
        for suite in (b"\xc0\x2b", b"\xc0\x2c"):
            answer = await say(loopback.port, client_hello(suite))
            assert answer[:1] == b"\x16"
            session = answer[43]
            assert answer[44 + session : 46 + session] == suite
    finally:
        await loopback.close()


async def test_endpoint_descriptions_know_tls(shop: Shop) -> None:
    """On both ends, as Twisted writes them."""
    roots = shop.folder / "roots"
    roots.mkdir()
    (roots / "root.pem").write_bytes(shop.authority.root.read_bytes())
    description = (
        f"ssl:0:interface=127.0.0.1:privateKey={shop.server.private_key}"
        f":certKey={shop.server.certificate}"
    )
    loopback = Loopback(description=description)
    try:
        by_string = loopback.client(
            url="wss://csms.test/", endpoint=f"tls:127.0.0.1:{loopback.port}:trustRoots={roots}"
        )
        await by_string.receiver.until("connected")
        by_folder = loopback.client(
            "wss", certificates=ClientCertificates(trust_roots=roots), identity="2"
        )
        await by_folder.receiver.until("connected")
        assert [c.secure for c in loopback.gate.asked] == [True, True]
    finally:
        await loopback.close()


def client_hello(
    suite: bytes, *, version: bytes = b"\x03\x03", compression: bytes = b"\x00"
) -> bytes:
    """The first record of a TLS client that knows little: one version and one cipher suite."""
    extensions = bytes.fromhex("000a000400020017" + "000b00020100" + "000d000400020403")
    hello = (
        version
        + bytes(32)
        + b"\x00"
        + b"\x00\x02"
        + suite
        + bytes([len(compression)])
        + compression
        + len(extensions).to_bytes(2, "big")
        + extensions
    )
    handshake = b"\x01" + len(hello).to_bytes(3, "big") + hello
    return b"\x16\x03\x01" + len(handshake).to_bytes(2, "big") + handshake


class Teller(Protocol):
    """Says something to a server and takes what comes first."""

    def __init__(self) -> None:
        self.heard: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.transport.loseConnection()
        heard, self.heard = self.heard, Deferred()
        heard.callback(data)


async def say(port: int, data: bytes) -> bytes:
    """What a server answers first."""
    teller = Teller()
    heard = teller.heard
    await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), teller)
    teller.transport.write(data)
    return await heard


# --- files that are not what they should be


@pytest.mark.parametrize(
    ("certificate", "private_key", "complaint"),
    [
        ("missing.crt", "csms.test.key", "cannot read .*missing.crt"),
        ("csms.test.crt", "missing.key", "cannot read .*missing.key"),
        ("csms.test.key", "csms.test.key", "csms.test.key holds no certificate"),
        ("csms.test.crt", "csms.test.crt", "csms.test.crt is not the key of .*csms.test.crt"),
        ("csms.test.crt", "SN-0815.key", "SN-0815.key is not the key of .*csms.test.crt"),
        ("broken.crt", "csms.test.key", "broken.crt holds no valid certificate"),
    ],
)
def test_a_wrong_file_is_named(
    shop: Shop, certificate: str, private_key: str, complaint: str
) -> None:
    """When the service starts; the same for client and server."""
    (shop.folder / "broken.crt").write_text("-----BEGIN CERTIFICATE-----\nxx\n")
    pair: Any = {
        "certificate": shop.folder / certificate,
        "private_key": shop.folder / private_key,
    }
    with pytest.raises(ConfigurationError, match=complaint):
        ClientCertificates(trust_roots=shop.authority.root, **pair).options("csms.test")
    server = WebSocketServer(Clock(), "tcp:0", Gate(), certificates=ServerCertificates(**pair))
    with pytest.raises(ConfigurationError, match=complaint):
        server.startService()


def test_trust_roots_may_be_missing_too(shop: Shop) -> None:
    """A file that is not there, and a folder without certificates."""
    empty = shop.folder / "empty"
    empty.mkdir()
    for path, complaint in ((shop.folder / "no.pem", "cannot read"), (empty, "no certificate")):
        with pytest.raises(ConfigurationError, match=complaint):
            ClientCertificates(trust_roots=path).options("csms.test")


def test_no_certificate_has_no_name() -> None:
    """A plain TLS client shows none."""
    assert common_name(None) is None
