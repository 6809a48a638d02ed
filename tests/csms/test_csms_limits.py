"""Charging profiles: what may be sent, and the record of what was acknowledged."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from street import NOON, Street, instant

from txocpp.csms.limits import composite, limit_now, simple_profile
from txocpp.smartcharging import Purpose, RateUnit, read_profile


def profile(number: int = 1, **fields: Any) -> dict[str, Any]:
    """A TxDefaultProfile of 16 A; `schedule` and other fields replace."""
    schedule = {
        "startSchedule": instant(-60),
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}],
        **fields.pop("schedule", {}),
    }
    return {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {k: v for k, v in schedule.items() if v is not None},
        **fields,
    }


def send(street: Street, connector: int, sent: dict[str, Any], **options: Any) -> Any:
    """SetChargingProfile."""
    payload = {"connectorId": connector, "csChargingProfiles": sent}
    return street.operate("CP1", "SetChargingProfile", payload=payload, **options)


def installed(street: Street) -> list[tuple[int, int]]:
    """(connector, profile id) of what should be installed."""
    station = street.station()
    found = street.ask(lambda records: records.profiles.of(station.id))
    return [(one.connector, one.profile_id) for one in found]


def limit(street: Street, connector: int) -> Decimal | None:
    """The limit that should be in force."""
    station = street.station()
    return street.ask(
        lambda records: limit_now(composite(records, station.id, street.now), connector, street.now)
    )


TX = {"chargingProfilePurpose": "TxProfile"}
MAXIMUM = {"chargingProfilePurpose": "ChargePointMaxProfile"}


@pytest.mark.parametrize(
    ("rule", "connector", "sent"),
    [
        pytest.param(*case, marks=pytest.mark.rule(case[0][:6]))
        for case in (
            ("SR-A01", 1, profile(**TX)),
            ("SR-604", 1, profile(**MAXIMUM)),
            ("SR-605", 0, profile(**TX, transactionId=1)),
            ("SR-606", 2, profile(**TX, transactionId=1)),
            ("SR-607", 1, profile(**TX, transactionId=99)),
            ("SR-609", 1, profile(transactionId=1)),
            ("SR-A03", 1, profile(validTo=instant(-1))),
            ("SR-617", 1, profile(validFrom=instant(60), validTo=instant(30))),
            (
                "SR-613",
                1,
                profile(
                    schedule={"chargingSchedulePeriod": [{"startPeriod": 5, "limit": 1}]},
                ),
            ),
            (
                "SR-616",
                1,
                profile(chargingProfileKind="Recurring"),
            ),
            ("SR-A05", 1, profile(recurrencyKind="Daily")),
        )
    ],
)
def test_a_profile_that_breaks_a_rule_is_not_sent(
    street: Street, rule: str, connector: int, sent: dict
) -> None:
    """The rule is named; `force` sends it all the same."""
    cp = street.booted()
    cp.start()
    refused = send(street, connector, sent)
    assert refused.outcome == "invalid"
    assert rule in (refused.error_text or "")
    assert cp.heard == []
    assert send(street, connector, sent, force=True).outcome == "answered"


@pytest.mark.rule("SR-A01", "SR-A02", "SR-A04")
def test_good_profiles_are_sent(street: Street) -> None:
    """One of each purpose."""
    cp = street.booted()
    number = cp.start()["transactionId"]
    for connector, sent in (
        (0, profile(1, **MAXIMUM)),
        (0, profile(2)),
        (1, profile(3)),
        (1, profile(4, **TX, transactionId=number)),
    ):
        assert send(street, connector, sent).outcome == "answered"
    assert installed(street) == [(0, 1), (0, 2), (1, 3), (1, 4)]


@pytest.mark.rule("SR-A04")
def test_the_keys_of_the_station_are_respected(street: Street) -> None:
    """As far as they have been read."""
    cp = street.booted()
    cp.answers["GetConfiguration"] = {
        "configurationKey": [
            {"key": key, "readonly": True, "value": value}
            for key, value in (
                ("ChargeProfileMaxStackLevel", "3"),
                ("ChargingScheduleMaxPeriods", "1"),
                ("ChargingScheduleAllowedChargingRateUnit", "Current"),
            )
        ]
    }
    street.operate("CP1", "GetConfiguration")
    two = [{"startPeriod": 0, "limit": 6}, {"startPeriod": 60, "limit": 8}]
    for sent in (
        profile(stackLevel=4),
        profile(schedule={"chargingSchedulePeriod": two}),
        profile(schedule={"chargingRateUnit": "W"}),
    ):
        assert send(street, 1, sent).outcome == "invalid"
    assert send(street, 1, profile(stackLevel=3)).outcome == "answered"


@pytest.mark.rule("SR-A02")
def test_a_remote_start_takes_a_tx_profile_without_transaction(street: Street) -> None:
    """Everything else is refused before it is sent."""
    cp = street.booted()

    def start(sent: dict) -> str | None:
        payload = {"idTag": "TAG", "connectorId": 1, "chargingProfile": sent}
        return street.operate("CP1", "RemoteStartTransaction", payload=payload).outcome

    assert start(profile()) == "invalid"
    assert start(profile(**TX, transactionId=1)) == "invalid"
    assert start(profile(9, **TX)) == "answered"
    assert [action for action, _ in cp.heard] == ["RemoteStartTransaction"]


@pytest.mark.rule("SR-A07")
def test_only_what_was_accepted_is_on_record(street: Street) -> None:
    """Rejected leaves the old one."""
    cp = street.booted()
    send(street, 1, profile(1))
    cp.answers["SetChargingProfile"] = {"status": "Rejected"}
    send(street, 1, profile(2))
    assert installed(street) == [(1, 1)]


@pytest.mark.rule("SR-A07")
def test_profiles_replace_each_other_by_id_and_by_slot(street: Street) -> None:
    """The same id anywhere; the same purpose and level on the same connector."""
    street.booted()
    send(street, 1, profile(1))
    send(street, 2, profile(1))
    assert installed(street) == [(2, 1)]
    send(street, 2, profile(5))
    assert installed(street) == [(2, 5)]
    send(street, 2, profile(6, stackLevel=1))
    assert installed(street) == [(2, 5), (2, 6)]


@pytest.mark.rule("SR-A07", "SR-A08")
@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({}, []),
        ({"id": 1}, [(0, 2), (1, 3)]),
        ({"id": 1, "connectorId": 9}, [(0, 2), (1, 3)]),
        ({"connectorId": 0}, [(1, 3)]),
        ({"chargingProfilePurpose": "TxDefaultProfile"}, [(0, 1)]),
        ({"stackLevel": 2}, [(0, 1), (0, 2)]),
        (
            {"connectorId": 0, "chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0},
            [(0, 1), (1, 3)],
        ),
    ],
)
@pytest.mark.parametrize("status", ["Accepted", "Unknown"])
def test_clearing_takes_matching_profiles_from_the_record(
    street: Street, fields: dict, left: list, status: str
) -> None:
    """Unknown says as well that they are not there."""
    cp = street.booted()
    send(street, 0, profile(1, **MAXIMUM))
    send(street, 0, profile(2))
    send(street, 1, profile(3, stackLevel=2))
    cp.answers["ClearChargingProfile"] = {"status": status}
    street.operate("CP1", "ClearChargingProfile", payload=fields)
    assert installed(street) == left


@pytest.mark.rule("SR-A08")
@pytest.mark.parametrize("unit", [{}, {"chargingRateUnit": "A"}, {"chargingRateUnit": "W"}])
def test_a_composite_schedule_can_be_asked_for(street: Street, unit: dict) -> None:
    """With and without a unit; the answer is kept."""
    cp = street.booted()
    answer = {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": instant(),
        "chargingSchedule": {
            "duration": 600,
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}],
        },
    }
    cp.answers["GetCompositeSchedule"] = answer
    payload = {"connectorId": 1, "duration": 600, **unit}
    done = street.operate("CP1", "GetCompositeSchedule", payload=payload)
    assert done.answer == answer


def test_the_profiles_of_a_transaction_end_with_it(street: Street) -> None:
    """SR-706."""
    cp = street.booted()
    number = cp.start()["transactionId"]
    send(street, 1, profile(1))
    send(street, 1, profile(2, **TX, transactionId=number))
    cp.stop(number)
    assert installed(street) == [(1, 1)]


def test_a_profile_of_a_remote_start_belongs_to_the_transaction_it_led_to(
    street: Street,
) -> None:
    """SR-702: it is bound when that begins, and ends with it."""
    cp = street.booted()
    payload = {"idTag": "TAG", "connectorId": 1, "chargingProfile": profile(9, **TX)}
    street.operate("CP1", "RemoteStartTransaction", payload=payload)
    number = cp.start()["transactionId"]
    station = street.station()
    (record,) = street.ask(lambda records: records.profiles.of(station.id))
    assert record.transaction_id == number


def test_the_limit_in_force_is_worked_out(street: Street) -> None:
    """The transaction's profile goes before the default; the maximum caps both."""
    cp = street.booted()
    cp.status("Available")
    cp.status("Available", connector=2)
    number = cp.start()["transactionId"]
    assert limit(street, 1) is None
    send(street, 0, profile(1))
    assert (limit(street, 1), limit(street, 2)) == (16, 16)
    ten = {"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 10}]}
    send(street, 1, profile(2, **TX, transactionId=number, schedule=ten))
    assert (limit(street, 1), limit(street, 2)) == (10, 16)
    eight = {"chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8}]}
    send(street, 0, profile(3, **MAXIMUM, schedule=eight))
    assert (limit(street, 1), limit(street, 2), limit(street, 0)) == (8, 8, 8)


@pytest.mark.rule("SR-A06")
@pytest.mark.parametrize("purpose", list(Purpose))
def test_one_number_makes_a_profile_that_begins_in_the_past(purpose: Purpose) -> None:
    """A station whose clock is behind leaves no gap; the same question gives the same id."""
    made = [
        read_profile(
            simple_profile(purpose, 1, Decimal(ampere), RateUnit.A, now=NOON, transaction_id=None)
        )
        for ampere in (6, 16)
    ]
    assert made[0].profile_id == made[1].profile_id
    assert made[0].start is not None
    assert made[0].start < NOON
    assert made[1].periods[0].limit == 16


@pytest.mark.rule("SR-712")
def test_a_profile_for_a_transaction_that_is_over_is_not_sent(street: Street) -> None:
    """A start may be old news; what counts is what runs by all that was told."""
    cp = street.booted()
    number = cp.start(at=-86400)["transactionId"]
    cp.stop(number, at=-80000)
    refused = send(street, 1, profile(**TX, transactionId=number))
    assert refused.outcome == "invalid"
