"""Feature profile FirmwareManagement: new firmware in, diagnostics out."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from txocpp.messages.declaration import (
    CENTRAL_SYSTEM,
    CHARGE_POINT,
    Request,
    Response,
    request,
    response_to,
)
from txocpp.messages.fields import cistring, enumerated, instant, integer, uri

PROFILE = "FirmwareManagement"


# GetDiagnostics: central system -> charge point


@request("GetDiagnostics", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class GetDiagnosticsRequest(Request):
    """Upload your diagnostics (OCPP 1.6 §5.9, §6.25)."""

    location: str = uri("location")
    """Directory to upload to. It may hold a password."""
    retries: int | None = integer("retries", default=None)
    """How often to try again after a first failure; without it the station decides (F-06)."""
    retry_interval: int | None = integer("retryInterval", default=None)
    """Seconds between tries; without it the station decides."""
    start_time: datetime | None = instant("startTime", default=None)
    """Oldest entry that is wanted."""
    stop_time: datetime | None = instant("stopTime", default=None)
    """Newest entry that is wanted."""


@response_to(GetDiagnosticsRequest)
class GetDiagnosticsResponse(Response):
    """What will be uploaded (OCPP 1.6 §6.26)."""

    file_name: str | None = cistring("fileName", 255, default=None)
    """Name of the file; none when there is nothing to upload (G-01)."""


# DiagnosticsStatusNotification: charge point -> central system


class DiagnosticsStatus(StrEnum):
    """How the upload gets on (OCPP 1.6 §7.24, G-02)."""

    IDLE = "Idle"
    UPLOADED = "Uploaded"
    UPLOAD_FAILED = "UploadFailed"
    UPLOADING = "Uploading"


@request("DiagnosticsStatusNotification", sent_by=CHARGE_POINT, profile=PROFILE)
class DiagnosticsStatusNotificationRequest(Request):
    """The upload of diagnostics has come to another state (OCPP 1.6 §4.4, §6.17)."""

    status: DiagnosticsStatus = enumerated("status", DiagnosticsStatus)
    """Which; Idle only when asked by a trigger (T-07)."""


@response_to(DiagnosticsStatusNotificationRequest)
class DiagnosticsStatusNotificationResponse(Response):
    """Received (OCPP 1.6 §6.18)."""


# FirmwareStatusNotification: charge point -> central system


class FirmwareStatus(StrEnum):
    """How the update gets on (OCPP 1.6 §7.25, F-02)."""

    DOWNLOADED = "Downloaded"
    DOWNLOAD_FAILED = "DownloadFailed"
    DOWNLOADING = "Downloading"
    IDLE = "Idle"
    INSTALLATION_FAILED = "InstallationFailed"
    INSTALLING = "Installing"
    INSTALLED = "Installed"


@request("FirmwareStatusNotification", sent_by=CHARGE_POINT, profile=PROFILE)
class FirmwareStatusNotificationRequest(Request):
    """An update of the firmware has come to another state (OCPP 1.6 §4.5, §6.19)."""

    status: FirmwareStatus = enumerated("status", FirmwareStatus)
    """Which; Idle only when asked by a trigger (T-07)."""


@response_to(FirmwareStatusNotificationRequest)
class FirmwareStatusNotificationResponse(Response):
    """Received (OCPP 1.6 §6.20)."""


# UpdateFirmware: central system -> charge point


@request("UpdateFirmware", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class UpdateFirmwareRequest(Request):
    """Fetch and install new firmware (OCPP 1.6 §5.19, §6.55)."""

    location: str = uri("location")
    """Where it is. It may hold a password."""
    retries: int | None = integer("retries", default=None)
    """How often to try again after a first failure; without it the station decides (F-06)."""
    retrieve_date: datetime = instant("retrieveDate")
    """Earliest moment of the download."""
    retry_interval: int | None = integer("retryInterval", default=None)
    """Seconds between tries; without it the station decides."""


@response_to(UpdateFirmwareRequest)
class UpdateFirmwareResponse(Response):
    """Received (OCPP 1.6 §6.56)."""
