"""``txocpp csms``: a person at a terminal operates a central system that runs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from click.testing import CliRunner, Result
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from txocpp.cli.csms import csms
from txocpp.csms.service import CentralSystemService
from txocpp.csms.settings import Listen, Settings
from txocpp.interfaces import Credentials
from txocpp.messages.v16 import MessageFactory16
from txocpp.storage.central import CentralStore
from txocpp.transport.memory import MemoryLink
from txocpp.transport.peer import Peer


class Terminal:
    """A central system with its HTTP port, one charge point, and somebody who types."""

    def __init__(self, store: CentralStore) -> None:
        listen = Listen(ocpp=(), http="tcp:0:interface=127.0.0.1")
        self.service = CentralSystemService(reactor, Settings(listen=listen), store)
        self.service.startService()
        assert self.service.http is not None
        assert self.service.http.port is not None
        self.url = f"http://127.0.0.1:{self.service.http.port.getHost().port}"
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.answer: dict[str, Any] = {"status": "Accepted"}
        self.peer = Peer(MessageFactory16(), {}, clock=reactor, fallback=self._hear)

    def _hear(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.heard.append((action, payload))
        return self.answer

    async def plug_in(self) -> None:
        """The charge point connects and begins to charge."""
        credentials = Credentials(identity="CP1")
        await self.service.central.admit(credentials)
        receiver = self.service.central.receiver(credentials, "ocpp1.6")
        self.link = MemoryLink(reactor, self.peer, receiver)
        self.link.connect()
        await self.peer.call_raw(
            "BootNotification", {"chargePointVendor": "Acme", "chargePointModel": "Wall"}
        )
        await self.peer.call_raw(
            "StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"}
        )
        await self.peer.call_raw(
            "StartTransaction",
            {
                "connectorId": 1,
                "idTag": "TAG",
                "meterStart": 0,
                "timestamp": "2026-06-01T12:00:00Z",
            },
        )

    async def type(self, *words: str, status: int = 0) -> str:
        """A command; what it prints."""
        result: Result = await deferToThread(
            CliRunner().invoke, csms, ["--url", self.url, *words], catch_exceptions=False
        )
        assert result.exit_code == status, result.output
        return result.output


@pytest_twisted.async_yield_fixture
async def terminal(tmp_path: Path) -> AsyncIterator[Terminal]:
    """A terminal at a central system with one charging station."""
    made = Terminal(CentralStore(tmp_path / "central.sqlite3", reactor=reactor))
    await made.plug_in()
    yield made
    made.link.cut()
    await made.service.stopService()


async def test_stations_are_listed_and_shown(terminal: Terminal) -> None:
    """At a glance, and with all that is known."""
    listed = await terminal.type("list")
    assert "CP1" in listed
    assert "1: Charging" in listed
    assert "Acme" in await terminal.type("show", "CP1")
    (station,) = json.loads(await terminal.type("--json", "list", "--connected"))
    assert station["identity"] == "CP1"


@pytest.mark.parametrize(
    ("words", "action", "payload"),
    [
        ("start CP1 T --connector 2", "RemoteStartTransaction", {"idTag": "T", "connectorId": 2}),
        ("stop CP1", "RemoteStopTransaction", {"transactionId": 1}),
        ("unlock CP1", "UnlockConnector", {"connectorId": 1}),
        ("reset CP1 --hard", "Reset", {"type": "Hard"}),
        ("service CP1 off", "ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}),
        ("config CP1 A 1", "ChangeConfiguration", {"key": "A", "value": "1"}),
        ("clear-limit CP1 --connector 1", "ClearChargingProfile", {"connectorId": 1}),
        ('call CP1 DataTransfer {"vendorId":"V"}', "DataTransfer", {"vendorId": "V"}),
    ],
)
async def test_everyday_commands_become_operations(
    terminal: Terminal, words: str, action: str, payload: dict[str, Any]
) -> None:
    """And say what became of them."""
    if action == "UnlockConnector":
        terminal.answer = {"status": "Unlocked"}
    output = await terminal.type(*words.split())
    assert terminal.heard == [(action, payload)]
    assert f"{action} to CP1: {terminal.answer['status']}" in output


async def test_a_limit_is_given_in_amperes(terminal: Terminal) -> None:
    """Or in watts; for the running transaction, the connector or the station."""
    await terminal.type("limit", "CP1", "10", "--connector", "1")
    await terminal.type("limit", "CP1", "3680", "--watts", "--phases", "1")
    sent = [payload["csChargingProfiles"] for _, payload in terminal.heard]
    assert [one["chargingProfilePurpose"] for one in sent] == ["TxProfile", "ChargePointMaxProfile"]


async def test_what_a_station_does_not_do_ends_with_status_1(terminal: Terminal) -> None:
    """So that scripts notice."""
    terminal.answer = {"status": "Rejected"}
    assert "Rejected" in await terminal.type("reset", "CP1", status=1)


async def test_problems_are_told_in_words(terminal: Terminal) -> None:
    """Without a traceback."""
    assert "no station 'CP9'" in await terminal.type("show", "CP9", status=1)
    assert "not JSON" in await terminal.type("call", "CP1", "Reset", "{", status=2)
    nobody = await terminal.type("--url", "http://127.0.0.1:9", "list", status=1)
    assert "no central system answers" in nobody


async def test_the_configuration_is_read(terminal: Terminal) -> None:
    """All keys or one."""
    terminal.answer = {
        "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]
    }
    assert "300" in await terminal.type("config", "CP1")
    assert "300" in await terminal.type("config", "CP1", "heartbeatinterval")
    assert [payload for _, payload in terminal.heard] == [{}, {"key": ["heartbeatinterval"]}]
    terminal.answer = {"unknownKey": ["Nope"]}
    assert "CP1 does not know the key 'Nope'" in await terminal.type(
        "config", "CP1", "Nope", status=1
    )


async def test_tags_are_kept(terminal: Terminal) -> None:
    """Entered, blocked, listed and forgotten."""
    await terminal.type("tags", "add", "AB1", "--note", "Alice")
    assert "Blocked" in await terminal.type("tags", "block", "ab1")
    assert "Alice" in await terminal.type("tags", "list", "--search", "ali")
    await terminal.type("tags", "remove", "AB1")
    assert "AB1" not in await terminal.type("tags", "list")


async def test_lists_are_shown_and_exported(terminal: Terminal, tmp_path: Path) -> None:
    """Transactions as CSV, messages as JSON Lines."""
    await terminal.type("reset", "CP1")
    assert "TAG" in await terminal.type("transactions", "--running")
    assert "Reset" in await terminal.type("operations", "--station", "CP1")
    target = tmp_path / "out.csv"
    await terminal.type("export", "transactions", "-o", str(target))
    assert target.read_text().count("\n") == 2
    lines = (await terminal.type("export", "messages", "--station", "CP1")).splitlines()
    assert json.loads(json.loads(lines[0])["frame"])[2] == "BootNotification"
    assert "--station" in await terminal.type("export", "messages", status=2)


async def test_accounts_and_tokens_are_made_on_the_database(tmp_path: Path) -> None:
    """Before a central system listens to others; the token opens its API."""
    path = tmp_path / "central.sqlite3"

    def type_(*words: str) -> str:
        result = CliRunner().invoke(csms, [*words, "-d", str(path)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    assert "admin" in type_("add-account", "root", "--password", "correct horse")
    token = type_("add-token", "script", "--role", "viewer", "--days", "1").strip()
    terminal = Terminal(CentralStore(path, reactor=reactor))
    assert "log in" in await terminal.type("list", status=1)
    await terminal.type("--token", token, "list")
    assert "role operator" in await terminal.type("--token", token, "tags", "add", "A", status=1)
    await terminal.service.stopService()


async def test_a_short_password_is_refused(tmp_path: Path) -> None:
    """With what is demanded."""
    words = ["add-account", "root", "--password", "short", "-d", str(tmp_path / "x")]
    result = CliRunner().invoke(csms, words)
    assert result.exit_code == 1
    assert "8 characters" in result.output


async def test_a_backup_is_made_while_it_runs_and_restored_when_not(
    terminal: Terminal, tmp_path: Path
) -> None:
    """A running central system would go on writing to the old file."""
    path, copy = tmp_path / "central.sqlite3", tmp_path / "copy.sqlite3"
    place = ["-d", str(path)]
    await terminal.type("backup", str(copy), *place)
    await terminal.type("tags", "add", "LATER")
    assert "in use" in await terminal.type("restore", str(copy), *place, status=1)
    terminal.link.cut()
    await terminal.service.stopService()
    result = CliRunner().invoke(csms, ["restore", str(copy), *place], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    with sqlite3.connect(path) as restored:
        assert restored.execute("SELECT count(*) FROM tag").fetchone() == (0,)
        assert restored.execute("SELECT count(*) FROM charging_transaction").fetchone() == (1,)
    restored.close()
    (kept,) = tmp_path.glob("central.sqlite3.before-restore-*")
    assert str(kept) in result.output


def test_something_else_is_not_restored(tmp_path: Path) -> None:
    """Neither text nor the database of another program."""
    text = tmp_path / "text"
    text.write_text("hello")
    other = tmp_path / "other.sqlite3"
    with sqlite3.connect(other) as made:
        made.execute("CREATE TABLE tag (x)")
    made.close()
    for source in (text, other):
        result = CliRunner().invoke(csms, ["restore", str(source), "-d", str(tmp_path / "db")])
        assert result.exit_code == 1
        assert "no backup" in result.output


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://127.0.0.1:1", "http://127.0.0.1:1"])
def test_an_address_that_is_none_is_told_in_a_line(url: str) -> None:
    """Misspelt, or nobody there."""
    result = CliRunner().invoke(csms, ["--url", url, "list"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: no central system answers at ")
