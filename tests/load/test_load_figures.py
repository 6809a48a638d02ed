"""Counts and latencies of a load, and what is told about them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txocpp.errors import ConfigurationError
from txocpp.load import Census, LoadSettings, Report
from txocpp.load.figures import STEP, Figures, Latencies

DURATIONS = st.lists(st.floats(1e-5, 100, allow_nan=False), min_size=1, max_size=200)


@given(DURATIONS, st.floats(0.01, 1))
def test_quantiles(durations: list[float], share: float) -> None:
    """A quantile is the true one, as exact as the buckets are wide."""
    latencies = Latencies()
    for duration_s in durations:
        latencies.add(duration_s)
    true = sorted(durations)[max(1, math.ceil(share * len(durations))) - 1]
    assert true / STEP <= latencies.quantile_s(share) <= true * STEP
    assert latencies.longest_s == max(durations)


def test_no_latencies() -> None:
    """Nothing was measured: zero everywhere."""
    assert set(Latencies().figures_ms().values()) == {0}


def _report(figures: Figures, begun: int = 1) -> Report:
    census = Census(stations=1, begun=begun, connected=1, accepted=1, charging=0, waiting=0)
    settings = LoadSettings(url="ws://127.0.0.1:9000/ocpp")
    return Report(settings=settings, figures=figures, census=census, elapsed_s=10)


def test_a_good_report() -> None:
    """Everything was answered: the table shows it, and nothing was lost."""
    figures = Figures(registered=1)
    action = figures.action("Heartbeat")
    action.sent = action.answered = 2
    action.latencies.add(0.010)
    action.latencies.add(0.030)
    report = _report(figures)
    assert report.losses == []
    words = report.text().splitlines()
    assert words[-1] == "nothing was lost"
    line = next(line for line in words if line.startswith("Heartbeat"))
    assert line.split()[1:6] == ["2", "2", "-", "-", "-"]
    assert line.split()[-1] == "30.0"
    assert report.as_dict()["calls"]["answered"] == 2


def test_a_bad_report() -> None:
    """Whatever was lost is said in the last line, and in the JSON."""
    figures = Figures(undelivered=3)
    action = figures.action("Authorize")
    action.sent, action.timed_out = 2, 1
    action.errors["GenericError"] = 1
    figures.refused["HTTP 401"] = 4
    report = _report(figures)
    assert report.losses == [
        "1 calls were not answered in time",
        "1 calls were answered with a CALLERROR",
        "3 transaction messages were not delivered",
        "1 stations were never accepted",
    ]
    assert report.text().splitlines()[-1].startswith("LOST: 1 calls were not answered in time;")
    assert "refused: 4 HTTP 401" in report.text()
    assert "CALLERROR: 1 Authorize GenericError" in report.text()
    assert report.as_dict()["lost"] == report.losses


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("ws://127.0.0.1:9000/ocpp", True),
        ("ws://localhost/ocpp", True),
        ("ws://[::1]:9000", True),
        ("wss://csms.example.com/ocpp", False),
        ("ws://127.example.com/ocpp", False),
        ("ws://10.0.0.1/ocpp", False),
    ],
)
def test_loopback(url: str, loopback: bool) -> None:
    """Only addresses of this computer count as this computer."""
    assert LoadSettings(url=url).is_loopback is loopback


def test_passwords() -> None:
    """The same text for all, with the identity in it, or the digits of a key."""
    url = "ws://127.0.0.1"
    assert LoadSettings(url=url).password_of("A") is None
    assert LoadSettings(url=url, password="of {identity}").password_of("A") == b"of A"
    assert LoadSettings(url=url, password="hex:00ff").password_of("A") == b"\x00\xff"
    with pytest.raises(ConfigurationError, match="hexadecimal"):
        LoadSettings(url=url, password="hex:xy").password_of("A")


@pytest.mark.parametrize(
    "wrong",
    [
        {"stations": 0},
        {"faster": 0},
        {"faster": 10, "duration_s": 0},
        {"tag_prefix": "A" * 15},
        {"url": "http://127.0.0.1/"},
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, object]) -> None:
    """They are refused before anything begins."""
    with pytest.raises(ConfigurationError):
        LoadSettings(**{"url": "ws://127.0.0.1", **wrong})  # type: ignore[arg-type]
