"""Registration: when a charge point boots, what it says before and after."""

from __future__ import annotations

from itertools import pairwise

import pytest
from house import NOON, House, never

from txocpp.chargepoint.boot import State
from txocpp.errors import InternalError
from txocpp.messages import v16


def boots(house: House) -> list[float]:
    """Seconds after noon of each BootNotification."""
    return [
        at - NOON.timestamp()
        for message, at in zip(house.central.heard, house.central.heard_at, strict=True)
        if isinstance(message, v16.BootNotificationRequest)
    ]


def waiting(boot_status: str, **more: object) -> House:
    """A house whose central system does not accept it yet."""
    house = House(start=False)
    house.central.boot_status = boot_status
    for name, value in more.items():
        setattr(house.central, name, value)
    house.station.startService()
    house.run(0)
    return house


@pytest.mark.rule("B-01", "B-03", "B-10")
def test_after_the_boot_every_status_is_told() -> None:
    """BootNotification first; once accepted, the station and each connector, in this order."""
    house = House(2)
    assert house.heard() == [
        "Boot",
        "Status 0 Available",
        "Status 1 Available",
        "Status 2 Available",
    ]
    assert house.assembly.configuration.integer("HeartbeatInterval") == 3600


def test_it_says_what_it_is() -> None:
    """Vendor and model come from the settings, the rest from the device where nothing is set."""
    house = House(settings={"serial_number": "SN-1"})
    boot = house.last(v16.BootNotificationRequest)
    assert (boot.charge_point_vendor, boot.charge_point_model) == ("txocpp", "House")
    assert boot.charge_point_serial_number == "SN-1"
    assert boot.firmware_version == house.device.info.firmware_version


@pytest.mark.rule("B-02", "B-11")
def test_nothing_is_said_before_the_answer() -> None:
    """Until the BootNotification is answered nothing else goes out, then status before queue."""
    house = House(start=False)
    house.central.answer = lambda r: (
        never(r) if isinstance(r, v16.BootNotificationRequest) else None
    )
    house.station.startService()
    house.run(20)
    house.plug()
    house.run(1)
    assert house.heard() == ["Boot"]
    house.central.answer = None
    house.run(3600)
    assert house.heard()[:3] == ["Boot", "Status 0 Available", "Status 1 Preparing"]


@pytest.mark.rule("B-04", "B-05", "B-07")
def test_a_rejected_station_waits_and_is_silent() -> None:
    """Rejected: no message, no answer, and the next BootNotification after the interval."""
    house = waiting("Rejected", boot_interval=50)
    house.plug()
    asked = house.central.peer.call(v16.GetConfigurationRequest(), timeout_s=5)
    asked.addErrback(lambda failure: None)
    house.run(49)
    assert house.heard() == ["Boot"]
    house.central.boot_status = "Accepted"
    house.run(1)
    assert boots(house) == [0, 50]
    assert house.heard()[:2] == ["Boot", "Status 0 Available"]


@pytest.mark.rule("B-04")
def test_without_an_interval_it_chooses_one() -> None:
    """Interval 0 leaves the wait to the charge point, which does not flood."""
    house = waiting("Pending", boot_interval=0)
    house.run(61)
    assert boots(house) == [0, 30, 60]


@pytest.mark.rule("B-08", "B-09", "B-17")
def test_a_pending_station_answers_but_does_not_speak() -> None:
    """Pending: keys can be read and changed, remote starts are Rejected, nothing is said."""
    house = waiting("Pending")
    house.plug()
    assert house.set_key("AuthorizationKey", "00" * 16) == "Accepted"
    assert house.ask(v16.GetConfigurationRequest(key=("HeartbeatInterval",))).configuration_key
    assert house.status(v16.RemoteStartTransactionRequest(id_tag="TAG1")) == "Rejected"
    assert house.status(v16.RemoteStopTransactionRequest(transaction_id=1)) == "Rejected"
    assert house.heard() == ["Boot"]


@pytest.mark.rule("B-05", "B-16", "T-08")
def test_a_trigger_asks_for_an_early_boot() -> None:
    """While Pending a trigger sends the BootNotification at once; once accepted it is Rejected."""
    house = waiting("Pending")
    boot = v16.TriggerMessageRequest(requested_message=v16.MessageTrigger.BOOT_NOTIFICATION)
    house.run(5)
    assert house.status(boot) == "Accepted"
    house.central.boot_status = "Accepted"
    house.run(3600)
    assert boots(house) == [0, 5, 3605]
    assert house.status(boot) == "Rejected"


@pytest.mark.rule("B-06")
@pytest.mark.parametrize("answer", [never, lambda r: (_ for _ in ()).throw(InternalError())])
def test_no_answer_is_met_with_patience(answer: object, logged_failures: object) -> None:
    """Without an answer, or with an error, it tries again later and later, but for ever."""
    house = House(start=False, configuration={"MessageTimeout": 1})
    house.central.answer = answer
    house.station.startService()
    house.run(100)
    tries = boots(house)
    waits = [b - a for a, b in pairwise(tries)]
    assert waits[0] >= 10
    assert waits == sorted(waits)
    assert len(waits) >= 3


def test_stopping_while_the_boot_is_unanswered() -> None:
    """A charge point can be stopped at any moment, also between question and answer."""
    house = House(start=False)
    house.central.answer = never
    house.station.startService()
    house.run(1)
    house.stop()
    assert not house.clock.getDelayedCalls()


@pytest.mark.rule("C-13")
def test_a_new_connection_is_no_new_boot() -> None:
    """After an interruption it carries on without a BootNotification."""
    house = House()
    house.disconnect()
    house.connect()
    house.run(60)
    assert boots(house) == [0]


@pytest.mark.rule("C-13")
def test_another_firmware_is_a_new_boot() -> None:
    """If what it would say of itself has changed meanwhile, it boots again."""
    house = House()
    house.disconnect()
    house.device.info = type(house.device.info)(firmware_version="2")
    house.connect()
    assert len(boots(house)) == 2
    assert house.heard()[-2:] == ["Status 0 Available", "Status 1 Available"]


@pytest.mark.rule("B-04", "C-18")
def test_the_wait_holds_over_a_new_connection() -> None:
    """Reconnecting does not make the next BootNotification come earlier."""
    house = waiting("Pending", boot_interval=100)
    house.run(10)
    house.disconnect()
    house.run(10)
    house.connect()
    house.run(79)
    assert boots(house) == [0]
    house.run(1)
    assert boots(house) == [0, 100]


@pytest.mark.rule("B-14")
def test_nobody_charges_before_the_first_acceptance_ever() -> None:
    """A new charge point waits to be accepted; one that was accepted once charges offline too."""
    house = House(network=False, configuration={"AllowOfflineTxForUnknownId": True})
    house.plug()
    house.swipe()
    house.run(5)
    assert house.bay().transaction is None
    house.connect()
    house.disconnect()
    house.power_cut()
    house.swipe()
    house.run(5)
    assert house.bay().transaction is not None


@pytest.mark.rule("B-14")
def test_an_operator_may_let_them_charge_earlier() -> None:
    """A setting lets a charge point serve before anybody has accepted it."""
    house = House(
        network=False,
        configuration={"AllowOfflineTxForUnknownId": True},
        behaviour={"charge_before_first_accepted": True},
    )
    house.plug()
    house.swipe()
    house.run(5)
    assert house.bay().transaction is not None


@pytest.mark.rule("B-15")
def test_without_a_time_nobody_charges() -> None:
    """A computer without a clock invents no timestamps: it waits for the central system's."""
    house = House(
        network=False,
        configuration={"AllowOfflineTxForUnknownId": True},
        behaviour={"charge_before_first_accepted": True, "trust_computer_clock": False},
    )
    house.plug()
    house.swipe()
    house.run(5)
    assert house.bay().transaction is None
    house.connect()
    house.disconnect()
    house.swipe()
    house.run(5)
    assert house.bay().transaction is not None


@pytest.mark.rule("B-03", "H-02")
def test_the_boot_sets_the_clock() -> None:
    """The central system's time counts from the acceptance on."""
    house = House(start=False)
    house.central.started_at -= 3600
    house.station.startService()
    house.run(0)
    assert (house.assembly.clock.now() - NOON).total_seconds() == 3600
    assert house.assembly.registration.state is State.ACCEPTED
