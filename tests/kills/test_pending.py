"""What operators have asked for, across the death of the central system."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import daemons
import processes
import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from txocpp.messages.v16 import BootNotificationRequest, MessageFactory16
from txocpp.transport.peer import Peer
from txocpp.transport.websocket_client import WebSocketClient
from txocpp.transport.websocket_settings import ClientSettings


class Deaf:
    """A station that boots, and then listens without ever answering until it is told to."""

    def __init__(self, url: str, identity: str) -> None:
        self.heard: list[str] = []
        self.answers = False
        self.peer = Peer(MessageFactory16(), {}, clock=reactor, fallback=self._answer)
        self.peer.on_connected = self._boot
        settings = ClientSettings(
            url=url, identity=identity, ping_interval_s=0, first_wait_s=0.1, longest_wait_s=0.2
        )
        self.client = WebSocketClient(reactor, self.peer, settings)

    def _boot(self) -> None:
        request = BootNotificationRequest(charge_point_vendor="Acme", charge_point_model="Wall")
        self.peer.call(request).addErrback(lambda _: None)

    def _answer(self, action: str, payload: dict[str, Any]) -> Any:
        self.heard.append(action)
        return {"status": "Accepted"} if self.answers else Deferred()


@pytest_twisted.async_yield_fixture
async def office(tmp_path: Path) -> AsyncIterator[daemons.CentralSystem]:
    """A central system that may die."""
    central = daemons.CentralSystem(tmp_path)
    await central.start()
    yield central
    await central.stop()


async def _operation(office: daemons.CentralSystem, number: int) -> dict[str, Any]:
    found: dict[str, Any] = await office.get(f"/api/operations/{number}")
    return found


@pytest.mark.slow
async def test_what_was_asked_survives_or_is_reported_lost(office: daemons.CentralSystem) -> None:
    """Sent but not answered: lost. Waiting for its station: it waits on, and is carried out."""
    station = Deaf(office.url, "CP1")
    station.client.startService()
    await processes.eventually(lambda: station.peer.is_connected, "a connection")
    status, waiting = await office.ask("POST", "/api/stations", {"identity": "CP2"})
    assert status in (200, 201), waiting
    status, waiting = await office.ask(
        "POST",
        "/api/stations/CP2/operations",
        {"action": "ClearCache", "valid_for_s": 600},
    )
    assert status == 202, waiting
    asking = Deferred.fromCoroutine(
        office.ask("POST", "/api/stations/CP1/operations", {"action": "ClearCache"})
    )
    asking.addErrback(lambda _: None)
    await processes.eventually(lambda: station.heard == ["ClearCache"], "the call")
    (sent,) = (await office.get("/api/operations?state=sent"))["items"]

    await office.stop("KILL")
    await asking
    await office.start()

    lost = await _operation(office, sent["id"])
    assert (lost["state"], lost["outcome"]) == ("done", "lost")
    still = await _operation(office, waiting["id"])
    assert (still["state"], still["outcome"]) == ("waiting", None)

    late = Deaf(office.url, "CP2")
    late.answers = True
    late.client.startService()

    async def done() -> bool:
        return bool((await _operation(office, waiting["id"]))["outcome"] == "answered")

    await processes.eventually(done, "what waited is carried out")
    assert late.heard == ["ClearCache"]
    assert station.heard == ["ClearCache"]
    for one in (station, late):
        await one.client.stopService()
