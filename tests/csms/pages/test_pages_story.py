"""Stories of people at the pages, in real Chromium against real daemons."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from daemons import CentralSystem, ChargePoint
from pages_browser import PHONE, Person, at_the_browser, chromium
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread

METERING = {
    "MeterValueSampleInterval": 1,
    "MeterValuesSampledData": "Energy.Active.Import.Register,Power.Active.Import,Current.Import",
}


@pytest.fixture(autouse=True)
def with_chromium() -> None:
    """Look for the browser before anything is started."""
    chromium()


def meanwhile(work: Callable[[], Awaitable[Any]]) -> Any:
    """Outside the browser something happens; the person waits for it."""

    async def run() -> Any:
        return await work()

    return blockingCallFromThread(reactor, lambda: Deferred.fromCoroutine(run()))


async def start(station: ChargePoint) -> None:
    """Start a charge point and wait for its door."""
    station.launch()
    await station.open_door()


@pytest.mark.slow
async def test_a_new_station_charges_and_follows_a_limit(tmp_path: Path) -> None:
    """A person finds a new station, adds a tag, sees a charge start, and limits the current."""
    central = CentralSystem(tmp_path / "central")
    station = ChargePoint(tmp_path / "station", "GARAGE-1", central.url, keys=METERING)
    card = "[data-connector='1']"

    def story(person: Person) -> None:
        person.open()
        person.sees("No charge point has connected yet")
        meanwhile(lambda: start(station))
        person.sees("GARAGE-1", ".station")
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


@pytest.mark.slow
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


@pytest.mark.slow
async def test_accounts_and_texts_that_look_like_markup(tmp_path: Path) -> None:
    """With accounts a person logs in first; a viewer gets no buttons; texts stay texts."""
    central = CentralSystem(tmp_path / "central")
    hostile = "<img src=x onerror=alert(1)>"
    secret = "correct horse battery"

    def story(person: Person) -> None:
        enter_viewer(person, secret)
        person.open("/tags")
        person.fill("Name", "vera")
        person.fill("Password", "wrong, wrong, wrong")
        person.click("Log in")
        person.sees("wrong name or password", "[role=alert]")
        person.fill("Password", secret)
        person.page.keyboard.press("Enter")
        person.sees("vera, viewer", "#session")
        person.sees(hostile, "main table")
        assert person.count("main img") == 0
        assert person.count("main table button") == 0
        person.click("Log out")
        person.sees("Log in", "main")

    await central.start()
    try:
        tag = {"id_tag": "A", "note": hostile}
        assert (await central.ask("POST", "/api/tags", tag))[0] == 201
        # The refusals at the beginning are how a page learns that somebody has to log in.
        await at_the_browser(central.http_port, story, expected=("401",))
    finally:
        await central.stop()


def enter_viewer(person: Person, password: str) -> None:
    """The first token locks everybody out; with it the viewer is entered."""
    ask = person.page.context.request
    made = ask.post(f"{person.base}/api/tokens", data={"name": "test", "role": "admin"}).json()
    viewer = {"name": "vera", "role": "viewer", "password": password}
    shown = {"Authorization": f"Bearer {made['token']}"}
    assert ask.post(f"{person.base}/api/accounts", data=viewer, headers=shown).status in (201, 409)
