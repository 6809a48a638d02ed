"""The pages with a large site behind them: they show a part, ask for a part, change a part."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pages_browser import Person, at_the_browser
from pages_filled import fill
from pages_office import PagesOffice, Player, meanwhile

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("browser_is_there")]

STATIONS = 1_200
TRANSACTIONS = 100_000
MESSAGES = 100_000
SAMPLES = 10_000


async def test_a_large_site_is_shown_in_parts(tmp_path: Path) -> None:
    """1,200 stations, 100,000 transactions and as many messages; nothing is ever there at once."""
    office = PagesOffice(tmp_path / "central.sqlite3")

    def story(person: Person, one: Player, other: Player, far: Player) -> None:
        # Once at the beginning, and once more when the page has begun to hear of events.
        with person.page.expect_request(nth_list(2)):
            person.open()
        person.sees("3 of 1200", ".figures")
        person.sees_many(".station", 60)
        person.sees("12 faulted", ".figures")
        overview_stays_in_place(person, one, other, far)
        person.click("Next")
        person.sees("SITE-0061", ".cards")
        person.sees_many(".station", 60)
        person.fill("Search", "row 7, place 1")
        person.sees_no("SITE-0061", ".cards")
        person.sees("Row 7, place 1", ".cards")
        person.fill("Search", "")
        person.click("12 faulted")
        person.sees_many(".station", 12)
        person.sees("Ground Failure", ".cards")

        person.click("Transactions", "link")
        person.sees("No. 100000", "main table")
        person.sees_many("main tbody tr", 50)
        person.click("Older")
        person.sees("No. 99950", "main table")
        person.sees_many("main tbody tr", 50)
        person.fill("Tag", "tag-499")
        person.sees("No. 100000", "main table")
        person.sees("No. 99500", "main table")

        person.open("/stations/SITE-0001/messages")
        person.sees_many(".log li", 100)
        person.click("Older")
        person.sees("Part 2", "main")
        person.sees_many(".log li", 100)
        person.fill("Search", '"n4242"')
        person.sees_many(".log li", 2)
        with person.page.expect_download() as waiting:
            person.click("Export (JSON Lines)", "link")
        assert len(Path(waiting.value.path()).read_text().splitlines()) == 2

        person.open("/stations/SITE-0001")
        person.click("7 days")
        person.sees_many("[data-connector='1'] path.drawn[d^=M]", 2)
        path = person.page.locator("[data-connector='1'] svg[role=img] path.drawn")
        # Thinned to what a picture can show: two points for a column of it.
        assert path.get_attribute("d").count("L") < 3_000

    office.start()
    try:
        size = {"transactions": TRANSACTIONS, "messages": MESSAGES, "samples": SAMPLES}
        await office.change(partial(fill, stations=STATIONS, **size))
        one = await office.station("SITE-0003", connectors=2)
        other = await office.station("SITE-0004", connectors=2)
        far = await office.station("SITE-1100", connectors=2)
        await at_the_browser(office.http_port, lambda person: story(person, one, other, far))
    finally:
        await office.stop()


def nth_list(number: int) -> Callable[[Any], bool]:
    """True for the request with this number for a list of stations."""
    seen: list[str] = []

    def asked(request: Any) -> bool:
        if "/api/stations?" in request.url:
            seen.append(request.url)
        return len(seen) == number

    return asked


def overview_stays_in_place(person: Person, one: Player, other: Player, far: Player) -> None:
    """What happens at one station touches its card alone, and asks for that station alone."""
    page = person.page
    page.evaluate(
        "document.querySelectorAll('.station').forEach("
        "card => card.firstElementChild.dataset.drawn = 'before')"
    )
    number = meanwhile(lambda: other.start("ANNA"))
    person.sees("Charging", "[data-identity='SITE-0004']")
    person.sees_many(".station > [data-drawn=before]", 59)
    asked = len(person.asked)
    meanwhile(lambda: other.meter(number, 2_000, 11))
    person.sees("7.59 kW", "[data-identity='SITE-0004'] .plugs")
    meanwhile(lambda: far.status("Charging"))
    meanwhile(lambda: one.status("Preparing"))
    person.sees("Preparing", "[data-identity='SITE-0003']")
    person.sees_many(".station > [data-drawn=before]", 58)
    since = {path.partition("?")[0] for path in person.asked[asked:]}
    assert since <= {"/api/summary", "/api/stations/SITE-0003", "/api/stations/SITE-0004"}
    page.evaluate("delete document.querySelector('.station').firstElementChild.dataset.drawn")


async def test_many_stations_are_chosen_out_of_many(tmp_path: Path) -> None:
    """All that fit a search, though few are shown; the outcomes come in parts."""
    office = PagesOffice(tmp_path / "central.sqlite3")

    def story(person: Person) -> None:
        person.open("/ask")
        person.choose("Stations", "These:")
        person.fill("Search", "pole")
        person.sees("SITE-0002", ".picks")
        person.sees_no("SITE-0001", ".picks")
        person.click("Choose all that fit")
        person.sees("150 chosen", "form")
        assert person.count(".picks input") == 50
        person.choose("Operation", "Clear Cache")
        person.sees("It takes no details", "form")
        person.click("Send to all of them")
        person.click("Send")
        person.sees("150 of 150 done", "main")
        person.sees("offline 150", "main")
        person.sees_many("main tbody tr", 50)

    office.start()
    try:
        await office.change(partial(fill, stations=300, transactions=0, messages=0, samples=1))
        await at_the_browser(office.http_port, story)
    finally:
        await office.stop()
