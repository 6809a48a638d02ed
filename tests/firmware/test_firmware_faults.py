"""Every fault that a plant can have, and what the charger makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from firmware_rig import Host, Refused

Make = Callable[..., Host]


@pytest.mark.parametrize(
    ("attributes", "word"),
    [
        ({"rcd": True}, "rcd"),
        ({"earth": True}, "earth"),
        ({"diode_missing": True}, "diode"),
        ({"car": "E"}, "pilot"),
        ({"car": "D"}, "vent"),
        ({"temp": 800}, "temp"),
        ({"under_u": True}, "under_u"),
        ({"over_u": True}, "over_u"),
    ],
)
def test_a_fault_opens_the_contactor_at_once(
    charging: Host, attributes: dict[str, Any], word: str
) -> None:
    """Each of them within a tenth of a second, and each is named."""
    charging.plant(**attributes)
    charging.run(100)
    assert not charging.truth()["closed"]
    assert charging.truth()["offer"] == 0
    assert charging.status()["f"] == [word]
    assert charging.status()["why"] == "fault"


@pytest.mark.parametrize("name", ["earth", "diode_missing", "under_u", "over_u"])
def test_a_fault_that_passes_lets_the_charge_go_on(charging: Host, name: str) -> None:
    """When the cause has gone the same transaction charges again, after the rest."""
    charging.plant(**{name: True})
    charging.run(1000)
    charging.plant(**{name: False})
    charging.run(3500)
    assert charging.truth()["closed"]


def test_a_residual_current_is_remembered_until_it_is_cleared(charging: Host) -> None:
    """An RCD that has tripped stays a fault when its contact has come back."""
    charging.plant(rcd=True)
    charging.run(100)
    assert charging.ask("clear", c=1) == {"f": ["rcd"]}
    charging.plant(rcd=False)
    charging.run(10000)
    assert not charging.truth()["closed"]
    assert charging.ask("clear", c=1) == {"f": []}
    charging.run(3500)
    assert charging.truth()["closed"]


def test_a_residual_current_is_forgiven_when_the_car_has_gone(charging: Host) -> None:
    """The next car finds a charger that works."""
    charging.plant(rcd=True)
    charging.run(100)
    charging.plant(rcd=False, car="A")
    charging.run(200)
    assert charging.status()["f"] == []


def test_a_welded_contactor_is_found_and_never_forgotten(charging: Host) -> None:
    """A second after opening the contacts are still closed: F, no charging, no permission."""
    charging.plant(weld=True)
    charging.ask("gate", c=1, on=0, hard=1)
    charging.run(1100)
    assert charging.status()["f"] == ["relay_weld"]
    charging.plant(car="A")
    charging.run(1000)
    assert charging.status()["cp"] == "F"
    with pytest.raises(Refused, match="Fault"):
        charging.ask("gate", c=1, on=1)
    assert charging.ask("clear", c=1) == {"f": ["relay_weld"]}
    charging.plant(weld=False)
    charging.run(1000)
    assert charging.status()["f"] == ["relay_weld"]
    assert charging.ask("clear", c=1) == {"f": []}


def test_a_contactor_that_does_not_close_is_a_fault(host: Host) -> None:
    """Commanded for a second and still open: it is let go and reported."""
    host.plant(car="C", stuck_open=True)
    host.ask("limit", c=1, ma=16000)
    host.ask("gate", c=1, on=1)
    host.run(1300)
    assert host.status()["f"] == ["relay_open"]
    assert host.status()["on"] == 0


def test_an_rcd_that_fails_its_test_keeps_it_open(host: Host) -> None:
    """The test comes before the contacts touch."""
    host.plant(car="C", test_fails=True)
    host.ask("limit", c=1, ma=16000)
    host.ask("gate", c=1, on=1)
    host.run(1000)
    assert host.status()["f"] == ["self_test"]
    assert not host.truth()["closed"]


def test_a_car_that_takes_too_much_is_stopped_after_ten_seconds(charging: Host) -> None:
    """A car gets five seconds to follow, and as many again before it is judged."""
    charging.plant(obeys=False, draw=20000)
    charging.run(9500)
    assert charging.truth()["closed"]
    charging.run(700)
    assert not charging.truth()["closed"]
    assert charging.status()["f"] == ["over_i"]


def test_heat_lowers_the_offer_before_it_ends_the_charge(charging: Host) -> None:
    """Two amperes less for each degree above 60; none at all from 75 on, until 65 again."""
    charging.plant(temp=700)
    charging.run(40)
    assert charging.truth()["offer"] == 12000
    charging.plant(temp=760)
    charging.run(40)
    assert charging.status()["f"] == ["temp"]
    charging.plant(temp=700)
    charging.run(1000)
    assert charging.status()["f"] == ["temp"]
    charging.plant(temp=640)
    charging.run(4000)
    assert charging.truth()["offer"] == 16000


def test_a_silent_meter_is_a_fault_but_no_reason_to_stop(charging: Host) -> None:
    """Energy and power are null on the wire, and the car goes on charging."""
    charging.plant(silent=True)
    charging.run(100)
    now = charging.status()
    assert (now["f"], now["wh"], now["w"]) == (["meter"], None, None)
    assert charging.truth()["closed"]


def test_weak_wifi_is_told_and_no_reason_to_stop(charging: Host) -> None:
    """And told again when it is better."""
    charging.engine.command({"do": "weak"})
    charging.run(100)
    assert charging.status()["f"] == ["rssi"]
    assert charging.truth()["closed"]
    charging.engine.command({"do": "weak", "on": 0})
    charging.run(100)
    assert charging.status()["f"] == []


def test_the_lock_follows_the_plug_and_the_host(host: Host) -> None:
    """Locked while a car is there, free without; the host may unlock when nothing flows."""
    assert host.status()["lk"] == 0
    host.plant(car="B")
    host.run(100)
    assert host.status()["lk"] == 1
    assert host.ask("lock", c=1, on=0) == {}
    assert host.status()["lk"] == 0
    host.plant(car="A")
    host.run(100)
    host.plant(car="C")
    host.run(100)
    assert host.status()["lk"] == 1


def test_it_does_not_unlock_while_it_charges(charging: Host) -> None:
    """A cable under load stays where it is."""
    with pytest.raises(Refused, match="Busy"):
        charging.ask("lock", c=1, on=0)


def test_it_locks_before_it_closes(host: Host) -> None:
    """A plug that the host has freed is locked again first; one that cannot be stays dead."""
    host.plant(car="B")
    host.run(100)
    host.ask("lock", c=1, on=0)
    host.plant(lock_stuck=True, car="C")
    host.ask("limit", c=1, ma=16000)
    host.ask("gate", c=1, on=1)
    host.run(5000)
    assert not host.truth()["closed"]
    assert host.status()["f"] == ["lock"]
    host.plant(lock_stuck=False, lk=1)
    host.run(200)
    assert host.truth()["closed"]


def test_a_lock_that_does_not_move_is_told(host: Host) -> None:
    """The request is answered `Fault` within the host's patience, and the status names it."""
    host.plant(lock_stuck=True)
    with pytest.raises(Refused, match="Fault"):
        host.ask("lock", c=1, on=1)
    assert host.status()["f"] == ["lock"]


def test_two_outlets_of_one_charger_are_apart(bench: Make) -> None:
    """Limit, permission and fault of one say nothing about the other."""
    host = bench(outlets=2)
    host.charging()
    host.plant(c=2, car="C", rcd=True)
    host.ask("limit", c=2, ma=10000)
    host.ask("gate", c=2, on=1)
    host.run(1000)
    assert host.truth(1)["closed"]
    assert not host.truth(2)["closed"]
    host.plant(c=2, rcd=False)
    host.ask("clear", c=2)
    host.run(4000)
    assert (host.truth(1)["offer"], host.truth(2)["offer"]) == (16000, 10000)


def test_flash_is_not_written_while_anything_is_live(charging: Host) -> None:
    """A setting is in force at once, and in the flash only after the contactor has opened."""
    charging.ask("conf", k="fb", v=9000)
    charging.engine.command({"do": "reboot"})
    charging.run(120)
    charging.hello()
    assert charging.ask("conf", k="fb") == {"v": 0}
