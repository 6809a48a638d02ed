"""How much may be charged: the Smart Charging profile of OCPP 1.6 as pure arithmetic.

No clock, no network, no message classes: instants and facts are arguments, answers are values.
All instants are aware datetimes; limits are `Decimal`.

::

    from txocpp.smartcharging import (
        Composite, Period, Profile, Stack, Station, StationKeys, Transaction,
    )

    station = Station(limits_a={1: Decimal(32), 2: Decimal(16)})          # facts, A per phase
    keys = StationKeys(max_stack_level=3, max_periods=24, max_installed=10)

    night = Profile(
        profile_id=12, purpose="TxDefaultProfile", kind="Recurring", recurrency="Daily",
        start=datetime(2026, 1, 1, tzinfo=UTC), unit="A",
        periods=[(0, 16), (17 * 3600, 6), (21 * 3600, 16)],               # start_s, limit[, phases]
    )
    outcome = Stack().install(night, 0, received_at=now, station=station, keys=keys)
    if outcome.refusal:
        raise outcome.refusal                                             # a CALLERROR
    outcome.status, outcome.reason                                        # the answer
    outcome.installed, outcome.removed                                    # what to write down
    stack = outcome.stack                                                 # then take it over

    composite = Composite(stack, station)                                 # make anew on any change
    limit = composite.limit_at(1, now)                                    # Limit
    limit.limit, limit.phases, limit.explanation.text
    composite.next_change(1, now)                                         # datetime or None
    composite.schedule(1, now, 86_400, RateUnit.W).periods
    composite.limit_at(0, now)                                            # the whole station

    report(composite, 1, now, 86_400, None, keys=keys)                    # GetCompositeSchedule

    # enforcement: what the car gets per phase, and the limit of the station shared out
    wanted = composite.limit_at(1, now, phases_in_use=3)
    ceiling = composite.ceiling.limit_at(0, now, phases_in_use=3)         # lines in use
    share(ceiling.limit, [Claim(connector_id=1, maximum_a=wanted.limit), ...], turn=turn_at(now))

A central system checks with `ensure_sendable` before it sends, keeps `Stack.put` as its record,
and finds ready-made profiles in `txocpp.smartcharging.builders`.

Life cycle: `Stack.check_remote_start` and `Stack.bind`, `Stack.end_transaction`, `Stack.resume`
after a restart, `Stack.clear`, `Stack.prune`, `Installed.to_document` and
`Stack.from_documents` for the store. Every one of them returns an `Outcome` with the new stack.
"""

from txocpp.smartcharging.acceptance import Status
from txocpp.smartcharging.allocation import Claim, share, turn_at
from txocpp.smartcharging.composite import Composite, CompositePeriod, Limit, ProfileLine, Schedule
from txocpp.smartcharging.documents import read_profile, write_profile
from txocpp.smartcharging.explanation import Contribution, Explanation, Source
from txocpp.smartcharging.installed import Installed
from txocpp.smartcharging.profiles import Kind, Period, Profile, Purpose, RateUnit, Recurrency
from txocpp.smartcharging.report import Report, report
from txocpp.smartcharging.sending import ensure_sendable, faults_before_sending
from txocpp.smartcharging.stack import Outcome, Stack
from txocpp.smartcharging.station import Station, StationKeys, Transaction
from txocpp.smartcharging.switches import (
    Connector0,
    PhaseConversion,
    RelativeTxBase,
    RelativeWithoutTx,
    Switches,
    TxDefaultScope,
)
from txocpp.smartcharging.timezone import read_zone
from txocpp.smartcharging.units import amperes, watts

__all__ = [
    "Claim",
    "Composite",
    "CompositePeriod",
    "Connector0",
    "Contribution",
    "Explanation",
    "Installed",
    "Kind",
    "Limit",
    "Outcome",
    "Period",
    "PhaseConversion",
    "Profile",
    "ProfileLine",
    "Purpose",
    "RateUnit",
    "Recurrency",
    "RelativeTxBase",
    "RelativeWithoutTx",
    "Report",
    "Schedule",
    "Source",
    "Stack",
    "Station",
    "StationKeys",
    "Status",
    "Switches",
    "Transaction",
    "TxDefaultScope",
    "amperes",
    "ensure_sendable",
    "faults_before_sending",
    "read_profile",
    "read_zone",
    "report",
    "share",
    "turn_at",
    "watts",
    "write_profile",
]
