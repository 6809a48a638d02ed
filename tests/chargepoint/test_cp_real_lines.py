"""A charge point over real sockets: from an open line to certificates, files on their ways."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from certificates_rig import Authority
from file_servers import FTPSite, Listening, Shelf, web
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater
from upkeep_rig import CENTRAL, IMAGE, Signer
from zope.interface import implementer

from txocpp.chargepoint.daemon import line_maker
from txocpp.chargepoint.fromoptions import secured
from txocpp.chargepoint.installer import CommandInstaller, InstallCommand
from txocpp.chargepoint.parts import Equipment
from txocpp.chargepoint.service import ChargePoint
from txocpp.chargepoint.settings import Files, Security, StationSettings
from txocpp.devices.simulated import SimulatedDevice
from txocpp.interfaces import Credentials, IStationGate, Refusal
from txocpp.messages import v16
from txocpp.messages.v16 import MessageFactory16
from txocpp.storage.memory import MemoryChargePointStore
from txocpp.transport.peer import Peer
from txocpp.transport.tls import ServerCertificates
from txocpp.transport.websocket_server import WebSocketServer
from txocpp.transport.websocket_settings import ClientSettings

KEY = "00112233445566778899AABBCCDDEEFF"
ADDRESS = "tcp:0:interface=127.0.0.1"


@implementer(IStationGate)
class Office:
    """A central system with an open door and one by TLS."""

    def __init__(self, folder: Path) -> None:
        self.seen: list[Credentials] = []
        self.refuse: Callable[[Credentials], bool] = lambda credentials: False
        self.heard: list[Any] = []
        self.peer = Peer(
            MessageFactory16(),
            {
                v16.BootNotificationRequest: self.take(
                    v16.BootNotificationResponse(
                        current_time=datetime.now(UTC),
                        interval=300,
                        status=v16.RegistrationStatus.ACCEPTED,
                    )
                ),
                v16.StatusNotificationRequest: self.take(v16.StatusNotificationResponse()),
                v16.SecurityEventNotificationRequest: self.take(
                    v16.SecurityEventNotificationResponse()
                ),
                v16.SignCertificateRequest: self.take(
                    v16.SignCertificateResponse(status=v16.GenericStatusEnumType.ACCEPTED)
                ),
                v16.LogStatusNotificationRequest: self.take(v16.LogStatusNotificationResponse()),
                v16.FirmwareStatusNotificationRequest: self.take(
                    v16.FirmwareStatusNotificationResponse()
                ),
            },
            clock=reactor,  # type: ignore[arg-type]
        )
        self.authority = Authority(folder)
        self.stations = Signer(
            "Stations", organisation="Operator", begin=datetime.now(UTC) - timedelta(days=1)
        )
        (folder / "stations.pem").write_text(self.stations.pem)
        certificate, key = self.authority.issue("central.test", "127.0.0.1")
        self.plain = WebSocketServer(reactor, ADDRESS, self)
        self.secure = WebSocketServer(
            reactor,
            ADDRESS,
            self,
            certificates=ServerCertificates(
                certificate=certificate,
                private_key=key,
                client_authorities=folder / "stations.pem",
                require_client_certificate=False,
            ),
        )
        for server in (self.plain, self.secure):
            server.startService()

    def take(self, response: Any) -> Callable[[Any], Any]:
        def respond(request: Any) -> Any:
            self.heard.append(request)
            return response

        return respond

    def url(self, scheme: str) -> str:
        server = self.plain if scheme == "ws" else self.secure
        assert server.port is not None
        return f"{scheme}://127.0.0.1:{server.port.getHost().port}/ocpp"

    def admit(self, credentials: Credentials) -> Deferred[Refusal | None]:
        self.seen.append(credentials)
        return succeed(Refusal(403, "no") if self.refuse(credentials) else None)

    def receiver(self, credentials: Credentials, subprotocol: str) -> Peer:
        return self.peer

    async def status(self, request: Any) -> str:
        answer = await self.peer.call(request)
        return str(answer.status.value)

    async def set_key(self, key: str, value: object) -> str:
        return await self.status(v16.ChangeConfigurationRequest(key=key, value=str(value)))

    async def until(self, done: Callable[[], bool], what: str) -> None:
        """Wait for something to become true."""
        for _ in range(1000):
            if done():
                return
            await deferLater(reactor, 0.01)  # type: ignore[arg-type]
        raise AssertionError(f"{what}; it has heard {self.heard}")

    async def visited(self, number: int) -> Credentials:
        """The credentials of the so-and-so-manieth connection, once it is up."""
        await self.until(
            lambda: len(self.seen) >= number and self.peer.is_connected, f"visit {number}"
        )
        return self.seen[number - 1]

    def told(self, kind: type) -> list[Any]:
        return [message for message in self.heard if isinstance(message, kind)]

    async def close(self) -> None:
        for server in (self.plain, self.secure):
            await server.stopService()


class Street:
    """An office and a charge point."""

    def __init__(self, folder: Path, **equipment: Any) -> None:
        self.office = Office(folder)
        line = ClientSettings(
            url=self.office.url("ws"), identity="CP1", first_wait_s=0.01, longest_wait_s=0.02
        )
        settings = StationSettings(
            identity="CP1",
            serial_number="SN-1",
            configuration={"CpoName": "Operator"},
            files=Files(folder=folder / "files", trust_roots=self.office.authority.root),
            security=Security(
                push_events="all", urls={number: self.office.url("wss") for number in (2, 3)}
            ),
        )
        settings = secured(settings, line)
        self.station = ChargePoint(
            settings,
            SimulatedDevice(reactor),  # type: ignore[arg-type]
            MemoryChargePointStore(),
            line_maker(reactor, line),
            reactor,  # type: ignore[arg-type]
            equipment=attrs.evolve(Equipment.of(settings.files), **equipment),
        )
        self.station.startService()

    async def __aenter__(self) -> Office:
        await self.office.until(
            lambda: bool(self.office.told(v16.SecurityEventNotificationRequest)), "a boot"
        )
        return self.office

    async def __aexit__(self, *_: object) -> None:
        await self.station.stopService()
        await self.office.close()


@pytest.mark.slow
@pytest.mark.rule("X-31", "X-40", "X-42", "X-10", "X-12", "X-02")
async def test_from_an_open_line_to_certificates(tmp_path: Path) -> None:
    """Profile by profile: a password, then TLS, then a certificate that was signed on the way."""
    async with Street(tmp_path) as office:
        first = await office.visited(1)
        assert (first.password, first.secure) == (None, False)
        assert await office.set_key("AuthorizationKey", KEY) == "Accepted"
        assert (await office.visited(2)).password == bytes.fromhex(KEY)
        assert await office.set_key("SecurityProfile", 1) == "Accepted"
        await office.visited(3)
        root = office.authority.root.read_text()
        request = v16.InstallCertificateRequest(certificate_type=CENTRAL, certificate=root)
        assert await office.status(request) == "Accepted"
        assert await office.set_key("SecurityProfile", 2) == "Accepted"
        fourth = await office.visited(4)
        assert (fourth.password, fourth.secure) == (bytes.fromhex(KEY), True)
        assert fourth.certificate_common_name is None
        message = v16.MessageTriggerEnumType.SIGN_CHARGE_POINT_CERTIFICATE
        trigger = v16.ExtendedTriggerMessageRequest(requested_message=message)
        assert await office.status(trigger) == "Accepted"
        await office.until(lambda: bool(office.told(v16.SignCertificateRequest)), "a request")
        (asked,) = office.told(v16.SignCertificateRequest)
        begin = datetime.now(UTC) - timedelta(hours=1)
        chain = office.stations.certify(asked.csr, begin=begin) + office.stations.pem
        signed = v16.CertificateSignedRequest(certificate_chain=chain)
        assert await office.status(signed) == "Accepted"
        assert await office.set_key("SecurityProfile", 3) == "Accepted"
        fifth = await office.visited(5)
        assert (fifth.certificate_common_name, fifth.password) == ("SN-1", None)
        ids = v16.GetInstalledCertificateIdsRequest(certificate_type=CENTRAL)
        (data,) = (await office.peer.call(ids)).certificate_hash_data
        delete = v16.DeleteCertificateRequest(certificate_hash_data=data)
        assert await office.status(delete) == "Failed"


@pytest.mark.slow
@pytest.mark.rule("X-32", "X-21")
async def test_a_profile_that_does_not_work_is_given_up(tmp_path: Path) -> None:
    """The server's certificate is not trusted: after three attempts the open line is back."""
    async with Street(tmp_path) as office:
        assert await office.set_key("AuthorizationKey", KEY) == "Accepted"
        await office.visited(2)
        other = tmp_path / "other"
        other.mkdir()
        root = Authority(other, "Stranger").root.read_text()
        request = v16.InstallCertificateRequest(certificate_type=CENTRAL, certificate=root)
        assert await office.status(request) == "Accepted"
        assert await office.set_key("SecurityProfile", 2) == "Accepted"
        third = await office.visited(3)
        assert third.secure is False
        events = office.told(v16.SecurityEventNotificationRequest)
        await office.until(
            lambda: (
                "InvalidCentralSystemCertificate"
                in [e.type for e in office.told(v16.SecurityEventNotificationRequest)]
            ),
            f"an event beyond {events}",
        )
        answer = await office.peer.call(v16.GetConfigurationRequest(key=("SecurityProfile",)))
        assert answer.configuration_key[0].value == "0"


@pytest.mark.slow
@pytest.mark.rule("F-02", "G-04", "X-64", "X-65")
async def test_files_come_and_go(tmp_path: Path) -> None:
    """Firmware by FTP into a command, the security log by HTTPS out of the house."""
    served = tmp_path / "served"
    served.mkdir()
    (served / "image.bin").write_bytes(IMAGE)
    shelf = Shelf()
    installed = tmp_path / "installed"
    command = ("/bin/sh", "-c", f'cp "$1" {installed}', "sh")
    installer = CommandInstaller(reactor, InstallCommand(command=command, reboot=False))
    async with Street(tmp_path, installer=installer) as office:
        pair = office.authority.issue("files.test", "127.0.0.1")
        async with Listening(FTPSite(served)) as ftp, web(shelf, *pair) as https:
            await office.peer.call(
                v16.UpdateFirmwareRequest(
                    location=f"ftp://cp:secret@127.0.0.1:{ftp}/image.bin",
                    retrieve_date=datetime.now(UTC),
                )
            )
            steps = v16.FirmwareStatusNotificationRequest
            await office.until(lambda: len(office.told(steps)) == 4, "an installation")
            assert office.told(steps)[-1].status == "Installed"
            assert installed.read_bytes() == IMAGE
            location = f"https://127.0.0.1:{https}/logs/"
            answer = await office.peer.call(
                v16.GetLogRequest(
                    log=v16.LogParametersType(remote_location=location),
                    log_type=v16.LogEnumType.SECURITY_LOG,
                    request_id=1,
                )
            )
            steps_ = v16.LogStatusNotificationRequest
            await office.until(lambda: len(office.told(steps_)) == 2, "an upload")
            assert office.told(steps_)[-1].status == "Uploaded"
            assert b"FirmwareUpdated" in shelf.taken[f"/logs/{answer.filename}"]


class Grumpy(Protocol):
    """Answers every TLS greeting with the same alert."""

    alert = 0

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(bytes((0x15, 3, 3, 0, 2, 2, self.alert)))
        self.transport.loseConnection()


@pytest.mark.rule("X-22", "X-24", "X-63")
@pytest.mark.parametrize(
    ("alert", "event"), [(70, "InvalidTLSVersion"), (40, "InvalidTLSCipherSuite")]
)
async def test_tls_that_does_not_suit_is_an_event(tmp_path: Path, alert: int, event: str) -> None:
    """In the words of the library that is really used: protocol version, handshake failure."""

    class Server(Factory):
        def buildProtocol(self, addr: Any) -> Grumpy:
            protocol = Grumpy()
            protocol.alert = alert
            return protocol

    async with Listening(Server()) as port:
        url = f"wss://127.0.0.1:{port}/ocpp"
        line = ClientSettings(url=url, identity="CP1", first_wait_s=0.01, longest_wait_s=0.02)
        settings = secured(StationSettings(identity="CP1"), line)
        station = ChargePoint(
            settings,
            SimulatedDevice(reactor),  # type: ignore[arg-type]
            MemoryChargePointStore(),
            line_maker(reactor, line),
            reactor,  # type: ignore[arg-type]
        )
        station.startService()
        for _ in range(500):
            entries = station.assembly.upkeep.events.entries() if station.assembly else []
            if event in [entry.event for entry in entries]:
                break
            await deferLater(reactor, 0.01)  # type: ignore[arg-type]
        await station.stopService()
    assert event in [entry.event for entry in entries]
