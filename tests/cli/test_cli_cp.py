"""``txocpp cp status``: the state of a charge point at a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.web.resource import Resource
from twisted.web.server import Site

from txocpp.cli.cp import cp, table

DOCUMENT: dict[str, Any] = {
    "identity": "CP-7",
    "state": "up",
    "connection": {"state": "not connected", "problem": "the server answered 401"},
    "registration": "Accepted",
    "queue": 3,
    "profiles": 1,
    "store": "takes no changes",
    "damage": None,
    "connectors": [
        {
            "connector": 1,
            "status": "Faulted",
            "error": "GroundFailure",
            "offered_a": "16",
            "power_w": "11040",
            "why": "16 A because the local limit says so",
            "transaction": {"id": 42, "id_tag": "TAG1", "energy_wh": 12345},
        },
        {
            "connector": 2,
            "status": "Available",
            "error": None,
            "offered_a": "0",
            "power_w": None,
            "why": "",
            "transaction": None,
        },
    ],
}


class Page(Resource):
    """A status page with a fixed document."""

    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        return json.dumps(DOCUMENT).encode()


class Nothing(Resource):
    """Another web server."""

    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        return b"<html>hello</html>"


async def settled() -> None:
    """Let the server notice that its clients have gone."""
    for _ in range(20):
        await deferLater(reactor, 0)  # type: ignore[arg-type]


def run(*arguments: str) -> Deferred[Any]:
    """The command, in a thread, as it waits for an answer of this very process."""
    return deferToThread(CliRunner().invoke, cp, ["status", *arguments])


@pytest.mark.parametrize("kind", ["tcp", "unix"])
async def test_it_shows_what_the_page_says(kind: str, tmp_path: Path) -> None:
    """Everything worth knowing is on the screen, over TCP and over a Unix socket."""
    site = Site(Page())
    if kind == "tcp":
        port = reactor.listenTCP(0, site, interface="127.0.0.1")  # type: ignore[attr-defined]
        at = f"127.0.0.1:{port.getHost().port}"
    else:
        at = str(tmp_path / "status")
        port = reactor.listenUNIX(at, site)  # type: ignore[attr-defined]
    result = await run("--at", at)
    as_json = await run("--at", at, "--json")
    await port.stopListening()
    await settled()
    assert result.exit_code == 0, result.output
    for words in (
        "CP-7  not connected (the server answered 401)",
        "Faulted (GroundFailure)",
        "42 TAG1",
        "12.35 kWh",
        "11.0 kW",
        "3 messages wait",
        "the store takes no changes",
    ):
        assert words in result.output
    assert json.loads(as_json.output) == DOCUMENT


async def test_nobody_there() -> None:
    """Where nothing listens, the command says what may be missing."""
    result = await run("--at", "127.0.0.1:1")
    assert result.exit_code == 1
    assert "[status] listen" in result.output


async def test_somebody_else_there() -> None:
    """A web server that is no charge point is told apart."""
    port = reactor.listenTCP(0, Site(Nothing()), interface="127.0.0.1")  # type: ignore[attr-defined]
    result = await run("--at", f"127.0.0.1:{port.getHost().port}")
    await port.stopListening()
    await settled()
    assert "no status page" in result.output


def test_a_charge_point_that_reboots_can_be_shown() -> None:
    """Between two boots there are no connectors to show."""
    document = {"identity": "X", "state": "rebooting", "connection": {"state": "not connected"}}
    assert table({**document, "connectors": []}).row_count == 0
