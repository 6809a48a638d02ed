"""Whether a profile may be installed: the checks SR-601 to SR-620, in their order.

Each check is a small function that returns a `Fault` or None; the order of the tables at the end
is the order of the rules, the first fault decides.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

import attrs

from txocpp import errors
from txocpp.smartcharging.profiles import Kind, Profile, Purpose
from txocpp.smartcharging.station import Station, StationKeys

LARGEST_LIMIT = Decimal(10) ** 12
"""Far beyond any charger; keeps numbers such as 1E+999999 out of exact arithmetic."""


class Status(StrEnum):
    """The words of the answers to SetChargingProfile, ClearChargingProfile and their kin."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_SUPPORTED = "NotSupported"
    UNKNOWN = "Unknown"


@attrs.frozen
class Fault:
    """Why not, by which rule, and how the peer is told."""

    rule: str
    reason: str
    status: Status = Status.REJECTED
    refusal: errors.CallRefused | None = None
    """If set, the answer is a CALLERROR instead of the status."""


@attrs.frozen
class Candidate:
    """A profile at the door."""

    profile: Profile
    connector_id: int
    station: Station
    keys: StationKeys

    @property
    def is_for_transaction(self) -> bool:
        return self.profile.purpose is Purpose.TX_PROFILE


def first_fault(candidate: Candidate) -> Fault | None:
    """The first reason why a SetChargingProfile is not accepted; None if there is none, except
    that the store may be full (SR-618), which `stack` knows."""
    return _first(_SET_CHARGING_PROFILE, candidate)


def first_fault_of_remote_start(profile: Profile, keys: StationKeys) -> Fault | None:
    """The first reason why a RemoteStartTransaction with this profile is not accepted (SR-701)."""
    return _first(_REMOTE_START, Candidate(profile, 0, Station(limits_a={}), keys))


def faults_of_shape(profile: Profile, keys: StationKeys) -> list[Fault]:
    """Everything that is wrong with a profile in itself, wherever it is to be installed."""
    candidate = Candidate(profile, 0, Station(limits_a={}), keys)
    return [fault for check in _SHAPE if (fault := check(candidate))]


def _first(checks: tuple[_Check, ...], candidate: Candidate) -> Fault | None:
    return next((fault for check in checks if (fault := check(candidate))), None)


def _violation(
    rule: str, reason: str, error: type[errors.CallRefused] = errors.PropertyConstraintViolation
) -> Fault:
    return Fault(rule, reason, refusal=error(reason))


def _implemented(candidate: Candidate) -> Fault | None:
    if not candidate.keys.purposes:
        return _violation("SR-601", "no smart charging here", errors.NotSupported)
    return None


def _connector(candidate: Candidate) -> Fault | None:
    if not candidate.station.knows(candidate.connector_id):
        return _violation("SR-603", f"connectorId {candidate.connector_id}: no such connector")
    return None


def _maximum_on_connector_0(candidate: Candidate) -> Fault | None:
    is_maximum = candidate.profile.purpose is Purpose.CHARGE_POINT_MAX_PROFILE
    if is_maximum and candidate.connector_id > 0:
        return Fault("SR-604", "a ChargePointMaxProfile belongs on connector 0")
    return None


def _transaction_on_a_connector(candidate: Candidate) -> Fault | None:
    if candidate.is_for_transaction and candidate.connector_id == 0:
        return Fault("SR-605", "a TxProfile belongs on a connector, not on connector 0")
    return None


def _transaction_runs(candidate: Candidate) -> Fault | None:
    running = candidate.station.transactions
    if candidate.is_for_transaction and candidate.connector_id not in running:
        return Fault("SR-606", f"no transaction on connector {candidate.connector_id}")
    return None


def _transaction_is_that_one(candidate: Candidate) -> Fault | None:
    wanted = candidate.profile.transaction_id
    if not candidate.is_for_transaction or wanted is None:
        return None
    connector_id = candidate.connector_id
    running = candidate.station.transactions[connector_id].transaction_id
    if wanted != running:
        return Fault(
            "SR-607", f"transaction {wanted} is not the one on connector {connector_id} ({running})"
        )
    return None


def _transaction_id_fits(candidate: Candidate) -> Fault | None:
    profile = candidate.profile
    if profile.transaction_id is not None and not candidate.is_for_transaction:
        return Fault("SR-609", f"a {profile.purpose} must not name a transaction")
    return None


def _level(candidate: Candidate) -> Fault | None:
    level, highest = candidate.profile.stack_level, candidate.keys.max_stack_level
    if level < 0:
        return _violation("SR-610", f"stackLevel {level} is below 0")
    if level > highest:
        return Fault("SR-610", f"stackLevel {level} is above ChargeProfileMaxStackLevel {highest}")
    return None


def _number_of_periods(candidate: Candidate) -> Fault | None:
    count, most = len(candidate.profile.periods), candidate.keys.max_periods
    if not count:
        return _violation(
            "SR-611", "chargingSchedulePeriod: is empty", errors.OccurrenceConstraintViolation
        )
    if count > most:
        return Fault("SR-611", f"{count} periods, ChargingScheduleMaxPeriods is {most}")
    return None


def _unit(candidate: Candidate) -> Fault | None:
    if candidate.profile.unit not in candidate.keys.units:
        return Fault("SR-612", f"chargingRateUnit {candidate.profile.unit} is not allowed here")
    return None


def _order_of_periods(candidate: Candidate) -> Fault | None:
    starts = [period.start_s for period in candidate.profile.periods]
    if starts and starts[0] != 0:
        return Fault("SR-613", f"the first startPeriod is {starts[0]}, not 0")
    for earlier, later in pairwise(starts):
        if later <= earlier:
            return Fault("SR-613", f"startPeriod {later} does not come after {earlier}")
    return None


def _ranges(candidate: Candidate) -> Fault | None:
    profile = candidate.profile
    for period in profile.periods:
        if not 0 <= period.limit <= LARGEST_LIMIT:
            return Fault("SR-614", f"limit {period.limit:.10g} is out of range")
        if period.phases is not None and period.phases not in (1, 2, 3):
            return Fault("SR-614", f"numberPhases {period.phases} is not 1, 2 or 3")
    if profile.duration_s is not None and profile.duration_s < 0:
        return Fault("SR-614", f"duration {profile.duration_s} is below 0")
    return None


def _decimals(candidate: Candidate) -> Fault | None:
    profile = candidate.profile
    limits = [("limit", period.limit) for period in profile.periods]
    if profile.minimum_rate is not None:
        limits.append(("minChargingRate", profile.minimum_rate))
    for name, value in limits:
        if not has_one_decimal(value):
            return _violation("SR-615", f"{name} {value} has more than one decimal")
    return None


def has_one_decimal(value: Decimal) -> bool:
    """True if a value has at most one decimal that is not 0 (OCPP 1.6 §7.13, §7.14)."""
    if not value.is_finite():
        return False
    exponent = value.normalize().as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -1


def _recurrence(candidate: Candidate) -> Fault | None:
    profile = candidate.profile
    if profile.kind is not Kind.RECURRING:
        return None
    if profile.recurrency is None:
        return Fault("SR-616", "a Recurring profile needs a recurrencyKind")
    if profile.start is None:
        return Fault("SR-616", "a Recurring profile needs a startSchedule")
    return None


def _validity(candidate: Candidate) -> Fault | None:
    valid_from, valid_to = candidate.profile.valid_from, candidate.profile.valid_to
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        return Fault("SR-617", "validTo does not come after validFrom")
    return None


def _purpose(candidate: Candidate) -> Fault | None:
    purpose = candidate.profile.purpose
    if purpose not in candidate.keys.purposes:
        return Fault("SR-619", f"{purpose} is not handled here", Status.NOT_SUPPORTED)
    return None


def _remote_start_purpose(candidate: Candidate) -> Fault | None:
    if not candidate.is_for_transaction:
        purpose = candidate.profile.purpose
        return Fault("SR-701", f"a remote start takes a TxProfile, not a {purpose}")
    return None


def _remote_start_transaction(candidate: Candidate) -> Fault | None:
    if candidate.profile.transaction_id is not None:
        return Fault("SR-701", "a remote start must not name a transaction")
    return None


_Check = Callable[[Candidate], Fault | None]

_SHAPE: tuple[_Check, ...] = (
    _level, _number_of_periods, _unit, _order_of_periods, _ranges, _decimals, _recurrence, _validity
)  # fmt: skip

_SET_CHARGING_PROFILE: tuple[_Check, ...] = (
    _implemented, _connector, _maximum_on_connector_0, _transaction_on_a_connector,
    _transaction_runs, _transaction_is_that_one, _transaction_id_fits, *_SHAPE, _purpose,
)  # fmt: skip

_REMOTE_START: tuple[_Check, ...] = (
    _remote_start_purpose, _remote_start_transaction, *_SHAPE, _purpose
)  # fmt: skip
