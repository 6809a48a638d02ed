"""Pictures of profiles and composites, for browsers and for terminals."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from smart_stations import NOON, profile, running, stack, station
from strategies import World, steady, worlds

from txocpp.smartcharging import Composite, RateUnit, Stack
from txocpp.smartcharging.drawing import draw
from txocpp.smartcharging.sketch import sketch

SVG = "{http://www.w3.org/2000/svg}"
DAY_S = 86_400
EVENING = profile((0, 16), (3 * 3600, 6), (9 * 3600, 16), profile_id=12)
MAXIMUM = profile((0, 20), profile_id=3, purpose="ChargePointMaxProfile", start=NOON - timedelta(1))


def paths(picture: str) -> dict[str, str]:
    """Class of each curve within the plot to its outline."""
    root = ElementTree.fromstring(picture)
    return {path.attrib["class"]: path.attrib["d"] for path in root.findall(f"{SVG}g/{SVG}path")}


def words(picture: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def test_a_day_of_a_connector() -> None:
    """The composite, the local limit and every profile that has a say, named below."""
    composite = Composite(stack((0, MAXIMUM), (1, EVENING)), station())
    picture = draw(composite, 1, NOON, DAY_S, title="A & B")
    assert list(paths(picture)) == ["area", "local", "composite", "c0", "c1"]
    assert "TxDefaultProfile 12, level 0, connector 1" in words(picture)
    assert "ChargePointMaxProfile 3, level 0, connector 0" in words(picture)
    root = ElementTree.fromstring(picture)
    assert root.findtext(f"{SVG}title") == "A & B"
    assert root.findtext(f"{SVG}desc") == ("Composite schedule: 12:00 16 A, 15:00 6 A, 21:00 16 A")


def test_curves_have_steps_at_the_right_places() -> None:
    """848 units for a day: three hours are 106; 320 units from 0 to the top."""
    composite = Composite(stack((1, EVENING)), station())
    curve = paths(draw(composite, 1, NOON, DAY_S))["composite"]
    # The top is 40 A: 16 A lie at 48 + 320 * 24 / 40.
    assert curve == "M64.0,240.0H170.0V320.0H382.0V240.0H912.0"


def test_a_profile_that_pauses_has_a_gap() -> None:
    """Where a profile gives no limit the pen is lifted."""
    twice = profile(duration_s=3600, kind="Recurring", recurrency="Daily")
    curve = paths(draw(Composite(stack(twice), station()), 1, NOON, 2 * DAY_S))["c0"]
    assert curve.count("M") == 2


def test_marks_on_the_wall_clock() -> None:
    """Full hours, and the day where one begins; powers in kW."""
    composite = Composite(Stack(), station(), zone=ZoneInfo("Asia/Kathmandu"))
    start = datetime(2024, 6, 3, 12, 20, tzinfo=UTC)
    shown = words(draw(composite, 0, start, DAY_S, RateUnit.W))
    assert "00:00" in shown
    assert "Tue 04 Jun" in shown
    assert "kW" in shown
    assert "2024-06-03 18:05, Asia/Kathmandu" in shown
    assert not any(re.fullmatch(r"\d\d:(?!00)\d\d", text) for text in shown)


def test_generous_profiles_do_not_squeeze_the_picture() -> None:
    """A limit far above the hardware runs out of the picture instead."""
    generous = draw(Composite(stack(profile((0, 9999))), station()), 1, NOON)
    assert [text for text in words(generous) if text.isdigit()][-1] == "50"


@steady(20)
@given(world=worlds(), hours=st.sampled_from([0, 1, 24, 24 * 7]), unit=st.sampled_from(RateUnit))
def test_any_station_can_be_drawn(world: World, hours: int, unit: RateUnit) -> None:
    """Whatever is installed: well-formed, no number without sense, both kinds of picture."""
    composite = Composite(world.stack, world.station, world.switches, world.zone)
    for connector in (0, 1):
        picture = draw(composite, connector, world.anchor, hours * 3600, unit)
        shown = [*words(picture), *paths(picture).values()]
        assert not any(re.search(r"NaN|Inf|None|\dE", text) for text in shown)
        assert paths(picture)["composite"].startswith("M64")
        schedule = composite.schedule(connector, world.anchor, hours * 3600, unit)
        text = sketch(schedule, world.zone, width=60, height=5)
        assert len(text.splitlines()) == 7
        assert max(len(line) for line in text.splitlines()[:-1]) <= 60


def test_a_skyline_for_terminals() -> None:
    """Blocks as high as the limit, hours below, in the width that there is."""
    composite = Composite(stack(EVENING), station())
    assert sketch(composite.schedule(1, NOON, DAY_S), width=34, height=4).splitlines() == [
        "    16 A ┤███      ███████████████",
        "         ┤███      ███████████████",
        "         ┤███▄▄▄▄▄▄███████████████",
        "         ┤████████████████████████",
        "     0 A └┬───────────┬───────────",
        "          12:00       00:00  UTC",
    ]


def test_a_short_pause_is_not_lost_in_a_column() -> None:
    """A column shows the lowest limit of its stretch of time."""
    pause = profile((0, 16), (600, 0), (660, 16), purpose="TxProfile")
    composite = Composite(stack(pause), station(transactions=running()))
    assert "┤ ███" in sketch(composite.schedule(1, NOON, DAY_S), width=34)


def test_what_profiles_allow_by_themselves() -> None:
    """For pictures of one's own: each profile alone, strongest first, converted by itself."""
    power = profile((0, 11_040, 1), profile_id=4, unit="W", start=NOON + timedelta(hours=1))
    lines = Composite(stack((0, MAXIMUM), (1, power)), station()).profile_lines(1, NOON, 7200)
    assert [(line.installed.profile_id, line.periods) for line in lines] == [
        (3, ((0, Decimal(20)),)),
        (4, ((0, None), (3600, Decimal(48)))),
    ]
