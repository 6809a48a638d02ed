"""A charge point charges while the database of the central system goes away and comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from postgresql_server import PostgresServer
from processes import eventually
from twisted.internet import reactor

from txocpp.csms.service import central_system
from txocpp.csms.settings import Database, Listen, Settings
from txocpp.errors import RemoteError
from txocpp.messages.v16 import MessageFactory16
from txocpp.transport.peer import Peer
from txocpp.transport.websocket_client import WebSocketClient
from txocpp.transport.websocket_settings import ClientSettings

START = {
    "connectorId": 1,
    "idTag": "TAG",
    "meterStart": 1000,
    "timestamp": "2026-06-01T12:00:00Z",
}
METERED = {
    "connectorId": 1,
    "meterValue": [
        {"timestamp": "2026-06-01T12:01:00Z", "sampledValue": [{"value": "1100"}]},
    ],
}


@pytest.mark.slow
@pytest.mark.rule("TX-05")
async def test_nothing_is_acknowledged_that_is_not_kept(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """A start, its values and its stop are refused with InternalError while PostgreSQL is away;
    the station repeats them, and there is one transaction with its energy."""
    url = postgres.new_database()
    settings = Settings(
        listen=Listen(ocpp=("tcp:0:interface=127.0.0.1",), http=""), database=Database(url=url)
    )
    service = central_system(reactor, settings)
    service.startService()
    port = service.servers[0].port.getHost().port
    peer = Peer(MessageFactory16(), {}, clock=reactor)
    where = ClientSettings(url=f"ws://127.0.0.1:{port}/ocpp", identity="CP1")
    client = WebSocketClient(reactor, peer, where)
    client.startService()
    try:
        await eventually(lambda: peer.is_connected, "connection")
        boot = {"chargePointVendor": "Acme", "chargePointModel": "Wall"}
        assert (await peer.call_raw("BootNotification", boot))["status"] == "Accepted"
        postgres.stop()
        for action, payload in (("StartTransaction", START), ("MeterValues", METERED)):
            with pytest.raises(RemoteError) as refused:
                await peer.call_raw(action, payload)
            assert refused.value.wire_code == "InternalError"
        assert "currentTime" in await peer.call_raw("Heartbeat", {})
        postgres.start()
        number = (await peer.call_raw("StartTransaction", START))["transactionId"]
        await peer.call_raw("MeterValues", {**METERED, "transactionId": number})
        stop = {
            "transactionId": number,
            "meterStop": 1200,
            "timestamp": "2026-06-01T12:02:00Z",
        }
        postgres.stop()
        with pytest.raises(RemoteError):
            await peer.call_raw("StopTransaction", stop)
        postgres.start()
        await peer.call_raw("StopTransaction", stop)
        (only,) = await service.store.read(lambda records: records.transactions.page())
        assert (only.id, only.state, only.energy_wh) == (number, "stopped", 200)
        rows = postgres.execute("SELECT transaction_id, energy_wh FROM meter_sample", url)
        assert rows == [(number, 1100.0)]
    finally:
        if postgres.process is None:
            postgres.start()
        await client.stopService()
        await service.stopService()
