"""What the central system sees of the meters."""

from __future__ import annotations

from datetime import timedelta

import pytest
from house import NOON, House

from txocpp.messages import v16

REGISTER = "Energy.Active.Import.Register"


def times(house: House) -> list[float]:
    """Seconds after noon of each value that was told."""
    return [
        (value.timestamp - NOON).total_seconds()
        for message in house.all(v16.MeterValuesRequest)
        for value in message.meter_value
    ]


@pytest.mark.rule("M-02", "M-08", "M-13")
def test_sampled_values() -> None:
    """Each interval one message, with the transaction, everything spelt out."""
    house = House(
        configuration={
            "MeterValueSampleInterval": 60,
            "MeterValuesSampledData": f"{REGISTER},Current.Offered",
        }
    )
    house.charge()
    house.run(170)
    assert times(house) == [60, 120, 180]
    message = house.last(v16.MeterValuesRequest)
    assert (message.connector_id, message.transaction_id) == (1, 1)
    energy, current = message.meter_value[0].sampled_value
    assert (energy.context, energy.measurand, energy.unit) == ("Sample.Periodic", REGISTER, "Wh")
    assert (current.measurand, current.value) == ("Current.Offered", "32")


@pytest.mark.rule("M-18", "M-11")
def test_phases_are_those_of_the_meter() -> None:
    """L1 is the meter's first phase, however the connector is wired to the grid; the key tells."""
    house = House(
        car={"car_phases": 1},
        configuration={
            "MeterValueSampleInterval": 60,
            "MeterValuesSampledData": "Current.Import",
            "ConnectorPhaseRotation": "1.STR",
        },
    )
    house.charge()
    house.run(60)
    values = house.last(v16.MeterValuesRequest).meter_value[0].sampled_value
    assert [(v.phase, v.value) for v in values] == [("L1", "16"), ("L2", "0"), ("L3", "0")]
    (key,) = house.ask(
        v16.GetConfigurationRequest(key=("ConnectorPhaseRotation",))
    ).configuration_key
    assert key.value == "1.STR"


@pytest.mark.rule("M-03", "M-08", "M-09")
def test_clock_aligned_values() -> None:
    """On the grid for every connector, in a transaction or not; there is no main meter."""
    house = House(2, configuration={"ClockAlignedDataInterval": 900})
    house.charge(1)
    house.run(1800)
    told = [(m.connector_id, m.transaction_id) for m in house.all(v16.MeterValuesRequest)]
    assert told == [(1, 1), (2, None)] * 2
    assert times(house) == [900, 900, 1800, 1800]


@pytest.mark.rule("M-19", "TX-21")
def test_values_of_an_interruption_come_later_each_for_itself() -> None:
    """Offline samples arrive in order, one message each, with their own times."""
    house = House(configuration={"MeterValueSampleInterval": 10})
    house.charge()
    house.disconnect()
    house.run(50)
    house.connect()
    house.run(11)
    assert times(house) == [10, 20, 30, 40, 50, 60, 70]
    assert all(len(m.meter_value) == 1 for m in house.all(v16.MeterValuesRequest))


@pytest.mark.rule("M-05", "M-06", "M-07")
def test_data_of_the_stop() -> None:
    """Begin, samples and end, thinned to what the message may hold."""
    house = House(
        configuration={
            "MeterValueSampleInterval": 10,
            "StopTxnSampledData": f"{REGISTER},Voltage.L1-N",
            "StopTransactionMaxMeterValues": 8,
        }
    )
    house.charge()
    house.run(600)
    house.swipe()
    house.run(10)
    data = house.last(v16.StopTransactionRequest).transaction_data
    assert len(data) <= 8
    contexts = [value.sampled_value[0].context.value for value in data]
    assert (contexts[0], contexts[-1]) == ("Transaction.Begin", "Transaction.End")
    assert set(contexts[1:-1]) == {"Sample.Periodic"}
    assert {s.measurand.value for s in data[0].sampled_value} == {REGISTER, "Voltage"}
    seconds = [(value.timestamp - NOON).total_seconds() for value in data]
    assert seconds == sorted(seconds)
    assert "transaction-data" not in house.store.contents()


@pytest.mark.rule("M-05")
def test_without_lists_the_stop_has_no_data() -> None:
    """Both StopTxn lists empty: no transactionData."""
    house = House(configuration={"MeterValueSampleInterval": 10})
    house.charge()
    house.swipe()
    house.run(10)
    assert house.last(v16.StopTransactionRequest).transaction_data is None


@pytest.mark.rule("M-05", "TX-30")
def test_data_of_the_stop_survives_a_power_cut() -> None:
    """What was collected before the power went is in the StopTransaction after it."""
    house = House(
        configuration={"MeterValueSampleInterval": 10, "StopTxnSampledData": REGISTER},
        behaviour={"resume_transactions": True},
    )
    house.charge()
    house.run(30)
    house.power_cut()
    house.run(30)
    house.swipe()
    house.run(10)
    data = house.last(v16.StopTransactionRequest).transaction_data
    contexts = [value.sampled_value[0].context.value for value in data]
    assert contexts[0] == "Transaction.Begin"
    assert contexts.count("Sample.Periodic") >= 6
    assert contexts[-1] == "Transaction.End"


@pytest.mark.rule("M-01")
def test_the_register_never_goes_back() -> None:
    """A box that begins to count anew does not turn the register back."""
    house = House(configuration={"MeterValueSampleInterval": 60})
    house.charge()
    house.run(600)
    house.swipe()
    house.run(10)
    before = house.last(v16.StopTransactionRequest).meter_stop
    house.evse().outlet.energy_pj = 0
    house.unplug()
    house.charge(id_tag="TAG2")
    assert house.last(v16.StartTransactionRequest).meter_start == before
    house.run(600)
    house.swipe("TAG2")
    house.run(10)
    assert house.last(v16.StopTransactionRequest).meter_stop > before + 1000


def test_a_silent_meter_does_not_stop_anything() -> None:
    """Without answers of the meter a transaction begins and ends with the last register."""
    house = House(configuration={"MeterValueSampleInterval": 60})
    house.evse().silence_meter()
    house.run(1)
    house.charge()
    house.run(120)
    house.swipe()
    house.run(10)
    stop = house.last(v16.StopTransactionRequest)
    assert stop.timestamp >= NOON + timedelta(seconds=120)
    assert stop.meter_stop == 0
