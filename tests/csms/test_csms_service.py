"""The whole central system: ports, the store, start and end."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
import treq
from certificates_rig import Authority
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol, serverFromString
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed

from txocpp.csms.accounts import Passwords
from txocpp.csms.listening import is_loopback
from txocpp.csms.service import CentralSystemService, authorization_rules, central_system
from txocpp.csms.settings import (
    Database,
    KnownStation,
    KnownTag,
    Listen,
    Settings,
    Tls,
    default_database,
)
from txocpp.errors import ConfigurationError, StoreError
from txocpp.messages.v16 import MessageFactory16
from txocpp.storage.central import CentralStore
from txocpp.storage.central.schema import from_ms
from txocpp.transport.peer import Peer
from txocpp.transport.websocket_client import WebSocketClient
from txocpp.transport.websocket_settings import ClientSettings

OCPP = ("tcp:0:interface=127.0.0.1",)
HTTP = "tcp:0:interface=127.0.0.1"
NOW = from_ms(1_780_315_200_000)


def settings(path: Path, **more: Any) -> Settings:
    """A central system on free ports, with a database in a folder of its own."""
    listen = more.pop("listen", Listen(ocpp=OCPP, http=HTTP))
    database = Database(url=str(path / "central.sqlite3"))
    return Settings(listen=listen, database=database, **more)


@pytest_twisted.async_yield_fixture
async def service(tmp_path: Path) -> AsyncIterator[CentralSystemService]:
    """A central system that runs."""
    made = central_system(reactor, settings(tmp_path))
    made.startService()
    yield made
    await made.stopService()


def ports(service: CentralSystemService) -> tuple[int, int]:
    """(OCPP, HTTP)."""
    assert service.http is not None
    assert service.http.port is not None
    assert service.servers[0].port is not None
    return service.servers[0].port.getHost().port, service.http.port.getHost().port


async def test_a_charge_point_and_a_person_meet(service: CentralSystemService) -> None:
    """Over real sockets: boot, a look at the API, a remote start."""
    ocpp, http = ports(service)
    heard: list[tuple[str, Any]] = []

    def answer(action: str, payload: Any) -> dict[str, str]:
        heard.append((action, payload))
        return {"status": "Accepted"}

    peer = Peer(MessageFactory16(), {}, clock=reactor, fallback=answer)
    where = ClientSettings(url=f"ws://127.0.0.1:{ocpp}/ocpp", identity="CP/1")
    client = WebSocketClient(reactor, peer, where)
    client.startService()
    while not peer.is_connected:
        await pause()
    booted = await peer.call_raw(
        "BootNotification", {"chargePointVendor": "Acme", "chargePointModel": "Wall"}
    )
    assert booted["status"] == "Accepted"
    url = f"http://127.0.0.1:{http}/api/stations/CP%2F1"
    shown = await (await treq.get(url, persistent=False)).json()
    assert shown["connected"] is True
    done = await (await treq.post(f"{url}/start", json={"id_tag": "TAG"}, persistent=False)).json()
    assert done["outcome"] == "answered"
    assert heard == [("RemoteStartTransaction", {"idTag": "TAG"})]
    await client.stopService()
    while "CP/1" in service.central.stations:
        await pause()


async def pause() -> None:
    """Let the reactor do something else."""
    from twisted.internet.task import deferLater

    await deferLater(reactor, 0.01)


async def test_stations_are_told_goodbye_and_nothing_is_lost(tmp_path: Path) -> None:
    """Close code 1001, and the store is closed after its last commit."""
    service = central_system(reactor, settings(tmp_path))
    service.startService()
    ocpp, _ = ports(service)
    gone: list[str] = []
    peer = Peer(MessageFactory16(), {}, clock=reactor, on_disconnected=gone.append)
    where = ClientSettings(url=f"ws://127.0.0.1:{ocpp}/ocpp", identity="CP1")
    client = WebSocketClient(reactor, peer, where)
    client.startService()
    while not peer.is_connected:
        await pause()
    written = service.store.write(lambda records: records.tags.add("TAG"))
    await service.stopService()
    await client.stopService()
    await written
    assert "1001" in gone[0]
    with sqlite3.connect(tmp_path / "central.sqlite3") as database:
        assert database.execute("SELECT id_tag FROM tag").fetchall() == [("TAG",)]
        assert database.execute("SELECT last_seen > 0 FROM station").fetchall() == [(1,)]
    database.close()


async def test_nobody_keeps_a_connection_to_what_has_ended(tmp_path: Path) -> None:
    """Neither who hears events nor who might ask again."""
    service = central_system(reactor, settings(tmp_path))
    service.startService()
    _, http = ports(service)
    url = f"http://127.0.0.1:{http}"
    hearing = await treq.get(f"{url}/api/events", persistent=False)
    heard: list[bytes] = []
    cut = hearing.collect(heard.append)
    lines = [
        await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", http), Line())
        for _ in range(2)
    ]
    await lines[0].ask("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await service.stopService()
    for line in lines:
        await line.gone
    with pytest.raises(ResponseFailed):
        await cut
    assert heard


class Line(Protocol):
    """A connection that stays until it is cut."""

    def __init__(self) -> None:
        self.gone: Deferred[None] = Deferred()
        self._heard: Deferred[bytes] = Deferred()

    def ask(self, request: str) -> Deferred[bytes]:
        """Give the beginning of the answer."""
        assert self.transport is not None
        self.transport.write(request.encode())
        return self._heard

    def dataReceived(self, data: bytes) -> None:
        if not self._heard.called:
            self._heard.callback(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.gone.callback(None)


async def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    """And everything that was opened before is closed."""
    taken = await serverFromString(reactor, HTTP).listen(Factory.forProtocol(object))
    port = taken.getHost().port
    for listen in (
        Listen(ocpp=OCPP, http=f"tcp:{port}:interface=127.0.0.1"),
        Listen(ocpp=(*OCPP, f"tcp:{port}:interface=127.0.0.1"), http=""),
    ):
        service = central_system(reactor, settings(tmp_path, listen=listen))
        with pytest.raises(ConfigurationError, match=str(port)):
            service.startService()
        await pause()
    await taken.stopListening()


async def test_a_database_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """Before any port is open."""
    broken = Settings(
        listen=Listen(ocpp=OCPP, http=""), database=Database(url=str(tmp_path / "no" / "db"))
    )
    with pytest.raises(StoreError, match="unable to open"):
        central_system(reactor, broken).startService()


async def test_nobody_listens_to_others_without_accounts(tmp_path: Path) -> None:
    """The message says what to do; with an account it goes."""
    open_to_all = settings(tmp_path, listen=Listen(ocpp=OCPP, http="tcp:0"))
    with pytest.raises(ConfigurationError, match="add-account"):
        central_system(reactor, open_to_all).startService()
    store = CentralStore(tmp_path / "central.sqlite3")
    await store.open()
    hashed = await Passwords().hash("correct horse")
    await store.write(lambda records: records.accounts.add("root", "admin", hashed, NOW))
    await store.close()
    service = central_system(reactor, open_to_all)
    service.startService()
    _, http = ports(service)
    answer = await treq.get(f"http://127.0.0.1:{http}/api/stations", persistent=False)
    assert answer.code == 401
    await answer.content()
    await service.stopService()


async def test_stations_and_tags_of_the_settings_are_entered(tmp_path: Path) -> None:
    """Once."""
    chosen = settings(
        tmp_path,
        known_stations=(KnownStation(identity="CP1", name="Garage"),),
        known_tags=(KnownTag(id_tag="TAG", parent_id_tag="G"),),
    )
    for _ in range(2):
        service = central_system(reactor, chosen)
        service.startService()
        stations = await service.store.read(lambda records: records.stations.page())
        assert [(one.identity, one.name) for one in stations] == [("CP1", "Garage")]
        (tag,) = await service.store.read(lambda records: records.tags.page())
        assert tag.parent_id_tag == "G"
        await service.stopService()


async def test_a_large_body_is_cut_off(service: CentralSystemService) -> None:
    """With 413, before it is read."""
    _, http = ports(service)
    answer = await treq.post(
        f"http://127.0.0.1:{http}/api/tags",
        data=b"x" * (2 << 20),
        headers={"content-type": "application/json"},
        persistent=False,
    )
    assert answer.code == 413


@pytest.mark.parametrize(
    ("name", "listen"),
    [
        ("listen.ocpp", Listen(ocpp=("tcp:many",), http="")),
        ("listen.http", Listen(ocpp=OCPP, http="nonsense")),
        ("listen.http.*99999", Listen(ocpp=OCPP, http="tcp:99999")),
        ("listen.ocpp.*between 0 and 65535", Listen(ocpp=("tcp:port=65536",), http="")),
        ("listen.ocpp.*-1", Listen(ocpp=(*OCPP, "haproxy:tcp6:-1:interface=\\:\\:1"), http="")),
    ],
)
def test_a_wrong_endpoint_is_named(tmp_path: Path, name: str, listen: Listen) -> None:
    """With the option that has it."""
    with pytest.raises(ConfigurationError, match=name):
        central_system(reactor, settings(tmp_path, listen=listen))


def test_a_wrong_database_is_named(tmp_path: Path) -> None:
    """With what there is."""
    with pytest.raises(ConfigurationError, match=r"database\.url.*sqlite or postgresql"):
        central_system(reactor, Settings(database=Database(url="mysql://x/y")))


@pytest.mark.parametrize(
    ("description", "alone"),
    [
        ("tcp:8080:interface=127.0.0.1", True),
        ("tcp:8080:interface=127.0.0.2", True),
        (r"tcp:8080:interface=\:\:1", True),
        ("tcp:8080:interface=localhost", True),
        ("unix:/run/csms.sock", True),
        ("tcp:8080", False),
        ("tcp:8080:interface=0.0.0.0", False),
        ("tcp:8080:interface=192.168.0.1", False),
        (r"tcp:8080:interface=\:\:", False),
        ("ssl:443:privateKey=k.pem", False),
        ("systemd:domain=INET:name=http", False),
    ],
)
def test_what_is_open_to_others_is_known(description: str, alone: bool) -> None:
    """When in doubt, it is."""
    assert is_loopback(description) is alone


def test_unknown_tags_may_charge_only_where_nobody_else_can_come(tmp_path: Path) -> None:
    """The default depends on what is listened on."""
    here = authorization_rules(settings(tmp_path))
    there = authorization_rules(settings(tmp_path, listen=Listen(ocpp=("tcp:9000",), http="")))
    assert (here.unknown_tags, there.unknown_tags) == ("accept-while-empty", "invalid")


def test_the_database_has_a_place_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where systemd says, else where the desktop says, else in the home folder."""
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/txocpp:/other")
    assert str(default_database()) == "/var/lib/txocpp/central.sqlite3"
    monkeypatch.delenv("STATE_DIRECTORY")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert str(default_database()) == "/state/txocpp/central.sqlite3"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/anna")
    assert str(default_database()) == "/home/anna/.local/state/txocpp/central.sqlite3"


def test_two_certificates_of_one_kind_are_told(tmp_path: Path) -> None:
    """And a half of a second pair."""
    issued = Authority(tmp_path).issue("csms.test")
    pair = {"certificate": str(issued[0]), "private_key": str(issued[1])}
    second = {f"second_{name}": path for name, path in pair.items()}
    for more, fault in (
        (second, "same kind"),
        ({"second_certificate": pair["certificate"]}, "go together"),
    ):
        wrong = settings(tmp_path, tls=(Tls(listen="tcp:0", **pair, **more),))
        with pytest.raises(ConfigurationError, match=fault):
            central_system(reactor, wrong)
