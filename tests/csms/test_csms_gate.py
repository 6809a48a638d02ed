"""Who may connect."""

from __future__ import annotations

from typing import Any

import pytest
from street import Street
from twisted.internet.defer import Deferred

from txocpp.csms.boot import Admit
from txocpp.csms.passwords import StationPasswords, key_as_hex, key_from_text, new_key
from txocpp.csms.settings import KnownStation, Settings, Stations

KEY = bytes.fromhex("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF")


def with_password(key: bytes = KEY, **stations: object) -> Street:
    """A central system that knows the password of AL1000."""
    street = Street(Settings(stations=Stations(**stations)))  # type: ignore[arg-type]
    hashed = street.office.passwords.hash(key)
    street.change(lambda r: r.stations.add("AL1000", street.now, password_hash=hashed))
    return street


@pytest.mark.rule("C-07", "B-13")
def test_only_known_stations_where_the_operator_wants_it() -> None:
    """An unknown one gets 404, not Rejected."""
    street = Street(Settings(stations=Stations(admit=Admit.KNOWN)))
    refusal = street.knock("STRANGER")
    assert refusal is not None
    assert refusal.http_status == 404
    assert street.station("STRANGER") is None


def test_everybody_is_let_in_and_entered_by_default(street: Street) -> None:
    """A charger appears when it connects."""
    assert street.knock("NEW") is None
    assert street.station("NEW").registration is None


@pytest.mark.rule("C-16", "X-10", "C-15")
@pytest.mark.parametrize(
    ("shown", "status"),
    [
        ({"user": "AL1000", "password": KEY}, None),
        ({"user": "AL1000", "password": KEY.hex().encode()}, None),
        ({"user": "AL1000", "password": KEY.hex().upper().encode()}, None),
        ({"user": "AL1000", "password": KEY[:-1]}, 401),
        ({"user": "al1000", "password": KEY}, 401),
        ({"user": None, "password": KEY}, 401),
        ({}, 401),
    ],
)
def test_a_password_is_compared_as_bytes(shown: dict, status: int | None) -> None:
    """The user is the identity; the hex digits of the key are taken too."""
    refusal = with_password().knock("AL1000", **shown)
    assert (None if refusal is None else refusal.http_status) == status


@pytest.mark.rule("C-15")
def test_the_hex_digits_are_refused_where_the_operator_is_strict() -> None:
    """Only the bytes themselves count then."""
    street = with_password(tolerant_passwords=False)
    assert street.knock("AL1000", user="AL1000", password=KEY.hex().encode()) is not None
    assert street.knock("AL1000", user="AL1000", password=KEY) is None


def test_a_station_without_password_is_refused_where_one_is_demanded() -> None:
    """Known or not, it gets 401."""
    street = Street(Settings(stations=Stations(require_password=True)))
    street.change(lambda r: r.stations.add("BARE", street.now))
    for identity in ("BARE", "STRANGER"):
        refusal = street.knock(identity, user=identity, password=b"x")
        assert refusal is not None
        assert refusal.http_status == 401


def test_strangers_do_not_fill_the_disk(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom somebody has accepted is no stranger any more."""
    monkeypatch.setattr("txocpp.csms.gate.MOST_NEWCOMERS", 1)
    assert street.knock("CP1") is None
    refusal = street.knock("CP2")
    assert refusal is not None
    assert refusal.http_status == 503
    assert street.knock("CP1") is None
    street.decide("CP1", admission="accepted")
    assert street.knock("CP2") is None


@pytest.mark.rule("X-12")
def test_the_old_password_is_good_until_the_new_one_was_used() -> None:
    """A station that did not get our change of the key is not locked out."""
    street = with_password()
    old = {"user": "AL1000", "password": KEY}
    cp = street.plug_in("AL1000", **old)
    cp.boot()
    fresh = new_key()
    payload = {"key": "AuthorizationKey", "value": key_as_hex(fresh)}
    done = street.operate("AL1000", "ChangeConfiguration", payload=payload)
    assert done.payload["value"] == "***"
    assert street.knock("AL1000", **old) is None
    assert street.knock("AL1000", user="AL1000", password=fresh) is None
    assert street.knock("AL1000", **old) is not None


@pytest.mark.rule("X-12")
def test_a_refused_new_password_is_forgotten() -> None:
    """Rejected: the old one stays the only one."""
    street = with_password()
    old = {"user": "AL1000", "password": KEY}
    cp = street.plug_in("AL1000", **old)
    cp.boot()
    cp.answers["ChangeConfiguration"] = {"status": "Rejected"}
    fresh = new_key()
    payload = {"key": "AuthorizationKey", "value": key_as_hex(fresh)}
    street.operate("AL1000", "ChangeConfiguration", payload=payload)
    assert street.knock("AL1000", **old) is None
    assert street.knock("AL1000", user="AL1000", password=fresh) is not None


@pytest.mark.rule("X-12")
@pytest.mark.parametrize("last", [{"status": "Rejected"}, Deferred])
def test_a_station_that_missed_several_new_passwords_is_not_locked_out(last: Any) -> None:
    """Whichever of them it has is good, until one has been used."""
    street = with_password()
    cp = street.plug_in("AL1000", user="AL1000", password=KEY)
    cp.boot()
    fresh = [new_key() for _ in range(2)]
    for key, answer in zip(fresh, (Deferred(), last() if last is Deferred else last), strict=True):
        cp.answers["ChangeConfiguration"] = answer
        payload = {"key": "AuthorizationKey", "value": key_as_hex(key)}
        street.begin("AL1000", "ChangeConfiguration", payload=payload)
        street.run(31)
    assert street.knock("AL1000", user="AL1000", password=KEY) is None
    assert street.knock("AL1000", user="AL1000", password=fresh[0]) is None
    cp.leave()


@pytest.mark.rule("X-12")
def test_a_first_password_locks_nobody_out_before_it_is_acknowledged(street: Street) -> None:
    """A station that had none comes as before, if it cannot have heard of it."""
    cp = street.booted("CP1")
    payload = {"key": "AuthorizationKey", "value": key_as_hex(new_key())}
    cp.answers["ChangeConfiguration"] = Deferred()
    street.begin("CP1", "ChangeConfiguration", payload=payload)
    cp.leave()
    assert street.knock("CP1") is None
    street.plug_in("CP1", cp)
    cp.answers["ChangeConfiguration"] = {"status": "Accepted"}
    street.operate("CP1", "ChangeConfiguration", payload=payload)
    assert street.knock("CP1") is not None


@pytest.mark.rule("X-12")
def test_a_password_that_is_entered_meanwhile_outlives_a_refusal() -> None:
    """It is not replaced by none."""
    street = with_password()
    cp = street.plug_in("AL1000", user="AL1000", password=KEY)
    cp.boot()
    cp.answers["ChangeConfiguration"] = answer = Deferred()
    payload = {"key": "AuthorizationKey", "value": key_as_hex(new_key())}
    street.begin("AL1000", "ChangeConfiguration", payload=payload)
    entered = new_key()
    hashed = street.office.passwords.hash(entered)
    number = street.station("AL1000").id
    street.change(lambda r: r.stations.set(number, password_hash=hashed, other_password_hash=None))
    answer.callback({"status": "Rejected"})
    street.run()
    assert street.knock("AL1000") is not None
    assert street.knock("AL1000", user="AL1000", password=entered) is None
    cp.leave()


@pytest.mark.rule("X-13")
def test_passwords_are_random_and_kept_as_salted_hashes() -> None:
    """The same key gives another hash each time, and none shows the key."""
    passwords = StationPasswords()
    one, other = passwords.hash(KEY), passwords.hash(KEY)
    assert one != other
    assert KEY.hex() not in one
    assert passwords.verify(one, KEY)
    assert new_key() != new_key()
    assert 16 <= len(new_key()) <= 20


def test_what_an_operator_types_is_hex_where_it_can_be_a_key() -> None:
    """Otherwise it is the text itself."""
    assert key_from_text(KEY.hex()) == KEY
    assert key_from_text("abcd") == b"abcd"
    assert key_from_text("geheim") == b"geheim"


@pytest.mark.parametrize("identity", ["", "x" * 256, "tab\there"])
def test_impossible_identities_are_refused(street: Street, identity: str) -> None:
    """They would only fill the store."""
    refusal = street.knock(identity)
    assert refusal is not None
    assert refusal.http_status == 404


@pytest.mark.rule("X-27")
def test_a_refusal_is_logged_without_the_password() -> None:
    """Who, from where and why; never the key."""
    from twisted.logger import globalLogPublisher

    events: list[dict] = []
    globalLogPublisher.addObserver(events.append)
    try:
        with_password().knock(
            "AL1000", user="AL1000", password=b"wrong-secret", address="1.2.3.4:5"
        )
    finally:
        globalLogPublisher.removeObserver(events.append)
    (event,) = [event for event in events if event.get("reason") == "its password is wrong"]
    assert (event["identity"], event["address"]) == ("AL1000", "1.2.3.4:5")
    assert not any("wrong-secret" in str(event) for event in events)


@pytest.mark.rule("C-14")
def test_the_newest_connection_of_an_identity_wins(street: Street) -> None:
    """The late end of the stale one harms nobody."""
    old = street.booted()
    new = street.plug_in("CP1")
    assert len(street.office.central.stations) == 1
    assert old.link is not None
    old.link.cut()
    street.run()
    assert "CP1" in street.office.central.stations
    assert new.say("Heartbeat")


def test_stations_of_the_configuration_file_are_there_from_the_start() -> None:
    """Once: what an operator changed later stays."""
    from txocpp.csms.service import enter_known

    known = KnownStation(identity="CP9", name="Garage", password="geheim")
    settings = Settings(stations=Stations(admit=Admit.KNOWN), known_stations=(known,))
    street = Street(settings)
    for _ in range(2):
        street.change(lambda r: enter_known(settings, street.office.passwords, street.now, r))
    assert street.knock("CP9") is not None
    assert street.knock("CP9", user="CP9", password=b"geheim") is None
    assert street.station("CP9").name == "Garage"
