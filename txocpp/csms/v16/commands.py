"""What a central system may ask of a charge point in OCPP 1.6: as `txocpp.csms.operations` needs
to know it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from txocpp.csms.station import Registration, Station
from txocpp.csms.v16 import effects
from txocpp.csms.v16.checks import Situation, barred, objection
from txocpp.errors import CallRefused, InvalidMessage, NotImplementedByUs
from txocpp.interfaces import IMessageFactory
from txocpp.messages.json_schema import json_schema
from txocpp.messages.v16 import (
    CancelReservationRequest,
    CertificateSignedRequest,
    ChangeAvailabilityRequest,
    ChangeConfigurationRequest,
    ClearCacheRequest,
    ClearChargingProfileRequest,
    DataTransferRequest,
    DeleteCertificateRequest,
    ExtendedTriggerMessageRequest,
    GetCompositeScheduleRequest,
    GetConfigurationRequest,
    GetDiagnosticsRequest,
    GetInstalledCertificateIdsRequest,
    GetLocalListVersionRequest,
    GetLogRequest,
    InstallCertificateRequest,
    RemoteStartTransactionRequest,
    RemoteStopTransactionRequest,
    ReserveNowRequest,
    ResetRequest,
    SendLocalListRequest,
    SetChargingProfileRequest,
    SignedUpdateFirmwareRequest,
    TriggerMessageRequest,
    UnlockConnectorRequest,
    UpdateFirmwareRequest,
)
from txocpp.storage.central.records import Records
from txocpp.storage.central.stations import StationRecord

_REQUESTS: Final[tuple[Any, ...]] = (
    CancelReservationRequest,
    ChangeAvailabilityRequest,
    ChangeConfigurationRequest,
    ClearCacheRequest,
    ClearChargingProfileRequest,
    DataTransferRequest,
    GetCompositeScheduleRequest,
    GetConfigurationRequest,
    GetDiagnosticsRequest,
    GetLocalListVersionRequest,
    RemoteStartTransactionRequest,
    RemoteStopTransactionRequest,
    ReserveNowRequest,
    ResetRequest,
    SendLocalListRequest,
    SetChargingProfileRequest,
    TriggerMessageRequest,
    UnlockConnectorRequest,
    UpdateFirmwareRequest,
    CertificateSignedRequest,
    DeleteCertificateRequest,
    ExtendedTriggerMessageRequest,
    GetInstalledCertificateIdsRequest,
    GetLogRequest,
    InstallCertificateRequest,
    SignedUpdateFirmwareRequest,
)

ACTIONS: Final[frozenset[str]] = frozenset(request.action for request in _REQUESTS)
"""The 19 actions of OCPP 1.6 that a central system sends, and those of the white paper."""


class Commands16:
    """The language of operations for OCPP 1.6."""

    actions = ACTIONS

    def __init__(self, factory: IMessageFactory) -> None:
        self._factory = factory

    def request(self, action: str, payload: object) -> Any:
        """The request object. Raises `InvalidMessage` that says what is wrong with it."""
        if action not in self.actions:
            near = ", ".join(sorted(self.actions))
            raise InvalidMessage(f"{action!r} is no action of a central system; there are {near}")
        try:
            return self._factory.request(action, payload)
        except NotImplementedByUs as refusal:
            raise InvalidMessage(f"{action!r} is not known") from refusal
        except CallRefused as refusal:
            raise InvalidMessage(refusal.description or refusal.code) from refusal

    def described(self, action: str) -> tuple[str, dict[str, Any]]:
        """The feature profile of an action, and the JSON Schema of its payload."""
        request = next(one for one in _REQUESTS if one.action == action)
        return request.profile, json_schema(request)

    def payload(self, message: Any) -> dict[str, Any]:
        """A message as it stands on the wire."""
        return self._factory.payload(message)

    def may_wait(self, request: Any) -> bool:
        """False for what must not be kept: a password is sent now or never."""
        payload = self._factory.payload(request)
        return effects.redacted(request.action, payload) == payload

    def redacted(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The payload as it may be kept and shown."""
        return effects.redacted(action, payload)

    def redacted_answer(self, payload: dict[str, Any]) -> dict[str, Any]:
        """An answer as it may be kept and shown."""
        return effects.redacted_answer(payload)

    def barred(self, registration: Registration | None, request: Any) -> str | None:
        """Why a station with this registration must not be sent the request; None if it may."""
        return barred(registration, request)

    def objection(
        self,
        records: Records,
        station: StationRecord,
        registration: Registration | None,
        request: Any,
        now: datetime,
    ) -> str | None:
        """Why the request should not be sent; None if nothing speaks against it."""
        payload = self._factory.payload(request)
        return objection(Situation(records, station, registration, payload, now), request)

    def leaving(self, station: Station, request: Any) -> None:
        """The request is about to leave: what it triggers is let through while pending (B-12)."""
        if isinstance(request, TriggerMessageRequest | ExtendedTriggerMessageRequest):
            station.expect(_triggered(request))

    def before_sending(self, exchange: effects.Exchange) -> None:
        """Note what must be on disk before the request leaves."""
        effects.before_sending(exchange)

    def after_answer(self, exchange: effects.Exchange, response: Any) -> None:
        """Note what the answer changes."""
        effects.after_answer(exchange, response)

    def after_refusal(self, exchange: effects.Exchange) -> None:
        """Take back what was noted before."""
        effects.after_refusal(exchange)


def _triggered(request: TriggerMessageRequest | ExtendedTriggerMessageRequest) -> str:
    name = str(request.requested_message)
    if isinstance(request, ExtendedTriggerMessageRequest):
        return {
            "SignChargePointCertificate": "SignCertificate",
            "FirmwareStatusNotification": "SignedFirmwareStatusNotification",
        }.get(name, name)
    return name
