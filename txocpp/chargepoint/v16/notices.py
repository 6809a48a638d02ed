"""Steps of updates and uploads, and security events, as messages of OCPP 1.6 (§4.4, §4.5; security
white paper A04, L01, N01)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from txocpp.chargepoint.securitylog import LONGEST_INFO, Entry
from txocpp.chargepoint.update import FirmwareReport
from txocpp.chargepoint.uploads import UploadReport, UploadState
from txocpp.chargepoint.v16 import values
from txocpp.chargepoint.v16.central import CentralSystem
from txocpp.errors import CallFailed, TransferTrouble
from txocpp.interfaces import IMessageFactory
from txocpp.messages import v16

TROUBLES: Final = {
    TransferTrouble.FAILED: v16.UploadLogStatusEnumType.UPLOAD_FAILURE,
    TransferTrouble.DENIED: v16.UploadLogStatusEnumType.PERMISSION_DENIED,
    TransferTrouble.UNSUPPORTED: v16.UploadLogStatusEnumType.NOT_SUPPORTED_OPERATION,
    TransferTrouble.MALFORMED: v16.UploadLogStatusEnumType.BAD_MESSAGE,
}
"""X-65"""

log = Logger()


def firmware_status(report: FirmwareReport) -> v16.FirmwareStatusNotificationRequest:
    """A step of an update without signature."""
    return v16.FirmwareStatusNotificationRequest(status=v16.FirmwareStatus(report.status.value))


def signed_firmware_status(
    report: FirmwareReport,
) -> v16.SignedFirmwareStatusNotificationRequest:
    """A step of a signed update (X-76)."""
    return v16.SignedFirmwareStatusNotificationRequest(
        status=v16.FirmwareStatusEnumType(report.status.value), request_id=report.request_id
    )


def diagnostics_status(report: UploadReport) -> v16.DiagnosticsStatusNotificationRequest:
    """A step of an upload of diagnostics."""
    status = v16.DiagnosticsStatus(report.state.value)
    return v16.DiagnosticsStatusNotificationRequest(status=status)


def log_status(report: UploadReport) -> v16.LogStatusNotificationRequest:
    """A step of an upload of a log (X-65)."""
    if report.state is UploadState.FAILED:
        status = TROUBLES[report.trouble or TransferTrouble.FAILED]
    else:
        status = v16.UploadLogStatusEnumType(report.state.value)
    return v16.LogStatusNotificationRequest(status=status, request_id=report.request_id)


@attrs.frozen
class NoticeWords:
    """Puts notices on the line; a queue keeps them as `document` says."""

    central: CentralSystem
    factory: IMessageFactory

    def document(self, request: Any) -> dict[str, Any]:
        """A request as plain JSON values."""
        return {"action": request.action, "payload": self.factory.payload(request)}

    def send(self, document: Mapping[str, Any]) -> Deferred[Any]:
        """A request that was kept."""
        return self.central.call(self.factory.request(document["action"], document["payload"]))

    def send_event(self, document: Mapping[str, Any]) -> Deferred[Any]:
        """A security event."""
        entry = Entry.restored(document)
        return self.central.call(
            v16.SecurityEventNotificationRequest(
                type=entry.event[:50],
                timestamp=entry.at,
                tech_info=values.clipped(entry.info, LONGEST_INFO),
            )
        )

    def send_now(self, request: Any) -> None:
        """Something that was asked for: it comes now or not at all (T-05)."""
        self.central.call(request).addErrback(_unheard)


def _unheard(failure: Failure) -> None:
    failure.trap(CallFailed)
    log.warn("a triggered message was not taken: {reason}", reason=failure.getErrorMessage())
