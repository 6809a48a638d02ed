"""``txocpp profiles``: tables, pictures, and what is said about mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from txocpp.cli.profiles import profiles


def wire(profile_id: int, *periods: tuple[int, float], **fields: Any) -> dict[str, Any]:
    schedule = {
        "startSchedule": "2026-06-03T00:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": s, "limit": limit} for s, limit in periods],
    }
    return {
        "chargingProfileId": profile_id,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Recurring",
        "recurrencyKind": "Daily",
        "chargingSchedule": schedule,
    } | fields


EVENING = wire(12, (0, 16), (61_200, 6.5), (75_600, 16))
FOR_TRANSACTION = wire(
    31, (0, 8), chargingProfilePurpose="TxProfile",
    chargingProfileKind="Absolute", recurrencyKind=None, transactionId=7,
)  # fmt: skip


def run(tmp_path: Path, command: str, *options: str, content: Any = EVENING) -> Result:
    file = tmp_path / "night.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    arguments = [command, str(file), "--at", "2026-06-03T12:00", *options]
    return CliRunner().invoke(profiles, arguments)


def test_a_table_with_reasons(tmp_path: Path) -> None:
    """One line per period: from when, how much, why."""
    result = run(tmp_path, "composite")
    assert result.exit_code == 0
    reason = "TxDefaultProfile 12, level 0, period from"
    assert result.output.splitlines() == [
        "Connector 1, 2026-06-03 12:00:00 UTC, 86400 s",
        "from                     limit  phases  because",
        f"2026-06-03 12:00:00       16 A       -  {reason} 00:00 UTC",
        f"2026-06-03 17:00:00      6.5 A       -  {reason} 17:00 UTC",
        f"2026-06-03 21:00:00       16 A       -  {reason} 21:00 UTC",
    ]


def test_an_answer_as_on_the_wire(tmp_path: Path) -> None:
    """With --json it is what GetCompositeSchedule would give."""
    result = run(tmp_path, "composite", "--json", "--hours", "6", "--unit", "W", "--phases", "1")
    assert json.loads(result.output) == {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": "2026-06-03T12:00:00Z",
        "chargingSchedule": {
            "duration": 21_600,
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 3680, "numberPhases": 1},
                {"startPeriod": 18_000, "limit": 1495, "numberPhases": 1},
            ],
        },
    }


def test_the_station_and_its_facts(tmp_path: Path) -> None:
    """Connector 0 with several connectors, a station limit and a time zone."""
    options = ["-c", "0", "--connectors", "3", "--station-limit", "40", "--hours", "1"]
    result = run(tmp_path, "composite", *options, "--zone", "Europe/Berlin")
    assert "Charge point, 2026-06-03 12:00:00 Europe/Berlin, 3600 s" in result.output
    assert "40 A       -  of the local limit" in result.output


def test_a_running_transaction(tmp_path: Path) -> None:
    """Its TxProfile takes part if the transaction is named; if not, a note says so."""
    both = [EVENING, FOR_TRANSACTION]
    without = run(tmp_path, "composite", "--hours", "1", content=both)
    assert "note: TxProfile 31 takes no part without --transaction 1:7" in without.stderr
    assert "  16 A  " in without.stdout
    options = ["--hours", "1", "--transaction", "1:7@2026-06-03T11:00"]
    running = run(tmp_path, "composite", *options, content=both)
    assert running.stderr == ""
    assert "   8 A  " in running.stdout
    other = run(tmp_path, "composite", "--hours", "1", "--transaction", "1:8", content=both)
    assert "note: TxProfile 31 is for transaction 7" in other.stderr


def test_replaced_profiles_are_noted(tmp_path: Path) -> None:
    """Files are installed in order; what falls out on the way is said."""
    result = run(tmp_path, "composite", content=[EVENING, wire(13, (0, 10))])
    assert "note: profile 13 replaces 12" in result.stderr


def test_another_reading(tmp_path: Path) -> None:
    """Switches of the ambiguities can be thrown."""
    generous = wire(12, (0, 40))
    assert "40 A" in run(
        tmp_path, "composite", "--switch", "cap_at_local_limit=false", content=generous
    ).output.replace("would allow", "")  # fmt: skip


def test_pictures(tmp_path: Path) -> None:
    """On the terminal in characters, into a file as SVG."""
    assert "    16 A ┤█" in run(tmp_path, "draw").output
    target = tmp_path / "day.svg"
    result = run(tmp_path, "draw", "-o", str(target), "--title", "Tuesday")
    assert result.output == f"{target} written\n"
    root = ElementTree.parse(target).getroot()
    assert root.findtext("{http://www.w3.org/2000/svg}title") == "Tuesday"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--zone", "Mars"], "time zone 'Mars': not known"),
        (["--at", "noon"], "--at: 'noon' is not a time such as"),
        (["--transaction", "1"], "--transaction: '1' is not CONNECTOR:ID"),
        (["--transaction", "1:7@noon"], "--transaction: 'noon' is not a time"),
        (["--switch", "c1"], "smart charging switch c1: not known"),
        (["--hours", "1000000"], "--hours: at most"),
        (["--hours", "many"], "'many' is not a number"),
        (["--limit", "-1"], "'-1' is not in range"),
        (["--voltage", "0"], "--voltage: must be above 0"),
        (["-c", "3", "--connectors", "2"], "connector 3 is named, --connectors is 2"),
    ],
)
def test_mistakes_on_the_command_line(tmp_path: Path, options: list[str], text: str) -> None:
    """One line that says what is wrong, and no traceback."""
    result = run(tmp_path, "composite", *options)
    assert result.exit_code != 0
    assert text in result.stderr
    assert "Traceback" not in result.output


def test_mistakes_in_a_file(tmp_path: Path) -> None:
    """File, place and fault in one line."""
    result = run(tmp_path, "composite", content=[EVENING, wire(13, (1, 10))])
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {tmp_path / 'night.json'}: [1]: the first startPeriod is 1, not 0 (SR-613)\n"
    )
    missing = CliRunner().invoke(profiles, ["draw", str(tmp_path / "none.json")])
    assert "none.json: No such file" in missing.stderr


def test_a_picture_that_cannot_be_written(tmp_path: Path) -> None:
    """The file and the reason."""
    result = run(tmp_path, "draw", "-o", str(tmp_path / "no" / "day.svg"))
    assert "day.svg: No such file or directory" in result.stderr
    other = run(tmp_path, "draw", "-o", str(tmp_path / "day.png"))
    assert "day.png: only .svg pictures are drawn" in other.stderr
    assert not (tmp_path / "day.png").exists()
