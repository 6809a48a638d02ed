"""Security white paper: logs and security events.

WP means the white paper "Improved security for OCPP 1.6-J" (edition 3); its messages are in chapter
5, its datatypes in chapter 6.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from txocpp.messages.declaration import (
    CENTRAL_SYSTEM,
    CHARGE_POINT,
    Datatype,
    Request,
    Response,
    datatype,
    request,
    response_to,
)
from txocpp.messages.fields import enumerated, instant, integer, nested, text
from txocpp.messages.v16.security import PROFILE

# GetLog: central system -> charge point


class LogEnumType(StrEnum):
    """Which log."""

    DIAGNOSTICS_LOG = "DiagnosticsLog"
    SECURITY_LOG = "SecurityLog"


class LogStatusEnumType(StrEnum):
    """Whether the log will be uploaded (X-64)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    ACCEPTED_CANCELED = "AcceptedCanceled"


@datatype
class LogParametersType(Datatype):
    """Which part of a log, and where to."""

    remote_location: str = text("remoteLocation", max_length=512, secret=True)
    """URL to upload to. It may hold a password."""
    oldest_timestamp: datetime | None = instant("oldestTimestamp", default=None)
    """Oldest entry that is wanted."""
    latest_timestamp: datetime | None = instant("latestTimestamp", default=None)
    """Newest entry that is wanted."""


@request("GetLog", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class GetLogRequest(Request):
    """Upload a log (WP N01, 5.9)."""

    log: LogParametersType = nested("log", LogParametersType)
    """Which part, and where to."""
    log_type: LogEnumType = enumerated("logType", LogEnumType)
    """Which log."""
    request_id: int = integer("requestId")
    """Name of the request in the notifications that follow."""
    retries: int | None = integer("retries", default=None)
    """How often to try again after a first failure; without it the station decides."""
    retry_interval: int | None = integer("retryInterval", default=None)
    """Seconds between tries; without it the station decides."""


@response_to(GetLogRequest)
class GetLogResponse(Response):
    """What will be uploaded (WP 5.10)."""

    status: LogStatusEnumType = enumerated("status", LogStatusEnumType)
    """Whether anything will."""
    filename: str | None = text("filename", max_length=255, default=None)
    """Name of the file; none when there is nothing to upload."""


# LogStatusNotification: charge point -> central system


class UploadLogStatusEnumType(StrEnum):
    """How the upload of a log gets on (X-65)."""

    BAD_MESSAGE = "BadMessage"
    IDLE = "Idle"
    NOT_SUPPORTED_OPERATION = "NotSupportedOperation"
    PERMISSION_DENIED = "PermissionDenied"
    UPLOADED = "Uploaded"
    UPLOAD_FAILURE = "UploadFailure"
    UPLOADING = "Uploading"


@request("LogStatusNotification", sent_by=CHARGE_POINT, profile=PROFILE)
class LogStatusNotificationRequest(Request):
    """The upload of a log has come to another state (WP N01, 5.13)."""

    status: UploadLogStatusEnumType = enumerated("status", UploadLogStatusEnumType)
    """Which; Idle only when asked by a trigger."""
    request_id: int | None = integer("requestId", default=None)
    """The request it goes back to; none only with Idle."""


@response_to(LogStatusNotificationRequest)
class LogStatusNotificationResponse(Response):
    """Received (WP 5.14)."""


# SecurityEventNotification: charge point -> central system


class SecurityEvent(StrEnum):
    """Names of security events (WP 8). On the wire any text may stand in their place."""

    FIRMWARE_UPDATED = "FirmwareUpdated"
    FAILED_TO_AUTHENTICATE_AT_CENTRAL_SYSTEM = "FailedToAuthenticateAtCentralSystem"
    CENTRAL_SYSTEM_FAILED_TO_AUTHENTICATE = "CentralSystemFailedToAuthenticate"
    SETTING_SYSTEM_TIME = "SettingSystemTime"
    STARTUP_OF_THE_DEVICE = "StartupOfTheDevice"
    RESET_OR_REBOOT = "ResetOrReboot"
    SECURITY_LOG_WAS_CLEARED = "SecurityLogWasCleared"
    RECONFIGURATION_OF_SECURITY_PARAMETERS = "ReconfigurationOfSecurityParameters"
    MEMORY_EXHAUSTION = "MemoryExhaustion"
    INVALID_MESSAGES = "InvalidMessages"
    ATTEMPTED_REPLAY_ATTACKS = "AttemptedReplayAttacks"
    TAMPER_DETECTION_ACTIVATED = "TamperDetectionActivated"
    INVALID_FIRMWARE_SIGNATURE = "InvalidFirmwareSignature"
    INVALID_FIRMWARE_SIGNING_CERTIFICATE = "InvalidFirmwareSigningCertificate"
    INVALID_CENTRAL_SYSTEM_CERTIFICATE = "InvalidCentralSystemCertificate"
    INVALID_CHARGE_POINT_CERTIFICATE = "InvalidChargePointCertificate"
    INVALID_TLS_VERSION = "InvalidTLSVersion"
    INVALID_TLS_CIPHER_SUITE = "InvalidTLSCipherSuite"

    @property
    def is_critical(self) -> bool:
        """The central system has to be told; the others only go into the station's own log."""
        return self in _CRITICAL


_CRITICAL = frozenset(
    {
        SecurityEvent.FIRMWARE_UPDATED,
        SecurityEvent.SETTING_SYSTEM_TIME,
        SecurityEvent.STARTUP_OF_THE_DEVICE,
        SecurityEvent.RESET_OR_REBOOT,
        SecurityEvent.SECURITY_LOG_WAS_CLEARED,
        SecurityEvent.MEMORY_EXHAUSTION,
        SecurityEvent.TAMPER_DETECTION_ACTIVATED,
    }
)


@request("SecurityEventNotification", sent_by=CHARGE_POINT, profile=PROFILE)
class SecurityEventNotificationRequest(Request):
    """Something has happened that security people want to know (WP A04, 5.15)."""

    type: str = text("type", max_length=50)
    """What: one of `SecurityEvent`, or a vendor's own name."""
    timestamp: datetime = instant("timestamp")
    """When."""
    tech_info: str | None = text("techInfo", max_length=255, default=None)
    """More about it."""


@response_to(SecurityEventNotificationRequest)
class SecurityEventNotificationResponse(Response):
    """Received (WP 5.16)."""
