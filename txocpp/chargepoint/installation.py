"""What the hardware and its place make of a charge point: keys, service, who hears the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from txocpp.chargepoint.access import Access
from txocpp.chargepoint.availability import Availability
from txocpp.chargepoint.bay import Bay
from txocpp.chargepoint.configuration import Configuration
from txocpp.chargepoint.journal import Journal
from txocpp.chargepoint.keys import EXTRA_KEYS, SECURITY_KEYS, STANDARD_KEYS
from txocpp.chargepoint.measurands import can_deliver, undeliverable
from txocpp.chargepoint.reservations import Reservation, Reservations
from txocpp.chargepoint.settings import StationSettings
from txocpp.errors import ConfigurationError
from txocpp.evse import EVSEState, MeterReading
from txocpp.interfaces import IEVSE, IEVSEListener

MEASURAND_KEYS: Final = (
    "MeterValuesSampledData",
    "MeterValuesAlignedData",
    "StopTxnSampledData",
    "StopTxnAlignedData",
)
ROTATION: Final = "ConnectorPhaseRotation"
UNLOCK_ON_EV_SIDE: Final = "UnlockConnectorOnEVSideDisconnect"
SWITCH_PHASES: Final = "ConnectorSwitch3to1PhaseSupported"

log = Logger()


def configure(
    settings: StationSettings,
    evses: Sequence[IEVSE],
    journal: Journal,
    *,
    saved: Mapping[str, Mapping[str, Any]] | None = None,
) -> Configuration:
    """The configuration keys of this installation. Raises `ConfigurationError`."""
    given = {name.lower() for name in settings.configuration}
    numbers = range(1, len(evses) + 1)
    by_hardware: dict[str, object] = {
        "NumberOfConnectors": len(evses),
        ROTATION: [f"{number}.Unknown" for number in numbers],
        "ConnectorPhaseRotationMaxLength": len(evses) + 1,
    }
    left_out = list(settings.left_out_keys)
    if settings.security.enabled:
        by_hardware["SecurityProfile"] = settings.security.profile
    else:
        left_out += [key.name for key in SECURITY_KEYS if key.optional]
    made = Configuration(
        [*STANDARD_KEYS, *(key for key in EXTRA_KEYS if key.name.lower() in given)],
        journal,
        initial={
            **{name: value for name, value in by_hardware.items() if name.lower() not in given},
            **settings.configuration,
        },
        left_out=left_out,
        saved=saved,
    )
    # A device may tell what it can do only when its line is up.
    made.fix(UNLOCK_ON_EV_SIDE, partial(_false_with_fixed_cables, evses))
    if SWITCH_PHASES.lower() not in given:
        made.fix(SWITCH_PHASES, partial(_whether_phases_switch, evses))
    for key in MEASURAND_KEYS:
        made.check(key, partial(_can_measure, evses))
    made.check(ROTATION, partial(_names_connectors, len(evses)))
    if ROTATION not in (saved or {}) and not _names_connectors(len(evses), made.text(ROTATION)):
        raise ConfigurationError(
            f"{ROTATION} cannot be {made.text(ROTATION)!r}: there are {len(evses)} connectors"
        )
    made.check("AuthorizationKey", is_authorization_key)
    key = made.text("AuthorizationKey")
    if key and not is_authorization_key(key):
        raise ConfigurationError("AuthorizationKey has to be 16 to 20 bytes in hexadecimal digits")
    _warn_of_blind_spots(made, evses)
    return made


def _warn_of_blind_spots(made: Configuration, evses: Sequence[IEVSE]) -> None:
    """A value that no device measures is left out of every message (M-12)."""
    for key in MEASURAND_KEYS:
        for number, evse in enumerate(evses, start=1):
            able = evse.capabilities
            # An empty set: the device has not told yet.
            blind = able.measurands and undeliverable(made.items(key), able.measurands, able.phases)
            if blind:
                log.warn(
                    "{key}: connector {connector} does not measure {blind}",
                    key=key,
                    connector=number,
                    blind=", ".join(blind),
                )


def is_authorization_key(value: str) -> bool:
    """Whether text is the hexadecimal form of 16 to 20 bytes (X-11)."""
    try:
        return 16 <= len(bytes.fromhex(value)) <= 20 and " " not in value
    except ValueError:
        return False


def _false_with_fixed_cables(evses: Sequence[IEVSE]) -> str | None:
    """TX-18"""
    return "false" if all(evse.capabilities.fixed_cable for evse in evses) else None


def _whether_phases_switch(evses: Sequence[IEVSE]) -> str:
    return "true" if any(evse.capabilities.can_switch_phases for evse in evses) else "false"


def _can_measure(evses: Sequence[IEVSE], value: str) -> bool:
    items = value.split(",") if value else []
    return all(
        can_deliver(items, evse.capabilities.measurands, evse.capabilities.phases) for evse in evses
    )


def _names_connectors(connectors: int, rotations: str) -> bool:
    """Whether only connectors that there are have a rotation; 0 is the station."""
    items = rotations.split(",") if rotations else []
    return all(int(item.partition(".")[0]) <= connectors for item in items)


@attrs.frozen
class Holding:
    """Availability and reservations together: provides `charge.Holds`."""

    availability: Availability
    reservations: Reservations

    def operative(self, connector_id: int) -> bool:
        """Neither the connector nor the station is out of service."""
        return self.availability.operative(connector_id)

    def reserved(self, connector_id: int) -> bool:
        """Whether the connector shows as reserved."""
        return self.reservations.reserved(connector_id)

    def meant_for(
        self, connector_id: int, id_tag: str, parent_id_tag: str | None
    ) -> Reservation | None:
        """The reservation that a start uses up."""
        return self.reservations.meant_for(connector_id, id_tag, parent_id_tag)

    def used(self, reservation: Reservation) -> None:
        """It has been used up."""
        self.reservations.used(reservation)


@implementer(IEVSEListener)
class DeviceListener:
    """Passes on what the EVSEs tell to their connectors; the first EVSE is connector 1."""

    def __init__(self, evses: Sequence[IEVSE], bays: Mapping[int, Bay], access: Access) -> None:
        self._bays = bays
        self._access = access
        self._numbers = {id(evse): number for number, evse in enumerate(evses, start=1)}

    def state_changed(self, evse: IEVSE, state: EVSEState) -> None:
        """See `IEVSEListener`."""
        self._bays[self._numbers[id(evse)]].state_changed(state)

    def measured(self, evse: IEVSE, reading: MeterReading) -> None:
        """See `IEVSEListener`."""
        self._bays[self._numbers[id(evse)]].measured(reading)

    def tag_presented(self, evses: Sequence[IEVSE], id_tag: str) -> None:
        """See `IEVSEListener`."""
        connectors = [self._numbers[id(evse)] for evse in evses]
        presented = Deferred.fromCoroutine(self._access.present(connectors, id_tag))
        presented.addErrback(lambda failure: log.failure("a tag was presented", failure))
