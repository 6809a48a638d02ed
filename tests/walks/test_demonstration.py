"""The demonstration, as a person starts it."""

import json
import os
import socket
import subprocess
import sys
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.request import urlopen

LOCAL = "tcp:0:interface=127.0.0.1"


def demonstrate(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "txocpp", "demo", "--once", "--pause", "0", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_story_comes_out_right() -> None:
    """Both roles play a charging session under limits, and the books agree in the end."""
    shown = demonstrate("--speed", "600", "--http", LOCAL, "--control", LOCAL)
    assert shown.returncode == 0, shown.stdout[-3000:] + shown.stderr
    for words in (
        "BootNotification",
        "connector 1, TxProfile: 8 A, 12 A after 15 min",
        "connector 1  Charging      limit  8.0 A  current  8.0 A",
        "connector 1  SuspendedEVSE limit  0.0 A  current  0.0 A",
        "connector 2: 4",
        "in the books of the central system ✓",
    ):
        assert words in shown.stdout, words
    assert "\x1b[" not in shown.stdout


def test_afterwards_the_car_can_be_limited_as_it_is_written() -> None:
    """The commands that the demonstration ends with work, word for word, at the right time."""
    options = ("--speed", "1000", "--pause", "0", "--http", LOCAL, "--control", LOCAL)
    command = [sys.executable, "-u", "-m", "txocpp", "demo", *options]
    demonstration = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TXOCPP_COMMAND": f"{sys.executable} -m txocpp"},
    )
    try:
        assert demonstration.stdout is not None
        written: dict[str, list[str]] = {}
        for line in demonstration.stdout:
            what, _, rest = line.strip().partition("  ")
            written[what] = rest.split()
            if what == "set a limit of 10 A":
                break
        for what in ("plug the car in", "hold a tag to the reader", "set a limit of 10 A"):
            done = subprocess.run(written[what], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        assert "SetChargingProfile to DEMO-1: Accepted" in done.stdout
        with urlopen(written["central system"][0] + "api/stations/DEMO-1") as answer:
            told = parsedate_to_datetime(answer.headers["Date"])
            last_seen = datetime.fromisoformat(json.load(answer)["last_seen"])
        assert abs(told - last_seen) < timedelta(minutes=10)
    finally:
        demonstration.terminate()
        demonstration.communicate()


def test_a_taken_port_is_named() -> None:
    """Without its port the demonstration says which one it is and fails."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shown = demonstrate("--http", LOCAL, "--control", f"tcp:{port}:interface=127.0.0.1")
    assert shown.returncode == 1
    assert str(port) in shown.stdout + shown.stderr
    assert "--control" in " ".join((shown.stdout + shown.stderr).split())
    assert "Traceback" not in shown.stdout + shown.stderr


def test_gists_tell_schedules_in_words() -> None:
    """A schedule is told as steps, a composite likewise."""
    from txocpp.cli.demonstration.gist import answer_gist, request_gist

    schedule = {
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [
            {"startPeriod": 0, "limit": 8.0},
            {"startPeriod": 3725, "limit": 12.5},
        ],
    }
    answer = json.loads(json.dumps({"status": "Accepted", "chargingSchedule": schedule}))
    assert answer_gist("GetCompositeSchedule", answer) == "8 A, 12.5 A after 1 h 2 min 5 s"
    assert request_gist("RemoteStopTransaction", {"transactionId": 4}) == "transaction 4"
    assert request_gist("ClearCache", {}) == ""
