"""What charge points ask and tell, answered from the store.

Everything that is stored is on disk before the answer leaves: what a station was told is never
forgotten, and what it has handed over it may forget. Messages that come often (Heartbeat,
StatusNotification, MeterValues) take the short way: no query, and rows that are committed many at
a time.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from txocpp.csms import transactions
from txocpp.csms.authorization import AuthorizationRules, Verdict, decide
from txocpp.csms.boot import BootAnswer, BootFacts, BootRules, judge
from txocpp.csms.events import Events
from txocpp.csms.metering import UNKNOWN_CONNECTOR, SampleRow, first_register_wh, sample_rows
from txocpp.csms.station import Responder, Station, UnheardConnectors
from txocpp.csms.v16.notices import NoticeAnswers
from txocpp.interfaces import ICentralStore
from txocpp.messages.v16 import (
    AuthorizationStatus,
    AuthorizeRequest,
    AuthorizeResponse,
    BootNotificationRequest,
    BootNotificationResponse,
    ChargePointStatus,
    HeartbeatRequest,
    HeartbeatResponse,
    IdTagInfo,
    MeterValuesRequest,
    MeterValuesResponse,
    RegistrationStatus,
    StartTransactionRequest,
    StartTransactionResponse,
    StatusNotificationRequest,
    StatusNotificationResponse,
    StopTransactionRequest,
    StopTransactionResponse,
)
from txocpp.storage.central.records import Records
from txocpp.storage.central.reservations import ReservationState
from txocpp.storage.central.samples import SAMPLE
from txocpp.storage.central.schema import to_ms
from txocpp.storage.central.stations import CONNECTOR_STATUS, PRESENT_STATUS, STATUS_CHANGE

_METERED = MeterValuesResponse()
_NOTED = StatusNotificationResponse()

_INOPERATIVE = (ChargePointStatus.FAULTED, ChargePointStatus.UNAVAILABLE)


class Answers:
    """Responders with a memory.

    `seconds`: since 1970 (the reactor's clock). `events` hears what has happened.
    """

    def __init__(
        self,
        store: ICentralStore,
        events: Events,
        seconds: Callable[[], float],
        *,
        boot_rules: BootRules,
        authorization_rules: AuthorizationRules,
    ) -> None:
        self._store = store
        self._events = events
        self._seconds = seconds
        self._boot_rules = boot_rules
        self._authorization_rules = authorization_rules
        self._notices = NoticeAnswers(store, events, self._now)

    def table(self) -> dict[type, Responder]:
        """By request class."""
        return {
            BootNotificationRequest: self.boot,
            HeartbeatRequest: self.heartbeat,
            AuthorizeRequest: self.authorize,
            StartTransactionRequest: self.start,
            StopTransactionRequest: self.stop,
            MeterValuesRequest: self.meter_values,
            StatusNotificationRequest: self.status,
            **self._notices.table(),
        }

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._seconds(), UTC)

    def _told_time(self) -> datetime:
        """For stations, in milliseconds: small ones do not expect more digits."""
        now = self._now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    # --- registration

    def boot(
        self, station: Station, request: BootNotificationRequest
    ) -> Deferred[BootNotificationResponse]:
        """Register a station (§4.2)."""
        facts = BootFacts(
            vendor=request.charge_point_vendor,
            model=request.charge_point_model,
            serial_number=request.charge_point_serial_number,
            box_serial_number=request.charge_box_serial_number,
            firmware_version=request.firmware_version,
            iccid=request.iccid,
            imsi=request.imsi,
            meter_type=request.meter_type,
            meter_serial_number=request.meter_serial_number,
        )
        change = partial(_boot, station, facts, self._boot_rules, self._now())
        return self._store.write(change).addCallback(self._booted, station, facts)

    def _booted(
        self, answer: BootAnswer, station: Station, facts: BootFacts
    ) -> BootNotificationResponse:
        station.unheard = UnheardConnectors()
        self._events.tell(
            "station.booted",
            station.identity,
            status=str(answer.registration),
            vendor=facts.vendor,
            model=facts.model,
            firmware_version=facts.firmware_version,
        )
        return BootNotificationResponse(
            current_time=self._told_time(),
            interval=answer.interval_s,
            status=RegistrationStatus(answer.registration),
        )

    def heartbeat(self, station: Station, request: HeartbeatRequest) -> HeartbeatResponse:
        """Tell the time (H-02). That the station lives was noted with the frame (H-03)."""
        return HeartbeatResponse(current_time=self._told_time())

    # --- tags

    def authorize(self, station: Station, request: AuthorizeRequest) -> Deferred[AuthorizeResponse]:
        """Judge a tag (A-05)."""
        rules, now = self._authorization_rules, self._now()
        question = partial(_decide, request.id_tag, now, rules)
        return self._store.read(question).addCallback(self._authorized, station, request)

    def _authorized(
        self, verdict: Verdict, station: Station, request: AuthorizeRequest
    ) -> AuthorizeResponse:
        self._events.tell(
            "tag.presented", station.identity, id_tag=request.id_tag, status=str(verdict.status)
        )
        return AuthorizeResponse(id_tag_info=id_tag_info(verdict))

    # --- transactions

    def start(
        self, station: Station, request: StartTransactionRequest
    ) -> Deferred[StartTransactionResponse]:
        """A transaction has begun; its id leaves when it is on disk (Z-05)."""
        message = transactions.Start(
            request.connector_id,
            request.id_tag,
            request.meter_start,
            request.timestamp,
            request.reservation_id,
        )
        change = partial(_start, station.key, message, self._now(), self._authorization_rules)
        return self._store.write(change).addCallback(self._started, station)

    def _started(self, started: transactions.Started, station: Station) -> StartTransactionResponse:
        begun = started.transaction
        if started.fresh:
            self._events.tell(
                "transaction.started",
                station.identity,
                transaction_id=begun.id,
                connector_id=begun.connector,
                id_tag=begun.id_tag,
                meter_start_wh=begun.meter_start,
                status=str(started.verdict.status),
            )
        for older in started.abandoned:
            self._events.tell("transaction.abandoned", station.identity, transaction_id=older.id)
        return StartTransactionResponse(
            transaction_id=begun.id, id_tag_info=id_tag_info(started.verdict)
        )

    def stop(
        self, station: Station, request: StopTransactionRequest
    ) -> Deferred[StopTransactionResponse]:
        """A transaction has ended; never refused (TX-14, Z-06)."""
        data = request.transaction_data or ()
        message = transactions.Stop(
            request.transaction_id,
            request.meter_stop,
            request.timestamp,
            request.id_tag,
            request.reason,
            tuple(sample_rows(station.key, UNKNOWN_CONNECTOR, None, data)),
            first_register_wh(data, "Transaction.Begin"),
        )
        change = partial(_stop, station.key, message, self._now(), self._authorization_rules)
        return self._store.write(change).addCallback(self._stopped, station)

    def _stopped(self, stopped: transactions.Stopped, station: Station) -> StopTransactionResponse:
        ended = stopped.transaction
        if stopped.fresh:
            self._events.tell(
                "transaction.stopped",
                station.identity,
                transaction_id=ended.id,
                connector_id=ended.connector,
                meter_stop_wh=ended.meter_stop,
                energy_wh=ended.energy_wh,
                reason=ended.stop_reason,
            )
        verdict = stopped.verdict
        return StopTransactionResponse(
            id_tag_info=None if verdict is None else id_tag_info(verdict)
        )

    # --- the short way

    def meter_values(
        self, station: Station, request: MeterValuesRequest
    ) -> Deferred[MeterValuesResponse]:
        """Keep meter values, of whatever transaction (M-15, Z-07)."""
        named = request.transaction_id
        rows = sample_rows(station.key, request.connector_id, named, request.meter_value)
        if named is not None and named <= 0:
            kept = self._store.write(partial(_keep_samples, station.key, rows))
        else:
            kept = self._store.append(*[(SAMPLE, row) for row in rows])
        return kept.addCallback(self._metered, station, request.connector_id, rows)

    def _metered(
        self, _: None, station: Station, connector: int, rows: list[SampleRow]
    ) -> MeterValuesResponse:
        if self._events.heard("meter.sampled"):
            _, _, at_ms, _, transaction_id, _, energy_wh, power_w, current_a, offered_a, soc, _ = (
                rows[-1]
            )
            self._events.tell(
                "meter.sampled",
                station.identity,
                connector_id=connector,
                transaction_id=transaction_id,
                at_ms=at_ms,
                energy_wh=energy_wh,
                power_w=power_w,
                current_a=current_a,
                offered_a=offered_a,
                soc_percent=soc,
            )
        return _METERED

    def status(
        self, station: Station, request: StatusNotificationRequest
    ) -> Deferred[StatusNotificationResponse]:
        """Keep the status of a connector and its history (Z-08)."""
        received_ms = int(self._seconds() * 1000)
        told = request.timestamp
        # A clock that runs ahead must not shut out everything that is told later.
        changed_ms = received_ms if told is None else min(to_ms(told), received_ms)
        row = (
            station.key,
            request.connector_id,
            request.status,
            request.error_code,
            request.info,
            request.vendor_id,
            request.vendor_error_code,
            changed_ms,
            received_ms,
        )
        unheard = station.unheard
        present = unheard is not None and unheard.hear(request.connector_id)
        kind = PRESENT_STATUS if present else CONNECTOR_STATUS
        stored = self._store.append((kind, row), (STATUS_CHANGE, row))
        if request.status in _INOPERATIVE:
            change = partial(_reservations_lost, station.key, request.connector_id, self._now())
            stored.addCallback(lambda _: self._store.write(change))
        return stored.addCallback(self._status_noted, station, request)

    def _status_noted(
        self, _: None, station: Station, request: StatusNotificationRequest
    ) -> StatusNotificationResponse:
        if self._events.heard("connector.status"):
            self._events.tell(
                "connector.status",
                station.identity,
                connector_id=request.connector_id,
                status=str(request.status),
                error_code=str(request.error_code),
                info=request.info,
                vendor_error_code=request.vendor_error_code,
            )
        return _NOTED


def id_tag_info(verdict: Verdict) -> IdTagInfo:
    """A verdict in the words of §7.27."""
    return IdTagInfo(
        status=AuthorizationStatus(verdict.status),
        parent_id_tag=verdict.parent_id_tag,
        expiry_date=verdict.expires_at,
    )


def _boot(
    station: Station, facts: BootFacts, rules: BootRules, now: datetime, records: Records
) -> BootAnswer:
    record = records.stations.get(station.key)
    if record is None:
        record = records.stations.meet(station.identity, now)
    answer = judge(record, rules)
    serial_number = facts.serial_number or record.serial_number
    if record.serial_number is not None and station.certificate_name == record.serial_number:
        # What a certificate has proven is not changed by what the station says.
        serial_number = record.serial_number
    records.stations.set(
        record.id,
        registration=answer.registration,
        protocol=station.protocol,
        vendor=facts.vendor,
        model=facts.model,
        serial_number=serial_number,
        box_serial_number=facts.box_serial_number,
        firmware_version=facts.firmware_version,
        iccid=facts.iccid,
        imsi=facts.imsi,
        meter_type=facts.meter_type,
        meter_serial_number=facts.meter_serial_number,
        booted_at=now,
        last_seen=now,
    )
    records.configuration.rebooted(record.id)
    records.notices.add(
        station_id=record.id,
        kind="BootNotification",
        at=now,
        received_at=now,
        document={
            "status": str(answer.registration),
            "vendor": facts.vendor,
            "model": facts.model,
            "firmwareVersion": facts.firmware_version,
        },
    )
    return answer


def _decide(id_tag: str, now: datetime, rules: AuthorizationRules, records: Records) -> Verdict:
    return decide(records, id_tag, now, rules)


def _start(
    station_key: int,
    message: transactions.Start,
    now: datetime,
    rules: AuthorizationRules,
    records: Records,
) -> transactions.Started:
    return transactions.start(records, station_key, message, now, rules)


def _stop(
    station_key: int,
    message: transactions.Stop,
    now: datetime,
    rules: AuthorizationRules,
    records: Records,
) -> transactions.Stopped:
    return transactions.stop(records, station_key, message, now, rules)


def _keep_samples(station_key: int, rows: list[SampleRow], records: Records) -> None:
    transactions.keep_samples(records, station_key, rows)


def _reservations_lost(station_key: int, connector: int, now: datetime, records: Records) -> Any:
    # V-08, Z-13: of the connector, or of all when the station as a whole is out.
    records.reservations.end(station_key, ReservationState.LOST, now, connector=connector or None)
