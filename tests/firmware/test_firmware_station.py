"""What a charge point and its charger tell each other beyond currents: silence, and the light."""

from __future__ import annotations

from collections.abc import Callable

from firmware_station import StationHouse

Furnish = Callable[..., StationHouse]


def test_a_line_that_is_down_is_told_after_ten_seconds(station: Furnish) -> None:
    """Reckoned from the last frame that was heard, up to two seconds before the cut: driver and
    charge point do not both wait. After a minute a connector without a transaction is
    unavailable."""
    house = station()
    house.engine.command({"do": "cut", "on": 1})
    house.office.status.clear()
    house.advance(7.5)
    assert house.office.status == []
    house.advance(3)
    assert house.office.status == ["Available DeviceLinkLost"]
    house.advance(46)
    assert house.office.status == ["Available DeviceLinkLost"]
    house.advance(4)
    assert house.office.status[1:] == ["Unavailable DeviceLinkLost"]
    house.engine.command({"do": "cut", "on": 0})
    house.advance(10)
    assert house.office.status[2:] == ["Available"]


def test_the_light_shows_the_status_of_the_connector(station: Furnish) -> None:
    """From the start, at each change, and again after the charger has restarted."""
    house = station()

    def shown() -> list[object]:
        return list(house.engine.command({"do": "state"})["shown"])

    assert shown() == [1, "Available", ""]
    house.transact()
    assert shown() == [1, "Charging", ""]
    house.engine.command({"do": "reboot", "why": "wdt"})
    assert house.engine.command({"do": "state"})["shown"] is None
    house.advance(15)
    assert shown() == [1, "Charging", "device restarted by itself"]
    house.plant(rcd=True)
    house.advance(1)
    assert shown() == [1, "Faulted", "residual current"]
