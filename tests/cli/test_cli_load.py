"""``txocpp load`` as people call it."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import click
import processes
import pytest
import pytest_twisted
from click.testing import CliRunner
from twisted.internet import reactor

from txocpp.cli import main
from txocpp.cli.load import LOST, raise_file_limit
from txocpp.csms.central import CentralSystem
from txocpp.transport.websocket_server import WebSocketServer


@pytest_twisted.async_yield_fixture
async def url() -> AsyncIterator[str]:
    """A central system."""
    server = WebSocketServer(reactor, "tcp:0:interface=127.0.0.1", CentralSystem(reactor))
    server.startService()
    assert server.port is not None
    yield f"ws://127.0.0.1:{server.port.getHost().port}/ocpp"
    await server.stopService()


def _start(url: str, *options: object) -> processes.RealProcess:
    command = [sys.executable, "-m", "txocpp", "load", url, *map(str, options)]
    process: processes.RealProcess = processes.start("load", command)
    return process


async def test_a_load(url: str, tmp_path: Path) -> None:
    """It plays its stations, tells how it goes, and reports to people and programs."""
    file = tmp_path / "report.json"
    options = ("--stations", 20, "--for", 6, "--faster", 200, "--cars", 10, "--json", file)
    load = _start(url, *options)
    await load.line("20 of 20 connected, 20 registered")
    await load.end()
    assert load.exit_status == 0, load.story()
    assert "nothing was lost" in load.lines
    report = json.loads(file.read_text())
    assert report["lost"] == []
    assert report["connections"]["opened"] == 20
    assert report["transactions"]["started"] == report["transactions"]["stopped"] > 0
    assert report["actions"]["BootNotification"]["latency_ms"]["p99"] > 0


async def test_ctrl_c(url: str) -> None:
    """Ctrl-C ends the load in good order, with its report."""
    load = _start(url, "--stations", 5, "--for", 0)
    await load.line("5 registered")
    assert await load.stop("INT") == 0
    assert any(line.startswith("5 stations at ws://127.0.0.1") for line in load.lines)


async def test_something_was_lost() -> None:
    """Where nobody answers, the exit status says so."""
    load = _start(f"ws://127.0.0.1:{processes.free_port()}", "--stations", 2, "--for", 1)
    await load.end()
    assert load.exit_status == LOST
    assert "LOST: 2 stations were never accepted" in load.lines


@pytest.mark.parametrize("url", ["wss://csms.example.com/ocpp", "ws://192.0.2.1/ocpp"])
def test_systems_of_others(url: str) -> None:
    """A system that is not on this computer is loaded only by somebody who says that he may."""
    outcome = CliRunner().invoke(main, ["load", url])
    assert outcome.exit_code == 2
    assert "--i-may-load-this-system" in outcome.output


def test_wrong_options() -> None:
    """What makes no sense is told in one sentence."""
    outcome = CliRunner().invoke(main, ["load", "http://127.0.0.1/"])
    assert outcome.exit_code == 2
    assert "is no URL of a central system" in outcome.output


def test_too_many_stations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system allows too few files, it is told how many stations there may be."""
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    raise_file_limit(1000)
    assert asked == []
    raise_file_limit(3000)
    assert asked == [(3000, 4096)]
    with pytest.raises(click.ClickException, match="at most 3,996 stations"):
        raise_file_limit(5000)
