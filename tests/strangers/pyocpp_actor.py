"""A foreign peer made of the PyPI package `ocpp`, driven by JSON lines.

    python pyocpp_actor.py central-system
    python pyocpp_actor.py charge-points

The language of the lines is described in `strangers.py`. Nothing of txocpp is imported here, so
that what passes has been judged by somebody else's reading of OCPP.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import sys
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import quote, unquote

import websockets
from ocpp.charge_point import camel_to_snake_case
from ocpp.exceptions import OCPPError
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import Action
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

SUBPROTOCOL = "ocpp1.6"
transaction_ids = count(1)


def report(event: str, **facts: Any) -> None:
    """One line to whoever drives us."""
    sys.stdout.write(json.dumps({"event": event, **facts}, default=str) + "\n")
    sys.stdout.flush()


class FaultReporter(logging.Handler):
    """Whatever the foreign library complains about becomes an event of its own."""

    def __init__(self, peer: str) -> None:
        super().__init__(logging.ERROR)
        self.peer = peer

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[1] if record.exc_info else None
        if not isinstance(cause, ScriptedError):
            report("fault", peer=self.peer, what=f"{record.getMessage()[:500]}: {cause!r}"[:900])


class Script:
    """What to answer, and whom to turn away."""

    def __init__(self) -> None:
        self.answers: dict[str | None, dict[str, Any]] = {}
        self.refusals: dict[str | None, int] = {}

    def answer(self, peer: str, action: str) -> dict[str, Any] | None:
        """The next answer: a peer's own before everybody's, a list one after the other."""
        for whose in (peer, None):
            scripted = self.answers.get(whose, {}).get(action)
            if isinstance(scripted, list):
                return scripted.pop(0) if len(scripted) > 1 else scripted[0]
            if scripted is not None:
                return scripted
        return None


script = Script()


def filled(value: Any) -> Any:
    """Fill the placeholders of a scripted answer."""
    if value == "$now":
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if value == "$transaction":
        return next(transaction_ids)
    if isinstance(value, dict):
        return {key: filled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item) for item in value]
    return value


class ScriptedError(OCPPError):
    """A CALLERROR that the script asked for."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(description=description)
        self.code = code


def responder(action: str) -> Any:
    """Answers one action as the script says."""

    async def respond(self: Peer, call_unique_id: str, **_: Any) -> Any:
        answer = script.answer(self.id, action)
        if answer is None or "$error" in answer:
            raise ScriptedError(*(answer or {"$error": ["NotImplemented"]})["$error"])
        if "$silence" in answer:
            self.unanswered.add(call_unique_id)
            answer = answer["$silence"]
        return getattr(call_result, action)(**camel_to_snake_case(filled(answer)))

    respond.__name__ = f"respond_{action}"
    return on(action)(respond)


class Peer(ChargePoint):
    """The library's object for one connection, with every action answered by the script."""

    def __init__(self, identity: str, connection: Any) -> None:
        logger = logging.Logger(f"ocpp {identity}")
        logger.addHandler(FaultReporter(identity))
        super().__init__(identity, connection, response_timeout=20, logger=logger)
        self.actions: dict[str, str] = {}
        self.unanswered: set[str] = set()
        self.received: dict[str, Any] = {}

    async def route_message(self, raw_msg: Any) -> None:
        frame = None
        try:
            frame = json.loads(raw_msg)
            kind, message_id = frame[0], frame[1]
        except (ValueError, TypeError, LookupError):
            report("fault", peer=self.id, what=f"unreadable frame {raw_msg!r}"[:500])
        else:
            if kind == 2:
                self.actions[message_id] = frame[2]
                report("call", peer=self.id, id=message_id, action=frame[2], payload=frame[3])
            else:
                self.received[message_id] = frame
        await super().route_message(raw_msg)

    async def _send(self, message: str) -> None:
        kind, message_id, *rest = json.loads(message)
        if kind == 2 or message_id not in self.unanswered:
            await super()._send(message)
        if kind == 3:
            action = self.actions.pop(message_id)
            report("answered", peer=self.id, action=action, payload=rest[0])

    async def perform(self, action: str, payload: dict[str, Any], ref: Any) -> None:
        """Call the other end and report what came of it, as it was on the wire."""
        message_id = f"{self.id}-{ref}"[-36:]
        try:
            request = getattr(call, action)(**camel_to_snake_case(payload))
            await self.call(request, suppress=False, unique_id=message_id)
        except Exception as problem:
            frame = self.received.get(message_id)
            if frame is not None and frame[0] == 4:
                report("error", peer=self.id, ref=ref, code=frame[2], description=frame[3])
                return
            if frame is not None:
                report("fault", peer=self.id, what=f"bad answer {frame}: {problem!r}"[:500])
            report("error", peer=self.id, ref=ref, code=type(problem).__name__, description="")
            return
        report("answer", peer=self.id, ref=ref, payload=self.received[message_id][2])


for action_name in Action:
    setattr(Peer, f"respond_{action_name.value}", responder(action_name.value))
peers: dict[str, Peer] = {}


async def talk(identity: str, connection: Any) -> None:
    """Serve one connection until it ends."""
    peer = peers[identity] = Peer(identity, connection)
    try:
        await peer.start()
    except websockets.ConnectionClosed:
        pass
    finally:
        code, reason = connection.close_code, connection.close_reason
        report("disconnected", peer=identity, code=code, reason=reason)
        if peers.get(identity) is peer:
            del peers[identity]


async def welcome(connection: Any) -> None:
    """A charge point came to our central system."""
    identity = unquote(connection.request.path.rsplit("/", 1)[-1])
    authorization = connection.request.headers.get("Authorization")
    report(
        "connected",
        peer=identity,
        path=connection.request.path,
        subprotocol=connection.subprotocol,
        authorization=authorization,
    )
    if connection.subprotocol is not None:
        await talk(identity, connection)


def admit(connection: Any, request: Any) -> Any:
    """Turn a charge point away with the scripted HTTP status."""
    identity = unquote(request.path.rsplit("/", 1)[-1])
    status = script.refusals.get(identity) or script.refusals.get(None)
    if status is None:
        return None
    report("turned away", peer=identity, status=status)
    return connection.respond(status, "refused by script\n")


async def visit(identity: str, url: str, password: str | None) -> None:
    """Connect a charge point of ours to somebody's central system."""
    headers = {}
    if password is not None:
        text = f"{identity}:".encode() + bytes.fromhex(password)
        headers["Authorization"] = "Basic " + base64.b64encode(text).decode()
    try:
        connection = await connect(
            f"{url}/{quote(identity, safe='')}",
            subprotocols=[websockets.Subprotocol(SUBPROTOCOL)],
            additional_headers=headers,
            proxy=None,
        )
    except websockets.InvalidStatus as refused:
        report("turned away", peer=identity, status=refused.response.status_code)
        return
    except (OSError, websockets.InvalidHandshake) as problem:
        report("turned away", peer=identity, status=None, what=repr(problem))
        return
    report("connected", peer=identity, subprotocol=connection.subprotocol)
    await talk(identity, connection)


class Commands:
    """The lines that drive us, one method per first word."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()

    def start(self, coroutine: Any) -> None:
        """Do it beside everything else."""
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.finished)

    def finished(self, task: asyncio.Task[None]) -> None:
        """Tell if something ended in a way that nobody thought of."""
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            report("fault", what=f"actor: {task.exception()!r}")

    def obey(self, line: dict[str, Any]) -> None:
        """Carry out one command."""
        to = line.get("to")
        if "answer" in line:
            script.answers.setdefault(to, {}).update(line["answer"])
            report("scripted", ref=line["ref"])
        elif "refuse" in line:
            script.refusals[to] = line["refuse"]
            report("scripted", ref=line["ref"])
        elif "connect" in line:
            self.start(visit(line["connect"], line["url"], line.get("password")))
        elif to not in peers:
            report("error", peer=to, ref=line.get("ref"), code="NotConnected", description="")
        elif "call" in line:
            self.start(peers[to].perform(line["call"], line.get("payload", {}), line["ref"]))
        elif "send" in line:
            self.start(peers[to]._connection.send(line["send"]))
        elif "close" in line:
            self.start(peers[to]._connection.close(line["close"]))
        elif "abort" in line:
            peers[to]._connection.transport.abort()
        else:
            report("fault", what=f"unknown command {line}")


async def main(role: str) -> None:
    """Play a role until standard input ends."""
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=1 << 22)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    commands = Commands()
    if role == "central-system":
        port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
        server = await serve(
            welcome,
            "127.0.0.1",
            port,
            subprotocols=[websockets.Subprotocol(SUBPROTOCOL)],
            process_request=admit,
        )
        report("listening", port=next(iter(server.sockets)).getsockname()[1])
    else:
        report("ready")
    while line := await lines.readline():
        commands.obey(json.loads(line))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
