"""The configuration keys of a simulated station. All share the defaults; each keeps its changes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from txocpp.load.samples import MEASURANDS
from txocpp.messages.v16 import ConfigurationStatus, KeyValue


class _Kind(Enum):
    FIXED = "read-only"
    NUMBER = "a whole number from 0"
    SWITCH = "true or false"
    MEASURANDS = "measurands, separated by commas"
    PASSWORD = "hexadecimal digits, never shown"


DEFAULTS: Final[Mapping[str, tuple[_Kind, str]]] = {
    "AllowOfflineTxForUnknownId": (_Kind.FIXED, "true"),
    "AuthorizeRemoteTxRequests": (_Kind.FIXED, "false"),
    "AuthorizationKey": (_Kind.PASSWORD, ""),
    "ChargeProfileMaxStackLevel": (_Kind.FIXED, "10"),
    "ChargingScheduleAllowedChargingRateUnit": (_Kind.FIXED, "Current,Power"),
    "ChargingScheduleMaxPeriods": (_Kind.FIXED, "100"),
    "ClockAlignedDataInterval": (_Kind.FIXED, "0"),
    "ConnectionTimeOut": (_Kind.NUMBER, "60"),
    "ConnectorPhaseRotation": (_Kind.FIXED, "NotApplicable"),
    "GetConfigurationMaxKeys": (_Kind.FIXED, "50"),
    "HeartbeatInterval": (_Kind.NUMBER, "300"),
    "LocalAuthListEnabled": (_Kind.FIXED, "true"),
    "LocalAuthListMaxLength": (_Kind.FIXED, "1000"),
    "LocalAuthorizeOffline": (_Kind.FIXED, "false"),
    "LocalPreAuthorize": (_Kind.FIXED, "false"),
    "MaxChargingProfilesInstalled": (_Kind.FIXED, "20"),
    "MeterValueSampleInterval": (_Kind.NUMBER, "60"),
    "MeterValuesAlignedData": (_Kind.FIXED, ""),
    "MeterValuesSampledData": (_Kind.MEASURANDS, ",".join(MEASURANDS)),
    "NumberOfConnectors": (_Kind.FIXED, "2"),
    "ResetRetries": (_Kind.NUMBER, "0"),
    "SendLocalListMaxLength": (_Kind.FIXED, "100"),
    "StopTransactionOnEVSideDisconnect": (_Kind.FIXED, "true"),
    "StopTransactionOnInvalidId": (_Kind.FIXED, "true"),
    "StopTxnAlignedData": (_Kind.FIXED, ""),
    "StopTxnSampledData": (_Kind.FIXED, ""),
    "SupportedFeatureProfiles": (
        _Kind.FIXED,
        "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
    ),
    "TransactionMessageAttempts": (_Kind.NUMBER, "3"),
    "TransactionMessageRetryInterval": (_Kind.NUMBER, "60"),
    "UnlockConnectorOnEVSideDisconnect": (_Kind.FIXED, "true"),
    "WebSocketPingInterval": (_Kind.NUMBER, "0"),
}

_SPELLINGS: Final = {name.lower(): name for name in DEFAULTS}
KEY_DIGITS: Final = range(32, 41)
"""Of an AuthorizationKey: 16 to 20 bytes (X-11)."""
MOST_KEYS: Final = int(DEFAULTS["GetConfigurationMaxKeys"][1])


class Keys:
    """Values of one station."""

    __slots__ = ("_own",)

    def __init__(self, **first: Any) -> None:
        """`first`: values that differ from the defaults."""
        self._own: dict[str, str] = {name: str(value) for name, value in first.items()}

    def text(self, name: str) -> str:
        """The value of a key."""
        return self._own.get(name) or DEFAULTS[name][1]

    def number(self, name: str) -> int:
        """The same for whole numbers."""
        return int(self.text(name))

    def measurands(self) -> tuple[str, ...]:
        """Of the samples of a transaction."""
        return _items(self.text("MeterValuesSampledData"))

    def put(self, name: str, value: object) -> None:
        """Set a key from inside, read-only or not."""
        self._own[name] = str(value)

    def read(self, names: tuple[str, ...] | None) -> tuple[tuple[KeyValue, ...], tuple[str, ...]]:
        """The keys with these names, all without names; and the names that are no keys (K-01)."""
        known, unknown = [], []
        for asked in names or DEFAULTS:
            # K-03: without regard to case.
            name = _SPELLINGS.get(asked.lower())
            if name is None:
                unknown.append(asked)
                continue
            kind, _ = DEFAULTS[name]
            value = None if kind is _Kind.PASSWORD else self.text(name)
            known.append(KeyValue(key=name, readonly=kind is _Kind.FIXED, value=value))
        return tuple(known), tuple(unknown)

    def change(self, asked: str, value: str) -> tuple[ConfigurationStatus, str]:
        """Change a key at the wish of the central system; the answer, and the key's right name."""
        name = _SPELLINGS.get(asked.lower())
        if name is None:
            return ConfigurationStatus.NOT_SUPPORTED, asked
        if not _is_good(DEFAULTS[name][0], value.strip()):
            return ConfigurationStatus.REJECTED, name
        self._own[name] = value.strip()
        return ConfigurationStatus.ACCEPTED, name


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def _is_good(kind: _Kind, value: str) -> bool:
    if kind is _Kind.NUMBER:
        return value.isascii() and value.isdigit() and len(value) < 10
    if kind is _Kind.SWITCH:
        return value.lower() in ("true", "false")
    if kind is _Kind.MEASURANDS:
        return all(item in MEASURANDS for item in _items(value))
    if kind is _Kind.PASSWORD:
        digits = all(digit in "0123456789abcdefABCDEF" for digit in value)
        return digits and len(value) in KEY_DIGITS and len(value) % 2 == 0
    return False
