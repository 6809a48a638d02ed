"""An honest central system of few lines, written against the frames themselves.

It acts on every transaction message exactly once: a repetition, known by its message id or by what
it says (TX-05), gets the answer that the first one got, or should have got. It forgets nothing when
it restarts. Its moods are the faults of real ones: refusing, deaf, mute, slow.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs
from zope.interface import implementer

from txocpp.interfaces import IFrameReceiver, ITransport

if TYPE_CHECKING:
    from .town import Town

Payload = dict[str, Any]
ANSWER_WITHIN_S = 40.0
TRANSACTION_MESSAGES = ("StartTransaction", "StopTransaction", "MeterValues")
GROUPS = {"ANNA": "HOME", "BERT": "HOME"}
BAD_TAGS = {"EVIL": "Blocked", "GONE": "Expired"}


@attrs.frozen
class Heard:
    """A transaction message that was acted on, once."""

    at: float
    action: str
    payload: Payload
    answer: Payload


@attrs.define
class Moods:
    """How likely which fault is, for each message."""

    refuses: float = 0.0
    """CALLERROR without having acted."""
    deaf: float = 0.0
    """Neither acts nor answers."""
    mute: float = 0.0
    """Acts, never answers."""
    hangs_up: float = 0.0
    """Acts, and the line breaks before the answer is out."""
    late: float = 0.0
    """Answers after up to 50 s, that is sometimes when nobody waits any more."""
    boot: str = "Accepted"
    """What it says to a BootNotification."""


@attrs.define(eq=False)
class Asking:
    """A call to the station."""

    action: str
    payload: Payload
    done: Callable[[Payload | None], None]
    """Takes the answer; None: a CALLERROR, or no answer at all."""
    message_id: str = ""


class Central:
    """The central system of one station."""

    def __init__(self, town: Town, *, knows_by: str) -> None:
        self.town = town
        self.knows_by = knows_by
        """``id`` or ``content``: how it recognises repetitions."""
        self.up = True
        self.moods = Moods()
        self.step = timedelta()
        """How wrong its clock is."""
        self.heard: list[Heard] = []
        self.statuses: dict[int, str] = {}
        """The last status of each connector."""
        self.running: dict[int, int] = {}
        """Transactions without an end: id to connector."""
        self.accepted = False
        self.repetitions = 0
        self._answers: dict[str, Payload] = {}
        self._transactions = 0
        self._asked = 0
        self._line: CentralEnd | None = None
        self._waiting: deque[Asking] = deque()
        self._out: Asking | None = None

    # The line.

    def end(self) -> CentralEnd:
        """Our end of a new connection."""
        return CentralEnd(self)

    def line_up(self, end: CentralEnd) -> None:
        self._forget_calls()
        self._line = end

    def line_down(self, end: CentralEnd) -> None:
        if self._line is end:
            self._line = None
            self._forget_calls()

    def restart(self, pause_s: float) -> None:
        """It is away for a while; what it has answered is on its disk."""
        self.up = False
        self.town.network.cut("the central system restarts")
        self.town.clock.callLater(pause_s, self._come_back)

    def _come_back(self) -> None:
        self.up = True

    # Asking the station.

    def ask(
        self, action: str, payload: Payload, done: Callable[[Payload | None], None] | None = None
    ) -> None:
        """Call the station as soon as no other call is out."""
        self._waiting.append(Asking(action, payload, done or (lambda answer: None)))
        self._ask_next()

    def _ask_next(self) -> None:
        if self._line is None or self._out is not None or not self._waiting:
            return
        self._out = asking = self._waiting.popleft()
        self._asked += 1
        asking.message_id = f"c{self._asked}"
        self.town.note(f"asks {asking.action} {brief(asking.payload)}")
        self._line.send([2, asking.message_id, asking.action, asking.payload])
        self.town.clock.callLater(ANSWER_WITHIN_S, self._too_late, asking)

    def _too_late(self, asking: Asking) -> None:
        if self._out is asking:
            self._answered(None)

    def _answered(self, answer: Payload | None) -> None:
        asking, self._out = self._out, None
        assert asking is not None
        self.town.note(f"   {asking.action} answered {brief(answer or {}) if answer else 'not'}")
        asking.done(answer)
        self._ask_next()

    def _forget_calls(self) -> None:
        lost = [*([self._out] if self._out else []), *self._waiting]
        self._out = None
        self._waiting.clear()
        for asking in lost:
            asking.done(None)

    # Hearing the station.

    def frame(self, end: CentralEnd, text: str) -> None:
        """A frame has come."""
        frame = json.loads(text)
        if frame[0] == 2:
            self._called(end, *frame[1:])
        elif self._out is not None and self._out.message_id == frame[1]:
            self._answered(frame[2] if frame[0] == 3 else None)

    def _called(self, end: CentralEnd, message_id: str, action: str, payload: Payload) -> None:
        moods, dice = self.moods, self.town.dice
        if dice.random() < moods.refuses:
            self._ignore(action, payload, "REFUSED")
            end.send([4, message_id, "InternalError", "", {}])
            return
        if dice.random() < moods.deaf:
            self._ignore(action, payload, "UNHEARD")
            return
        answer = self._act(message_id, action, payload)
        if dice.random() < moods.mute:
            self.town.note(f"   {action} NOT ANSWERED")
        elif dice.random() < moods.hangs_up:
            self.town.network.cut("hung up before the answer")
        elif dice.random() < moods.late:
            self.town.clock.callLater(dice.uniform(0, 50), end.send, [3, message_id, answer])
        else:
            end.send([3, message_id, answer])

    def _ignore(self, action: str, payload: Payload, how: str) -> None:
        self.town.note(f"{action} {brief(payload)} {how}")
        if action == "StatusNotification":
            # It was told, if nobody listened: the next one goes on from there.
            self.town.referee.status(payload["connectorId"], payload["status"])

    def _act(self, message_id: str, action: str, payload: Payload) -> Payload:
        key = ""
        if action in TRANSACTION_MESSAGES:
            key = message_id if self.knows_by == "id" else contents(action, payload)
            if key in self._answers:
                self.repetitions += 1
                self.town.note(f"{action} {brief(payload)} again")
                return self._answers[key]
        self.town.note(f"{action} {brief(payload)}")
        answer: Payload = getattr(self, f"_hear_{action}", lambda p: {})(payload)
        if key:
            self._answers[key] = answer
            self.heard.append(Heard(self.town.clock.seconds(), action, payload, answer))
            self.town.referee.acted(self.heard[-1])
        return answer

    def now(self) -> str:
        """Its time."""
        moment = datetime.fromtimestamp(self.town.clock.seconds(), UTC) + self.step
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def tag(self, id_tag: str) -> Payload:
        """What it says about a tag."""
        info = {"status": BAD_TAGS.get(id_tag, "Accepted")}
        if id_tag in GROUPS:
            info["parentIdTag"] = GROUPS[id_tag]
        return info

    def _hear_BootNotification(self, payload: Payload) -> Payload:
        status = self.moods.boot
        self.accepted = status == "Accepted"
        self.town.referee.booted(self.accepted)
        interval = 600 if self.accepted else self.town.dice.randint(1, 20)
        return {"status": status, "currentTime": self.now(), "interval": interval}

    def _hear_Heartbeat(self, payload: Payload) -> Payload:
        return {"currentTime": self.now()}

    def _hear_Authorize(self, payload: Payload) -> Payload:
        return {"idTagInfo": self.tag(payload["idTag"])}

    def _hear_StatusNotification(self, payload: Payload) -> Payload:
        self.town.referee.status(payload["connectorId"], payload["status"])
        self.statuses[payload["connectorId"]] = payload["status"]
        return {}

    def _hear_StartTransaction(self, payload: Payload) -> Payload:
        self._transactions += 1
        self.running[self._transactions] = payload["connectorId"]
        return {"transactionId": self._transactions, "idTagInfo": self.tag(payload["idTag"])}

    def _hear_StopTransaction(self, payload: Payload) -> Payload:
        self.running.pop(payload["transactionId"], None)
        return {"idTagInfo": self.tag(payload["idTag"])} if "idTag" in payload else {}

    def _hear_DataTransfer(self, payload: Payload) -> Payload:
        return {"status": "Accepted"}


@implementer(IFrameReceiver)
class CentralEnd:
    """Our end of one connection."""

    def __init__(self, central: Central) -> None:
        self._central = central
        self._transport: ITransport | None = None

    def connected(self, transport: ITransport) -> None:
        self._transport = transport
        self._central.line_up(self)

    def frame_received(self, frame: str) -> None:
        self._central.frame(self, frame)

    def disconnected(self, reason: str) -> None:
        self._transport = None
        self._central.line_down(self)

    def send(self, frame: list[Any]) -> None:
        if self._transport is not None:
            self._transport.send(json.dumps(frame))


def contents(action: str, payload: Payload) -> str:
    """What makes two messages the same, whatever their ids."""
    return action + json.dumps(payload, sort_keys=True)


def brief(payload: Payload) -> str:
    """A payload in few words, for the log."""
    words = []
    for name, value in payload.items():
        if name == "meterValue":
            words.append(",".join(s["value"] for v in value for s in v["sampledValue"]))
        elif name == "transactionData":
            words.append(f"{len(value)} values")
        elif isinstance(value, dict):
            words.append(brief(value))
        elif name not in ("chargePointVendor", "chargePointModel"):
            words.append(str(value))
    return " ".join(words)
