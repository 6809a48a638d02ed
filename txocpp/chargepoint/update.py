"""A request for new firmware, and how far it can come (OCPP 1.6 §5.19, §7.25, security white paper
L01)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, Final

import attrs

from txocpp.chargepoint.signatures import Signature


class FirmwareStatus(StrEnum):
    """How an update gets on. Without a signature there are fewer words: `PLAIN`."""

    IDLE = "Idle"
    DOWNLOAD_SCHEDULED = "DownloadScheduled"
    DOWNLOADING = "Downloading"
    DOWNLOADED = "Downloaded"
    DOWNLOAD_FAILED = "DownloadFailed"
    SIGNATURE_VERIFIED = "SignatureVerified"
    INVALID_SIGNATURE = "InvalidSignature"
    INSTALL_SCHEDULED = "InstallScheduled"
    INSTALLING = "Installing"
    INSTALL_REBOOTING = "InstallRebooting"
    INSTALLED = "Installed"
    INSTALLATION_FAILED = "InstallationFailed"
    INSTALL_VERIFICATION_FAILED = "InstallVerificationFailed"


PLAIN: Final = frozenset(
    {
        FirmwareStatus.DOWNLOADING,
        FirmwareStatus.DOWNLOADED,
        FirmwareStatus.DOWNLOAD_FAILED,
        FirmwareStatus.INSTALLING,
        FirmwareStatus.INSTALLED,
        FirmwareStatus.INSTALLATION_FAILED,
    }
)
"""What is told of an update without a signature (F-02)."""


class Phase(IntEnum):
    """How far an update has come, for whoever goes on with it after a restart."""

    ACCEPTED = 0
    DOWNLOADED = 1
    VERIFIED = 2
    INSTALLING = 3
    REBOOTING = 4


class Acceptance(StrEnum):
    """What becomes of a request (X-70)."""

    ACCEPTED = "Accepted"
    CANCELED = "AcceptedCanceled"
    """Accepted in place of an earlier one."""
    REJECTED = "Rejected"
    INVALID_CERTIFICATE = "InvalidCertificate"


@attrs.frozen(kw_only=True)
class Update:
    """One request for an update."""

    location: str = attrs.field(repr=False)
    """URL of the image. It may hold a password."""
    retrieve_at: datetime
    """Not before this moment."""
    retries: int | None = None
    retry_interval_s: int | None = None
    request_id: int | None = None
    """None for an update without signature."""
    install_at: datetime | None = None
    """Not before this moment; None: as soon as nobody charges."""
    signature: Signature | None = None

    def document(self) -> dict[str, Any]:
        """As plain JSON values."""
        found = attrs.asdict(self)
        for name in ("retrieve_at", "install_at"):
            found[name] = found[name] and found[name].isoformat()
        return found

    @classmethod
    def restored(cls, document: Mapping[str, Any]) -> Update:
        """From what `document` gave."""
        values = dict(document)
        for name in ("retrieve_at", "install_at"):
            values[name] = values[name] and datetime.fromisoformat(values[name])
        signature = values.pop("signature")
        return cls(**values, signature=signature and Signature(**signature))


@attrs.frozen
class FirmwareReport:
    """One step, as the central system is told."""

    status: FirmwareStatus
    request_id: int | None = None
    """Of a signed update (X-76)."""
