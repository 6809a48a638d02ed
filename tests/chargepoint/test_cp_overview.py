"""What people get to see of a charge point."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from house import House
from twisted.web.test.requesthelper import DummyRequest
from upkeep_rig import Works

from txocpp.chargepoint.overview import overview
from txocpp.chargepoint.statuspage import StatusPage, is_own_name, page
from txocpp.messages import v16


def look(house: House) -> dict[str, Any]:
    """The overview, as JSON gives it back."""
    found: dict[str, Any] = json.loads(json.dumps(overview(house.station)))
    return found


def test_a_charging_connector() -> None:
    """Status, offer and why, power, energy and transaction."""
    house = House(2)
    house.charge(2, "TAG2")
    house.run(600)
    seen = look(house)
    assert seen["connection"] == {"state": "connected"}
    assert (seen["registration"], seen["queue"], seen["store"]) == ("Accepted", 0, "ok")
    idle, charging = seen["connectors"]
    assert (idle["status"], idle["transaction"]) == ("Available", None)
    assert (charging["status"], charging["offered_a"], charging["limit_a"]) == (
        "Charging",
        "32",
        "32",
    )
    assert "local limit" in charging["why"]
    assert Decimal(charging["power_w"]) > 10_000
    transaction = charging["transaction"]
    assert (transaction["id"], transaction["id_tag"]) == (1, "TAG2")
    assert transaction["energy_wh"] > 1500


def test_what_is_not_as_it_should_be() -> None:
    """Offline, what waits; a fault; somebody who waits for a cable; a station out of service."""
    house = House(2, configuration={"AllowOfflineTxForUnknownId": True})
    house.evse(2).silence_meter()
    house.status(
        v16.ChangeAvailabilityRequest(connector_id=0, type=v16.AvailabilityType.INOPERATIVE)
    )
    house.disconnect()
    seen = look(house)
    assert seen["connection"]["state"] == "not connected"
    assert seen["in_service"] is False
    assert seen["connectors"][1]["error"] == "PowerMeterFailure"
    other = House(configuration={"AllowOfflineTxForUnknownId": True})
    other.disconnect()
    other.swipe()
    assert look(other)["connectors"][0]["waiting_for_cable"] == "TAG1"
    other.plug()
    other.run(10)
    assert look(other)["queue"] == 1


def test_between_two_boots() -> None:
    """While it is down there is only who it is."""
    house = House(start=False)
    assert look(house)["state"] == "rebooting"
    assert "CP1" in page(look(house))


def asked(house: House, path: bytes, host: bytes = b"127.0.0.1") -> DummyRequest:
    """A request to the status page, answered."""
    request = DummyRequest([])
    request.path = path
    request.getRequestHostname = lambda: host
    request.write(StatusPage(house.station).render(request))
    return request


def test_the_page_and_the_document() -> None:
    """People get a page with nothing foreign in it, programs a document."""
    house = House()
    house.charge(id_tag="<b>TAG</b>")
    shown = asked(house, b"/")
    text = b"".join(shown.written).decode()
    assert "Charging" in text
    assert "<b>" not in text
    document = asked(house, b"/status.json")
    assert json.loads(b"".join(document.written))["identity"] == "CP1"
    assert asked(house, b"/other").responseCode == 404


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("localhost", True), ("[::1]", True), ("evil.example", False)],
)
def test_only_this_machine_is_answered(host: str, own: bool) -> None:
    """A web site that pretends to be this machine gets nothing."""
    assert is_own_name(host) is own
    assert (asked(House(), b"/", host.encode()).responseCode == 403) is not own


def test_it_tells_of_firmware_and_security(tmp_path: Path) -> None:
    """Which version runs, whether another one is on its way, and how the line is secured."""
    works = Works(tmp_path)
    document = look(works.house)
    told = ("security_profile", "firmware", "update")
    assert [document[name] for name in told] == [0, "1", "Idle"]
    works.transfers.at_once = False
    works.update()
    works.house.run(0)
    assert look(works.house)["update"] == "Downloading"
    works.transfers.finish()
    works.house.run(0)
    assert look(works.house)["update"] == "Idle"
