"""What the charge point says to its central system in OCPP 1.6."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import attrs
from twisted.internet.defer import Deferred

from txocpp.chargepoint.boot import BootAnswer, BootFacts, State
from txocpp.chargepoint.journal import Change
from txocpp.chargepoint.metering import Taken
from txocpp.chargepoint.outbox import Entry
from txocpp.chargepoint.statusreports import StatusReport
from txocpp.chargepoint.tags import TagInfo
from txocpp.chargepoint.transactions import (
    METER_VALUES,
    NEVER_CONFIRMED,
    START,
    STOP,
    Stop,
    Transaction,
    Transactions,
)
from txocpp.chargepoint.v16 import values
from txocpp.interfaces import IMessageFactory
from txocpp.messages import v16
from txocpp.transport.peer import Peer


class Words:
    """Provides `transactions.TransactionMessages`: payloads for the outbox.

    The id of the transaction is filled in when the message is sent (TX-31).
    """

    def __init__(self, factory: IMessageFactory) -> None:
        self._factory = factory

    def start(self, transaction: Transaction) -> dict[str, Any]:
        """StartTransaction (TX-02)."""
        return self._payload(
            v16.StartTransactionRequest(
                connector_id=transaction.connector_id,
                id_tag=transaction.id_tag,
                meter_start=transaction.meter_start_wh,
                reservation_id=transaction.reservation_id,
                timestamp=transaction.started_at,
            )
        )

    def stop(self, stop: Stop, data: Sequence[Taken]) -> dict[str, Any]:
        """StopTransaction (TX-10 to TX-13)."""
        return self._payload(
            v16.StopTransactionRequest(
                id_tag=stop.id_tag,
                meter_stop=stop.meter_stop_wh,
                timestamp=stop.at,
                transaction_id=NEVER_CONFIRMED,
                reason=v16.Reason(stop.reason.value),
                transaction_data=tuple(values.meter_value(taken) for taken in data) or None,
            )
        )

    def meter_values(self, connector_id: int, taken: Taken) -> dict[str, Any]:
        """MeterValues (M-08 to M-10)."""
        return self._payload(
            v16.MeterValuesRequest(
                connector_id=connector_id, meter_value=(values.meter_value(taken),)
            )
        )

    def _payload(self, message: Any) -> dict[str, Any]:
        payload: dict[str, Any] = self._factory.payload(message)
        return payload


class CentralSystem:
    """The central system, as the rooms of the charge point see it.

    `timeout_s` gives MessageTimeout as it is now. Every Deferred may fail with a `CallFailed`.
    """

    def __init__(self, peer: Peer, *, timeout_s: Callable[[], int] = lambda: 30) -> None:
        self._peer = peer
        self._timeout_s = timeout_s

    @property
    def is_busy(self) -> bool:
        """True while a request of ours waits for its answer."""
        return self._peer.calls_pending > 0

    def call(self, request: Any, *, urgent: bool = False) -> Deferred[Any]:
        """Send any request; for features and applications that bring their own messages."""
        return self._peer.call(request, timeout_s=self._timeout(), urgent=urgent)

    def boot(self, facts: BootFacts) -> Deferred[BootAnswer]:
        """BootNotification."""
        clip = values.clipped
        request = v16.BootNotificationRequest(
            charge_point_vendor=facts.vendor[:20],
            charge_point_model=facts.model[:20],
            charge_point_serial_number=clip(facts.serial_number, 25),
            charge_box_serial_number=clip(facts.charge_box_serial_number, 25),
            firmware_version=clip(facts.firmware_version, 50),
            iccid=clip(facts.iccid, 20),
            imsi=clip(facts.imsi, 20),
            meter_type=clip(facts.meter_type, 25),
            meter_serial_number=clip(facts.meter_serial_number, 25),
        )
        return self.call(request, urgent=True).addCallback(
            lambda answer: BootAnswer(
                State(answer.status.value), answer.interval, answer.current_time
            )
        )

    def heartbeat(self) -> Deferred[datetime]:
        """Heartbeat; gives the central system's time."""
        return self.call(v16.HeartbeatRequest()).addCallback(lambda answer: answer.current_time)

    def authorize(self, id_tag: str) -> Deferred[TagInfo]:
        """Authorize; somebody stands there and waits, so it goes before what waits."""
        asked = self.call(v16.AuthorizeRequest(id_tag=id_tag), urgent=True)
        return asked.addCallback(lambda answer: values.tag_info(answer.id_tag_info))

    def status(self, report: StatusReport) -> Deferred[None]:
        """StatusNotification."""
        condition = report.condition
        request = v16.StatusNotificationRequest(
            connector_id=report.connector_id,
            status=v16.ChargePointStatus(condition.status.value),
            error_code=v16.ChargePointErrorCode(condition.error_code),
            info=values.clipped(condition.info, 50),
            vendor_error_code=values.clipped(condition.vendor_error_code, 50),
            timestamp=report.at,
        )
        return self.call(request).addCallback(lambda answer: None)

    def data_transfer(
        self, vendor_id: str, message_id: str | None = None, data: str | None = None
    ) -> Deferred[v16.DataTransferResponse]:
        """DataTransfer; gives the response."""
        return self.call(
            v16.DataTransferRequest(vendor_id=vendor_id, message_id=message_id, data=data)
        )

    def _timeout(self) -> float:
        return float(self._timeout_s())


@attrs.frozen
class TransactionDelivery:
    """Provides `outbox.Delivery`: sends what waits in the outbox, and takes in the answers.

    `learn` hears what the central system says about a tag (A-21).
    """

    peer: Peer
    transactions: Transactions
    learn: Callable[[str, TagInfo], None]
    timeout_s: Callable[[], int]

    def deliver(self, entry: Entry) -> Deferred[Any]:
        """See `outbox.Delivery`."""
        payload = dict(entry.payload)
        transaction_id = self.transactions.wire_id(entry)
        if entry.action in (STOP, METER_VALUES) and transaction_id is not None:
            payload["transactionId"] = transaction_id
        request = self.peer.factory.request(entry.action, payload)
        return self.peer.call(
            request, message_id=entry.message_id, timeout_s=float(self.timeout_s())
        )

    def settle(self, entry: Entry, answer: Any) -> Sequence[Change]:
        """See `outbox.Delivery`."""
        if entry.action == START:
            return self._settle_start(entry, answer)
        if entry.action == STOP:
            if answer is not None and answer.id_tag_info is not None:
                id_tag = entry.payload.get("idTag")
                if id_tag is not None:
                    self.learn(id_tag, values.tag_info(answer.id_tag_info))
            return self.transactions.stop_settled(entry)
        return ()

    def _settle_start(
        self, entry: Entry, answer: v16.StartTransactionResponse | None
    ) -> Sequence[Change]:
        if answer is None:
            return self.transactions.start_given_up(entry)
        info = values.tag_info(answer.id_tag_info)
        self.learn(str(entry.payload["idTag"]), info)
        return self.transactions.start_confirmed(entry, answer.transaction_id, info)
