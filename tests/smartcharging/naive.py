"""The rules a second time, second by second, as slowly and plainly as they can be written.

Shares nothing with the package but the values it is asked about: for every second every profile
is asked anew whether it gives a limit. Only for tests.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from fractions import Fraction

from txocpp.smartcharging import Installed, Period, Profile, Station, Switches


def naive_limit(
    installed: list[Installed],
    station: Station,
    switches: Switches,
    connector: int,
    at: datetime,
    *,
    asked_at: datetime,
    unit: str,
    zone: tzinfo | None = None,
) -> tuple[Decimal, int | None]:
    """Limit and number of phases at one whole second."""
    judge = _Judge(installed, station, switches, at, asked_at, zone, unit)
    exact, phases = judge.connector(connector) if connector else judge.station_total()
    return Decimal(math.floor(exact * 10)) / 10, phases


class _Judge:
    def __init__(
        self,
        installed: list[Installed],
        station: Station,
        switches: Switches,
        at: datetime,
        asked_at: datetime,
        zone: tzinfo | None,
        unit: str,
    ) -> None:
        self.installed = installed
        self.station = station
        self.switches = switches
        self.at = whole(at)
        self.asked_at = whole(asked_at)
        self.zone = zone
        self.unit = unit

    # One profile

    def gives(self, one: Installed) -> Period | None:
        """The period of a profile that holds now, sections 2 and 8 of the rules."""
        profile = one.profile
        if profile.valid_from is not None and self.at < whole(profile.valid_from):
            return None
        if profile.valid_to is not None:
            over = whole(profile.valid_to)
            if self.at > over or (self.at == over and not self.switches.valid_to_inclusive):
                return None
        offset = self.offset(one)
        if offset is None or offset < 0:
            return None
        if profile.duration_s is not None and offset >= profile.duration_s:
            return None
        begun = [period for period in profile.periods if period.start_s <= offset]
        return begun[-1] if begun else None

    def offset(self, one: Installed) -> int | None:
        profile = one.profile
        if profile.kind == "Recurring":
            return self.recurring_offset(profile)
        if profile.kind == "Absolute" and profile.start is not None:
            return seconds(self.at - whole(profile.start))
        base = self.base_of_relative(one)
        return None if base is None else seconds(self.at - base)

    def recurring_offset(self, profile: Profile) -> int | None:
        assert profile.start is not None
        start = whole(profile.start)
        if self.at < start and not self.switches.recur_backwards:
            return None
        every = 24 * 3600 * (7 if profile.recurrency == "Weekly" else 1)
        if self.zone is None:
            return seconds(self.at - start) % every
        shown = self.at.astimezone(self.zone).replace(tzinfo=None)
        start_shown = start.astimezone(self.zone).replace(tzinfo=None)
        return seconds(shown - start_shown) % every

    def base_of_relative(self, one: Installed) -> datetime | None:
        if one.profile.purpose == "ChargePointMaxProfile":
            return whole(one.received_at)
        transaction = self.station.transactions.get(one.connector_id or self.looking_at)
        if one.profile.purpose == "TxProfile" and self.switches.relative_tx_base == "received":
            return whole(one.received_at)
        if transaction is not None:
            return whole(transaction.started_at)
        return self.asked_at if self.switches.relative_without_tx == "now" else None

    # One purpose

    def highest(self, candidates: list[Installed]) -> tuple[Installed, Period] | None:
        found = [(one, period) for one in candidates if (period := self.gives(one)) is not None]
        return max(found, key=lambda pair: pair[0].profile.stack_level, default=None)

    def of_purpose(self, purpose: str, connector: int) -> list[Installed]:
        return [
            one
            for one in self.installed
            if one.profile.purpose == purpose and one.connector_id == connector
        ]

    def maximum(self) -> tuple[Installed, Period] | None:
        return self.highest(self.of_purpose("ChargePointMaxProfile", 0))

    def default(self, connector: int) -> tuple[Installed, Period] | None:
        own = self.of_purpose("TxDefaultProfile", connector)
        of_all = [
            one
            for one in self.of_purpose("TxDefaultProfile", 0)
            if all(one.profile.stack_level != mine.profile.stack_level for mine in own)
        ]
        if self.switches.tx_default_scope == "connector-first":
            return self.highest(own) or self.highest(of_all)
        return self.highest(own + of_all)

    def transaction_limit(self, connector: int) -> tuple[Installed, Period] | None:
        self.looking_at = connector
        running = self.station.transactions.get(connector)
        if running is not None:
            mine = [
                one
                for one in self.of_purpose("TxProfile", connector)
                if one.transaction_id in (None, running.transaction_id)
            ]
            if mine and self.switches.tx_profile_hides_tx_default:
                return self.highest(mine)
            if prevailing := self.highest(mine):
                return prevailing
        return self.default(connector)

    # All purposes

    def connector(self, connector: int) -> tuple[Fraction, int | None]:
        limits = [pair for pair in (self.maximum(), self.transaction_limit(connector)) if pair]
        phases = fewest([period.phases for _, period in limits])
        values = [self.converted(one, period, phases) for one, period in limits]
        if not values or self.switches.cap_at_local_limit:
            values.append(self.local(self.station.limits_a[connector], phases))
        return min(values), phases

    def station_total(self) -> tuple[Fraction, int | None]:
        maximum = self.maximum()
        values = []
        numbers: list[int | None] = []
        applied = maximum is not None
        if self.switches.connector0 == "sum":
            total = Fraction(0)
            for connector, limit_a in self.station.limits_a.items():
                pair = self.transaction_limit(connector)
                applied = applied or pair is not None
                numbers.append(pair[1].phases if pair else None)
                phases = fewest([period.phases for _, period in filter(None, (pair, maximum))])
                parts = [self.converted(*pair, phases)] if pair else []
                if not parts or self.switches.cap_at_local_limit:
                    parts.append(self.local(limit_a, phases))
                total += min(parts)
            values.append(total)
        # Who states no number may use three phases.
        most = max((number or 3 for number in numbers), default=0)
        stated = [most if most in numbers else None, maximum[1].phases if maximum else None]
        phases = fewest(stated)
        if maximum:
            values.append(self.converted(*maximum, phases))
        if not applied or self.switches.cap_at_local_limit:
            limit_a = self.station.station_limit_a
            if limit_a is None:
                limit_a = sum(self.station.limits_a.values(), Decimal(0))
            values.append(self.local(limit_a, phases))
        return min(values), phases

    # Units

    def converted(self, one: Installed, period: Period, phases: int | None) -> Fraction:
        limit = Fraction(period.limit)
        if one.profile.unit == self.unit:
            return limit
        if self.switches.phase_conversion == "per-period":
            phases = period.phases
        volts = Fraction(self.station.voltage_v)
        if self.unit == "A":
            return limit / (volts * (phases or 3))
        return limit * volts * min(phases or 3, self.station.phases)

    def local(self, limit_a: Decimal, phases: int | None) -> Fraction:
        limit = Fraction(limit_a)
        if self.unit == "A":
            return limit
        if self.switches.phase_conversion == "per-period":
            phases = None
        return limit * Fraction(self.station.voltage_v) * min(phases or 3, self.station.phases)


def fewest(numbers: list[int | None]) -> int | None:
    return min((number for number in numbers if number is not None), default=None)


def whole(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(microsecond=0)


def seconds(span: timedelta) -> int:
    return span.days * 86_400 + span.seconds
