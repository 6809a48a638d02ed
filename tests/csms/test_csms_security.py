"""What a connection is made of: passwords, certificates, security profiles, and web pages."""

from __future__ import annotations

from typing import Any

import pytest
from street import Street

from txocpp.csms.boot import Admit
from txocpp.csms.gate import FIRST_WAIT_S, GUESSES, LONGEST_WAIT_S
from txocpp.csms.origins import host_of, is_foreign_page, is_loopback_address
from txocpp.csms.settings import KnownStation, Listen, Settings, Stations

KEY = bytes.fromhex("0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF")
BASIC = {"user": "CP1", "password": KEY}


def site(**stations: Any) -> Street:
    """A central system with these rules for stations; CP1 has a password."""
    street = Street(Settings(stations=Stations(**stations)))
    hashed = street.office.passwords.hash(KEY)
    street.change(lambda r: r.stations.add("CP1", street.now, password_hash=hashed))
    return street


def status(street: Street, identity: str = "CP1", **shown: Any) -> int:
    """The HTTP status that somebody gets at the door."""
    refusal = street.knock(identity, **shown)
    return 101 if refusal is None else refusal.http_status


def with_certificate(name: str, owner: str = "Acme Charging") -> dict[str, Any]:
    """What somebody shows who has a client certificate."""
    return {
        "secure": True,
        "certificate_common_name": name,
        "certificate_organization": owner,
    }


# --- certificates (profile 3)


@pytest.mark.rule("X-25", "X-26")
@pytest.mark.parametrize(
    ("name", "expected"), [("CP1", 101), ("SN-1", 101), ("CP2", 401), ("SN-2", 401), ("", 401)]
)
def test_a_certificate_is_good_for_its_own_station_only(name: str, expected: int) -> None:
    """CN is the serial number, or the identity; that of another station opens nothing."""
    known = KnownStation(identity="CP1", serial_number="SN-1")
    settings = Settings(stations=Stations(admit=Admit.KNOWN), known_stations=(known,))
    street = Street(settings)
    from txocpp.csms.service import enter_known

    street.change(lambda r: enter_known(settings, street.office.passwords, street.now, r))
    assert status(street, **with_certificate(name)) == expected


@pytest.mark.rule("X-25")
def test_a_newcomer_is_whose_certificate_it_first_came_with() -> None:
    """Nothing else is known of it; from then on no other certificate will do."""
    street = site()
    assert status(street, "NEW", **with_certificate("NEW")) == 101
    assert status(street, "GARAGE", **with_certificate("SN-7")) == 101
    assert street.station("GARAGE").serial_number == "SN-7"
    assert status(street, "GARAGE", **with_certificate("SN-7")) == 101
    assert status(street, "GARAGE", **with_certificate("SN-8")) == 401
    assert status(street, "LONG", **with_certificate("S" * 26)) == 401
    assert street.station("LONG") is None


@pytest.mark.rule("X-25")
def test_a_certificate_is_the_operators_own() -> None:
    """O is the operator's name, where the operator has said it."""
    street = site(certificate_organization="Acme Charging")
    assert status(street, **with_certificate("CP1")) == 101
    assert status(street, **with_certificate("CP1", owner="Others")) == 401
    assert status(site(), **with_certificate("CP1", owner="Others")) == 101


@pytest.mark.rule("X-25")
def test_a_station_with_its_certificate_needs_no_password() -> None:
    """Profile 3 knows no HTTP Basic; a certificate that proves nothing does not spare it."""
    street = site(require_password=True)
    assert status(street, **with_certificate("CP1")) == 101
    lax = site(certificate_names_station=False)
    assert status(lax, **with_certificate("ANY")) == 401
    assert status(lax, **with_certificate("ANY"), **BASIC) == 101


@pytest.mark.rule("X-25")
def test_a_proven_serial_number_is_not_changed_by_what_the_station_says() -> None:
    """Otherwise it could lock itself out, and nothing said takes a number away."""
    street = site()
    station = street.station()
    street.change(lambda r: r.stations.set(station.id, serial_number="SN-1"))
    cp = street.plug_in("CP1", **with_certificate("SN-1"))
    cp.boot(chargePointSerialNumber="rev B")
    assert street.station().serial_number == "SN-1"
    cp.boot()
    assert street.station().serial_number == "SN-1"
    assert status(street, **with_certificate("SN-1")) == 101


# --- the profile a station is held to


def promise(street: Street, cp: Any, profile: int, answer: str = "Accepted") -> None:
    """ChangeConfiguration of SecurityProfile."""
    cp.answers["ChangeConfiguration"] = {"status": answer}
    payload = {"key": "SecurityProfile", "value": str(profile)}
    assert street.operate("CP1", "ChangeConfiguration", payload=payload).outcome == "answered"


TLS = {"secure": True, **BASIC}


@pytest.mark.rule("X-02", "X-32")
def test_a_station_that_has_come_with_a_higher_profile_never_comes_with_a_lower_one() -> None:
    """The change counts from the first connection that shows it."""
    street = site()
    cp = street.plug_in("CP1", **BASIC)
    cp.boot()
    promise(street, cp, 2)
    assert status(street, **TLS) == 101
    assert status(street, **BASIC) == 401
    assert status(street, **with_certificate("CP1")) == 101
    assert status(street, **TLS) == 101


@pytest.mark.rule("X-32")
def test_a_station_that_could_not_connect_so_falls_back() -> None:
    """It is let in as before, and is held to what it was."""
    street = site()
    cp = street.plug_in("CP1", **BASIC)
    cp.boot()
    promise(street, cp, 2)
    cp.answers["GetConfiguration"] = {
        "configurationKey": [{"key": "SecurityProfile", "readonly": False, "value": "2"}]
    }
    street.operate("CP1", "GetConfiguration")
    assert status(street, **BASIC) == 101
    assert status(street, **BASIC) == 101
    assert status(street, "CP1", secure=False, password=None) == 401


@pytest.mark.rule("X-32")
def test_a_refused_change_binds_nobody() -> None:
    """Rejected: everything stays as it was."""
    street = site()
    cp = street.plug_in("CP1", **BASIC)
    cp.boot()
    promise(street, cp, 2, "Rejected")
    assert status(street, **BASIC) == 101


@pytest.mark.rule("X-01", "X-02")
@pytest.mark.parametrize(("held", "expected"), [(True, 401), (False, 101)])
def test_a_station_is_held_to_the_profile_that_it_tells(held: bool, expected: int) -> None:
    """An open line to a station that has certificates is not its line; the operator may differ."""
    street = Street(Settings(stations=Stations(hold_security_profile=held)))
    cp = street.plug_in("CP1", **with_certificate("CP1"))
    cp.boot()
    cp.answers["GetConfiguration"] = {
        "configurationKey": [{"key": "SecurityProfile", "readonly": False, "value": "3"}]
    }
    street.operate("CP1", "GetConfiguration")
    assert status(street) == expected
    assert status(street, secure=True, **BASIC) == expected
    assert status(street, **with_certificate("CP1")) == 101


@pytest.mark.rule("X-03")
def test_a_profile_is_not_lowered_from_here() -> None:
    """The operator is told why."""
    street = site()
    cp = street.plug_in("CP1", **BASIC)
    cp.boot()
    promise(street, cp, 2)
    done = street.operate(
        "CP1", "ChangeConfiguration", payload={"key": "SecurityProfile", "value": "1"}
    )
    assert done.outcome == "invalid"
    assert "X-03" in (done.error_text or "")


# --- guessing


def test_who_guesses_passwords_of_stations_has_to_wait() -> None:
    """Each address for itself, so that nobody can lock a station out; not for long."""
    street = site()
    wrong = {"user": "CP1", "password": b"guess", "address": "192.0.2.1:4000"}
    right = {**BASIC, "address": "192.0.2.1:4001"}
    assert [status(street, **wrong) for _ in range(GUESSES)] == [401] * GUESSES
    assert status(street, **wrong) == 429
    assert status(street, **right) == 429
    assert status(street, **BASIC, address="192.0.2.7:4000") == 101
    street.run(FIRST_WAIT_S)
    assert status(street, **right) == 101
    for _ in range(40):
        status(street, **wrong)
    street.run(LONGEST_WAIT_S)
    assert status(street, **right) == 101


# --- web pages


@pytest.mark.parametrize(
    ("origin", "host", "expected"),
    [
        (None, "localhost:9000", 101),
        ("http://localhost:9000", "localhost:9000", 101),
        ("http://127.0.0.1", "127.0.0.1:9000", 101),
        ("file://", "192.168.4.1:9000", 101),
        ("http://evil.example", "localhost:9000", 403),
        ("https://evil.example", "127.0.0.1:9000", 403),
        ("http://evil.example:9000", "evil.example:9000", 403),
        ("null", "localhost:9000", 403),
        ("http://[", "localhost:9000", 403),
        ("http://csms.example", "csms.example:9000", 101),
        ("https://sim.example:3000", "localhost:9000", 101),
    ],
)
def test_a_web_page_cannot_pose_as_a_charge_point(
    origin: str | None, host: str, expected: int
) -> None:
    """A browser would connect to this computer for any page; only chosen ones may."""
    listen = Listen(names=("csms.example",), origins=("https://Sim.example:3000/",))
    street = Street(Settings(listen=listen))
    shown = {"origin": origin, "host": host, "address": "127.0.0.1:5000"}
    assert status(street, "FAKE", **shown) == expected
    assert (street.station("FAKE") is None) == (expected != 101)


def test_a_server_on_the_internet_is_asked_by_its_name() -> None:
    """Libraries of some stations send the name of the server as Origin."""
    ask = {"origin": "https://csms.example", "host": "csms.example"}
    assert not is_foreign_page(**ask)
    assert is_foreign_page(**ask, on_loopback=True)
    assert not is_foreign_page("http://any.example", "csms.example", allowed=("*",))


@pytest.mark.parametrize(
    ("peer", "host", "loopback"),
    [
        ("127.0.0.1:80", "127.0.0.1", True),
        ("::1:80", "::1", True),
        ("[::1]:80", "::1", True),
        ("192.0.2.1:80", "192.0.2.1", False),
        ("", "", False),
        ("somewhere", "somewhere", False),
    ],
)
def test_addresses_are_read(peer: str, host: str, loopback: bool) -> None:
    """With and without port, of both families."""
    assert host_of(peer) == host
    assert is_loopback_address(peer) is loopback
