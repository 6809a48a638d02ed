"""Feature profile Core, second half: what the central system asks of a charge point."""

from __future__ import annotations

from enum import StrEnum

from txocpp.messages.declaration import (
    CENTRAL_SYSTEM,
    Request,
    Response,
    request,
    response_to,
)
from txocpp.messages.fields import (
    cistring,
    enumerated,
    id_token,
    integer,
    many,
    nested,
)
from txocpp.messages.v16.core import PROFILE
from txocpp.messages.v16.types import ChargingProfile, KeyValue

# ChangeAvailability: central system -> charge point


class AvailabilityType(StrEnum):
    """In or out of service (OCPP 1.6 §7.4)."""

    INOPERATIVE = "Inoperative"
    OPERATIVE = "Operative"


class AvailabilityStatus(StrEnum):
    """What came of a change of availability (OCPP 1.6 §7.3)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    SCHEDULED = "Scheduled"


@request("ChangeAvailability", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class ChangeAvailabilityRequest(Request):
    """Take a connector or the station out of service, or back into it (OCPP 1.6 §5.2, §6.7)."""

    connector_id: int = integer("connectorId", minimum=0)
    """The connector; 0 is the station with all its connectors."""
    type: AvailabilityType = enumerated("type", AvailabilityType)
    """In or out of service."""


@response_to(ChangeAvailabilityRequest)
class ChangeAvailabilityResponse(Response):
    """Done, impossible, or after the running transaction (OCPP 1.6 §6.8)."""

    status: AvailabilityStatus = enumerated("status", AvailabilityStatus)
    """What came of it."""


# ChangeConfiguration: central system -> charge point


class ConfigurationStatus(StrEnum):
    """What came of a new setting (OCPP 1.6 §7.22)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    REBOOT_REQUIRED = "RebootRequired"
    NOT_SUPPORTED = "NotSupported"


@request("ChangeConfiguration", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class ChangeConfigurationRequest(Request):
    """Set a configuration key (OCPP 1.6 §5.3, §6.9)."""

    key: str = cistring("key", 50)
    """Name of the key."""
    value: str = cistring("value", 500, secret=True)
    """The setting as text. It may be a password."""


@response_to(ChangeConfigurationRequest)
class ChangeConfigurationResponse(Response):
    """Whether the setting holds (OCPP 1.6 §6.10)."""

    status: ConfigurationStatus = enumerated("status", ConfigurationStatus)
    """What came of it."""


# ClearCache: central system -> charge point


class ClearCacheStatus(StrEnum):
    """Whether the cache is empty now (OCPP 1.6 §7.20)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


@request("ClearCache", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class ClearCacheRequest(Request):
    """Forget every identifier in the authorization cache (OCPP 1.6 §5.4, §6.11)."""


@response_to(ClearCacheRequest)
class ClearCacheResponse(Response):
    """Whether it was done (OCPP 1.6 §6.12)."""

    status: ClearCacheStatus = enumerated("status", ClearCacheStatus)
    """What came of it."""


# GetConfiguration: central system -> charge point


@request("GetConfiguration", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class GetConfigurationRequest(Request):
    """What are these configuration keys set to? (OCPP 1.6 §5.8, §6.23)"""

    key: tuple[str, ...] | None = many("key", cistring("", 50), default=None)
    """Names of keys; none or an empty list asks for all of them."""


@response_to(GetConfigurationRequest)
class GetConfigurationResponse(Response):
    """The settings, and the names nobody knows (OCPP 1.6 §6.24)."""

    configuration_key: tuple[KeyValue, ...] | None = many(
        "configurationKey", KeyValue, default=None
    )
    """Known keys."""
    unknown_key: tuple[str, ...] | None = many("unknownKey", cistring("", 50), default=None)
    """Names that were asked for and are not known."""


# RemoteStartTransaction, RemoteStopTransaction: central system -> charge point


class RemoteStartStopStatus(StrEnum):
    """Whether the station will try (OCPP 1.6 §7.39, R-01)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


@request("RemoteStartTransaction", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class RemoteStartTransactionRequest(Request):
    """Start charging for somebody (OCPP 1.6 §5.11, §6.33)."""

    connector_id: int | None = integer("connectorId", minimum=0, default=None)
    """The connector; without it the station chooses. 0 is none, and answered Rejected (R-03)."""
    id_tag: str = id_token("idTag")
    """For whom."""
    charging_profile: ChargingProfile | None = nested(
        "chargingProfile", ChargingProfile, default=None
    )
    """Limits of that transaction: purpose TxProfile and no transaction id (SR-701)."""


@response_to(RemoteStartTransactionRequest)
class RemoteStartTransactionResponse(Response):
    """Whether the station will try (OCPP 1.6 §6.34)."""

    status: RemoteStartStopStatus = enumerated("status", RemoteStartStopStatus)
    """What came of it."""


@request("RemoteStopTransaction", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class RemoteStopTransactionRequest(Request):
    """End a transaction (OCPP 1.6 §5.12, §6.35)."""

    transaction_id: int = integer("transactionId")
    """Which."""


@response_to(RemoteStopTransactionRequest)
class RemoteStopTransactionResponse(Response):
    """Whether the station will try (OCPP 1.6 §6.36)."""

    status: RemoteStartStopStatus = enumerated("status", RemoteStartStopStatus)
    """What came of it."""


# Reset: central system -> charge point


class ResetType(StrEnum):
    """How hard (OCPP 1.6 §7.42)."""

    HARD = "Hard"
    SOFT = "Soft"


class ResetStatus(StrEnum):
    """Whether the station restarts (OCPP 1.6 §7.41)."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"


@request("Reset", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class ResetRequest(Request):
    """Restart the station (OCPP 1.6 §5.14, §6.39)."""

    type: ResetType = enumerated("type", ResetType)
    """Its software, after ending all transactions in good order, or its hardware at once."""


@response_to(ResetRequest)
class ResetResponse(Response):
    """Whether the station restarts (OCPP 1.6 §6.40)."""

    status: ResetStatus = enumerated("status", ResetStatus)
    """What comes of it."""


# UnlockConnector: central system -> charge point


class UnlockStatus(StrEnum):
    """Whether the plug can be taken out now (OCPP 1.6 §7.46, U-01)."""

    UNLOCKED = "Unlocked"
    UNLOCK_FAILED = "UnlockFailed"
    NOT_SUPPORTED = "NotSupported"


@request("UnlockConnector", sent_by=CENTRAL_SYSTEM, profile=PROFILE)
class UnlockConnectorRequest(Request):
    """Let go of a plug that is stuck (OCPP 1.6 §5.18, §6.53)."""

    connector_id: int = integer("connectorId", minimum=0)
    """The connector; 0 is none, and answered NotSupported (U-05)."""


@response_to(UnlockConnectorRequest)
class UnlockConnectorResponse(Response):
    """Whether the plug is free (OCPP 1.6 §6.54)."""

    status: UnlockStatus = enumerated("status", UnlockStatus)
    """What came of it."""
