"""What is accepted, what is refused and how, in the order of the checks."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from smart_stations import (
    NOON,
    VECTORS,
    keys_of,
    profile,
    running,
    stack,
    stack_of,
    station,
    station_of,
)

from txocpp.errors import CallRefused, NotSupported, PropertyConstraintViolation
from txocpp.smartcharging import (
    Composite,
    Outcome,
    Profile,
    Purpose,
    RateUnit,
    Stack,
    Station,
    StationKeys,
    Status,
    read_profile,
    report,
)

CASES = VECTORS["acceptance"]


def answer_and_stack(case: dict[str, Any]) -> tuple[str, Stack]:
    """What a charge point would answer, and what is installed afterwards."""
    facts, keys = station_of(case), keys_of(case)
    before = stack_of(case["installed"], facts, keys)
    action, payload = case["request"]["action"], case["request"]["payload"]
    try:
        if action == "GetCompositeSchedule":
            answer = report(
                Composite(before, facts), payload["connectorId"], NOON, payload["duration"],
                payload.get("chargingRateUnit"), keys=keys,
            )  # fmt: skip
            return answer.status, before
        outcome = outcome_of(action, payload, before, facts, keys)
        if outcome.refusal is not None:
            raise outcome.refusal
    except CallRefused as refusal:
        return f"CALLERROR {refusal.code}", before
    return outcome.status, outcome.stack


def outcome_of(
    action: str, payload: dict[str, Any], before: Stack, facts: Station, keys: StationKeys
) -> Outcome:
    if action == "ClearChargingProfile":
        purpose = payload.get("chargingProfilePurpose")
        return before.clear(
            profile_id=payload.get("id"),
            connector_id=payload.get("connectorId"),
            purpose=purpose and Purpose(purpose),
            stack_level=payload.get("stackLevel"),
        )
    if action == "RemoteStartTransaction":
        return before.check_remote_start(read_profile(payload["chargingProfile"]), keys=keys)
    wanted = read_profile(payload["csChargingProfiles"])
    return before.install(
        wanted, payload["connectorId"], received_at=NOON, station=facts, keys=keys
    )


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_acceptance_case(case: dict[str, Any]) -> None:
    """One request against one station: the answer, and what is installed afterwards."""
    answer, after = answer_and_stack(case)
    assert answer == case["expect"]
    if "installedIdsAfter" in case:
        assert [one.profile_id for one in after] == case["installedIdsAfter"]


def install(
    wanted: Profile,
    connector_id: int = 1,
    *,
    before: Stack | None = None,
    facts: Station | None = None,
    **keys: Any,
) -> Outcome:
    return (before or Stack()).install(
        wanted,
        connector_id,
        received_at=NOON,
        station=facts or station(2),
        keys=StationKeys(**keys),
    )


def check_refused(outcome: Outcome, rule: str, status: Status = Status.REJECTED) -> None:
    assert (outcome.rule, outcome.status, outcome.refusal) == (rule, status, None)
    assert not outcome.accepted
    assert outcome.reason


def check_violation(
    outcome: Outcome, rule: str, error: type[CallRefused] = PropertyConstraintViolation
) -> None:
    assert outcome.rule == rule
    assert isinstance(outcome.refusal, error)
    assert outcome.refusal.description == outcome.reason
    assert not outcome.accepted


@pytest.mark.rule("SR-601")
def test_without_smart_charging_the_call_is_not_supported() -> None:
    """A station that handles no purpose answers with CALLERROR NotSupported, before all else."""
    check_violation(install(profile(), 99, purposes=frozenset()), "SR-601", NotSupported)


@pytest.mark.rule("SR-602")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("chargingProfileKind", "Sometimes"),
        ("chargingProfilePurpose", "MaxProfile"),
        ("recurrencyKind", "Monthly"),
        ("chargingSchedule", {"chargingRateUnit": "kW", "chargingSchedulePeriod": []}),
    ],
)
def test_unknown_words_are_violations(field: str, value: object) -> None:
    """A word that an enumeration does not have is told as PropertyConstraintViolation."""
    wire = dict(CASES[0]["request"]["payload"]["csChargingProfiles"]) | {field: value}
    with pytest.raises(PropertyConstraintViolation, match=field):
        read_profile(wire)


@pytest.mark.rule("SR-603")
@pytest.mark.parametrize("connector_id", [-1, 3])
def test_unknown_connector(connector_id: int) -> None:
    """A connector that does not exist is a CALLERROR, not a Rejected."""
    check_violation(install(profile(), connector_id), "SR-603")


@pytest.mark.rule("SR-604")
def test_a_maximum_only_on_connector_0() -> None:
    """A ChargePointMaxProfile for one connector is Rejected."""
    maximum = profile(purpose="ChargePointMaxProfile")
    check_refused(install(maximum, 1), "SR-604")
    assert install(maximum, 0).accepted


@pytest.mark.rule("SR-605")
def test_a_transaction_profile_not_on_connector_0() -> None:
    """A TxProfile for connector 0 is Rejected even while a transaction runs."""
    busy = station(transactions=running())
    check_refused(install(profile(purpose="TxProfile"), 0, facts=busy), "SR-605")


@pytest.mark.rule("SR-606")
def test_a_transaction_profile_needs_a_transaction() -> None:
    """A TxProfile without a transaction is Rejected and forgotten."""
    outcome = install(profile(purpose="TxProfile", transaction_id=7))
    check_refused(outcome, "SR-606")
    assert len(outcome.stack) == 0


@pytest.mark.rule("SR-607", "SR-708")
def test_a_transaction_profile_for_another_transaction() -> None:
    """The transactionId must be that of the transaction on the connector, which must have one."""
    wanted = profile(purpose="TxProfile", transaction_id=8)
    for number in (7, None):
        busy = station(transactions=running(number))
        check_refused(install(wanted, facts=busy), "SR-607")


@pytest.mark.rule("SR-608")
def test_a_transaction_profile_without_id_is_bound() -> None:
    """A TxProfile without transactionId belongs to the transaction that runs, and to no other."""
    busy = station(transactions=running(7))
    outcome = install(profile(purpose="TxProfile"), facts=busy)
    assert outcome.installed is not None
    assert outcome.installed.transaction_id == 7
    other = station(transactions=running(8))
    assert Composite(outcome.stack, busy).limit_at(1, NOON).limit == 10
    assert Composite(outcome.stack, other).limit_at(1, NOON).limit == 32


@pytest.mark.rule("SR-609")
def test_a_transaction_id_with_another_purpose() -> None:
    """A TxDefaultProfile that names a transaction is Rejected."""
    check_refused(install(profile(transaction_id=7)), "SR-609")


@pytest.mark.rule("SR-610", "SR-634")
def test_levels_from_0_to_the_highest() -> None:
    """ChargeProfileMaxStackLevel N allows N + 1 levels; below 0 the value itself is not allowed."""
    for level in range(4):
        assert install(profile(level=level), max_stack_level=3).accepted
    check_refused(install(profile(level=4), max_stack_level=3), "SR-610")
    check_violation(install(profile(level=-1)), "SR-610")


@pytest.mark.rule("SR-611")
def test_number_of_periods() -> None:
    """As many periods as the key says, at least one."""
    periods = [(0, 6), (60, 7), (120, 8)]
    assert install(profile(*periods), max_periods=3).accepted
    check_refused(install(profile(*periods), max_periods=2), "SR-611")
    outcome = install(attrs.evolve(profile(), periods=()))
    assert outcome.refusal is not None
    assert (outcome.rule, outcome.refusal.code) == ("SR-611", "OccurenceConstraintViolation")


@pytest.mark.rule("SR-612")
def test_unit_that_the_station_does_not_list() -> None:
    """A schedule in W is Rejected where only A is allowed."""
    check_refused(install(profile(unit="W"), units=(RateUnit.A,)), "SR-612")


@pytest.mark.rule("SR-613")
@pytest.mark.parametrize("starts", [(1,), (0, 100, 50), (0, 60, 60), (-1, 5)])
def test_periods_begin_at_0_and_rise(starts: tuple[int, ...]) -> None:
    """The first startPeriod is 0, each later one is greater than the one before."""
    check_refused(install(profile(*((start, 10) for start in starts))), "SR-613")


@pytest.mark.rule("SR-614")
@pytest.mark.parametrize(
    "wanted",
    [
        profile((0, -1)),
        profile((0, 10, 0)),
        profile((0, 10, 4)),
        profile(duration_s=-1),
        profile((0, Decimal("1E+999999"))),
    ],
)
def test_values_out_of_range(wanted: Profile) -> None:
    """Limits below 0 or beyond all sense, 0 or 4 phases and negative durations are Rejected."""
    check_refused(install(wanted), "SR-614")


@pytest.mark.rule("SR-615")
def test_more_than_one_decimal() -> None:
    """Two decimals in a limit or in minChargingRate are a CALLERROR; a trailing 0 is none."""
    check_violation(install(profile((0, Decimal("10.55")))), "SR-615")
    check_violation(install(profile(minimum_rate=Decimal("6.25"))), "SR-615")
    assert install(profile((0, Decimal("10.50")))).accepted
    assert install(profile((0, Decimal("1.1E+4")), unit="W")).accepted


@pytest.mark.rule("SR-616")
def test_recurring_needs_its_kind_and_its_start() -> None:
    """Recurring without recurrencyKind or without startSchedule is Rejected."""
    check_refused(install(profile(kind="Recurring")), "SR-616")
    check_refused(install(profile(kind="Recurring", recurrency="Daily", start=None)), "SR-616")
    assert install(profile(kind="Recurring", recurrency="Daily")).accepted


@pytest.mark.rule("SR-617")
def test_validity_turned_round() -> None:
    """validTo must come after validFrom."""
    check_refused(install(profile(valid_from=NOON, valid_to=NOON)), "SR-617")
    assert install(profile(valid_from=NOON, valid_to=NOON + timedelta(seconds=1))).accepted


@pytest.mark.rule("SR-618")
def test_the_store_is_full_only_after_replacing() -> None:
    """What is replaced makes room before it is counted."""
    full = stack(profile(profile_id=1), profile(profile_id=2, level=1))
    check_refused(install(profile(profile_id=3, level=2), before=full, max_installed=2), "SR-618")
    outcome = install(profile(profile_id=3, level=1), before=full, max_installed=2)
    assert [one.profile_id for one in outcome.stack] == [1, 3]


@pytest.mark.rule("SR-619")
def test_a_purpose_that_is_not_handled() -> None:
    """NotSupported, and only if nothing else is wrong."""
    some = frozenset({Purpose.CHARGE_POINT_MAX_PROFILE})
    check_refused(install(profile(), purposes=some), "SR-619", Status.NOT_SUPPORTED)
    check_refused(install(profile((0, -1)), purposes=some), "SR-614")


@pytest.mark.rule("SR-620", "SR-635")
def test_accepted_says_what_to_store() -> None:
    """Accepted comes with what was put in and what had to go."""
    old, new = profile(profile_id=1), profile(profile_id=2)
    outcome = install(new, before=stack(old))
    assert outcome.accepted
    assert outcome.installed is not None
    assert (outcome.installed.profile, outcome.installed.connector_id) == (new, 1)
    assert [one.profile for one in outcome.removed] == [old]
    assert (outcome.rule, outcome.reason) == ("", "")


@pytest.mark.rule("SR-603", "SR-610", "SR-615")
def test_the_first_check_decides() -> None:
    """With everything wrong, faults come in the order of the rules."""
    wrong = profile(
        (5, Decimal("-1.55")), level=99, transaction_id=7, unit="W",
        valid_from=NOON, valid_to=NOON,
    )  # fmt: skip
    steps = [
        (wrong, 9, "SR-603"),
        (wrong, 1, "SR-609"),
        (attrs.evolve(wrong, transaction_id=None), 1, "SR-610"),
        (attrs.evolve(wrong, transaction_id=None, stack_level=0), 1, "SR-612"),
        (attrs.evolve(wrong, transaction_id=None, stack_level=0, unit="A"), 1, "SR-613"),
    ]
    for wanted, connector_id, rule in steps:
        outcome = install(wanted, connector_id, units=(RateUnit.A,))
        assert outcome.rule == rule
        assert outcome.stack == Stack()


@pytest.mark.rule("SR-701")
def test_a_remote_start_takes_only_a_transaction_profile_without_id() -> None:
    """Other purposes and a transactionId are Rejected, and so is whatever is wrong in itself."""
    keys = StationKeys()
    check = Stack().check_remote_start
    check_refused(check(profile(), keys=keys), "SR-701")
    check_refused(check(profile(purpose="TxProfile", transaction_id=7), keys=keys), "SR-701")
    check_refused(check(profile((0, -1), purpose="TxProfile"), keys=keys), "SR-614")
    full = StationKeys(max_installed=0)
    check_refused(check(profile(purpose="TxProfile"), keys=full), "SR-618")
    assert check(profile(purpose="TxProfile"), keys=keys).accepted
    none = StationKeys(purposes=frozenset())
    assert check(profile(), keys=none).accepted


def test_the_reason_is_readable() -> None:
    """A refusal says what was wrong in the words of the message."""
    outcome = install(profile(level=12), max_stack_level=3)
    assert outcome.reason == "stackLevel 12 is above ChargeProfileMaxStackLevel 3"
