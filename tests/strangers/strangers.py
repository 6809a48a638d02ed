"""Foreign OCPP peers as actors in a story, and our own daemons as real processes beside them.

Two actors exist, one per foreign library, each able to play a central system or any number of
charge points in one process: `pyocpp_actor.py` (PyPI `ocpp`) and `../node/ocpp_rpc_actor.mjs`
(npm `ocpp-rpc`, strict mode). Both speak the same language of JSON lines.

Commands to an actor (``to`` names the charge point identity; null means all of them)::

    {"to": "CP1", "answer": {"BootNotification": ANSWER}}   ANSWER: a payload; a list of payloads,
        used one after the other, the last one for ever; {"$error": [code, text]}; {"$silence": {}}
        with the payload that shall not be sent. "$now", "$transaction" are filled in.
    {"to": "CP1", "call": "Reset", "payload": {...}, "ref": 1}
    {"to": "CP1", "send": "any text frame"}
    {"to": "CP1", "close": 1000}      {"to": "CP1", "abort": true}     with and without goodbye
    {"to": "CP1", "refuse": 401}      turn it away before the upgrade; null ends that
    {"connect": "CP1", "url": "ws://...", "password": "hex or left out"}    as a charge point

Events from an actor: ``listening``, ``ready``, ``scripted`` (answers and refusals, by ref),
``connected``, ``disconnected``, ``turned away``, ``call`` (peer, id, action, payload),
``answered`` (what it answered to that), ``answer`` and ``error`` (to a call of its own, by ref),
and ``fault``: the foreign library found something wrong with what it got. A fault that no test has
taken fails the test.
"""

from __future__ import annotations

import shutil
import sys
from itertools import count
from pathlib import Path
from typing import Any

import processes
import pytest

HERE = Path(__file__).resolve().parent
NODE = HERE.parent / "node"

CENTRAL_SYSTEM_ANSWERS: dict[str, Any] = {
    "Authorize": {"idTagInfo": {"status": "Accepted"}},
    "BootNotification": {"status": "Accepted", "currentTime": "$now", "interval": 300},
    "DataTransfer": {"status": "UnknownVendorId"},
    "DiagnosticsStatusNotification": {},
    "FirmwareStatusNotification": {},
    "Heartbeat": {"currentTime": "$now"},
    "LogStatusNotification": {},
    "MeterValues": {},
    "SecurityEventNotification": {},
    "SignCertificate": {"status": "Rejected"},
    "SignedFirmwareStatusNotification": {},
    "StartTransaction": {"transactionId": "$transaction", "idTagInfo": {"status": "Accepted"}},
    "StatusNotification": {},
    "StopTransaction": {},
}

CHARGE_POINT_ANSWERS: dict[str, Any] = {
    "CancelReservation": {"status": "Accepted"},
    "CertificateSigned": {"status": "Rejected"},
    "ChangeAvailability": {"status": "Accepted"},
    "ChangeConfiguration": {"status": "Accepted"},
    "ClearCache": {"status": "Accepted"},
    "ClearChargingProfile": {"status": "Accepted"},
    "DataTransfer": {"status": "UnknownVendorId"},
    "DeleteCertificate": {"status": "NotFound"},
    "ExtendedTriggerMessage": {"status": "Accepted"},
    "GetCompositeSchedule": {"status": "Rejected"},
    "GetConfiguration": {
        "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]
    },
    "GetDiagnostics": {"fileName": "diagnostics.txt"},
    "GetInstalledCertificateIds": {"status": "NotFound"},
    "GetLocalListVersion": {"listVersion": 3},
    "GetLog": {"status": "Accepted", "filename": "log.txt"},
    "InstallCertificate": {"status": "Rejected"},
    "RemoteStartTransaction": {"status": "Accepted"},
    "RemoteStopTransaction": {"status": "Accepted"},
    "ReserveNow": {"status": "Accepted"},
    "Reset": {"status": "Accepted"},
    "SendLocalList": {"status": "Accepted"},
    "SetChargingProfile": {"status": "Accepted"},
    "SignedUpdateFirmware": {"status": "Accepted"},
    "TriggerMessage": {"status": "Accepted"},
    "UnlockConnector": {"status": "Unlocked"},
    "UpdateFirmware": {},
}


class ForeignError(Exception):
    """A call of a foreign peer was answered by a CALLERROR, or not at all."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code


class Actor(processes.RealProcess):
    """One foreign library at work."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.refs = count(1)
        self.library = name.rpartition(" ")[2]
        self.port = 0
        """Where it listens, as a central system."""
        self._faults_taken = 0

    @property
    def url(self) -> str:
        """Where charge points connect, without the identity."""
        return f"ws://127.0.0.1:{self.port}/ocpp"

    async def answer(self, to: str | None = None, **answers: Any) -> None:
        """From now on answer these actions so; see the language above."""
        await self.script(to=to, answer=answers)

    async def script(self, **command: Any) -> None:
        """Change the script, and wait until that has been understood."""
        ref = next(self.refs)
        self.send(**command, ref=ref)
        await self.event("scripted", ref=ref)

    def peer(self, identity: str) -> ForeignPeer:
        """The actor's end of the conversation with (or as) one charge point."""
        return ForeignPeer(self, identity)

    def assert_no_fault(self) -> None:
        """The foreign library had nothing to complain about that a test has not taken."""
        faults = self.take_faults()
        assert not faults, f"the {self.name} found fault with us:\n" + "\n".join(faults)

    def take_faults(self) -> list[str]:
        """What the foreign library complained about since the last time."""
        faults = [event["what"] for event in self.seen("fault")][self._faults_taken :]
        self._faults_taken += len(faults)
        return faults


class ForeignPeer:
    """The foreign end of one line."""

    def __init__(self, actor: Actor, identity: str) -> None:
        self.actor = actor
        self.identity = identity

    async def expect(self, action: str, **payload: Any) -> dict[str, Any]:
        """Wait for a CALL with (at least) these fields; gives its payload."""
        event = await self.actor.event("call", peer=self.identity, action=action, payload=payload)
        found: dict[str, Any] = event["payload"]
        return found

    async def expect_event(self, event: str, **facts: Any) -> processes.Event:
        """Wait for another event of this line."""
        return await self.actor.event(event, peer=self.identity, **facts)

    def forget(self) -> None:
        """What has been heard up to now counts as taken."""
        self.actor.take(peer=self.identity)

    def calls(self, *actions: str) -> list[tuple[str, dict[str, Any]]]:
        """Action and payload of all CALLs so far (of these actions), in order."""
        return [
            (event["action"], event["payload"])
            for event in self.actor.seen("call", peer=self.identity)
            if not actions or event["action"] in actions
        ]

    async def settled(self, connectors: int = 2) -> None:
        """Wait until a charge point of ours has booted and told all its statuses."""
        for connector in range(connectors + 1):
            await self.expect("StatusNotification", connectorId=connector)

    def started(self) -> list[int]:
        """Transaction ids that a foreign central system has given to this charge point."""
        return [
            event["payload"]["transactionId"]
            for event in self.actor.seen("answered", peer=self.identity, action="StartTransaction")
        ]

    async def call(self, action: str, **payload: Any) -> dict[str, Any]:
        """Call the other end. Raises `ForeignError`."""
        ref = self.ask(action, **payload)
        event = await self.actor.event(lambda kind: kind in ("answer", "error"), ref=ref)  # type: ignore[arg-type]
        if event["event"] == "error":
            if event["code"] == "TimeoutError":
                raise AssertionError(f"{action} was not answered\n{self.actor.story()}")
            raise ForeignError(event["code"], event["description"])
        found: dict[str, Any] = event["payload"]
        return found

    def ask(self, action: str, **payload: Any) -> int:
        """Call the other end and do not wait; gives the number of the call."""
        ref = next(self.actor.refs)
        self.actor.send(to=self.identity, call=action, payload=payload, ref=ref)
        return ref

    async def answer(self, **answers: Any) -> None:
        """From now on answer these actions so on this line."""
        await self.actor.answer(self.identity, **answers)

    def send(self, frame: str) -> None:
        """Send any text."""
        self.actor.send(to=self.identity, send=frame)

    def close(self, code: int = 1000) -> None:
        """Hang up politely."""
        self.actor.send(to=self.identity, close=code)

    def abort(self) -> None:
        """Cut the line without a word."""
        self.actor.send(to=self.identity, abort=True)

    async def refuse(self, status: int | None) -> None:
        """Turn the charge point away with this HTTP status from now on; None: no longer."""
        await self.actor.script(to=self.identity, refuse=status)

    async def connect(self, url: str, password: bytes | None = None) -> processes.Event:
        """Come to a central system as this charge point."""
        hexadecimal = {} if password is None else {"password": password.hex()}
        self.actor.send(connect=self.identity, url=url, **hexadecimal)
        return await self.actor.event(
            lambda kind: kind in ("connected", "turned away"),  # type: ignore[arg-type]
            peer=self.identity,
        )


def command_of(library: str) -> list[str | Path]:
    """How the actor of a library is started; skips the test where it cannot be."""
    if library == "ocpp":
        return [sys.executable, HERE / "pyocpp_actor.py"]
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed, so the peer ocpp-rpc is left out")
    if not (NODE / "node_modules" / "ocpp-rpc").is_dir():
        pytest.skip("the npm packages of tests/node are not installed (npm ci), ocpp-rpc left out")
    return [node, NODE / "ocpp_rpc_actor.mjs"]


LIBRARIES = ("ocpp", "ocpp-rpc")


async def central_system(library: str, port: int = 0) -> Actor:
    """Start a foreign central system that accepts everything."""
    command = [*command_of(library), "central-system", str(port)]
    actor: Actor = processes.start(f"central system of {library}", command, kind=Actor)
    await actor.answer(None, **CENTRAL_SYSTEM_ANSWERS)
    actor.port = (await actor.event("listening"))["port"]
    return actor


async def charge_points(library: str) -> Actor:
    """Start a foreign process that can be any number of charge points."""
    command = [*command_of(library), "charge-points"]
    actor: Actor = processes.start(f"charge points of {library}", command, kind=Actor)
    await actor.answer(None, **CHARGE_POINT_ANSWERS)
    await actor.event("ready")
    return actor
