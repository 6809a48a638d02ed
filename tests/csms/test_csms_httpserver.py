"""The site behind the HTTP port is made by the first who comes."""

from __future__ import annotations

import subprocess
import sys

from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Factory, Protocol

from txocpp.csms.httpserver import LateSite

SOMEBODY = IPv4Address("TCP", "127.0.0.1", 50000)


def test_the_site_is_made_once_and_ends_with_the_port() -> None:
    """Nobody comes: nothing is made. Two come: they meet the same site."""
    made: list[Factory[Protocol]] = []

    def make() -> Factory[Protocol]:
        made.append(Factory.forProtocol(Protocol))
        return made[-1]

    site = LateSite(make)
    site.doStart()
    assert made == []
    first, second = site.buildProtocol(SOMEBODY), site.buildProtocol(SOMEBODY)
    assert [first.factory, second.factory] == made * 2
    assert made[0].numPorts == 1
    site.doStop()
    assert made[0].numPorts == 0


def test_charge_points_do_not_wait_for_the_web() -> None:
    """A central system is there without web framework, pages and figures for Prometheus."""
    unwanted = ("klein", "prometheus_client", "txocpp.csms.pages", "werkzeug")
    program = (
        "import sys; import txocpp.csms.service; "
        f"print([name for name in {unwanted!r} if name in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "[]"
