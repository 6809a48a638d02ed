"""Feature profile Core, first half: what charge points tell and ask, and the vendor's own words.

What the central system asks is in `txocpp.messages.v16.core_commands`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from txocpp.messages.declaration import (
    CHARGE_POINT,
    EITHER,
    Request,
    Response,
    request,
    response_to,
)
from txocpp.messages.fields import (
    cistring,
    enumerated,
    id_token,
    instant,
    integer,
    many,
    nested,
    text,
)
from txocpp.messages.v16.types import IdTagInfo, MeterValue

PROFILE = "Core"


# Authorize: charge point -> central system


@request("Authorize", sent_by=CHARGE_POINT, profile=PROFILE)
class AuthorizeRequest(Request):
    """May this identifier charge? (OCPP 1.6 §4.1, §6.1)"""

    id_tag: str = id_token("idTag")
    """The identifier that somebody presented."""


@response_to(AuthorizeRequest)
class AuthorizeResponse(Response):
    """It may, or not, and why not (OCPP 1.6 §6.2)."""

    id_tag_info: IdTagInfo = nested("idTagInfo", IdTagInfo)
    """What the central system knows about it."""


# BootNotification: charge point -> central system


class RegistrationStatus(StrEnum):
    """Whether a station takes part in the network (OCPP 1.6 §7.38)."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


@request("BootNotification", sent_by=CHARGE_POINT, profile=PROFILE)
class BootNotificationRequest(Request):
    """A station has started and says what it is (OCPP 1.6 §4.2, §6.3)."""

    charge_box_serial_number: str | None = cistring("chargeBoxSerialNumber", 25, default=None)
    """Deprecated: see `charge_point_serial_number`."""
    charge_point_model: str = cistring("chargePointModel", 20)
    """Model, in the words of the vendor."""
    charge_point_serial_number: str | None = cistring("chargePointSerialNumber", 25, default=None)
    """Serial number of the station."""
    charge_point_vendor: str = cistring("chargePointVendor", 20)
    """Who made it."""
    firmware_version: str | None = cistring("firmwareVersion", 50, default=None)
    """What runs on it."""
    iccid: str | None = cistring("iccid", 20, default=None)
    """Number of the SIM card in its modem."""
    imsi: str | None = cistring("imsi", 20, default=None)
    """Mobile subscriber of that SIM card."""
    meter_serial_number: str | None = cistring("meterSerialNumber", 25, default=None)
    """Serial number of the main meter."""
    meter_type: str | None = cistring("meterType", 25, default=None)
    """Type of the main meter."""


@response_to(BootNotificationRequest)
class BootNotificationResponse(Response):
    """Welcome, wait, or go away (OCPP 1.6 §6.4)."""

    current_time: datetime = instant("currentTime")
    """Clock of the central system, by which the station may set its own."""
    interval: int = integer("interval")
    """Seconds between heartbeats once accepted; before that, the least wait until the next
    BootNotification, where 0 leaves the choice to the station (B-03, B-04)."""
    status: RegistrationStatus = enumerated("status", RegistrationStatus)
    """Whether the station is registered."""


# DataTransfer: both ways


class DataTransferStatus(StrEnum):
    """How a vendor's message was taken (OCPP 1.6 §7.23, D-02)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    UNKNOWN_MESSAGE_ID = "UnknownMessageId"
    UNKNOWN_VENDOR_ID = "UnknownVendorId"


@request("DataTransfer", sent_by=EITHER, profile=PROFILE)
class DataTransferRequest(Request):
    """Something that OCPP has no words for (OCPP 1.6 §4.3, §5.6, §6.15)."""

    vendor_id: str = cistring("vendorId", 255)
    """Whose message it is, best as a reversed domain name."""
    message_id: str | None = cistring("messageId", 50, default=None)
    """Which of the vendor's messages."""
    data: str | None = text("data", default=None)
    """The contents, of any length. Structured data is text inside the text (D-03)."""


@response_to(DataTransferRequest)
class DataTransferResponse(Response):
    """Whether it was understood (OCPP 1.6 §6.16)."""

    status: DataTransferStatus = enumerated("status", DataTransferStatus)
    """How it was taken."""
    data: str | None = text("data", default=None)
    """The vendor's answer; none from somebody who does not know the vendor."""


# Heartbeat: charge point -> central system


@request("Heartbeat", sent_by=CHARGE_POINT, profile=PROFILE)
class HeartbeatRequest(Request):
    """A station is alive (OCPP 1.6 §4.6, §6.29)."""


@response_to(HeartbeatRequest)
class HeartbeatResponse(Response):
    """What time it is (OCPP 1.6 §6.30)."""

    current_time: datetime = instant("currentTime")
    """Clock of the central system."""


# MeterValues: charge point -> central system


@request("MeterValues", sent_by=CHARGE_POINT, profile=PROFILE)
class MeterValuesRequest(Request):
    """What the meters of a connector showed (OCPP 1.6 §4.7, §6.31)."""

    connector_id: int = integer("connectorId", minimum=0)
    """The connector; 0 is the main meter of the station."""
    transaction_id: int | None = integer("transactionId", default=None)
    """The transaction that was running there; none for connector 0 (M-08, M-09)."""
    meter_value: tuple[MeterValue, ...] = many("meterValue", MeterValue, at_least=1)
    """Values at one or several instants."""


@response_to(MeterValuesRequest)
class MeterValuesResponse(Response):
    """Received (OCPP 1.6 §6.32)."""


# StartTransaction: charge point -> central system


@request("StartTransaction", sent_by=CHARGE_POINT, profile=PROFILE)
class StartTransactionRequest(Request):
    """A transaction has begun (OCPP 1.6 §4.8, §6.45)."""

    connector_id: int = integer("connectorId", minimum=1)
    """Where."""
    id_tag: str = id_token("idTag")
    """For whom."""
    meter_start: int = integer("meterStart")
    """Energy register of the connector at the start, in Wh."""
    reservation_id: int | None = integer("reservationId", default=None)
    """The reservation that this transaction uses up."""
    timestamp: datetime = instant("timestamp")
    """When it began; may be long ago (TX-28)."""


@response_to(StartTransactionRequest)
class StartTransactionResponse(Response):
    """The number of the transaction, and whether it may go on (OCPP 1.6 §6.46)."""

    id_tag_info: IdTagInfo = nested("idTagInfo", IdTagInfo)
    """What the central system knows about the identifier."""
    transaction_id: int = integer("transactionId")
    """Name of the transaction from now on."""


# StatusNotification: charge point -> central system


class ChargePointErrorCode(StrEnum):
    """What is wrong with a connector or station (OCPP 1.6 §7.6)."""

    CONNECTOR_LOCK_FAILURE = "ConnectorLockFailure"
    EV_COMMUNICATION_ERROR = "EVCommunicationError"
    GROUND_FAILURE = "GroundFailure"
    HIGH_TEMPERATURE = "HighTemperature"
    INTERNAL_ERROR = "InternalError"
    LOCAL_LIST_CONFLICT = "LocalListConflict"
    NO_ERROR = "NoError"
    OTHER_ERROR = "OtherError"
    OVER_CURRENT_FAILURE = "OverCurrentFailure"
    POWER_METER_FAILURE = "PowerMeterFailure"
    POWER_SWITCH_FAILURE = "PowerSwitchFailure"
    READER_FAILURE = "ReaderFailure"
    RESET_FAILURE = "ResetFailure"
    UNDER_VOLTAGE = "UnderVoltage"
    OVER_VOLTAGE = "OverVoltage"
    WEAK_SIGNAL = "WeakSignal"


class ChargePointStatus(StrEnum):
    """What a connector is doing (OCPP 1.6 §7.7)."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EVSE = "SuspendedEVSE"
    SUSPENDED_EV = "SuspendedEV"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


@request("StatusNotification", sent_by=CHARGE_POINT, profile=PROFILE)
class StatusNotificationRequest(Request):
    """A connector or the station is in another state now (OCPP 1.6 §4.9, §6.47)."""

    connector_id: int = integer("connectorId", minimum=0)
    """The connector; 0 is the station."""
    error_code: ChargePointErrorCode = enumerated("errorCode", ChargePointErrorCode)
    """What is wrong, or that nothing is."""
    info: str | None = cistring("info", 50, default=None)
    """More about it, for people."""
    status: ChargePointStatus = enumerated("status", ChargePointStatus)
    """The state; the station only knows Available, Unavailable and Faulted."""
    timestamp: datetime | None = instant("timestamp", default=None)
    """Since when; without it: since the message came."""
    vendor_id: str | None = cistring("vendorId", 255, default=None)
    """Whose error code follows."""
    vendor_error_code: str | None = cistring("vendorErrorCode", 50, default=None)
    """The vendor's own error code."""


@response_to(StatusNotificationRequest)
class StatusNotificationResponse(Response):
    """Received (OCPP 1.6 §6.48)."""


# StopTransaction: charge point -> central system


class Reason(StrEnum):
    """Why a transaction ended (OCPP 1.6 §7.36, TX-12)."""

    EMERGENCY_STOP = "EmergencyStop"
    EV_DISCONNECTED = "EVDisconnected"
    HARD_RESET = "HardReset"
    LOCAL = "Local"
    OTHER = "Other"
    POWER_LOSS = "PowerLoss"
    REBOOT = "Reboot"
    REMOTE = "Remote"
    SOFT_RESET = "SoftReset"
    UNLOCK_COMMAND = "UnlockCommand"
    DE_AUTHORIZED = "DeAuthorized"


@request("StopTransaction", sent_by=CHARGE_POINT, profile=PROFILE)
class StopTransactionRequest(Request):
    """A transaction has ended (OCPP 1.6 §4.10, §6.49)."""

    id_tag: str | None = id_token("idTag", default=None)
    """Who ended it; none when the station did so by itself (TX-13)."""
    meter_stop: int = integer("meterStop")
    """Energy register of the connector at the end, in Wh."""
    timestamp: datetime = instant("timestamp")
    """When it ended."""
    transaction_id: int = integer("transactionId")
    """Which; -1 if the central system never gave it a number (TX-29)."""
    reason: Reason | None = enumerated("reason", Reason, default=None)
    """Why; without it: Local."""
    transaction_data: tuple[MeterValue, ...] | None = many(
        "transactionData", MeterValue, default=None
    )
    """Meter values of the transaction, for billing."""


@response_to(StopTransactionRequest)
class StopTransactionResponse(Response):
    """Received; a transaction that has ended cannot be refused (OCPP 1.6 §6.50)."""

    id_tag_info: IdTagInfo | None = nested("idTagInfo", IdTagInfo, default=None)
    """What the central system knows about the identifier that ended it."""
