"""Whoever looks: by keyboard alone, with a reader of screens, in the dark, on a phone."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from pages_browser import DESKTOP, PHONE, Person, at_the_browser
from pages_office import PagesOffice, Player, meanwhile

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("browser_is_there")]


def tab_to(person: Person, name: str) -> None:
    """Press Tab until this has the focus, as a person without a mouse does; it must be seen."""
    for _ in range(60):
        person.press("Tab")
        here = person.page.evaluate(
            "(() => { const one = document.activeElement; const style = getComputedStyle(one);"
            " const link = getComputedStyle(one, '::after');"
            " return [one.getAttribute('aria-label') || (one.labels && one.labels[0] || one)"
            ".textContent.trim(), style.outlineStyle !== 'none' || link.outlineStyle !== 'none'];"
            " })()"
        )
        if here[0] == name:
            assert here[1], f"the focus on {name} cannot be seen"
            return
    raise AssertionError(f"Tab does not lead to {name}")


async def test_everything_works_by_keyboard_alone() -> None:
    """A newcomer is adopted, a tag added, a charge started and limited without a mouse."""
    office = PagesOffice(admit="adopt")
    station = office.player("CP1")

    async def come() -> None:
        await station.connect()
        await station.boot()

    async def accepted() -> None:
        await station.boot()
        await station.status("Preparing")

    def story(person: Person) -> None:
        person.open()
        person.sees("CP1", ".station")
        tab_to(person, "Skip to content")
        person.press("Enter")
        assert person.page.evaluate("document.activeElement.id") == "main"
        tab_to(person, "Accept CP1")
        person.press("Enter")
        person.sees("CP1 is accepted", "#notes")
        meanwhile(accepted)
        person.sees("Preparing", ".station")

        person.open("/tags")
        tab_to(person, "Add a tag")
        person.press("Enter")
        person.page.keyboard.type("ANNA")
        for _ in range(8):
            person.press("Tab")
        assert person.page.evaluate("document.activeElement.closest('dialog') !== null")
        person.page.get_by_label("Note").focus()
        person.press("Enter")
        person.sees("ANNA", "main table")
        assert person.page.evaluate("document.activeElement.textContent") == "Add a tag"

        person.open("/stations/CP1")
        person.sees("Preparing", ".connector")
        tab_to(person, "Tag")
        person.page.keyboard.type("ANNA")
        person.press("Enter")
        person.sees("Remote Start Transaction: Accepted", "#notes")
        meanwhile(lambda: station.start("ANNA"))
        person.sees("Charging", ".connector")
        tab_to(person, "Where")
        person.press("ArrowDown")
        tab_to(person, "Limit")
        person.page.keyboard.type("8")
        person.press("Enter")
        person.sees("Set Charging Profile: Accepted", "#notes")
        person.sees("8 A", "[data-figure='limit in force']")

    office.start()
    try:
        await come()
        await at_the_browser(office.http_port, story, reduced_motion="reduce")
    finally:
        await office.stop()


async def test_a_phone_shows_all_of_it() -> None:
    """No page is wider than the screen; a person charges, reserves and looks it up."""
    office = PagesOffice()

    def story(person: Person, station: Player) -> None:
        person.open()
        person.click("Carport of the family with the very long name", "link")
        for page in PAGES:
            person.open(page)
            person.page.locator("h1").wait_for()
            person.sees_many("main .loading", 0)
            wide = person.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= PHONE["width"], (page, wide)
        person.open("/stations/CP1")
        number = meanwhile(lambda: station.start("ANNA"))
        meanwhile(lambda: station.meter(number, 3_000, 16))
        person.sees("16 A", "[data-connector='1'] [data-figure='current']")
        person.page.get_by_role("button", name="Stop", exact=True).tap()
        person.sees("Remote Stop Transaction: Accepted", "#notes")
        assert station.was_asked("RemoteStopTransaction") == [{"transactionId": number}]

    office.start()
    try:
        station = await prepared(office)
        await at_the_browser(
            office.http_port,
            lambda person: story(person, station),
            viewport=PHONE,
            has_touch=True,
            is_mobile=True,
        )
    finally:
        await office.stop()


PAGES = (
    "/",
    "/stations/CP1",
    "/stations/CP1/profiles",
    "/stations/CP1/configuration",
    "/stations/CP1/list",
    "/stations/CP1/care",
    "/stations/CP1/ask",
    "/stations/CP1/messages",
    "/stations/CP1/details",
    "/transactions",
    "/transactions/1",
    "/tags",
    "/reservations",
    "/operations",
    "/ask",
    "/access",
    "/access/tokens",
    "/access/audit",
    "/nowhere",
)


# Every colour stands on one of these.
COLOURFUL = (
    "/",
    "/stations/CP1",
    "/stations/CP1/care",
    "/stations/CP1/messages",
    "/transactions/1",
    "/tags",
    "/access",
)


async def prepared(office: PagesOffice) -> Player:
    """A station with something on every page."""
    (await office.station("AWAY")).leave()
    station = await office.station("CP1", connectors=2)
    await station.status("Faulted", 2, errorCode="GroundFailure", info="relay 3")
    number = await station.start("OLD")
    await station.say(
        "StopTransaction", transactionId=number, meterStop=9_000, timestamp="2026-01-01T00:00:00Z"
    )
    await station.status("Available")

    def enter(records: Any) -> None:
        records.tags.add(id_tag="ANNA", note="Anna", blocked=False)
        records.tags.add(id_tag="BOB", note="", blocked=True)
        found = records.stations.find("CP1")
        name = "Carport of the family with the very long name"
        records.stations.edit(found.id, None, name=name)

    await office.change(enter)
    return station


# Rules of WCAG 2.2, levels A and AA, as far as a program can tell.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.skipif(
    importlib.util.find_spec("axe_playwright_python") is None,
    reason="axe-playwright-python is not installed, so the pages were not examined by axe",
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(scheme: str) -> None:
    """Names, labels, landmarks and order of headings of every page; contrast in both schemes."""
    office = PagesOffice()
    found = importlib.util.find_spec("axe_playwright_python")
    assert found is not None
    assert found.origin is not None
    axe = Path(found.origin).with_name("axe.min.js").read_text()

    rules = RULES if scheme == "light" else {"type": "rule", "values": ["color-contrast"]}

    def story(person: Person) -> None:
        wrong: list[str] = []
        for page in PAGES if scheme == "light" else COLOURFUL:
            person.open(page)
            person.page.locator("h1").wait_for()
            person.sees_many("main .loading", 0)
            person.page.evaluate(axe)
            result = person.page.evaluate(
                "rules => axe.run({runOnly: rules, resultTypes: ['violations']})", rules
            )
            for one in result["violations"]:
                nodes = [node["html"][:160] for node in one["nodes"]]
                wrong.append(f"{page}: {one['id']}: {one['help']}: {nodes}")
        assert not wrong, "\n".join(wrong)

    office.start()
    try:
        await prepared(office)
        await at_the_browser(
            office.http_port, story, viewport=DESKTOP, color_scheme=scheme, bypass_csp=True
        )
    finally:
        await office.stop()
