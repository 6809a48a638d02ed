"""Meter values on their way to the store."""

from __future__ import annotations

import pytest
from street import NOON, Street

from txocpp.csms.metering import first_register_wh, read_kept, sample_rows
from txocpp.messages.v16 import MessageFactory16

FACTORY = MessageFactory16()


def values(*sampled: dict, timestamp: str = "2026-06-01T12:00:00Z") -> tuple:
    """meterValue of one instant."""
    return FACTORY.request(
        "MeterValues",
        {
            "connectorId": 1,
            "meterValue": [{"timestamp": timestamp, "sampledValue": list(sampled)}],
        },
    ).meter_value


def figures(*sampled: dict) -> tuple:
    """(energy, power, current, offered, soc) of one instant."""
    (row,) = sample_rows(7, 1, None, values(*sampled))
    return row[6:11]


@pytest.mark.rule("M-13")
def test_a_bare_value_is_an_energy_register_in_wh() -> None:
    """Everything that is left out has its default."""
    (row,) = sample_rows(7, 1, 5, values({"value": "1234.5"}))
    assert row[:3] == (7, 1, int(NOON.timestamp() * 1000))
    assert row[4:7] == (5, None, 1234.5)
    assert read_kept(row[11]) == [
        {
            "value": "1234.5",
            "measurand": "Energy.Active.Import.Register",
            "unit": "Wh",
            "location": "Outlet",
            "context": "Sample.Periodic",
            "format": "Raw",
        }
    ]


def test_kilowatts_are_made_watts() -> None:
    """kWh too; what was sent stays as it was."""
    sampled = (
        {"value": "1.5", "unit": "kWh"},
        {"value": "7.2", "measurand": "Power.Active.Import", "unit": "kW"},
    )
    assert figures(*sampled)[:2] == (1500, 7200)
    (row,) = sample_rows(7, 1, None, values(*sampled))
    assert [kept["value"] for kept in read_kept(row[11])] == ["1.5", "7.2"]


def test_phases_are_added_up_where_there_is_no_total() -> None:
    """Power is the sum, current the highest phase; the neutral does not count."""
    sampled = [
        {"value": value, "measurand": measurand, "phase": phase}
        for measurand, phase, value in (
            ("Power.Active.Import", "L1", "1000"),
            ("Power.Active.Import", "L2", "2000"),
            ("Current.Import", "L1", "10"),
            ("Current.Import", "L2", "12"),
            ("Current.Import", "N", "30"),
        )
    ]
    assert figures(*sampled) == (None, 3000, 12, None, None)


def test_the_register_of_the_outlet_goes_before_that_of_the_inlet() -> None:
    """The outlet is what is paid for."""
    assert figures({"value": "9", "location": "Inlet"}, {"value": "5"})[0] == 5
    assert figures({"value": "9", "location": "Inlet"})[0] == 9


def test_offered_current_and_state_of_charge_are_picked_out() -> None:
    """For charts."""
    sampled = (
        {"value": "16", "measurand": "Current.Offered"},
        {"value": "80", "measurand": "SoC", "unit": "Percent"},
    )
    assert figures(*sampled) == (None, None, None, 16, 80)


@pytest.mark.rule("M-14")
@pytest.mark.parametrize("text", ["", "AFFE", "nan", "inf", "1e999", "12,5"])
def test_what_is_no_number_is_kept_but_not_counted(text: str) -> None:
    """Signed data is hex text."""
    assert figures({"value": text, "format": "SignedData"}) == (None,) * 5
    if text != "AFFE":
        (row,) = sample_rows(7, 1, None, values({"value": text}))
        assert row[6] is None
        assert read_kept(row[11])[0]["value"] == text


def test_the_register_at_the_beginning_is_found_by_its_context() -> None:
    """transactionData may tell the start that was never confirmed."""
    told = (
        *values({"value": "7", "context": "Sample.Clock"}),
        *values({"value": "5", "context": "Transaction.Begin"}),
    )
    assert first_register_wh(told, "Transaction.Begin") == 5
    assert first_register_wh(told, "Transaction.End") is None


@pytest.mark.rule("H-06")
def test_instants_of_any_offset_are_the_same_instant(street: Street) -> None:
    """Stations write local time, fractions, or no offset at all."""
    moments = [
        sample_rows(1, 1, None, values({"value": "1"}, timestamp=text))[0][2]
        for text in (
            "2026-06-01T12:00:00Z",
            "2026-06-01T14:00:00+02:00",
            "2026-06-01T12:00:00.000",
            "2026-06-01T12:00:00.0000000Z",
        )
    ]
    assert len(set(moments)) == 1


def test_values_of_one_instant_in_several_messages_are_shown_together(street: Street) -> None:
    """Some stations send one measurand a message."""
    cp = street.booted()
    for sampled in (
        {"value": "1500"},
        {"value": "7200", "measurand": "Power.Active.Import"},
    ):
        value = {"timestamp": "2026-06-01T12:00:00Z", "sampledValue": [sampled]}
        cp.say("MeterValues", connectorId=1, meterValue=[value])
    station = street.station()
    latest = street.ask(lambda records: records.samples.latest(station.id, 1))
    assert (latest.energy_wh, latest.power_w) == (1500, 7200)
    assert len(read_kept(latest.sampled_values)) == 2
