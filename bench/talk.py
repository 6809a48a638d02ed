"""What the stations of a benchmark say: a boot, then one charging session after the other.

Made as text, without any OCPP library, so that the load costs little and leans on nobody.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)

SAMPLES = b",".join(
    b'{"value":"%s","context":"Sample.Periodic","measurand":"%s"%s,"unit":"%s"}' % sample
    for sample in (
        (b"%d", b"Energy.Active.Import.Register", b"", b"Wh"),
        (b"11040.0", b"Power.Active.Import", b"", b"W"),
        (b"16.0", b"Current.Import", b',"phase":"L1"', b"A"),
        (b"16.0", b"Current.Import", b',"phase":"L2"', b"A"),
        (b"15.9", b"Current.Import", b',"phase":"L3"', b"A"),
        (b"230.1", b"Voltage", b',"phase":"L1-N"', b"V"),
        (b"230.4", b"Voltage", b',"phase":"L2-N"', b"V"),
        (b"16.0", b"Current.Offered", b"", b"A"),
    )
)
"""Eight sampled values, as a three-phase station with everything switched on sends them."""


class Conversation:
    """What one station says, one CALL after the other: a boot, then sessions without end."""

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self.tag = identity.encode()[-12:]
        self.transaction = b"0"
        self.turn = 0
        self.meter_wh = 0
        self.step = -1
        """Place in `SESSION`; -1: not booted yet."""

    def __next__(self) -> tuple[bytes, bytes]:
        """Message id and text of the next CALL."""
        if self.step < 0:
            call = self.boot()
            self.step = 0
        else:
            call = SESSION[self.step](self)
            self.step = (self.step + 1) % len(SESSION)
        return self._framed(*call)

    def prelude(self, place: int) -> tuple[bytes, bytes] | None:
        """Go to a place of the session; the CALL that has to be made for it before, if any."""
        self.step = place
        inside = SESSION.index(Conversation.start) < place <= SESSION.index(Conversation.stop)
        return self._framed(*self.start()) if inside else None

    def answered(self, frame: bytes) -> None:
        """Keep the transaction id."""
        at = frame.find(b'"transactionId":')
        if at >= 0:
            digits = frame[at + 16 : at + 32].lstrip()
            self.transaction = digits[: len(digits) - len(digits.lstrip(b"0123456789"))]

    def _framed(self, action: bytes, payload: bytes) -> tuple[bytes, bytes]:
        self.turn += 1
        message_id = b"%s-%d" % (self.tag, self.turn)
        return message_id, b'[2,"%s","%s",%s]' % (message_id, action, payload)

    def _time(self) -> bytes:
        moment = EPOCH + timedelta(seconds=40 * self.turn)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ").encode()

    def boot(self) -> tuple[bytes, bytes]:
        """Action and payload, as of everything below."""
        return b"BootNotification", (
            b'{"chargePointVendor":"Bench","chargePointModel":"Load","firmwareVersion":"1"}'
        )

    def preparing(self) -> tuple[bytes, bytes]:
        """The car is plugged in."""
        return self._status(b"Preparing")

    def charging(self) -> tuple[bytes, bytes]:
        """Energy flows."""
        return self._status(b"Charging")

    def available(self) -> tuple[bytes, bytes]:
        """The car has left."""
        return self._status(b"Available")

    def _status(self, status: bytes) -> tuple[bytes, bytes]:
        return b"StatusNotification", (
            b'{"connectorId":1,"errorCode":"NoError","status":"%s","timestamp":"%s"}'
            % (status, self._time())
        )

    def authorize(self) -> tuple[bytes, bytes]:
        """A tag is presented."""
        return b"Authorize", b'{"idTag":"%s"}' % self.tag

    def start(self) -> tuple[bytes, bytes]:
        """A transaction begins."""
        return b"StartTransaction", (
            b'{"connectorId":1,"idTag":"%s","meterStart":%d,"timestamp":"%s"}'
            % (self.tag, self.meter_wh, self._time())
        )

    def meter_values(self) -> tuple[bytes, bytes]:
        """A minute has passed."""
        self.meter_wh += 184
        return b"MeterValues", (
            b'{"connectorId":1,"transactionId":%s,"meterValue":[{"timestamp":"%s",'
            b'"sampledValue":[%s]}]}' % (self.transaction, self._time(), SAMPLES % self.meter_wh)
        )

    def heartbeat(self) -> tuple[bytes, bytes]:
        """Five minutes have passed."""
        return b"Heartbeat", b"{}"

    def stop(self) -> tuple[bytes, bytes]:
        """The transaction ends."""
        return b"StopTransaction", (
            b'{"transactionId":%s,"idTag":"%s","meterStop":%d,"timestamp":"%s"}'
            % (self.transaction, self.tag, self.meter_wh, self._time())
        )


SESSION = (
    Conversation.preparing,
    Conversation.authorize,
    Conversation.start,
    Conversation.charging,
    *(*(Conversation.meter_values,) * 5, Conversation.heartbeat) * 3,
    Conversation.stop,
    Conversation.available,
)
MIX = (
    "15 minutes of charging: 15 MeterValues (8 samples each, 1.1 kB), 3 Heartbeats, "
    "3 StatusNotifications, Authorize, StartTransaction, StopTransaction"
)
