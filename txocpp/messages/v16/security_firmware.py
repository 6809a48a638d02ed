"""Security white paper: signed firmware.

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
