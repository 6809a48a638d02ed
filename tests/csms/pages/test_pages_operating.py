"""Stories about operating stations at the pages: one page each, against stations played here."""

from __future__ import annotations

import pytest
from pages_browser import DESKTOP, Person, at_the_browser
from pages_office import PagesOffice, Player, meanwhile

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("browser_is_there")]


async def test_a_newcomer_is_refused_by_a_click() -> None:
    """It is told so when it asks again, and is no longer among those that wait."""
    office = PagesOffice(admit="adopt")
    station = office.player("FOREIGN")

    async def come() -> None:
        await station.connect()
        assert (await station.boot())["status"] == "Pending"

    def story(person: Person) -> None:
        person.open()
        person.sees("No charge point has connected yet")
        meanwhile(come)
        person.click("1 to be accepted")
        person.click("Refuse FOREIGN")
        person.sees("FOREIGN is rejected", "#notes")
        person.sees("Refused; it is told so when it boots again", ".station")
        person.sees_no("to be accepted", "main .figures")
        assert station.was_asked("TriggerMessage")

    office.start()
    try:
        await at_the_browser(office.http_port, story)
        assert (await station.boot())["status"] == "Rejected"
    finally:
        await office.stop()


async def test_a_connector_is_reserved_and_given_free() -> None:
    """From the page of the station and from that of all reservations."""
    office = PagesOffice()

    def story(person: Person, station: Player) -> None:
        person.open("/stations/CP1")
        person.click("Reserve")
        dialog = person.page.get_by_role("dialog")
        dialog.get_by_label("Tag").fill("ANNA")
        dialog.get_by_role("button", name="Reserve").click()
        person.sees("Reserved for ANNA", "#notes")
        person.sees("Connector 1 for ANNA", "aside")
        reserved = station.was_asked("ReserveNow")[0]
        assert (reserved["connectorId"], reserved["idTag"]) == (1, "ANNA")

        person.click("Reservations", "link")
        person.sees("active", "main table")
        station.answers["ReserveNow"] = {"status": "Occupied"}
        person.click("Make a reservation")
        dialog.get_by_label("Station").fill("CP1")
        dialog.get_by_label("Tag").fill("BOB")
        dialog.get_by_role("button", name="Reserve").click()
        person.sees("Occupied", "dialog [role=alert]")
        person.press("Escape")
        person.sees_many("dialog", 0)
        person.click("Cancel the reservation of ANNA")
        person.sees("cancelled", "main table")
        assert station.was_asked("CancelReservation") == [{"reservationId": 1}]

    office.start()
    try:
        station = await office.station("CP1")
        await at_the_browser(office.http_port, lambda person: story(person, station))
    finally:
        await office.stop()


async def test_the_local_list_is_sent_and_kept_up() -> None:
    """First everything, then only what has changed."""
    office = PagesOffice()

    def story(person: Person, station: Player) -> None:
        person.open("/stations/CP1/list")
        person.sees("No list was sent yet")
        person.click("Send the whole list")
        person.sees("The whole list sent; version 1", "#notes")
        person.sees("ANNA", "main table")
        station.answers["GetLocalListVersion"] = {"listVersion": 1}
        meanwhile(lambda: office.change(lambda records: records.tags.add(id_tag="BOB", note="")))
        person.click("Send what has changed")
        person.sees("The changes sent; version 2", "#notes")
        person.sees("BOB", "main table")
        person.fill("Search", "nn")
        person.sees_no("BOB", "main table")
        kinds = [one["updateType"] for one in station.was_asked("SendLocalList")]
        assert kinds == ["Full", "Differential"]
        station.answers["GetLocalListVersion"] = {"listVersion": 9}
        person.click("Ask for the version")
        person.sees("The station has version 9", "#notes")
        person.sees("another version than was sent from here", "main")

    office.start()
    try:
        station = await office.station("CP1")
        await office.change(lambda records: records.tags.add(id_tag="ANNA", note="Anna"))
        await at_the_browser(office.http_port, lambda person: story(person, station))
    finally:
        await office.stop()


async def test_firmware_diagnostics_and_password() -> None:
    """A person begins an update, sees how it goes, fetches diagnostics, rotates the password."""
    office = PagesOffice()

    def story(person: Person, station: Player) -> None:
        station.answers["UpdateFirmware"] = {}
        station.answers["GetDiagnostics"] = {"fileName": "diagnostics.zip"}
        person.open("/stations/CP1/care")
        person.fill("Where it is", "no address")
        person.click("Update")
        assert person.page.get_by_label("Where it is").evaluate("one => one.validity.typeMismatch")
        person.fill("Where it is", "https://files.example/new.bin")
        person.click("Update")
        person.page.get_by_role("dialog").get_by_role("button", name="Update").click()
        person.sees("Update Firmware: answered", "#notes")
        assert station.was_asked("UpdateFirmware")[0]["retries"] == 3
        for status in ("Downloading", "Installed"):
            meanwhile(lambda s=status: station.say("FirmwareStatusNotification", status=s))
            person.sees(status, ".facts")
        person.fill("Where to", "ftp://files.example/in/")
        person.click("Upload")
        person.sees("Get Diagnostics: answered", "#notes")

        person.click("Send it a new one")
        person.click("Rotate")
        person.sees("Change Configuration: Accepted", "#notes")
        secret = station.was_asked("ChangeConfiguration")[0]["value"]
        person.sees("set", ".facts")
        assert secret not in person.page.content()
        person.click("Make one to be typed in")
        person.click("Make one")
        box = person.page.get_by_role("textbox", name="Password of the station", exact=True)
        assert len(box.input_value()) == 40
        person.click("I have it")

    office.start()
    try:
        station = await office.station("CP1")
        await at_the_browser(office.http_port, lambda person: story(person, station))
    finally:
        await office.stop()


async def test_anything_is_asked_by_form_or_as_json() -> None:
    """The form comes from the description of the message; what is wrong is told, not sent."""
    office = PagesOffice()

    def story(person: Person, station: Player) -> None:
        station.answers["DataTransfer"] = {"status": "Accepted", "data": "pong"}
        person.open("/stations/CP1/ask")
        person.choose("Operation", "Data Transfer")
        person.fill("Vendor Id", "org.example")
        person.fill("Data (optional)", "ping")
        person.click("Send")
        person.sees('"data": "pong"', ".answer")
        assert station.was_asked("DataTransfer") == [{"vendorId": "org.example", "data": "ping"}]
        person.sees("Data Transfer", "main table")

        person.click("Write JSON")
        person.sees_value('{\n  "vendorId": "org.example",\n  "data": "ping"\n}', "Payload as JSON")
        person.fill("Payload as JSON", '{"vendorId": ')
        person.click("Send")
        person.sees("This is no JSON object", "[role=alert]")
        person.fill("Payload as JSON", '{"vendorId": "org.example", "colour": "red"}')
        person.click("Send")
        person.sees("colour: is not a known property", "#notes")
        person.fill("Payload as JSON", '{"vendorId": "net.example"}')
        person.click("Back to the form")
        person.sees_value("net.example", "Vendor Id")
        person.choose("Operation", "Set Charging Profile")
        person.fill("Connector Id", "1")
        person.sees("Charging Schedule Period", "form")

    office.start()
    try:
        station = await office.station("CP1")
        await at_the_browser(
            office.http_port, lambda person: story(person, station), expected=("422",)
        )
    finally:
        await office.stop()


async def test_many_stations_are_asked_and_each_outcome_is_seen() -> None:
    """Some of them chosen, one of them offline, one unwilling."""
    office = PagesOffice()

    def story(person: Person, stations: list[Player]) -> None:
        stations[0].leave()
        stations[1].answers["Reset"] = {"status": "Rejected"}
        person.open("/operations")
        person.click("Ask many stations", "link")
        person.choose("Stations", "These:")
        person.fill("Search", "ROW")
        person.sees_many(".picks input", 4)
        person.click("Choose all that fit")
        person.sees("4 chosen", "form")
        person.page.get_by_label("ROW-3").uncheck()
        person.sees("3 chosen", "form")
        person.choose("Operation", "Reset")
        person.choose("Type", "Soft")
        person.click("Send to all of them")
        person.sees("3 of 3 done", "main")
        person.sees("answered 2", "main")
        person.sees("offline 1", "main")
        person.sees("Rejected", "main table")
        person.choose("Show", "offline")
        person.sees_many("main tbody tr", 1)
        person.sees("ROW-0", "main table")
        assert stations[3].was_asked("Reset") == []
        assert stations[2].was_asked("Reset") == [{"type": "Soft"}]

    office.start()
    try:
        stations = [await office.station(f"ROW-{number}") for number in range(4)]
        await office.station("OTHER")
        await at_the_browser(office.http_port, lambda person: story(person, stations))
    finally:
        await office.stop()


async def test_a_profile_is_drawn_before_it_is_sent() -> None:
    """A night rate for every day: seen with what is there already, then installed."""
    office = PagesOffice()

    def story(person: Person, station: Player) -> None:
        person.open("/stations/CP1/profiles")
        person.sees("No charging profile is installed")
        person.click("New profile")
        person.choose("Where", "Connector 1")
        person.choose("When", "every day")
        periods = person.page.get_by_role("group", name="Period")
        periods.nth(0).get_by_label("Limit").fill("16")
        person.click("Add a period")
        periods.nth(1).get_by_label("From").fill("22:00")
        periods.nth(1).get_by_label("Limit").fill("32")
        form = person.page.get_by_role("form", name="New profile")
        form.locator("svg[role=img] path.composite[d^=M]").wait_for()
        person.sees("Tx Default Profile 1, level 0", "form .legend")
        assert station.was_asked("SetChargingProfile") == []
        person.fill("Stack level", "2000")
        assert person.page.get_by_label("Stack level").evaluate("one => one.validity.rangeOverflow")
        person.fill("Stack level", "1")
        person.click("Send to the station")
        person.sees("Set Charging Profile: Accepted", "#notes")
        person.sees("Daily: 16 A, 32 A", "main table")
        sent = station.was_asked("SetChargingProfile")[0]["csChargingProfiles"]
        schedule = sent["chargingSchedule"]
        assert (sent["recurrencyKind"], sent["stackLevel"]) == ("Daily", 1)
        assert schedule["duration"] == 86400
        assert schedule["chargingSchedulePeriod"] == [
            {"startPeriod": 0, "limit": 16},
            {"startPeriod": 79200, "limit": 32},
        ]
        assert schedule["startSchedule"].endswith(("T23:00:00Z", "T22:00:00Z", "T23:00:00.000Z"))
        person.click("Clear")
        person.sees("No charging profile is installed")

    office.start()
    try:
        station = await office.station("CP1")
        await at_the_browser(
            office.http_port, lambda person: story(person, station), timezone_id="Europe/Berlin"
        )
    finally:
        await office.stop()


async def test_a_lost_central_system_is_told_and_found_again() -> None:
    """What has happened meanwhile is there afterwards."""
    office = PagesOffice()

    async def come_back() -> None:
        await office.station("CP2")
        office.listen_again()

    def story(person: Person) -> None:
        person.open()
        person.sees("CP1", ".cards")
        meanwhile(office.hang_up)
        person.sees("The central system cannot be reached", "#line")
        meanwhile(come_back)
        person.sees_no("cannot be reached", "#line")
        person.sees("CP2", ".cards")

    office.start()
    try:
        await office.station("CP1")
        await at_the_browser(office.http_port, story, expected=("ERR_",))
    finally:
        await office.stop()


async def test_a_station_with_many_connectors_stays_readable() -> None:
    """Few lines on the overview; on its page a curve only where a car is."""
    office = PagesOffice()

    def story(person: Person, station: Player) -> None:
        person.open()
        person.sees("and 6 more: 6 Available", ".station")
        person.click("HALL", "link")
        person.sees_many(".connector", 12)
        assert person.count(".connector svg.chart[role=img]:visible") == 0
        meanwhile(lambda: station.start("ANNA", 1))
        person.sees_many(".connector svg.chart[role=img]:visible", 1)
        person.page.locator("[data-connector='3']").get_by_role(
            "button", name="Show the curve"
        ).click()
        person.sees_many(".connector svg.chart[role=img]:visible", 2)

    office.start()
    try:
        station = await office.station("HALL", connectors=12)
        await at_the_browser(
            office.http_port, lambda person: story(person, station), viewport=DESKTOP
        )
    finally:
        await office.stop()
