"""The power goes at every write of a day in turn, before it and after it."""

from __future__ import annotations

import pytest

from txocpp.storage.memory import Fate

from .town import Town

HOUSE = {
    "connectors": 2,
    "attempts": 10,
    "latency_s": 0.01,
    "trust_computer_clock": True,
    "charge_before_first_accepted": True,
    "queue_limit": 10_000,
    "station_limit_a": None,
    "MeterValueSampleInterval": 60,
    "StopTxnSampledData": "Energy.Active.Import.Register",
    "StopTransactionOnEVSideDisconnect": "true",
    "TransactionMessageRetryInterval": 2,
    "ConnectionTimeOut": 90,
}


def morning(town: Town) -> None:
    """Two cars at a time; one starts while the network is away, one is reserved for, one leaves."""
    device, network, ask = town.device, town.network, town.central.ask
    town.run(5)
    device.evse(1).plug_in()
    device.swipe("ANNA", (1,))
    town.run(90)
    network.up = False
    network.cut()
    device.evse(2).plug_in()
    device.swipe("ANNA", (2,))
    town.run(70)
    if device.online:
        device.swipe("ANNA", (1,))
    town.run(30)
    network.up = True
    town.run(60)
    device.evse(1).plug_out()
    reservation = {"connectorId": 1, "idTag": "CARL", "reservationId": 7}
    ask("ReserveNow", {**reservation, "expiryDate": "2026-06-03T08:00:00Z"})
    town.run(5)
    device.evse(1).plug_in()
    device.swipe("CARL", (1,))
    town.run(60)
    device.evse(2).plug_out()
    town.run(30)


def a_morning(resume: bool, cut: tuple[int, Fate] | None = None) -> Town:
    """The same morning, with the power cut at one write."""
    town = Town(0, resume_transactions=resume, retry_message_id="same", **HOUSE)
    if cut is not None:
        town.cut_at[cut[0]] = cut[1]
    town.live(morning)
    return town


@pytest.mark.slow
@pytest.mark.rule("TX-21", "TX-30", "TX-31")
@pytest.mark.parametrize("fate", [Fate.CUT_BEFORE, Fate.CUT_AFTER], ids=lambda fate: fate.name)
@pytest.mark.parametrize("resume", [False, True], ids=["closed", "resumed"])
def test_a_power_cut_at_each_write(resume: bool, fate: Fate) -> None:
    """Wherever the process dies, each Wh is told once, in one transaction."""
    quiet = a_morning(resume)
    assert (quiet.deaths, len(quiet.referee.books)) == (0, 3)
    assert quiet.writes_of_the_day > 30
    for number in range(1, quiet.writes_of_the_day + 1):
        assert a_morning(resume, (number, fate)).deaths == 1, number
