"""Stories of people at the pages, in real Chromium against real daemons."""

from __future__ import annotations

from pathlib import Path

import pytest
from daemons import CentralSystem, ChargePoint
from pages_browser import PHONE, Person, at_the_browser
from pages_office import meanwhile

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("browser_is_there")]

ADOPT = '[stations]\nadmit = "adopt"\n'

METERING = {
    "MeterValueSampleInterval": 1,
    "MeterValuesSampledData": "Energy.Active.Import.Register,Power.Active.Import,Current.Import",
}


async def start(station: ChargePoint) -> None:
    """Start a charge point and wait for its door."""
    station.launch()
    await station.open_door()


async def test_a_new_station_charges_and_follows_a_limit(tmp_path: Path) -> None:
    """A person adopts a new station, adds a tag, sees a charge start, and limits the current."""
    central = CentralSystem(tmp_path / "central", more=ADOPT)
    station = ChargePoint(tmp_path / "station", "GARAGE-1", central.url, keys=METERING)
    card = "[data-connector='1']"

    def story(person: Person) -> None:
        person.open()
        person.sees("No charge point has connected yet")
        meanwhile(lambda: start(station))
        person.sees("GARAGE-1", ".station")
        person.sees("1 to be accepted", "main")
        person.click("Accept GARAGE-1")
        person.sees("GARAGE-1 is accepted", "#notes")
        person.sees("Available", ".station")

        person.click("Tags", "link")
        person.click("Add a tag")
        person.fill("Note", "Anna")
        person.fill("Tag", "ANNA-1")
        person.click("Add")
        person.sees("ANNA-1", "main table")

        person.click("Stations", "link")
        person.click("GARAGE-1", "link")
        meanwhile(lambda: station.do("plug_in", connector=1))
        person.sees("Preparing", card)
        person.page.locator(card).get_by_label("Tag").fill("ANNA-1")
        person.page.locator(card).get_by_role("button", name="Start").click()
        person.sees("Remote Start Transaction: Accepted", "#notes")
        person.sees("Charging", card)
        person.sees("16 A", f"{card} [data-figure='current']")
        person.sees("none", f"{card} [data-figure='limit in force']")

        person.page.get_by_label("Where").select_option(label="Connector 1")
        person.page.get_by_role("spinbutton", name="Limit").fill("8")
        person.click("Set limit")
        person.sees("Set Charging Profile: Accepted", "#notes")
        person.sees("8 A", f"{card} [data-figure='limit in force']")
        person.sees("8 A", f"{card} [data-figure='current']")
        assert person.page.locator(f"{card} path.drawn[d^=M]").count() >= 1
        assert person.page.locator(f"{card} path.limit[d^=M]").count() >= 1

        person.click("Profiles", "link")
        person.sees("Tx Profile", "main table")
        assert person.page.locator("path.composite[d^=M]").count() >= 1

        person.click("Now", "link")
        person.page.locator(card).get_by_role("button", name="Stop").click()
        person.sees("Finishing", card)
        person.click("Transactions", "link")
        person.sees("Stopped", "main table")
        person.click("No. 1", "link")
        person.sees("ANNA-1", "dl")
        assert person.page.locator("path.drawn[d^=M]").count() >= 1

    await central.start()
    try:
        await at_the_browser(central.http_port, story)
        drawn = await central.get("/api/transactions/1")
        assert drawn["state"] == "stopped"
        central.assert_no_traceback()
    finally:
        if station.process is not None:
            await station.stop()
        await central.stop()


async def test_configuration_messages_and_operations(tmp_path: Path) -> None:
    """A person reads the configuration, changes a key, and finds that in the message log."""
    central = CentralSystem(tmp_path / "central")
    station = ChargePoint(tmp_path / "station", "YARD 7/b", central.url)

    def story(person: Person) -> None:
        person.open()
        person.click("YARD 7/b", "link")
        person.click("Configuration", "link")
        person.click("Read from the station")
        person.sees("HeartbeatInterval", "main table")
        person.fill("HeartbeatInterval", "77")
        person.page.keyboard.press("Enter")
        person.sees("Change Configuration: Accepted", "#notes")

        person.click("Messages", "link")
        person.fill("Search", "HeartbeatInterval")
        person.sees("asks ChangeConfiguration", ".log")
        with person.page.expect_download() as waiting:
            person.click("Export (JSON Lines)", "link")
        lines = Path(waiting.value.path()).read_text().splitlines()
        assert any("ChangeConfiguration" in line for line in lines)
        assert all("HeartbeatInterval" in line for line in lines)

        person.click("Operations", "link")
        person.page.get_by_label("Operation", exact=True).select_option("ChangeConfiguration")
        person.page.get_by_text("Payload").first.click()
        person.sees('"value":"77"', "main table")

    await central.start()
    try:
        await start(station)
        await at_the_browser(central.http_port, story, viewport=PHONE, color_scheme="dark")
    finally:
        await station.stop()
        await central.stop()
