"""Friendly answers to everything a charge point asks, remembered nowhere.

An application replaces those that it cares about.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

from txocpp.csms.station import Responder, Station
from txocpp.messages.v16 import (
    AuthorizationStatus,
    AuthorizeRequest,
    AuthorizeResponse,
    BootNotificationRequest,
    BootNotificationResponse,
    DataTransferRequest,
    DataTransferResponse,
    DataTransferStatus,
    DiagnosticsStatusNotificationRequest,
    DiagnosticsStatusNotificationResponse,
    FirmwareStatusNotificationRequest,
    FirmwareStatusNotificationResponse,
    GenericStatusEnumType,
    HeartbeatRequest,
    HeartbeatResponse,
    IdTagInfo,
    LogStatusNotificationRequest,
    LogStatusNotificationResponse,
    MeterValuesRequest,
    MeterValuesResponse,
    RegistrationStatus,
    SecurityEventNotificationRequest,
    SecurityEventNotificationResponse,
    SignCertificateRequest,
    SignCertificateResponse,
    SignedFirmwareStatusNotificationRequest,
    SignedFirmwareStatusNotificationResponse,
    StartTransactionRequest,
    StartTransactionResponse,
    StatusNotificationRequest,
    StatusNotificationResponse,
    StopTransactionRequest,
    StopTransactionResponse,
)

WELCOME = IdTagInfo(status=AuthorizationStatus.ACCEPTED)


def plain_answers(seconds: Callable[[], float], *, interval_s: int = 300) -> dict[type, Responder]:
    """A table of responders that accept everything. `seconds`: since 1970, for currentTime."""
    ids = count(1)

    def now() -> datetime:
        return datetime.fromtimestamp(seconds(), UTC)

    def boot(_: Station, __: BootNotificationRequest) -> BootNotificationResponse:
        return BootNotificationResponse(
            current_time=now(), interval=interval_s, status=RegistrationStatus.ACCEPTED
        )

    def start(_: Station, __: StartTransactionRequest) -> StartTransactionResponse:
        return StartTransactionResponse(transaction_id=next(ids), id_tag_info=WELCOME)

    def always(response: Any) -> Responder:
        return lambda station, request: response

    return {
        BootNotificationRequest: boot,
        StartTransactionRequest: start,
        HeartbeatRequest: lambda station, request: HeartbeatResponse(current_time=now()),
        AuthorizeRequest: always(AuthorizeResponse(id_tag_info=WELCOME)),
        StopTransactionRequest: always(StopTransactionResponse()),
        MeterValuesRequest: always(MeterValuesResponse()),
        StatusNotificationRequest: always(StatusNotificationResponse()),
        # D-02: nobody here knows the vendor.
        DataTransferRequest: always(
            DataTransferResponse(status=DataTransferStatus.UNKNOWN_VENDOR_ID)
        ),
        DiagnosticsStatusNotificationRequest: always(DiagnosticsStatusNotificationResponse()),
        FirmwareStatusNotificationRequest: always(FirmwareStatusNotificationResponse()),
        LogStatusNotificationRequest: always(LogStatusNotificationResponse()),
        SecurityEventNotificationRequest: always(SecurityEventNotificationResponse()),
        SignCertificateRequest: always(
            SignCertificateResponse(status=GenericStatusEnumType.REJECTED)
        ),
        SignedFirmwareStatusNotificationRequest: always(SignedFirmwareStatusNotificationResponse()),
    }
