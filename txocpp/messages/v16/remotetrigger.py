"""Feature profile RemoteTrigger: the central system asks for a message."""

from __future__ import annotations

from enum import StrEnum

from txocpp.messages.declaration import CENTRAL_SYSTEM, Request, Response, request, response_to
from txocpp.messages.fields import enumerated, integer

PROFILE = "RemoteTrigger"


# TriggerMessage: central system -> charge point


class MessageTrigger(StrEnum):
    """Messages that can be asked for (OCPP 1.6 §7.32)."""

    BOOT_NOTIFICATION = "BootNotification"
    DIAGNOSTICS_STATUS_NOTIFICATION = "DiagnosticsStatusNotification"
    FIRMWARE_STATUS_NOTIFICATION = "FirmwareStatusNotification"
    HEARTBEAT = "Heartbeat"
    METER_VALUES = "MeterValues"
    STATUS_NOTIFICATION = "StatusNotification"


class TriggerMessageStatus(StrEnum):
    """Whether the message will come (OCPP 1.6 §7.44, T-02)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_IMPLEMENTED = "NotImplemented"


@request("TriggerMessage", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class TriggerMessageRequest(Request):
    """Send me this message now (OCPP 1.6 §5.17, §6.51)."""

    requested_message: MessageTrigger = enumerated("requestedMessage", MessageTrigger)
    """Which."""
    connector_id: int | None = integer("connectorId", minimum=0, default=None)
    """About which connector, where that matters; 0 is the station (T-03)."""


@response_to(TriggerMessageRequest)
class TriggerMessageResponse(Response):
    """Whether it will come (OCPP 1.6 §6.52)."""

    status: TriggerMessageStatus = enumerated("status", TriggerMessageStatus)
    """What comes of it."""
