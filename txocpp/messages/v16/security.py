"""Security white paper: certificates, and triggers for its messages.

WP means the white paper "Improved security for OCPP 1.6-J" (edition 3); its messages are in chapter
5, its datatypes in chapter 6.
"""

from __future__ import annotations

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
from txocpp.messages.fields import cistring, enumerated, integer, many, nested, text

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
