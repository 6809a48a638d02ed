"""What charge points tell beyond charging: vendor data, progress of firmware and uploads, security
events, certificate requests. All of it is kept, and acknowledged when it is on disk (X-61)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from txocpp.csms.events import Events
from txocpp.csms.station import Responder, Station
from txocpp.interfaces import ICentralStore
from txocpp.messages.v16 import (
    DataTransferRequest,
    DataTransferResponse,
    DataTransferStatus,
    DiagnosticsStatusNotificationRequest,
    DiagnosticsStatusNotificationResponse,
    FirmwareStatusNotificationRequest,
    FirmwareStatusNotificationResponse,
    GenericStatusEnumType,
    LogStatusNotificationRequest,
    LogStatusNotificationResponse,
    SecurityEventNotificationRequest,
    SecurityEventNotificationResponse,
    SignCertificateRequest,
    SignCertificateResponse,
    SignedFirmwareStatusNotificationRequest,
    SignedFirmwareStatusNotificationResponse,
)
from txocpp.storage.central.records import Records


class NoticeAnswers:
    """Responders that keep what they are told."""

    def __init__(self, store: ICentralStore, events: Events, now: Callable[[], datetime]) -> None:
        self._store = store
        self._events = events
        self._now = now

    def table(self) -> dict[type, Responder]:
        """By request class."""
        return {
            DataTransferRequest: self.data_transfer,
            FirmwareStatusNotificationRequest: self.firmware,
            SignedFirmwareStatusNotificationRequest: self.signed_firmware,
            DiagnosticsStatusNotificationRequest: self.diagnostics,
            LogStatusNotificationRequest: self.log_status,
            SecurityEventNotificationRequest: self.security_event,
            SignCertificateRequest: self.sign_certificate,
        }

    def data_transfer(
        self, station: Station, request: DataTransferRequest
    ) -> Deferred[DataTransferResponse]:
        """Keep vendor data; no vendor is known here (D-02)."""
        told = {
            "vendorId": request.vendor_id,
            "messageId": request.message_id,
            "data": request.data,
        }
        return self._keep(
            station,
            "DataTransfer",
            told,
            DataTransferResponse(status=DataTransferStatus.UNKNOWN_VENDOR_ID),
        )

    def firmware(
        self, station: Station, request: FirmwareStatusNotificationRequest
    ) -> Deferred[FirmwareStatusNotificationResponse]:
        """Progress of an update (F-02)."""
        return self._keep(
            station,
            "FirmwareStatusNotification",
            {"status": str(request.status)},
            FirmwareStatusNotificationResponse(),
            firmware_status=request.status,
        )

    def signed_firmware(
        self, station: Station, request: SignedFirmwareStatusNotificationRequest
    ) -> Deferred[SignedFirmwareStatusNotificationResponse]:
        """Progress of a signed update (X-72, X-73)."""
        return self._keep(
            station,
            "SignedFirmwareStatusNotification",
            {"status": str(request.status), "requestId": request.request_id},
            SignedFirmwareStatusNotificationResponse(),
            firmware_status=request.status,
        )

    def diagnostics(
        self, station: Station, request: DiagnosticsStatusNotificationRequest
    ) -> Deferred[DiagnosticsStatusNotificationResponse]:
        """Progress of an upload (G-02)."""
        return self._keep(
            station,
            "DiagnosticsStatusNotification",
            {"status": str(request.status)},
            DiagnosticsStatusNotificationResponse(),
            diagnostics_status=request.status,
        )

    def log_status(
        self, station: Station, request: LogStatusNotificationRequest
    ) -> Deferred[LogStatusNotificationResponse]:
        """Progress of a log upload (X-65)."""
        return self._keep(
            station,
            "LogStatusNotification",
            {"status": str(request.status), "requestId": request.request_id},
            LogStatusNotificationResponse(),
            log_status=request.status,
        )

    def security_event(
        self, station: Station, request: SecurityEventNotificationRequest
    ) -> Deferred[SecurityEventNotificationResponse]:
        """A security event (X-60)."""
        return self._keep(
            station,
            "SecurityEventNotification",
            {"type": str(request.type), "techInfo": request.tech_info},
            SecurityEventNotificationResponse(),
            at=request.timestamp,
        )

    def sign_certificate(
        self, station: Station, request: SignCertificateRequest
    ) -> Deferred[SignCertificateResponse]:
        """Keep the request; an operator has it signed and sends CertificateSigned (X-41)."""
        return self._keep(
            station,
            "SignCertificate",
            {"csr": request.csr},
            SignCertificateResponse(status=GenericStatusEnumType.ACCEPTED),
        )

    def _keep(
        self,
        station: Station,
        kind: str,
        told: dict[str, Any],
        response: Any,
        *,
        at: datetime | None = None,
        **facts: Any,
    ) -> Deferred[Any]:
        document = {name: value for name, value in told.items() if value is not None}
        now = self._now()
        change = partial(_keep, station.key, kind, at or now, now, document, facts)
        return self._store.write(change).addCallback(self._kept, station, kind, document, response)

    def _kept(
        self, _: None, station: Station, kind: str, document: dict[str, Any], response: Any
    ) -> Any:
        self._events.tell("station.notice", station.identity, action=kind, document=document)
        return response


def _keep(
    station_key: int,
    kind: str,
    at: datetime,
    now: datetime,
    document: dict[str, Any],
    facts: dict[str, Any],
    records: Records,
) -> None:
    records.notices.add(
        station_id=station_key, kind=kind, at=at, received_at=now, document=document
    )
    if facts:
        records.stations.set(station_key, **facts)
