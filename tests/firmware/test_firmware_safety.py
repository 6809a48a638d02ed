"""What a charger does by itself: the lease, the contactor and the offer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from firmware_rig import Host, Refused

Make = Callable[..., Host]


# Starting


def test_a_charger_starts_open_and_offers_nothing(bench: Make) -> None:
    """With a car that asks and nobody who permits, the contactor stays open."""
    host = bench()
    host.plant(car="C")
    host.run(20000)
    assert host.truth()["closed"] is False
    assert host.truth()["offer"] == 0


def test_before_the_first_limit_the_boot_current_is_in_force(host: Host) -> None:
    """Permission without a limit charges with what the owner allows at boot: nothing, or more."""
    host.plant(car="C")
    host.ask("gate", c=1, on=1)
    host.run(1000)
    assert (host.status()["ma"], host.status()["why"]) == (0, "boot")
    host.ask("conf", k="boot", v=7000)
    host.run(1000)
    assert (host.status()["ma"], host.status()["on"]) == (7000, 1)


def test_it_knows_the_car_before_it_answers_anybody(bench: Make) -> None:
    """After a restart with a car on the cable, the first status does not say that it has gone."""
    host = bench()
    host.charging()
    host.engine.command({"do": "reboot", "why": "wdt"})
    impatient = Host(host.engine)
    hello = impatient.frame([2, 1, "hello", {"v": [1]}], counter=0)
    impatient.run(20, hello + impatient.frame([2, 2, "status", {"c": 1}]))
    impatient.run(200)
    assert impatient.answer(2)["cp"] == "C"


# The lease


def test_a_silent_host_leaves_the_fallback_current(charging: Host) -> None:
    """When the lease ends the fallback is in force, and the next ping does not end that."""
    charging.ask("conf", k="fb", v=8000)
    charging.run(29000)
    assert charging.truth()["offer"] == 16000
    charging.run(1200)
    assert charging.truth()["offer"] == 8000
    assert charging.states()[-1]["why"] == "fb"
    charging.ask("ping")
    charging.run(2000)
    assert charging.status()["why"] == "fb"
    charging.ask("limit", c=1, ma=12000)
    charging.run(5000)
    assert (charging.status()["ma"], charging.status()["why"]) == (12000, "host")


def test_any_frame_renews_the_lease(charging: Host) -> None:
    """As long as the host asks anything at all, its limit stands."""
    for _ in range(10):
        charging.run(20000)
        charging.ask("ping")
    assert charging.truth()["offer"] == 16000


def test_a_fallback_of_nothing_stops_gracefully(charging: Host) -> None:
    """Without a fallback the offer ends first and the contactor opens six seconds later."""
    charging.run(30000)
    assert charging.truth()["offer"] == 0
    assert charging.truth()["closed"]
    charging.run(6100)
    assert not charging.truth()["closed"]
    assert charging.status()["gate"] == 1


def test_the_fallback_is_never_more_than_the_last_limit(charging: Host) -> None:
    """Silence does not raise a current, unless the owner has said that it may."""
    charging.ask("conf", k="fb", v=20000)
    charging.run(30500)
    assert charging.truth()["offer"] == 16000
    charging.ask("conf", k="up", v=1)
    charging.run(5500)
    assert charging.truth()["offer"] == 20000


def test_a_lease_may_be_short(charging: Host) -> None:
    """The host chooses how long its limit outlives it."""
    charging.ask("limit", c=1, ma=16000, ttl=5)
    charging.run(5100)
    assert charging.states()[-1]["why"] == "fb"


# The offer


def test_lowering_is_obeyed_at_once_and_raising_every_five_seconds(charging: Host) -> None:
    """A car needs five seconds to follow; safety does not wait for it."""
    assert charging.ask("limit", c=1, ma=10000)["ma"] == 10000
    assert charging.ask("limit", c=1, ma=20000)["ma"] == 10000
    charging.run(4500)
    assert charging.truth()["offer"] == 10000
    charging.run(600)
    assert charging.truth()["offer"] == 20000


def test_less_than_six_amperes_is_a_pause(charging: Host) -> None:
    """A limit below the least offers nothing; the contactor waits for the car, then opens."""
    assert charging.ask("limit", c=1, ma=5900)["ma"] == 0
    charging.run(5900)
    assert charging.truth()["closed"]
    charging.run(200)
    assert not charging.truth()["closed"]
    charging.ask("limit", c=1, ma=6000)
    charging.run(1000)
    assert charging.truth()["closed"]


def test_after_a_pause_it_rests_three_seconds(charging: Host) -> None:
    """A pause that is taken back at once still lasts three seconds; the contactor stays closed."""
    charging.ask("limit", c=1, ma=0)
    charging.ask("limit", c=1, ma=16000)
    charging.run(2500)
    assert charging.truth()["offer"] == 0
    charging.run(600)
    assert charging.truth()["offer"] == 16000
    assert charging.truth()["closed"]


@pytest.mark.parametrize(
    ("attributes", "offer", "why"),
    [({"cable": 13000}, 13000, "cable"), ({"temp": 650}, 22000, "temp"), ({}, 32000, "max")],
)
def test_the_least_of_all_limits_wins(
    host: Host, attributes: dict[str, int], offer: int, why: str
) -> None:
    """Cable, temperature and hardware allow less than was asked, and the status says which."""
    host.plant(car="C", draw=6000, **attributes)
    host.ask("limit", c=1, ma=80000)
    host.ask("gate", c=1, on=1)
    host.run(1000)
    assert (host.status()["ma"], host.status()["why"], host.status()["lim"]) == (offer, why, 80000)


def test_the_owner_may_allow_less_than_the_hardware(host: Host) -> None:
    """The setting `max` is a limit like the others."""
    host.ask("conf", k="max", v=10000)
    host.plant(car="C", draw=6000)
    host.ask("limit", c=1, ma=16000)
    host.ask("gate", c=1, on=1)
    host.run(1000)
    assert (host.status()["ma"], host.status()["why"]) == (10000, "max")


# The contactor


@pytest.mark.parametrize("car", ["A", "B", "D", "E"])
def test_it_closes_in_state_c_only(host: Host, car: str) -> None:
    """Permission and limit alone do not close it, nor does a car that needs ventilation."""
    host.plant(car=car)
    host.ask("limit", c=1, ma=16000)
    host.ask("gate", c=1, on=1)
    host.run(10000)
    assert not host.truth()["closed"]


def test_it_does_not_close_on_a_pilot_that_is_just_leaving_c(host: Host) -> None:
    """The last two samples said C, the newest does not: the permission comes too late."""
    host.plant(car="C")
    host.ask("limit", c=1, ma=16000)
    host.run(200)
    host.plant(car="B")
    host.ask("gate", c=1, on=1)
    host.run(1000)
    assert not [state for state in host.states() if state["on"]]


def test_a_ventilated_place_may_serve_state_d(host: Host) -> None:
    """Where there is ventilation, D is as good as C."""
    host.plant(car="D", ventilated=True)
    host.ask("limit", c=1, ma=16000)
    host.ask("gate", c=1, on=1)
    host.run(1000)
    assert host.truth()["closed"]


@pytest.mark.parametrize("car", ["A", "B", "E"])
def test_it_opens_within_a_tenth_of_a_second_when_the_car_lets_go(charging: Host, car: str) -> None:
    """Unplugged, S2 opened or pilot shorted: 100 ms later nothing is live."""
    charging.plant(car=car)
    charging.run(100)
    assert not charging.truth()["closed"]


def test_one_wrong_sample_does_not_open_it(charging: Host) -> None:
    """A spike on the pilot shorter than two samples is noise."""
    charging.plant(car="B")
    charging.run(20)
    charging.plant(car="C")
    charging.run(20)
    assert charging.truth()["closed"]


def test_a_fluttering_pilot_is_not_believed_for_long(charging: Host) -> None:
    """Every other sample wrong opens the contactor within 100 ms, and it stays open."""
    for i in range(50):
        charging.plant(car="CB"[i % 2])
        charging.run(20)
        if i > 4:
            assert not charging.truth()["closed"]


def test_unplugging_takes_the_permission(charging: Host) -> None:
    """The next car needs a permission of its own."""
    charging.plant(car="A")
    charging.run(200)
    assert charging.status()["gate"] == 0
    charging.plant(car="C")
    charging.run(10000)
    assert not charging.truth()["closed"]


def test_taking_the_permission_is_graceful_or_hard(bench: Make) -> None:
    """Gracefully the car gets six seconds, hard it gets none."""
    for hard in (0, 1):
        host = bench()
        host.charging()
        host.ask("gate", c=1, on=0, hard=hard)
        assert host.truth()["closed"] is not bool(hard)
        host.run(6100)
        assert not host.truth()["closed"]


def test_a_car_that_stops_by_itself_lets_it_open_early(charging: Host) -> None:
    """After the offer has ended the contactor opens as soon as the car is in B."""
    charging.ask("gate", c=1, on=0)
    charging.run(1000)
    charging.plant(car="B")
    charging.run(100)
    assert not charging.truth()["closed"]


def test_out_of_service_it_shows_f_and_does_not_charge(charging: Host) -> None:
    """Availability ends the charge gracefully, then the pilot says so to every car."""
    charging.ask("avail", c=1, on=0)
    charging.run(6500)
    assert not charging.truth()["closed"]
    assert (charging.status()["cp"], charging.status()["why"]) == ("F", "off")
    charging.ask("avail", c=1, on=1)
    charging.run(4000)
    assert charging.truth()["closed"]


def test_an_exception_opens_it_and_restarts_the_charger(charging: Host) -> None:
    """Whatever fails inside, nothing is live afterwards, and the host is told why it restarted."""
    charging.engine.command({"do": "crash"})
    charging.run(20)
    assert not charging.truth()["closed"]
    charging.run(10000)
    assert not charging.truth()["closed"]
    assert charging.events[-1] == (
        "boot",
        {"id": "esp8266-00a1b2c3", "fw": "0.1.0", "boot": 2, "why": "fault"},
    )


def test_a_reset_opens_it_answers_and_restarts(charging: Host) -> None:
    """The answer comes while it is still the old session; then there is none."""
    assert charging.ask("reset", hard=0) == {}
    assert not charging.truth()["closed"]
    charging.run(400)
    assert charging.starts == 2
    assert charging.states()[-1]["gate"] == 0
    assert charging.events[-1][1]["why"] == "soft"


def test_waking_a_car_shows_it_f_and_needs_an_open_contactor(charging: Host) -> None:
    """`cycle` is refused while charging; otherwise F for four seconds, then X1, then the offer."""
    with pytest.raises(Refused, match="Busy"):
        charging.ask("cycle", c=1)
    charging.plant(car="B")
    charging.run(3200)
    charging.ask("cycle", c=1)
    charging.run(200)
    assert charging.status()["cp"] == "F"
    charging.run(4000)
    assert (charging.status()["cp"], charging.status()["ma"]) == ("B", 0)
    charging.run(3000)
    assert charging.status()["ma"] == 16000
    assert charging.status()["gate"] == 1


def test_phases_are_switched_only_long_after_it_has_opened(charging: Host) -> None:
    """Three phases to one: pause, open, ten seconds of rest, and only then the other number."""
    charging.ask("limit", c=1, ma=16000, ph=1)
    charging.run(6200)
    assert not charging.truth()["closed"]
    assert charging.status()["ph"] == 3
    charging.run(9000)
    assert charging.status()["ph"] == 3
    charging.run(1500)
    assert charging.status()["ph"] == 1
    charging.run(3500)
    assert charging.truth()["closed"]
