"""Configuration files: read whole, refused by name and line, documented by an example."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from txocpp.errors import ConfigurationError
from txocpp.plugins.configfile import example, line_of, load, loads, placed, toml_value


class Colour(StrEnum):
    """Colours."""

    RED = "red"
    BLUE = "blue"


class Roof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The roof of the house."""

    colour: Annotated[Colour, Meta(description="What it looks like.")] = Colour.RED
    tiles: Annotated[int, Meta(ge=1)] = 100
    slope: Annotated[str, Meta(pattern="^[0-9]+$", description="Degrees.")] = "45"


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A window."""

    name: str
    width_m: float = 1.0


class House(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A house."""

    address: Annotated[
        str,
        Meta(
            description="Where it stands, told in more words than fit into one line of a file "
            "that people read in a terminal."
        ),
    ] = ""
    tall: bool = False
    rooms: tuple[str, ...] = ("kitchen",)
    roof: Roof = Roof()
    windows: tuple[Window, ...] = ()


GOOD = """\
address = "Hill 1"
rooms = ["kitchen", "hall"]

[roof]
colour = "blue"

[[windows]]
name = "north"

[[windows]]
name = "south"
width_m = 2
"""


def fault(text: str) -> str:
    """What is said about a file."""
    with pytest.raises(ConfigurationError) as error:
        loads(text, House, name="house.toml")
    return str(error.value)


def test_a_good_file_is_read_whole() -> None:
    """Tables, lists of tables, and defaults for what is left out."""
    house = loads(GOOD, House)
    assert house.address == "Hill 1"
    assert house.rooms == ("kitchen", "hall")
    assert house.roof == Roof(colour=Colour.BLUE)
    assert house.windows == (Window("north"), Window("south", 2.0))


def test_an_empty_file_gives_the_defaults() -> None:
    """Nothing has to be set."""
    assert loads("", House) == House()


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('colour = "blue"', 'color = "blue"', 5, "[roof] has no option 'color'; did you mean"),
        ('colour = "blue"', 'colour = "green"', 5, "roof.colour: 'green' is none of red, blue"),
        (
            'address = "Hill 1"',
            "address = 1",
            1,
            "address: expected a text in quotes, got a whole number",
        ),
        ('name = "south"', "nam = 1", 11, "[windows] has no option 'nam'; did you mean 'name'?"),
        (
            "width_m = 2",
            "width_m = true",
            12,
            "windows.width_m: expected a number, got true or false",
        ),
        ("[roof]", "[rof]", 4, "the file has no option 'rof'; did you mean 'roof'?"),
        ('colour = "blue"', "tiles = 0", 5, "roof.tiles: expected a whole number >= 1"),
        ('rooms = ["kitchen", "hall"]', "rooms = 3", 2, "rooms: expected a list in [ ], got a wh"),
        ('rooms = ["kitchen", "hall"]', "rooms = [3]", 2, "rooms: expected a text in quotes, got"),
        (
            'colour = "blue"',
            "slope = 'a'",
            5,
            "roof.slope: does not fit its description: Degrees.",
        ),
        ("[roof]", "[roof", 4, "line 4"),
        ('name = "north"', "", 7, "windows: 'name' is missing"),
    ],
)
def test_a_fault_is_named_with_its_line(old: str, new: str, line: int, words: str) -> None:
    """An option that does not exist, a wrong value, or no TOML at all."""
    said = fault(GOOD.replace(old, new))
    assert said.startswith("house.toml: ")
    assert f"line {line}" in said
    assert words in said


def test_a_table_that_may_be_there_several_times_wants_two_brackets() -> None:
    """Whoever writes one pair is told so."""
    said = fault('address = "x"\n\n[windows]\nname = "north"\n')
    assert said == (
        "house.toml: line 3: windows: there may be several, so write [[windows]] and not [windows]"
    )


def test_an_option_far_from_any_other_is_told_what_there_is() -> None:
    """When nothing is near."""
    assert "there are colour, slope, tiles" in fault("[roof]\nxyz = 1\n")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """So is one that is no text."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml: No such file"):
        load(tmp_path / "nowhere.toml", House)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        load(tmp_path / "binary", House)


def test_the_example_shows_every_option_with_its_default() -> None:
    """Commented out, so that it changes nothing."""
    text = example(House)
    assert loads(text, House) == House()
    for words in ('#address = ""', "#tall = false", '#rooms = ["kitchen"]', "[roof]"):
        assert words in text
    assert "# What it looks like." in text
    assert "#[[windows]]" in text
    assert max(map(len, text.splitlines())) <= 100


def test_the_example_can_be_made_true_by_taking_the_marks_away() -> None:
    """Every line that is an option is TOML."""
    text = example(House)
    lines = [
        line.removeprefix("#")
        for line in text.splitlines()
        if line.startswith(("#[[", "[")) or (line.startswith("#") and not line.startswith("# "))
    ]
    house = loads("\n".join(lines), House)
    assert house.windows == (Window(""),)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1.5, "1.5"),
        ('say "hi"\\', '"say \\"hi\\"\\\\"'),
        (("a", "b"), '["a", "b"]'),
        (Colour.RED, '"red"'),
        (None, '""'),
    ],
)
def test_values_are_written_as_toml(value: Any, text: str) -> None:
    """As the example needs them."""
    assert toml_value(value) == text


def test_the_line_of_a_dotted_key_is_found() -> None:
    """However a table is written."""
    assert line_of('roof.colour = "x"\n', ["roof", "colour"]) == 1
    assert line_of("# nothing\n", ["roof"]) is None


def test_where_a_setting_stands_that_turned_out_wrong_later(tmp_path: Path) -> None:
    """The line with the value that the fault quotes, else with an option that it names."""
    file = tmp_path / "cp.toml"
    file.write_text('[a]\ndoor = "tcp:1:interface=::1"\n[b]\nport = "tcp:2:interface=::"\nx = 5\n')
    for fault, line in (
        ("'tcp:2:interface=::': can be reached", "line 4: "),
        ("[b] x: is too large", "line 5: "),
        ("interface cannot be found", ""),
    ):
        assert placed(fault, str(file)) == f"{file}: {line}{fault}"
    assert placed("wrong", None) == "wrong"
