"""The white paper "Improved security for OCPP 1.6-J" (edition 3): certificates, logs, firmware.

WP means that paper; its messages are in chapter 5, its datatypes in chapter 6.
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
from txocpp.messages.fields import cistring, enumerated, instant, integer, many, nested, text

PROFILE = "Security"


# CertificateSigned: central system -> charge point


class CertificateSignedStatusEnumType(StrEnum):
    """Whether the station uses its new certificate (WP A02)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


@request("CertificateSigned", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class CertificateSignedRequest(Request):
    """Here is the certificate that you asked for (WP A02, A03, 5.1)."""

    certificate_chain: str = text("certificateChain", max_length=10000)
    """The certificate and those above it up to the root, in PEM."""


@response_to(CertificateSignedRequest)
class CertificateSignedResponse(Response):
    """Whether it is good (WP 5.2)."""

    status: CertificateSignedStatusEnumType = enumerated("status", CertificateSignedStatusEnumType)
    """What came of it."""


# DeleteCertificate: central system -> charge point


class HashAlgorithmEnumType(StrEnum):
    """With what a certificate was hashed."""

    SHA256 = "SHA256"
    SHA384 = "SHA384"
    SHA512 = "SHA512"


@datatype
class CertificateHashDataType(Datatype):
    """Which certificate: what OCSP goes by (RFC 6960)."""

    hash_algorithm: HashAlgorithmEnumType = enumerated("hashAlgorithm", HashAlgorithmEnumType)
    """Algorithm of the two hashes."""
    issuer_name_hash: str = cistring("issuerNameHash", 128)
    """Hash of the issuer's distinguished name in DER, in hexadecimal."""
    issuer_key_hash: str = cistring("issuerKeyHash", 128)
    """Hash of the issuer's public key, in hexadecimal."""
    serial_number: str = cistring("serialNumber", 40)
    """Serial number in hexadecimal, without leading zeros."""


class DeleteCertificateStatusEnumType(StrEnum):
    """Whether the certificate is gone (WP M04)."""

    ACCEPTED = "Accepted"
    FAILED = "Failed"
    NOT_FOUND = "NotFound"


@request("DeleteCertificate", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class DeleteCertificateRequest(Request):
    """Do not trust this certificate any longer (WP M04, 5.3)."""

    certificate_hash_data: CertificateHashDataType = nested(
        "certificateHashData", CertificateHashDataType
    )
    """Which."""


@response_to(DeleteCertificateRequest)
class DeleteCertificateResponse(Response):
    """Whether it is gone (WP 5.4)."""

    status: DeleteCertificateStatusEnumType = enumerated("status", DeleteCertificateStatusEnumType)
    """What came of it."""


# ExtendedTriggerMessage: central system -> charge point


class MessageTriggerEnumType(StrEnum):
    """Messages that can be asked for; the firmware status is that of signed updates (X-79)."""

    BOOT_NOTIFICATION = "BootNotification"
    LOG_STATUS_NOTIFICATION = "LogStatusNotification"
    FIRMWARE_STATUS_NOTIFICATION = "FirmwareStatusNotification"
    HEARTBEAT = "Heartbeat"
    METER_VALUES = "MeterValues"
    SIGN_CHARGE_POINT_CERTIFICATE = "SignChargePointCertificate"
    STATUS_NOTIFICATION = "StatusNotification"


class TriggerMessageStatusEnumType(StrEnum):
    """Whether the message will come."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_IMPLEMENTED = "NotImplemented"


@request("ExtendedTriggerMessage", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class ExtendedTriggerMessageRequest(Request):
    """Send me this message now (WP 5.5)."""

    requested_message: MessageTriggerEnumType = enumerated(
        "requestedMessage", MessageTriggerEnumType
    )
    """Which."""
    connector_id: int | None = integer("connectorId", minimum=0, default=None)
    """About which connector, where that matters; 0 is the station."""


@response_to(ExtendedTriggerMessageRequest)
class ExtendedTriggerMessageResponse(Response):
    """Whether it will come (WP 5.6)."""

    status: TriggerMessageStatusEnumType = enumerated("status", TriggerMessageStatusEnumType)
    """What comes of it."""


# GetInstalledCertificateIds: central system -> charge point


class CertificateUseEnumType(StrEnum):
    """What a root certificate vouches for: the central system, or the vendor's firmware."""

    CENTRAL_SYSTEM_ROOT_CERTIFICATE = "CentralSystemRootCertificate"
    MANUFACTURER_ROOT_CERTIFICATE = "ManufacturerRootCertificate"


class GetInstalledCertificateStatusEnumType(StrEnum):
    """Whether there are any."""

    ACCEPTED = "Accepted"
    NOT_FOUND = "NotFound"


@request("GetInstalledCertificateIds", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class GetInstalledCertificateIdsRequest(Request):
    """Which root certificates do you trust? (WP M03, 5.7)"""

    certificate_type: CertificateUseEnumType = enumerated("certificateType", CertificateUseEnumType)
    """For which purpose."""


@response_to(GetInstalledCertificateIdsRequest)
class GetInstalledCertificateIdsResponse(Response):
    """These (WP 5.8)."""

    certificate_hash_data: tuple[CertificateHashDataType, ...] | None = many(
        "certificateHashData", CertificateHashDataType, at_least=1, default=None
    )
    """The certificates; left out when there are none."""
    status: GetInstalledCertificateStatusEnumType = enumerated(
        "status", GetInstalledCertificateStatusEnumType
    )
    """Whether there are any."""


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


# InstallCertificate: central system -> charge point


class CertificateStatusEnumType(StrEnum):
    """Whether a root certificate is trusted now (X-51)."""

    ACCEPTED = "Accepted"
    FAILED = "Failed"
    REJECTED = "Rejected"


@request("InstallCertificate", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class InstallCertificateRequest(Request):
    """Trust this root certificate from now on (WP M05, 5.11)."""

    certificate_type: CertificateUseEnumType = enumerated("certificateType", CertificateUseEnumType)
    """For which purpose."""
    certificate: str = text("certificate", max_length=5500)
    """The certificate in PEM."""


@response_to(InstallCertificateRequest)
class InstallCertificateResponse(Response):
    """Whether it is trusted (WP 5.12)."""

    status: CertificateStatusEnumType = enumerated("status", CertificateStatusEnumType)
    """What came of it."""


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


# SignCertificate: charge point -> central system


class GenericStatusEnumType(StrEnum):
    """Whether the request will be passed on."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


@request("SignCertificate", sent_by=CHARGE_POINT, profile=PROFILE)
class SignCertificateRequest(Request):
    """Please have my new key certified (WP A02, A03, 5.17)."""

    csr: str = text("csr", max_length=5500)
    """Certificate signing request, PKCS#10 in PEM."""


@response_to(SignCertificateRequest)
class SignCertificateResponse(Response):
    """Whether that will be done; the certificate comes later (WP 5.18)."""

    status: GenericStatusEnumType = enumerated("status", GenericStatusEnumType)
    """What comes of it."""


# SignedFirmwareStatusNotification: charge point -> central system


class FirmwareStatusEnumType(StrEnum):
    """How a signed update gets on (X-72, X-73)."""

    DOWNLOADED = "Downloaded"
    DOWNLOAD_FAILED = "DownloadFailed"
    DOWNLOADING = "Downloading"
    DOWNLOAD_SCHEDULED = "DownloadScheduled"
    DOWNLOAD_PAUSED = "DownloadPaused"
    IDLE = "Idle"
    INSTALLATION_FAILED = "InstallationFailed"
    INSTALLING = "Installing"
    INSTALLED = "Installed"
    INSTALL_REBOOTING = "InstallRebooting"
    INSTALL_SCHEDULED = "InstallScheduled"
    INSTALL_VERIFICATION_FAILED = "InstallVerificationFailed"
    INVALID_SIGNATURE = "InvalidSignature"
    SIGNATURE_VERIFIED = "SignatureVerified"


@request("SignedFirmwareStatusNotification", sent_by=CHARGE_POINT, profile=PROFILE)
class SignedFirmwareStatusNotificationRequest(Request):
    """A signed update has come to another state (WP L01, 5.19)."""

    status: FirmwareStatusEnumType = enumerated("status", FirmwareStatusEnumType)
    """Which; Idle only when asked by a trigger."""
    request_id: int | None = integer("requestId", default=None)
    """The request it goes back to; none only with Idle (X-76)."""


@response_to(SignedFirmwareStatusNotificationRequest)
class SignedFirmwareStatusNotificationResponse(Response):
    """Received (WP 5.20)."""


# SignedUpdateFirmware: central system -> charge point


@datatype
class FirmwareType(Datatype):
    """A firmware image, where it is and who vouches for it."""

    location: str = text("location", max_length=512, secret=True)
    """URL of the image. It may hold a password."""
    retrieve_date_time: datetime = instant("retrieveDateTime")
    """Earliest moment of the download."""
    install_date_time: datetime | None = instant("installDateTime", default=None)
    """Earliest moment of the installation; without it: as soon as possible (X-75)."""
    signing_certificate: str = text("signingCertificate", max_length=5500)
    """Certificate of the signer, in PEM."""
    signature: str = text("signature", max_length=800)
    """Signature over the image, in Base64 (X-74)."""


class UpdateFirmwareStatusEnumType(StrEnum):
    """Whether the station goes about it (X-70)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    ACCEPTED_CANCELED = "AcceptedCanceled"
    INVALID_CERTIFICATE = "InvalidCertificate"
    REVOKED_CERTIFICATE = "RevokedCertificate"


@request("SignedUpdateFirmware", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class SignedUpdateFirmwareRequest(Request):
    """Fetch, verify and install new firmware (WP L01, 5.21)."""

    retries: int | None = integer("retries", default=None)
    """How often to try again after a first failure; without it the station decides."""
    retry_interval: int | None = integer("retryInterval", default=None)
    """Seconds between tries; without it the station decides."""
    request_id: int = integer("requestId")
    """Name of the request in the notifications that follow."""
    firmware: FirmwareType = nested("firmware", FirmwareType)
    """What to install."""


@response_to(SignedUpdateFirmwareRequest)
class SignedUpdateFirmwareResponse(Response):
    """Whether the station goes about it (WP 5.22)."""

    status: UpdateFirmwareStatusEnumType = enumerated("status", UpdateFirmwareStatusEnumType)
    """What comes of it."""
