"""Facts of a charge point that the arithmetic needs: local limits, transactions, keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from txocpp.smartcharging.profiles import Purpose, RateUnit


@attrs.frozen
class Transaction:
    """A running transaction."""

    transaction_id: int | None
    """None as long as the central system has not given it one (started offline, SR-708)."""
    started_at: datetime
    """Timestamp of its StartTransaction.req: the base of Relative schedules (SR-206)."""


@attrs.frozen(kw_only=True)
class Station:
    """What is true of the charge point now."""

    limits_a: Mapping[int, Decimal]
    """Connector number (from 1) to its local limit: hardware or cable, in A per phase."""
    station_limit_a: Decimal | None = None
    """Local limit of the whole station in A per phase; None: the sum of the connectors."""
    voltage_v: Decimal = Decimal(230)
    """Nominal voltage of the area from phase to neutral, not a measured one (SR-411)."""
    phases: int = 3
    """Phases of the hardware, 1 to 3."""
    transactions: Mapping[int, Transaction] = attrs.field(factory=dict)
    """Connector number to the transaction running there."""

    @property
    def connectors(self) -> tuple[int, ...]:
        """Connector numbers in ascending order, without 0."""
        return tuple(sorted(self.limits_a))

    def knows(self, connector_id: int) -> bool:
        """True for a connector of this station and for 0, the station itself."""
        return connector_id == 0 or connector_id in self.limits_a

    def local_limit_a(self, connector_id: int) -> Decimal:
        """The local limit of a connector, or of the station for connector 0, in A per phase."""
        if connector_id:
            return self.limits_a[connector_id]
        if self.station_limit_a is not None:
            return self.station_limit_a
        return sum(self.limits_a.values(), Decimal(0))


@attrs.frozen(kw_only=True)
class StationKeys:
    """The configuration keys of smart charging (OCPP 1.6 §9.4), all of them read-only."""

    max_stack_level: int = 10
    """ChargeProfileMaxStackLevel: levels 0 to this one are allowed (SR-634)."""
    max_periods: int = 100
    """ChargingScheduleMaxPeriods."""
    max_installed: int = 20
    """MaxChargingProfilesInstalled."""
    units: tuple[RateUnit, ...] = (RateUnit.A, RateUnit.W)
    """ChargingScheduleAllowedChargingRateUnit, in the order listed."""
    purposes: frozenset[Purpose] = frozenset(Purpose)
    """Purposes that the station can handle; none at all: no smart charging (SR-601, SR-619)."""
