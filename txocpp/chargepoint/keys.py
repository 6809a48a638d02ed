"""The standard configuration keys as a table (OCPP 1.6 §9, OCPP-J §7, security white paper §7).

One line is one key: what it holds, its range, who may change it. The keys' meaning lives in the
rooms that read them.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

import attrs

from txocpp.chargepoint.measurands import REGISTER, is_choice


class Kind(Enum):
    """What the text of a value stands for."""

    BOOLEAN = "boolean"
    INTEGER = "whole number"
    TEXT = "text"
    LIST = "comma-separated list"


class Access(Enum):
    """What the central system may do with a key."""

    READ = "read"
    CHANGE = "read and change"
    WRITE_ONLY = "change, never read"


LARGEST: Final = 2**31 - 1


@attrs.frozen
class Key:
    """One configuration key."""

    name: str
    """Canonical spelling (K-03)."""
    kind: Kind
    initial: str | None
    """Value of a new charge point; None: present, but not set."""
    access: Access = Access.CHANGE
    profile: str = "Core"
    """Feature profile; without it in SupportedFeatureProfiles the key does not exist."""
    minimum: int = 0
    maximum: int = LARGEST
    values: tuple[str, ...] = ()
    """The allowed items of a list; empty: see `is_item`."""
    is_item: Callable[[str], bool] = bool
    """Whether a list may hold an item; what the hardware makes of it is another question."""
    example: str = ""
    """Of a list without `values`, for whoever wrote a wrong one."""
    max_length_key: str | None = None
    """The key with the largest number of items of this list."""
    reconnects: bool = False
    """A change takes effect with the next connection, which is made at once."""
    optional: bool = False
    """May be left out of a charge point: then the feature does not exist."""


def _boolean(name: str, initial: bool, **more: object) -> Key:
    return Key(name, Kind.BOOLEAN, "true" if initial else "false", **more)  # type: ignore[arg-type]


def _number(name: str, initial: int | None, **more: object) -> Key:
    text = None if initial is None else str(initial)
    return Key(name, Kind.INTEGER, text, **more)  # type: ignore[arg-type]


def _list(name: str, initial: str, **more: object) -> Key:
    return Key(name, Kind.LIST, initial, **more)  # type: ignore[arg-type]


FEATURE_PROFILES: Final = (
    "Core",
    "FirmwareManagement",
    "LocalAuthListManagement",
    "Reservation",
    "SmartCharging",
    "RemoteTrigger",
)

ROTATIONS: Final = ("NotApplicable", "Unknown", "RST", "RTS", "SRT", "STR", "TRS", "TSR")


def is_rotation(item: str) -> bool:
    """Whether text is the phase rotation of a connector, such as ``1.RST`` (OCPP 1.6 §9.1.7)."""
    number, _, rotation = item.partition(".")
    return number.isdecimal() and number.isascii() and rotation in ROTATIONS


def _measurands(name: str, initial: str) -> Key:
    return Key(
        name,
        Kind.LIST,
        initial,
        max_length_key=f"{name}MaxLength",
        is_item=is_choice,
        example="Energy.Active.Import.Register,Voltage.L1-N",
    )


_AUTH = "LocalAuthListManagement"
_SMART = "SmartCharging"
_READ = Access.READ

CORE_KEYS: Final = (
    _boolean("AllowOfflineTxForUnknownId", False, optional=True),
    _boolean("AuthorizationCacheEnabled", True, optional=True),
    _boolean("AuthorizeRemoteTxRequests", True),
    _number("ClockAlignedDataInterval", 0),
    _number("ConnectionTimeOut", 60),
    _list(
        "ConnectorPhaseRotation",
        "",
        max_length_key="ConnectorPhaseRotationMaxLength",
        is_item=is_rotation,
        example="0.RST,1.RST,2.STR",
    ),
    _number("ConnectorPhaseRotationMaxLength", None, access=_READ),
    _number("GetConfigurationMaxKeys", 100, access=_READ, minimum=1),
    _number("HeartbeatInterval", 300),
    _boolean("LocalAuthorizeOffline", True),
    _boolean("LocalPreAuthorize", False),
    _number("MaxEnergyOnInvalidId", 0, optional=True),
    _number("MessageTimeout", 30, minimum=1, optional=True),
    _measurands("MeterValuesAlignedData", REGISTER),
    _number("MeterValuesAlignedDataMaxLength", 32, access=_READ),
    _measurands("MeterValuesSampledData", REGISTER),
    _number("MeterValuesSampledDataMaxLength", 32, access=_READ),
    _number("MeterValueSampleInterval", 60),
    _number("MinimumStatusDuration", 0, optional=True),
    _number("NumberOfConnectors", None, access=_READ, minimum=1),
    _number("ResetRetries", 1),
    _boolean("StopTransactionOnEVSideDisconnect", True),
    _boolean("StopTransactionOnInvalidId", True),
    _number("StopTransactionMaxMeterValues", 100, access=_READ, minimum=2, optional=True),
    _measurands("StopTxnAlignedData", ""),
    _number("StopTxnAlignedDataMaxLength", 32, access=_READ),
    _measurands("StopTxnSampledData", ""),
    _number("StopTxnSampledDataMaxLength", 32, access=_READ),
    _list(
        "SupportedFeatureProfiles",
        ",".join(FEATURE_PROFILES),
        access=_READ,
        values=FEATURE_PROFILES,
        max_length_key="SupportedFeatureProfilesMaxLength",
    ),
    _number("SupportedFeatureProfilesMaxLength", 6, access=_READ, optional=True),
    _number("TransactionMessageAttempts", 3),
    _number("TransactionMessageRetryInterval", 60),
    _boolean("UnlockConnectorOnEVSideDisconnect", True),
    _number("WebSocketPingInterval", 60, optional=True),
)

PROFILE_KEYS: Final = (
    _boolean("LocalAuthListEnabled", True, profile=_AUTH),
    _number("LocalAuthListMaxLength", 10_000, profile=_AUTH, access=_READ),
    _number("SendLocalListMaxLength", 1_000, profile=_AUTH, access=_READ),
    _boolean("ReserveConnectorZeroSupported", True, profile="Reservation", access=_READ),
    _number("ChargeProfileMaxStackLevel", 10, profile=_SMART, access=_READ),
    _list(
        "ChargingScheduleAllowedChargingRateUnit",
        "Current,Power",
        profile=_SMART,
        access=_READ,
        values=("Current", "Power"),
    ),
    _number("ChargingScheduleMaxPeriods", 1_000, profile=_SMART, access=_READ, minimum=1),
    _boolean("ConnectorSwitch3to1PhaseSupported", False, profile=_SMART, access=_READ),
    _number("MaxChargingProfilesInstalled", 100, profile=_SMART, access=_READ, minimum=1),
    _list(
        "SupportedFileTransferProtocols",
        "FTP,FTPS,HTTP,HTTPS",
        profile="FirmwareManagement",
        access=_READ,
        values=("FTP", "FTPS", "HTTP", "HTTPS"),
        optional=True,
    ),
)

SECURITY_KEYS: Final = (
    _boolean("AdditionalRootCertificateCheck", False, access=_READ, optional=True),
    Key("AuthorizationKey", Kind.TEXT, None, Access.WRITE_ONLY, reconnects=True),
    _number("CertificateSignedMaxChainSize", 10_000, access=_READ, optional=True),
    _number("CertificateStoreMaxLength", 20, access=_READ, optional=True),
    Key("CpoName", Kind.TEXT, "", optional=True),
    _number("SecurityProfile", 0, maximum=3, reconnects=True, optional=True),
)
"""The optional ones are absent where the security extensions are switched off; AuthorizationKey
belongs to OCPP-J itself."""

EXTRA_KEYS: Final = (
    _number("BlinkRepeat", None, optional=True),
    _number("LightIntensity", None, maximum=100, optional=True),
)
"""Keys of hardware that few charge points have: present only where a value is given for them."""

STANDARD_KEYS: Final = CORE_KEYS + PROFILE_KEYS + SECURITY_KEYS
