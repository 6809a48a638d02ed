"""Stories about who may do what, told at the pages."""

from __future__ import annotations

import pytest
from pages_browser import Person, at_the_browser
from pages_office import PagesOffice

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("browser_is_there")]

SECRET = "correct horse battery"


def log_in(person: Person, name: str, password: str) -> None:
    """Fill in the first page."""
    person.fill("Name", name)
    person.fill("Password", password)
    person.click("Log in")


async def test_an_admin_gives_access_and_finds_the_trail() -> None:
    """The first account; a second one; a token shown once that works; who did all that."""
    office = PagesOffice()

    def story(person: Person) -> None:
        person.open("/access")
        person.sees("Nobody has an account")
        person.click("Add an account")
        person.fill("Name", "root")
        person.choose("Role", "admin: may also give access")
        person.fill("Password", SECRET)
        person.click("Add")
        person.sees("Log in", "h1")
        log_in(person, "root", SECRET)
        person.sees("root (you)", "main table")

        person.click("Add an account")
        person.fill("Name", "vera")
        person.fill("Password", "short")
        person.click("Add")
        assert person.page.get_by_label("Password").evaluate("one => one.validity.tooShort")
        person.fill("Password", SECRET)
        person.click("Add")
        person.sees("vera may log in", "#notes")
        person.click("Disable vera")
        person.sees("disabled", "main table")
        person.click("Disable root")
        person.sees("this is the last admin", "#notes")

        person.click("Tokens", "link")
        person.click("Make a token")
        person.fill("For what", "billing")
        person.click("Make")
        token = person.page.get_by_role("textbox", name="Token", exact=True).input_value()
        person.click("I have it")
        person.sees_many("dialog", 0)
        assert token not in person.page.content()
        shown = {"Authorization": f"Bearer {token}", "Cookie": ""}
        asked = person.page.context.request.get(f"{person.base}/api/stations", headers=shown)
        assert asked.status == 200

        person.click("Audit trail", "link")
        person.sees("POST /api/tokens", "main table")
        person.sees("login", "main table")
        assert SECRET not in person.page.content()

    office.start()
    try:
        await at_the_browser(office.http_port, story, expected=("401", "409"))
    finally:
        await office.stop()


async def test_people_change_their_password() -> None:
    """With the old one; the new one counts from then on."""
    office = PagesOffice()

    def story(person: Person) -> None:
        person.open()
        log_in(person, "vera", SECRET)
        person.click("vera, viewer", "link")
        for old, new, again in (
            (SECRET, "another horse", "an other horse"),
            ("wrong, wrong", "another horse", "another horse"),
        ):
            person.fill("Old password", old)
            person.fill("New password", new)
            person.fill("New password again", again)
            person.click("Change")
            person.sees("not the same" if new != again else "old password is wrong", "[role=alert]")
        person.fill("Old password", SECRET)
        person.click("Change")
        person.sees("Your password is changed", "#notes")
        person.click("Log out")
        log_in(person, "vera", SECRET)
        person.sees("wrong name or password", "[role=alert]")
        person.fill("Password", "another horse")
        person.click("Log in")
        person.sees("vera, viewer", "#session")

    office.start()
    try:
        await office.account("root", "admin", SECRET)
        await office.account("vera", "viewer", SECRET)
        await at_the_browser(office.http_port, story, expected=("401", "403"))
    finally:
        await office.stop()


async def test_roles_see_what_they_may_do() -> None:
    """A viewer gets no buttons, an operator no access page; the address alone leads nowhere."""
    office = PagesOffice()

    def story(person: Person) -> None:
        person.open("/tags")
        log_in(person, "vera", SECRET)
        person.sees("Tags", "h1")
        for page, there in (
            ("/", "CP1"),
            ("/tags", "No tag is known yet"),
            ("/reservations", "Nothing was ever reserved"),
            ("/operations", "Nothing was asked yet"),
            ("/stations/CP1", "Connector 1"),
            ("/stations/CP1/care", "Boot"),
            ("/stations/CP1/list", "No list was sent yet"),
            ("/stations/CP1/ask", "Nothing yet"),
        ):
            person.open(page)
            person.sees(there, "main")
            assert person.count("main button:visible:not(.switch button)") == 0, page
        person.open("/access")
        person.sees("takes the role admin", "h1")
        person.open("/ask")
        person.sees("takes the role operator", "h1")
        person.click("Log out")
        log_in(person, "otto", SECRET)
        person.open("/access")
        person.sees("takes the role admin", "h1")
        person.open("/stations/CP1/care")
        person.sees("Update the firmware")
        person.sees_no("Send it a new one")
        assert person.count("#nav a") == 5

    office.start()
    try:
        await office.account("root", "admin", SECRET)
        await office.account("vera", "viewer", SECRET)
        await office.account("otto", "operator", SECRET)
        await office.station("CP1")
        await at_the_browser(office.http_port, story, expected=("401",))
    finally:
        await office.stop()


HOSTILE = "<script>alert(1)</script>"


async def test_texts_that_look_like_markup_stay_texts() -> None:
    """A station, a tag, a fault and vendor data called like a script are shown as they are."""
    office = PagesOffice()

    def story(person: Person) -> None:
        person.page.on("dialog", lambda dialog: person.complaints.append(dialog.message))
        person.open()
        person.sees(HOSTILE, ".station h2")
        person.click(HOSTILE, "link")
        person.sees(HOSTILE, "h1")
        person.sees(HOSTILE, ".connector")
        for tab in ("Details", "Messages"):
            person.click(tab, "link")
            person.sees("<img src=x>", "section")
        person.click("Tags", "link")
        person.sees(HOSTILE, "main table")
        assert person.count("main script, main img") == 0

    office.start()
    try:
        station = await office.station(
            HOSTILE, chargePointVendor="<img src=x>", chargePointModel="<b>"
        )
        await station.status("Faulted", info=HOSTILE, errorCode="OtherError")
        await office.change(lambda records: records.tags.add(id_tag="A", note=HOSTILE))
        await at_the_browser(office.http_port, story)
    finally:
        await office.stop()
