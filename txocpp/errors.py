"""What can go wrong between two peers, and which word on the wire says so.

::

    TxocppError
    ├── CallRefused                      we refuse what the peer asked; becomes a CALLERROR
    │   ├── NotImplementedByUs           action unknown
    │   ├── NotSupported                 action known, not supported here
    │   ├── InternalError
    │   ├── ProtocolError                payload incomplete
    │   ├── SecurityError
    │   ├── FormationViolation           malformed, unknown property
    │   ├── PropertyConstraintViolation  value not allowed
    │   ├── OccurrenceConstraintViolation
    │   ├── TypeConstraintViolation
    │   └── GenericError
    ├── CallFailed                       what we asked the peer came to nothing
    │   ├── RemoteError                  the peer answered with a CALLERROR
    │   ├── CallTimeout                  no answer in time
    │   ├── ConnectionGone               no line, or the line was lost while waiting
    │   ├── CallWithdrawn                never sent: too many calls were waiting
    │   └── InvalidResponse              the answer does not fit its schema (rule J-21)
    ├── InvalidMessage                   our own message would break the schema; nothing was sent
    ├── ConfigurationError               a file or an option is wrong: what, where
    ├── StoreError                       what should survive could not be written or read
    ├── TransferFailed                   a file could not be fetched or delivered
    ├── InstallationFailed               new firmware could not be installed
    │   └── ImageRefused                 what was to be installed is no firmware for this charger
    └── DeviceError                      a charger did not do what was asked
        ├── DeviceOffline                the line to the device is down
        └── DeviceRefused                the device answered no

A responder just raises one of the ``CallRefused`` family; the wire code is declared on the class
(OCPP-J 1.6 §4.2.3, rules J-12, J-13, J-19, J-20).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, ClassVar


class TxocppError(Exception):
    """Everything that txocpp raises on purpose."""


class CallRefused(TxocppError):
    """We do not do what the peer asked; the peer is told by a CALLERROR."""

    code: ClassVar[str] = "GenericError"

    def __init__(self, description: str = "", details: Mapping[str, Any] | None = None) -> None:
        super().__init__(description)
        self.description = description
        self.details: dict[str, Any] = dict(details or {})


class NotImplementedByUs(CallRefused):
    """The action is not known."""

    code = "NotImplemented"


class NotSupported(CallRefused):
    """The action is known, but this station or system does not support it."""

    code = "NotSupported"


class InternalError(CallRefused):
    """Processing failed for a reason that is no fault of the peer."""

    code = "InternalError"


class ProtocolError(CallRefused):
    """The payload is incomplete."""

    code = "ProtocolError"


class SecurityError(CallRefused):
    """A security reason forbids it."""

    code = "SecurityError"


class FormationViolation(CallRefused):
    """The payload is malformed, for example by an unknown property."""

    code = "FormationViolation"


class PropertyConstraintViolation(CallRefused):
    """The structure is right, a value is not allowed."""

    code = "PropertyConstraintViolation"


class OccurrenceConstraintViolation(CallRefused):
    """Too few or too many items. The wire spelling lacks an r, and stays so in 1.6 (J-19)."""

    code = "OccurenceConstraintViolation"


class TypeConstraintViolation(CallRefused):
    """A value has the wrong JSON type."""

    code = "TypeConstraintViolation"


class GenericError(CallRefused):
    """Nothing else fits."""

    code = "GenericError"


class CallFailed(TxocppError):
    """What we asked of the peer came to nothing."""


class RemoteError(CallFailed):
    """The peer answered with a CALLERROR.

    ``code`` is the canonical spelling: known slips and aliases are mapped, an unknown code is kept
    in ``wire_code`` and reads ``GenericError`` in ``code`` (J-19).
    """

    def __init__(
        self,
        code: str,
        description: str = "",
        details: Mapping[str, Any] | None = None,
        *,
        wire_code: str | None = None,
    ) -> None:
        spelt = wire_code or code
        super().__init__(f"{spelt}: {description}" if description else spelt)
        self.code = code
        self.description = description
        self.details: dict[str, Any] = dict(details or {})
        self.wire_code = spelt


class CallTimeout(CallFailed):
    """No answer came in time (J-10)."""


class ConnectionGone(CallFailed):
    """There is no line to the peer, or it was lost while waiting for the answer (C-18)."""


class CallWithdrawn(CallFailed):
    """The call was not sent: too many were waiting for their turn already."""


class InvalidResponse(CallFailed):
    """The peer's answer does not fit the schema; nobody can be told but our own log (J-21)."""


class InvalidMessage(TxocppError, ValueError):
    """A message of our own would break the schema. Names the field; nothing was sent."""


class ConfigurationError(TxocppError):
    """A configuration file or option is wrong. The text names the file, the place and the fault."""


class TransferTrouble(Enum):
    """What kind of thing is in the way of a file."""

    FAILED = "failed"
    """The network, the server, the disk: may go better next time."""
    DENIED = "denied"
    """The server does not let us."""
    UNSUPPORTED = "unsupported"
    """The protocol, or what the server would have to do, is not there: trying again is no use."""
    MALFORMED = "malformed"
    """The URL is none, or the server does not understand it: trying again is no use."""


class StoreError(TxocppError):
    """What must survive could not be written, read or migrated."""


class TransferFailed(TxocppError):
    """A file could not be fetched from a server or delivered to one. The text says why, without any
    secret of the URL."""

    def __init__(self, reason: str, kind: TransferTrouble = TransferTrouble.FAILED) -> None:
        super().__init__(reason)
        self.kind = kind


class InstallationFailed(TxocppError):
    """New firmware could not be installed; the old one goes on."""


class ImageRefused(InstallationFailed):
    """The image is damaged or not meant for this charger."""


class DeviceError(TxocppError):
    """A charger did not do what was asked."""


class DeviceOffline(DeviceError):
    """The line to the device is down; the device is on its own, at its fail-safe current."""


class DeviceRefused(DeviceError):
    """The device answered no. The text says why in the device's words."""
