"""Registration: who is accepted, and what may be said before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from street import Street

from txocpp.csms.boot import Admit, BootRules, judge, staggered_s
from txocpp.csms.settings import Settings, Stations
from txocpp.csms.station import Registration
from txocpp.errors import RemoteError


def adopting() -> Street:
    """A central system where newcomers wait for an operator."""
    return Street(Settings(stations=Stations(admit=Admit.ADOPT)))


@pytest.mark.rule("Z-04")
def test_a_boot_answer_tells_time_interval_and_status(street: Street) -> None:
    """All three are always there."""
    answer = street.plug_in("CP1").boot()
    assert answer == {
        "currentTime": "2026-06-01T12:00:00Z",
        "interval": staggered_s("CP1", 300),
        "status": "Accepted",
    }


def test_what_a_station_says_of_itself_is_kept(street: Street) -> None:
    """Vendor, model and so on are known after the boot."""
    street.plug_in("CP1").boot(firmwareVersion="1.2", chargePointSerialNumber="S1")
    station = street.station()
    assert (station.vendor, station.model) == ("Acme", "Wall")
    assert (station.firmware_version, station.serial_number) == ("1.2", "S1")
    assert station.registration == "Accepted"


@pytest.mark.rule("B-12")
def test_nothing_but_a_boot_is_served_before_acceptance(street: Street) -> None:
    """A station that never booted gets SecurityError."""
    cp = street.plug_in("CP1")
    with pytest.raises(RemoteError) as refusal:
        cp.say("Heartbeat")
    assert refusal.value.code == "SecurityError"
    cp.boot()
    cp.say("Heartbeat")


def test_a_reconnection_needs_no_new_boot(street: Street) -> None:
    """C-13: the station carries on; its registration is remembered, also over our restart."""
    cp = street.booted()
    cp.leave()
    street.plug_in("CP1", cp)
    cp.say("Heartbeat")
    restarted = Street(store=street.store)
    restarted.plug_in("CP1").say("Heartbeat")


@pytest.mark.rule("B-17", "B-12")
def test_a_newcomer_stays_pending_until_an_operator_accepts_it() -> None:
    """It can be asked and configured meanwhile, but says nothing unasked."""
    street = adopting()
    cp = street.plug_in("CP1")
    assert cp.boot()["status"] == "Pending"
    with pytest.raises(RemoteError, match="SecurityError"):
        cp.status("Available")
    assert street.operate("CP1", "GetConfiguration").outcome == "answered"
    street.decide("CP1", admission="accepted")
    assert cp.boot()["status"] == "Accepted"
    cp.status("Available")


@pytest.mark.rule("B-12")
def test_a_triggered_message_is_let_through_while_pending() -> None:
    """What was asked for is answered, for a while."""
    street = adopting()
    cp = street.plug_in("CP1")
    cp.boot()
    street.operate("CP1", "TriggerMessage", payload={"requestedMessage": "StatusNotification"})
    cp.status("Available")
    cp.status("Available", connector=0)
    street.run(120)
    with pytest.raises(RemoteError, match="SecurityError"):
        cp.status("Available")


@pytest.mark.rule("Z-11", "B-16")
@pytest.mark.parametrize(
    ("admission", "action", "payload"),
    [
        ("pending", "RemoteStartTransaction", {"idTag": "T"}),
        ("pending", "RemoteStopTransaction", {"transactionId": 1}),
        ("rejected", "GetConfiguration", {}),
        ("accepted", "TriggerMessage", {"requestedMessage": "BootNotification"}),
        ("accepted", "ExtendedTriggerMessage", {"requestedMessage": "BootNotification"}),
    ],
)
def test_what_must_not_be_sent_is_not_sent(
    street: Street, admission: str, action: str, payload: dict
) -> None:
    """Unless somebody insists, as testers of stations do."""
    cp = street.plug_in("CP1")
    street.decide("CP1", admission=admission)
    cp.boot()
    refused = street.operate("CP1", action, payload=payload)
    assert (refused.outcome, cp.heard) == ("invalid", [])
    assert refused.error_text
    insisted = street.operate("CP1", action, payload=payload, force=True)
    assert insisted.outcome == "answered"


@pytest.mark.rule("B-13")
def test_an_operator_can_reject_a_station(street: Street) -> None:
    """Rejected is for stations that are known; others are not let in."""
    cp = street.plug_in("CP1")
    street.decide("CP1", admission="rejected")
    answer = cp.boot()
    assert answer["status"] == "Rejected"
    assert answer["interval"] > 0


@pytest.mark.rule("H-02", "H-03")
def test_any_message_is_a_sign_of_life(street: Street) -> None:
    """The moment is kept when the station has gone, and once a minute before."""
    cp = street.booted()
    street.run(10)
    assert cp.say("Heartbeat") == {"currentTime": "2026-06-01T12:00:10Z"}
    cp.leave()
    assert street.station().last_seen == datetime(2026, 6, 1, 12, 0, 10, tzinfo=UTC)


@pytest.mark.rule("H-06")
def test_the_time_is_told_in_milliseconds(street: Street) -> None:
    """Small stations do not expect more digits."""
    cp = street.booted()
    street.run(0.123456)
    assert cp.say("Heartbeat") == {"currentTime": "2026-06-01T12:00:00.123Z"}


def test_intervals_differ_so_that_stations_do_not_speak_all_at_once() -> None:
    """Each station is told up to a fifth less, always the same."""
    told = [staggered_s(f"CP{number}", 300) for number in range(200)]
    assert min(told) >= 240
    assert max(told) <= 300
    assert len(set(told)) > 40
    assert staggered_s("CP1", 300) == staggered_s("CP1", 300)
    assert staggered_s("CP1", 0) == 0


def test_what_an_operator_decided_goes_before_the_general_rule(street: Street) -> None:
    """A rejected station is rejected even where everybody is welcome."""
    street.plug_in("CP1")
    record = street.decide("CP1", admission="rejected")
    assert judge(record, BootRules()).registration is Registration.REJECTED


def test_a_boot_is_announced_after_its_answer(street: Street) -> None:
    """Whoever waits for the station finds it registered."""
    seen = []
    street.office.central.on_registered.append(lambda station: seen.append(station.registration))
    street.booted()
    assert seen == [Registration.ACCEPTED]


@pytest.mark.rule("J-20")
def test_a_broken_boot_is_refused_by_name(street: Street) -> None:
    """The station is told which field is missing."""
    cp = street.plug_in("CP1")
    with pytest.raises(RemoteError) as refusal:
        cp.say("BootNotification", chargePointVendor="Acme")
    assert refusal.value.code == "ProtocolError"
    assert "chargePointModel" in refusal.value.description


def test_unknown_properties_can_be_tolerated() -> None:
    """Some stations send more than they may (J-16)."""
    strict, kind = Street(), Street(Settings(stations=Stations(tolerate_unknown_fields=True)))
    with pytest.raises(RemoteError, match="FormationViolation"):
        strict.plug_in("CP1").boot(color="red")
    assert kind.plug_in("CP1").boot(color="red")["status"] == "Accepted"
