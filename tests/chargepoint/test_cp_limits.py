"""The limit in force reaches the EVSE, at the moment it is in force."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from house import NOON, House, never
from twisted.internet.defer import Deferred

from txocpp.chargepoint.limits import Grid
from txocpp.messages import v16
from txocpp.smartcharging import Kind, Period, Profile, Purpose, RateUnit, Stack
from txocpp.storage.memory import Fate, MemoryChargePointStore

DEFAULT = v16.ChargingProfilePurposeType.TX_DEFAULT_PROFILE
TX = v16.ChargingProfilePurposeType.TX_PROFILE
MAXIMUM = v16.ChargingProfilePurposeType.CHARGE_POINT_MAX_PROFILE


def profile(
    *periods: tuple[int, float],
    purpose: v16.ChargingProfilePurposeType = DEFAULT,
    unit: str = "A",
    start: Any = NOON,
    **more: Any,
) -> v16.ChargingProfile:
    """A profile from periods of seconds and limit."""
    schedule = {k: more.pop(k) for k in ("duration",) if k in more}
    return v16.ChargingProfile(
        **{
            "charging_profile_id": 1,
            "stack_level": 0,
            "charging_profile_purpose": purpose,
            "charging_profile_kind": v16.ChargingProfileKindType.ABSOLUTE,
            **more,
        },
        charging_schedule=v16.ChargingSchedule(
            charging_rate_unit=v16.ChargingRateUnitType(unit),
            start_schedule=start,
            charging_schedule_period=tuple(
                v16.ChargingSchedulePeriod(start_period=s, limit=Decimal(str(limit)))
                for s, limit in periods
            ),
            **schedule,
        ),
    )


def install(house: House, what: v16.ChargingProfile, connector_id: int = 1) -> str:
    """SetChargingProfile; gives the answer."""
    request = v16.SetChargingProfileRequest(connector_id=connector_id, cs_charging_profiles=what)
    return house.status(request)


def offered(house: House, number: int = 1) -> Decimal:
    """What the EVSE offers the car now."""
    return house.evse(number).state.offered_a


@pytest.mark.rule("SR-620", "SR-705", "SR-646")
def test_a_new_limit_is_in_force_at_once() -> None:
    """Set, replaced and cleared in mid-transaction, the limit is followed at once."""
    house = House()
    house.charge()
    assert offered(house) == 32
    assert install(house, profile((0, 10))) == "Accepted"
    assert offered(house) == 10
    assert install(house, profile((0, 6.5), charging_profile_id=2)) == "Accepted"
    assert offered(house) == Decimal("6.5")
    assert house.status(v16.ClearChargingProfileRequest()) == "Accepted"
    assert offered(house) == 32
    assert house.status(v16.ClearChargingProfileRequest()) == "Unknown"


@pytest.mark.rule("SR-209", "SR-213")
def test_each_period_begins_on_time() -> None:
    """The EVSE is told at the second at which a period begins, and of the end of the schedule."""
    house = House()
    house.charge()
    install(house, profile((0, 10), (60, 16), (120, 8), duration=180))
    seen = []
    for second in (59, 60, 119, 120, 179, 180):
        house.run(NOON.timestamp() + second - house.clock.seconds())
        seen.append(int(offered(house)))
    assert seen == [10, 16, 16, 8, 8, 32]


@pytest.mark.rule("SR-710", "S-06")
def test_a_limit_below_six_amperes_pauses() -> None:
    """The connector is SuspendedEVSE, the transaction goes on, and charging with it later."""
    house = House()
    house.charge()
    install(house, profile((0, 5.9), (60, 16)))
    house.run(10)
    assert house.heard() == ["Status 1 SuspendedEVSE"]
    assert offered(house) == 0
    house.run(60)
    assert house.heard() == ["Status 1 Charging"]


@pytest.mark.rule("SR-620", "SR-707", "TX-30")
def test_limits_survive_a_power_cut() -> None:
    """Profiles that the central system has set are in force after the restart."""
    house = House()
    install(house, profile((0, 10)), connector_id=0)
    house.power_cut()
    house.charge()
    assert offered(house) == 10


@pytest.mark.rule("SR-707", "SR-706")
def test_a_transaction_takes_its_profile_along() -> None:
    """A TxProfile survives a power cut with its transaction, and ends with it."""
    house = House(behaviour={"resume_transactions": True})
    house.charge()
    assert install(house, profile((0, 10), purpose=TX, transaction_id=1)) == "Accepted"
    house.power_cut()
    house.run(10)
    assert offered(house) == 10
    house.swipe()
    house.run(10)
    assert len(house.assembly.limits.stack) == 0
    closed = House()
    closed.charge()
    install(closed, profile((0, 10), purpose=TX))
    closed.power_cut()
    closed.run(10)
    assert len(closed.assembly.limits.stack) == 0


@pytest.mark.rule("SR-708")
def test_limits_hold_without_the_central_system() -> None:
    """Offline, the periods go on, for running transactions and for new ones."""
    house = House(configuration={"AllowOfflineTxForUnknownId": True})
    install(house, profile((0, 10), (600, 16)))
    house.disconnect()
    house.charge()
    assert offered(house) == 10
    house.run(600)
    assert offered(house) == 16


@pytest.mark.rule("SR-606", "SR-607", "SR-605", "SR-604", "SR-603", "SR-609")
def test_what_cannot_be_is_refused() -> None:
    """Each impossible profile has its answer, and nothing is installed."""
    house = House()
    refusals = [
        (1, profile((0, 10), purpose=TX), "Rejected"),
        (0, profile((0, 10), purpose=TX), "Rejected"),
        (1, profile((0, 10), purpose=MAXIMUM), "Rejected"),
        (1, profile((0, 10), transaction_id=3), "Rejected"),
        (1, profile((0, 10), stack_level=99), "Rejected"),
        (2, profile((0, 10)), "PropertyConstraintViolation"),
    ]
    for connector_id, wrong, answer in refusals:
        assert install(house, wrong, connector_id) == answer
    house.charge()
    assert install(house, profile((0, 10), purpose=TX, transaction_id=99)) == "Rejected"
    assert len(house.assembly.limits.stack) == 0


@pytest.mark.rule("SR-618")
def test_a_full_disk_promises_no_limit() -> None:
    """A profile that cannot be saved is Rejected and not in force."""
    full = [False]
    store = MemoryChargePointStore(fate=lambda number: Fate.REFUSED if full[0] else Fate.KEPT)
    house = House(store=store)
    house.charge()
    full[0] = True
    assert install(house, profile((0, 10))) == "Rejected"
    assert offered(house) == 32


@pytest.mark.rule("SR-618", "SR-713")
def test_what_is_over_makes_room() -> None:
    """In a full store a profile whose time is over gives way to a new one; others do not."""
    house = House(configuration={"MaxChargingProfilesInstalled": 1})
    assert install(house, profile((0, 10), duration=60)) == "Accepted"
    another = {"charging_profile_id": 2, "stack_level": 1}
    assert install(house, profile((0, 16), **another)) == "Rejected"
    house.run(120)
    assert install(house, profile((0, 16), **another)) == "Accepted"
    assert [one.profile_id for one in house.assembly.limits.stack] == [2]
    house.power_cut()
    assert [one.profile_id for one in house.assembly.limits.stack] == [2]


@pytest.mark.rule("SR-701", "SR-713")
def test_what_is_over_makes_room_for_a_remote_start() -> None:
    """In a full store a profile whose time is over does not stand in the way of a remote start
    with a profile of its own; it goes when that one comes into force."""
    house = House(configuration={"MaxChargingProfilesInstalled": 1})
    assert install(house, profile((0, 10), duration=60)) == "Accepted"
    wish = v16.RemoteStartTransactionRequest(
        connector_id=1,
        id_tag="TAG1",
        charging_profile=profile((0, 13), purpose=TX, charging_profile_id=2),
    )
    assert house.status(wish) == "Rejected"
    house.run(120)
    house.plug()
    assert house.status(wish) == "Accepted"
    house.run(10)
    assert offered(house) == 13
    assert [one.profile_id for one in house.assembly.limits.stack] == [2]


class HeldStore(MemoryChargePointStore):
    """Writes when the test lets it."""

    held: list[Any] | None = None

    def write(self, *changes: Any) -> Any:
        if self.held is None:
            return super().write(*changes)
        done: Deferred[None] = Deferred()
        self.held.append((changes, done))
        return done

    def let_go(self) -> None:
        """Everything is written, what comes meanwhile too."""
        held, self.held = self.held or [], None
        for changes, done in held:
            super().write(*changes).chainDeferred(done)


@pytest.mark.rule("SR-631")
def test_a_profile_that_is_overtaken_while_it_is_saved() -> None:
    """While a profile is being written, a transaction begins whose own profile has the same id:
    only one of that id is installed afterwards, on the disk too."""
    store = HeldStore()
    house = House(store=store)
    house.charge()
    limits = house.assembly.limits
    store.held = []
    wish = Profile(
        profile_id=1,
        stack_level=0,
        purpose=Purpose.TX_DEFAULT_PROFILE,
        kind=Kind.ABSOLUTE,
        unit=RateUnit.A,
        start=NOON,
        periods=(Period(0, Decimal(10)),),
    )
    installing = Deferred.fromCoroutine(limits.install(wish, 1))
    house.assembly.journal.keep(*limits.bind(attrs.evolve(wish, purpose=Purpose.TX_PROFILE), 1))
    store.let_go()
    assert installing.result.accepted
    assert [(one.profile_id, one.profile.purpose) for one in limits.stack] == [
        (1, Purpose.TX_DEFAULT_PROFILE)
    ]
    assert Stack.from_documents(store.contents()["profiles"].values()) == limits.stack


@pytest.mark.rule("SR-206", "SR-703")
def test_a_relative_profile_counts_from_the_start() -> None:
    """Seconds of a Relative profile are those of the transaction."""
    house = House()
    relative = {"charging_profile_kind": v16.ChargingProfileKindType.RELATIVE, "start": None}
    install(house, profile((0, 10), (300, 6), **relative))
    house.run(1000)
    house.charge()
    assert offered(house) == 10
    house.run(291)
    assert offered(house) == 6


@pytest.mark.rule("SR-709")
def test_the_sum_stays_below_the_maximum() -> None:
    """Two cars share the limit of the station; when one leaves, the other gets the rest."""
    house = House(2)
    install(house, profile((0, 20), purpose=MAXIMUM), 0)
    house.charge(1)
    assert offered(house, 1) == 20
    house.charge(2, "TAG2")
    house.run(5)
    assert (offered(house, 1), offered(house, 2)) == (10, 10)
    house.swipe("TAG1", 1)
    house.run(10)
    assert offered(house, 2) == 20


@pytest.mark.rule("SR-709")
def test_one_car_gets_only_what_the_other_has_let_go_of() -> None:
    """Until a car has followed its lower limit, nobody else is given the difference."""
    house = House(2)
    install(house, profile((0, 20), purpose=MAXIMUM), 0)
    house.charge(1)
    house.charge(2, "TAG2")
    house.run(30)
    install(house, profile((0, 0), charging_profile_id=9), 1)
    for _ in range(20):
        drawn = sum(max(house.evse(c).outlet.read().currents_a, default=Decimal(0)) for c in (1, 2))
        assert drawn <= 20
        house.run(0.5)
    assert (offered(house, 1), offered(house, 2)) == (0, 20)


@pytest.mark.rule("SR-709", "SR-710")
def test_where_it_does_not_suffice_one_after_the_other_charges() -> None:
    """With less than 6 A for each, one pauses, and the right to charge goes round."""
    house = House(2)
    install(house, profile((0, 10), purpose=MAXIMUM), 0)
    house.charge(1)
    house.charge(2, "TAG2")
    seen = set()
    for _ in range(8):
        amounts = (int(offered(house, 1)), int(offered(house, 2)))
        assert sum(amounts) <= 10
        seen.add(amounts)
        house.run(450)
    assert seen == {(10, 0), (0, 10)}


def test_who_does_not_ask_leaves_it_to_others() -> None:
    """A car that is full keeps the least; the other one gets what is left."""
    house = House(2)
    install(house, profile((0, 20), purpose=MAXIMUM), 0)
    house.charge(1)
    house.charge(2, "TAG2")
    house.evse(1).ev_pause()
    house.run(10)
    assert (offered(house, 1), offered(house, 2)) == (6, 14)
    house.evse(1).ev_resume()
    house.run(10)
    assert (offered(house, 1), offered(house, 2)) == (10, 10)


def test_the_fuse_of_the_station_counts() -> None:
    """Without any profile the installation's own limit is shared."""
    house = House(2, settings={"grid": Grid(station_limit_a=Decimal(16))})
    house.charge(1)
    house.charge(2, "TAG2")
    house.run(5)
    assert (offered(house, 1), offered(house, 2)) == (8, 8)


@pytest.mark.rule("SR-411", "SR-415")
def test_watts_become_amperes() -> None:
    """A limit in W is divided among the phases."""
    house = House()
    house.charge()
    install(house, profile((0, 6900), unit="W"))
    assert offered(house) == 10


def test_why_an_idle_connector_would_get_what_it_would() -> None:
    """What is told of a connector where nobody charges is true now, not at the last event."""
    house = House()
    install(house, profile((0, 10), (600, 16)))
    assert house.assembly.limits.allowances[1].limit_a == 10
    house.run(NOON.timestamp() + 600 - house.clock.seconds())
    allowance = house.assembly.limits.allowances[1]
    assert allowance.limit_a == 16
    assert "TxDefaultProfile 1" in allowance.reason


@pytest.mark.rule("SR-415")
def test_a_step_that_only_the_phases_of_the_car_make() -> None:
    """Power for one phase, spread over three, may fall below a maximum in A in mid-period: the
    EVSE is told at that second, although the reported schedule is flat."""
    house = House()
    house.charge()
    for number, connector_id, what in (
        (1, 0, profile((0, 10), purpose=MAXIMUM)),
        (2, 1, profile((0, 6210), (600, 4500), unit="W", charging_profile_id=2)),
    ):
        periods = tuple(
            attrs.evolve(period, number_phases=1)
            for period in what.charging_schedule.charging_schedule_period
        )
        schedule = attrs.evolve(what.charging_schedule, charging_schedule_period=periods)
        what = attrs.evolve(what, charging_profile_id=number, charging_schedule=schedule)
        assert install(house, what, connector_id) == "Accepted"
    assert offered(house) == 9
    house.run(NOON.timestamp() + 600 - house.clock.seconds())
    assert offered(house) == Decimal("6.5")


@pytest.mark.rule("SR-501", "SR-502", "SR-404")
def test_a_composite_schedule() -> None:
    """In A unless asked otherwise, with the number of phases spelt out; where no profile says
    anything, the limit of the hardware."""
    house = House(car={"maximum_current_a": 20})
    install(house, profile((0, 10), (60, 16), duration=120))
    answer = house.ask(v16.GetCompositeScheduleRequest(connector_id=1, duration=200))
    assert (answer.status, answer.connector_id, answer.schedule_start) == ("Accepted", 1, NOON)
    schedule = answer.charging_schedule
    assert (schedule.charging_rate_unit, schedule.duration) == ("A", 200)
    assert schedule.start_schedule is None
    assert [
        (p.start_period, p.limit, p.number_phases) for p in schedule.charging_schedule_period
    ] == [
        (0, 10, 3),
        (60, 16, 3),
        (120, 20, 3),
    ]
    watts = v16.GetCompositeScheduleRequest(
        connector_id=1, duration=60, charging_rate_unit=v16.ChargingRateUnitType.W
    )
    (period,) = house.ask(watts).charging_schedule.charging_schedule_period
    assert period.limit == 6900


@pytest.mark.rule("SR-503")
def test_a_composite_schedule_of_nothing() -> None:
    """An unknown connector: Rejected and nothing else."""
    answer = House().ask(v16.GetCompositeScheduleRequest(connector_id=2, duration=10))
    assert (answer.status, answer.charging_schedule) == ("Rejected", None)


@pytest.mark.rule("SR-601")
def test_a_station_without_smart_charging() -> None:
    """Every request of the feature gets NotSupported."""
    house = House(configuration={"SupportedFeatureProfiles": "Core"})
    assert install(house, profile((0, 10))) == "NotSupported"
    assert house.status(v16.ClearChargingProfileRequest()) == "NotSupported"


def test_the_clock_moves_the_periods() -> None:
    """When the central system sets the clock, the limit of the new time is in force."""
    house = House()
    house.charge()
    install(house, profile((0, 10), (600, 16)))
    house.central.started_at -= 3600
    house.set_key("HeartbeatInterval", 5)
    house.run(6)
    assert offered(house) == 16


def test_a_box_that_comes_back_is_told_again() -> None:
    """After its own power cut the EVSE gets limit and permission anew."""
    house = House()
    house.charge()
    install(house, profile((0, 10)))
    house.device.power_cut(5)
    house.run(20)
    assert offered(house) == 10
    assert house.evse().state.energised


@pytest.mark.rule("SR-608", "SR-703")
def test_a_profile_for_a_transaction_without_a_number() -> None:
    """Before the central system has given its number, a TxProfile without one is bound to the
    running transaction."""
    house = House()
    house.central.answer = lambda r: (
        never(r) if isinstance(r, v16.StartTransactionRequest) else None
    )
    house.charge()
    assert install(house, profile((0, 10), purpose=TX)) == "Accepted"
    assert offered(house) == 10


def test_two_charge_in_the_house_of_one_phase() -> None:
    """Cars on different lines of the supply do not take each other's current."""
    house = House(
        2,
        car={"phases": 1},
        configuration={"ConnectorPhaseRotation": "1.RST,2.STR"},
    )
    install(house, profile((0, 16), purpose=MAXIMUM), 0)
    house.charge(1)
    house.charge(2, "TAG2")
    assert (offered(house, 1), offered(house, 2)) == (16, 16)


@pytest.mark.rule("SR-416")
@pytest.mark.parametrize("supported", [True, False])
def test_phases_are_switched_only_where_that_is_promised(supported: bool) -> None:
    """A limit for one phase switches to one phase if the box can and the key says so."""
    house = House(
        car={"can_switch_phases": True},
        configuration={"ConnectorSwitch3to1PhaseSupported": supported},
    )
    one_phase = profile((0, 16))
    period = one_phase.charging_schedule.charging_schedule_period[0]
    schedule = attrs.evolve(
        one_phase.charging_schedule,
        charging_schedule_period=(attrs.evolve(period, number_phases=1),),
    )
    install(house, attrs.evolve(one_phase, charging_schedule=schedule))
    house.charge()
    house.run(60)
    assert house.evse().state.phases == (1 if supported else 3)


def test_time_passes_for_a_whole_day() -> None:
    """A daily profile is followed through the day without any message."""
    house = House()
    daily = {
        "charging_profile_kind": v16.ChargingProfileKindType.RECURRING,
        "recurrency_kind": v16.RecurrencyKindType.DAILY,
    }
    install(house, profile((0, 16), (3600, 6), start=NOON - timedelta(days=1), **daily))
    house.charge()
    house.evse().adjust(battery_wh=1_000_000)
    seen = []
    for hour in range(26):
        house.run(NOON.timestamp() + hour * 3600 + 30 - house.clock.seconds())
        seen.append(int(offered(house)))
    assert seen == [16, *[6] * 23, 16, 6]


def test_a_recurring_profile_follows_the_clock_on_the_wall() -> None:
    """With a time zone, what was set for 22:00 in winter begins at 22:00 in summer, too."""
    winter = datetime(2024, 1, 10, 21, 0, tzinfo=UTC)  # 22:00 in Berlin
    daily = {
        "charging_profile_kind": v16.ChargingProfileKindType.RECURRING,
        "recurrency_kind": v16.RecurrencyKindType.DAILY,
    }
    ten_at_night = datetime(NOON.year, NOON.month, NOON.day, 20, 0, tzinfo=UTC)
    for zone, before, at in ((ZoneInfo("Europe/Berlin"), 32, 10), (None, 32, 32)):
        house = House(settings={"grid": Grid(zone=zone)})
        install(house, profile((0, 10), start=winter, duration=3600, **daily))
        house.charge()
        house.evse().adjust(battery_wh=1_000_000)
        house.run(ten_at_night.timestamp() - 1 - house.clock.seconds())
        assert offered(house) == before
        house.run(1)
        assert offered(house) == at
