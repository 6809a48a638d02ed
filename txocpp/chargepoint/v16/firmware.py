"""Feature profile FirmwareManagement: what the central system asks and hears (OCPP 1.6 §4.4, §4.5,
§5.9, §5.19)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import attrs

from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.diagnostics import Diagnostics
from txocpp.chargepoint.firmware import Firmware
from txocpp.chargepoint.update import Update
from txocpp.chargepoint.uploads import Order, Uploads
from txocpp.chargepoint.v16.notices import NoticeWords, diagnostics_status, firmware_status
from txocpp.chargepoint.v16.remotetrigger import RemoteTrigger
from txocpp.errors import NotSupported
from txocpp.messages import v16
from txocpp.transport.peer import Responder

PROFILE: Final = "FirmwareManagement"


@attrs.frozen(kw_only=True)
class FirmwareManagement:
    """Answers the requests of profile FirmwareManagement."""

    firmware: Firmware
    diagnostics: Diagnostics
    uploads: Uploads
    configuration: Configuration
    words: NoticeWords
    signed_only: bool

    def responders(self) -> dict[type, Responder]:
        """By request class; none where the profile is left out."""
        if not self.configuration.supports(PROFILE):
            return {}
        return {
            v16.GetDiagnosticsRequest: self.get_diagnostics,
            v16.UpdateFirmwareRequest: self.update,
        }

    def add_triggers(self, trigger: RemoteTrigger) -> None:
        """The messages that can be asked for (T-07)."""
        if self.configuration.supports(PROFILE):
            trigger.add("FirmwareStatusNotification", self.trigger_firmware)
            trigger.add("DiagnosticsStatusNotification", self.trigger_diagnostics)

    def update(self, request: v16.UpdateFirmwareRequest) -> v16.UpdateFirmwareResponse:
        """New firmware (§5.19). The answer says nothing, even if it is not taken (F-08)."""
        if self.signed_only:
            #
            raise NotSupported("firmware has to be signed: SignedUpdateFirmware")
        self.firmware.accept(
            Update(
                location=request.location,
                retrieve_at=request.retrieve_date,
                retries=request.retries,
                retry_interval_s=request.retry_interval,
            )
        )
        return v16.UpdateFirmwareResponse()

    def get_diagnostics(self, request: v16.GetDiagnosticsRequest) -> v16.GetDiagnosticsResponse:
        """Diagnostics, please (§5.9)."""
        document = self.diagnostics.everything(request.start_time, request.stop_time)
        if document is None:
            return v16.GetDiagnosticsResponse()
        self.uploads.begin(
            document,
            Order(
                location=request.location,
                retries=request.retries,
                retry_interval_s=request.retry_interval,
            ),
        )
        return v16.GetDiagnosticsResponse(file_name=document.name)

    def trigger_firmware(self, connector_id: int | None) -> Callable[[], object]:
        """See `remotetrigger.Trigger`."""
        return partial(self.words.send_now, firmware_status(self.firmware.report))

    def trigger_diagnostics(self, connector_id: int | None) -> Callable[[], object]:
        """See `remotetrigger.Trigger`."""
        return partial(self.words.send_now, diagnostics_status(self.uploads.report))
