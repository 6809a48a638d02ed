"""Makes the pictures of the documentation anew: ``pytest tests/csms/pages/pictures.py``.

Not among the tests, since it writes into ``docs/pictures``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pages_browser import PHONE, Person, at_the_browser
from pages_office import PagesOffice, Player
from sqlalchemy import insert

from txocpp.csms.limits import simple_profile
from txocpp.smartcharging import Purpose, RateUnit
from txocpp.storage.central import schema
from txocpp.storage.central.profiles import ProfileRecord

pytestmark = pytest.mark.usefixtures("browser_is_there")

PICTURES = Path(__file__).parents[3] / "docs" / "pictures"
DESKTOP = {"width": 1200, "height": 900}
ZONE = "Europe/Berlin"
NAMES = {
    "AL-0001": "Carport north",
    "AL-0002": "Carport south",
    "AL-0003": "Workshop",
    "AL-0004": "Visitors 1",
    "AL-0005": "Visitors 2",
    "AL-0006": "Delivery vans",
}
STARTED_AGO = timedelta(minutes=290)


async def test_pictures_of_the_pages() -> None:
    """A small site on an ordinary day."""
    office = PagesOffice(admit="adopt")
    office.start()
    try:
        await settle(office)
        await at_the_browser(office.http_port, by_day, viewport=DESKTOP, timezone_id=ZONE)
        await at_the_browser(
            office.http_port, by_night, viewport=DESKTOP, timezone_id=ZONE, color_scheme="dark"
        )
        await at_the_browser(
            office.http_port,
            on_a_phone,
            viewport=PHONE,
            device_scale_factor=1.5,
            timezone_id=ZONE,
            color_scheme="dark",
        )
    finally:
        await office.stop()


def take(person: Person, name: str, *, whole: bool = False) -> None:
    """One picture, when everything that is asked for has come."""
    person.page.wait_for_load_state("load")
    person.sees_many("main .loading", 0)
    person.page.mouse.move(0, 0)
    path = str(PICTURES / f"pages-{name}.png")
    person.page.screenshot(path=path, full_page=whole, animations="disabled")


def by_day(person: Person) -> None:
    """What somebody sees on a desktop."""
    person.open()
    person.sees("1 to be accepted", ".figures")
    person.sees("Carport north", ".cards")
    take(person, "stations")

    person.open("/stations/AL-0001/profiles")
    person.sees("Tx Profile", "main table")
    person.click("New profile")
    person.choose("Where", "Connector 1")
    person.choose("When", "every day")
    periods = person.page.get_by_role("group", name="Period")
    periods.nth(0).get_by_label("Limit").fill("16")
    person.click("Add a period")
    periods.nth(1).get_by_label("From").fill("22:00")
    periods.nth(1).get_by_label("Limit").fill("32")
    person.sees("Tx Default Profile 1, level 0", "form .legend")
    person.page.set_viewport_size({"width": 1200, "height": 1120})
    take(person, "profiles")
    person.page.set_viewport_size(DESKTOP)

    person.open("/ask")
    person.choose("Operation", "Change Configuration")
    person.fill("Key", "HeartbeatInterval")
    person.fill("Value", "600")
    person.click("Send to all of them")
    person.click("Send")
    person.sees("6 of 6 done", "main")
    person.sees_many("main tbody tr", 6)
    take(person, "operations")


def choose_six_hours(person: Person) -> None:
    """The curve of the running session, whole: not what was drawn before it was chosen."""
    person.open("/stations/AL-0001")
    person.sees_many("[data-connector='1'] svg[role=img] path.drawn[d^=M]", 1)
    with person.page.expect_response(lambda found: "/samples?connector_id=1&" in found.url):
        person.click("6 h")
    with person.page.expect_response(lambda found: "/schedules?connector_id=1&" in found.url):
        pass
    person.sees_many("[data-connector='1'] svg[role=img] path.limit[d^=M]", 1)


def by_night(person: Person) -> None:
    """The page of a station that charges."""
    choose_six_hours(person)
    take(person, "station-dark")


def on_a_phone(person: Person) -> None:
    """The same in a hand."""
    choose_six_hours(person)
    take(person, "phone")


async def settle(office: PagesOffice) -> None:
    """Stations, tags, cars, and what has happened so far."""
    await office.change(enter)
    players: dict[str, Player] = {}
    for identity in NAMES:
        players[identity] = player = office.player(identity)
        await player.connect()
        await player.boot(chargePointVendor="Alfeld", chargePointModel="Wall 22")
        for connector in (1, 2):
            await player.status("Available", connector)
    newcomer = office.player("AL-0007")
    await newcomer.connect()
    await newcomer.boot(chargePointVendor="Alfeld", chargePointModel="Wall 22")
    now = datetime.now(UTC)
    begun = await office.change(lambda records: charge(records, "AL-0001", now, curve))
    assert begun
    await office.change(lambda records: charge(records, "AL-0006", now, lambda minute: 16.0))
    for identity in ("AL-0001", "AL-0006"):
        await players[identity].status("Charging")
    await players["AL-0002"].status("SuspendedEV")
    await players["AL-0003"].status("Faulted", 2, errorCode="GroundFailure", info="residual 34 mA")
    players["AL-0005"].answers["ReserveNow"] = {"status": "Accepted"}
    await players["AL-0004"].status("Reserved")
    players["AL-0005"].leave()


def enter(records: Any) -> None:
    """Stations and tags."""
    now = datetime.now(UTC)
    for identity, name in NAMES.items():
        records.stations.add(identity, now, name=name, admission="accepted")
    records.tags.add(id_tag="ANNA", note="Anna")
    records.tags.add(id_tag="FLEET-3", note="Van 3")


LIMITS = ((0, 32), (60, 16), (130, 10), (190, 20), (340, 32))
"""Minutes after the start, and A from then on."""


def curve(minute: int) -> float:
    """What the car draws: what it may, and no more than it can."""
    allowed = [limit for start, limit in LIMITS if start <= minute][-1]
    return min(float(allowed), 25.0) - (0.4 if minute % 7 == 3 else 0.0)


def charge(records: Any, identity: str, now: datetime, drawn: Any) -> int:
    """A transaction that began a while ago, with its meter values and limits."""
    station = records.stations.find(identity)
    start = (now - STARTED_AGO).replace(microsecond=0)
    tag = "ANNA" if identity == "AL-0001" else "FLEET-3"
    transaction = records.transactions.add(
        station_id=station.id, connector=1, id_tag=tag, meter_start=0, started_at=start,
        received_at=start, start_status="Accepted", state="running",
    )  # fmt: skip
    minutes = int(STARTED_AGO.total_seconds() // 60)
    energy, rows = 0.0, []
    for minute in range(minutes + 1):
        amps = drawn(minute)
        energy += amps * 690 / 60
        rows.append(
            {
                "station_id": station.id, "connector": 1, "at": start + timedelta(minutes=minute),
                "digest": 0, "transaction_id": transaction.id, "current_a": amps,
                "power_w": amps * 690, "energy_wh": energy,
            }
        )  # fmt: skip
    records.connection.execute(insert(schema.sample), rows)
    for profile in profiles(start, transaction.id) if identity == "AL-0001" else []:
        records.profiles.install(
            ProfileRecord(
                station_id=station.id,
                profile_id=profile["chargingProfileId"],
                connector=0 if profile["chargingProfilePurpose"].endswith("MaxProfile") else 1,
                purpose=profile["chargingProfilePurpose"],
                stack_level=profile["stackLevel"],
                transaction_id=profile.get("transactionId"),
                document=profile,
                acknowledged_at=start,
                operation_id=None,
            )
        )
    return int(transaction.id)


def profiles(start: datetime, transaction: int) -> list[dict[str, Any]]:
    """The whole station, and this transaction with a schedule."""
    whole = simple_profile(Purpose.CHARGE_POINT_MAX_PROFILE, 0, Decimal(25), RateUnit.A, now=start)
    own = simple_profile(
        Purpose.TX_PROFILE, 1, Decimal(32), RateUnit.A, now=start, transaction_id=transaction
    )
    schedule = own["chargingSchedule"]
    schedule["startSchedule"] = start.isoformat().replace("+00:00", "Z")
    schedule["chargingSchedulePeriod"] = [
        {"startPeriod": minute * 60, "limit": limit} for minute, limit in LIMITS
    ]
    return [whole, own]
