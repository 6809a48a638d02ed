"""Charging profiles as values: what a central system wants, not yet whether it is accepted.

Rules of this room: values only; a profile may be nonsense (a negative limit), `stack` refuses it.
Currents are A per phase, powers are W over all phases (OCPP 1.6 §7.8 to §7.14).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

import attrs

from txocpp.smartcharging.instants import to_seconds


class Purpose(StrEnum):
    """What a profile limits."""

    CHARGE_POINT_MAX_PROFILE = "ChargePointMaxProfile"
    """The whole charge point; only on connector 0."""
    TX_DEFAULT_PROFILE = "TxDefaultProfile"
    """Every transaction that has no TxProfile; on connector 0 for all connectors."""
    TX_PROFILE = "TxProfile"
    """One running transaction; never on connector 0."""


class Kind(StrEnum):
    """From when the seconds of the schedule count."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"


class Recurrency(StrEnum):
    """How often a recurring schedule begins anew."""

    DAILY = "Daily"
    WEEKLY = "Weekly"

    @property
    def period_s(self) -> int:
        """Seconds from one beginning to the next."""
        return 86_400 if self is Recurrency.DAILY else 604_800


class RateUnit(StrEnum):
    """Amperes per phase, or watts over all phases."""

    A = "A"
    W = "W"


def _decimal(value: Decimal | int | str) -> Decimal:
    # A float in a decision is a bug of the caller: 0.1 A is not a binary number.
    if isinstance(value, float):
        raise TypeError("limits are Decimal or int, not float")
    return Decimal(value)


@attrs.frozen
class Period:
    """A limit from a second of the schedule on, until the next period begins."""

    start_s: int
    """Seconds from the start of the schedule; the first period has 0."""
    limit: Decimal = attrs.field(converter=_decimal)
    """In the unit of the profile, at most one decimal."""
    phases: int | None = None
    """1 to 3; None: not stated, counts as 3 where a number is needed (OCPP 1.6 §7.14)."""


def _periods(periods: object) -> tuple[Period, ...]:
    return tuple(p if isinstance(p, Period) else Period(*p) for p in periods)  # type: ignore[attr-defined]


@attrs.frozen(kw_only=True)
class Profile:
    """One charging profile, as OCPP 1.6 §7.8 has it.

    ``periods`` also takes tuples ``(start_s, limit)`` or ``(start_s, limit, phases)``.
    """

    profile_id: int
    purpose: Purpose = attrs.field(converter=Purpose)
    kind: Kind = attrs.field(converter=Kind)
    stack_level: int = 0
    """The higher level prevails."""
    unit: RateUnit = attrs.field(default=RateUnit.A, converter=RateUnit)
    periods: tuple[Period, ...] = attrs.field(converter=_periods)
    recurrency: Recurrency | None = attrs.field(
        default=None, converter=attrs.converters.optional(Recurrency)
    )
    """Means something for kind Recurring only."""
    start: datetime | None = None
    """startSchedule. Ignored for kind Relative (SR-206)."""
    duration_s: int | None = None
    """None: the last period goes on (SR-213)."""
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction_id: int | None = None
    minimum_rate: Decimal | None = attrs.field(
        default=None, converter=attrs.converters.optional(_decimal)
    )
    """minChargingRate: a hint for sharing power; never raises or lowers a limit (SR-711)."""

    def __attrs_post_init__(self) -> None:
        for instant in (self.start, self.valid_from, self.valid_to):
            if instant is not None:
                to_seconds(instant)

    @property
    def counts_from_transaction(self) -> bool:
        """True if the schedule begins with the transaction: Relative, or Absolute without a start
        (SR-203, SR-206)."""
        return self.kind is Kind.RELATIVE or (self.kind is Kind.ABSOLUTE and self.start is None)

    @property
    def repeats_every_s(self) -> int | None:
        """Seconds from one recurrence to the next; None if it does not recur."""
        if self.kind is not Kind.RECURRING or self.recurrency is None:
            return None
        return self.recurrency.period_s

    @property
    def ends_at_s(self) -> int | None:
        """The second (since 1970) from which the profile can never give a limit again; None if
        there is no such second, or if it depends on a transaction."""
        ends = []
        if self.valid_to is not None:
            ends.append(to_seconds(self.valid_to))
        if self.kind is Kind.ABSOLUTE and self.start is not None and self.duration_s is not None:
            ends.append(to_seconds(self.start) + self.duration_s)
        return min(ends, default=None)
