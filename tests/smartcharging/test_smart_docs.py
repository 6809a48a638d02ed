"""docs/smart-charging.md: its commands, its picture and its program do what they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from txocpp.cli.profiles import profiles
from txocpp.smartcharging import Switches

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "smart-charging.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```console\n\$ txocpp profiles ([^\n]+)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("command", "output"), COMMANDS, ids=["draw", "composite"])
def test_commands_print_what_the_page_shows(
    command: str, output: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run as written, each command prints the text below it; the picture is the one committed."""
    picture = "docs/pictures/smart-charging-day.svg"
    (tmp_path / "docs" / "pictures").mkdir(parents=True)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(profiles, shlex.split(command))
    assert result.output == output
    if picture in command:
        assert (tmp_path / picture).read_text() == (ROOT / picture).read_text()


def test_the_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The example prints what its comments say."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(program, "docs/smart-charging.md", "exec"), {})
    expected = re.findall(r"^print\(.*\)  # (.*)$", program, re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == expected


def test_every_switch_is_in_the_table() -> None:
    """The page lists all switches, and only values that they take."""
    rows = re.findall(r"\| `(\w+) = (\"?[\w-]+\"?)`", PAGE)
    assert {name for name, _ in rows} == {field.name for field in attrs.fields(Switches)}
    for name, value in rows:
        read = {"true": True, "false": False}.get(value, value.strip('"'))
        assert Switches.from_mapping({name: read}) != Switches()
