"""A small page for people and a JSON document for programs that show what a charge point does.

Read-only, and for this machine only unless somebody says otherwise: the answer to a request with a
foreign Host header would be one to a web site that pretends to be this machine.
"""

from __future__ import annotations

import ipaddress
import json
from html import escape
from typing import Any

from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site
from zope.interface import implementer

from txocpp.chargepoint.overview import overview
from txocpp.chargepoint.service import ChargePoint
from txocpp.devices.links import ListeningService, listening_endpoint

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } th, td { padding: .4rem .6rem; text-align: left }
tr + tr { border-top: 1px solid #ccc } .bad { color: #b00020 } small { color: #555 }
"""

NOTHING_FOREIGN = b"default-src 'none'; style-src 'unsafe-inline'"


@implementer(IResource)
class StatusPage(Resource):
    """``/`` is the page, ``/status.json`` the document."""

    isLeaf = True

    def __init__(self, charge_point: ChargePoint, *, any_host: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._charge_point = charge_point
        self._any_host = any_host

    def render_GET(self, request: Request) -> bytes:
        """Called by twisted.web."""
        if not self._any_host and not is_own_name(request.getRequestHostname().decode("latin-1")):
            return _plain(request, 403, "This is for its own machine only.")
        request.setHeader(b"cache-control", b"no-store")
        request.setHeader(b"x-content-type-options", b"nosniff")
        if request.path == b"/status.json":
            request.setHeader(b"content-type", b"application/json")
            return json.dumps(overview(self._charge_point)).encode()
        if request.path == b"/":
            request.setHeader(b"content-type", b"text/html; charset=utf-8")
            request.setHeader(
                b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"
            )
            return page(overview(self._charge_point)).encode()
        return _plain(request, 404, "There are / and /status.json.")


def status_service(
    charge_point: ChargePoint, reactor: Any, where: str, *, allow_remote: bool = False
) -> ListeningService:
    """A service that shows the page at `where` (`txocpp.devices.links.listening_endpoint`).

    Raises `ConfigurationError`.
    """
    site = Site(StatusPage(charge_point, any_host=allow_remote), reactor=reactor)
    site.noisy = False
    site.displayTracebacks = False
    return ListeningService(listening_endpoint(reactor, where, allow_remote=allow_remote), site)


def is_own_name(host: str) -> bool:
    """Whether a Host header means this machine itself."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host in ("localhost", "")


def page(document: dict[str, Any]) -> str:
    """The page that shows an overview; it looks again every few seconds by itself."""
    connection = document["connection"]
    line = escape(connection["state"]) + _problem(connection.get("problem"))
    registration = escape(document.get("registration", document["state"]))
    lines = [
        f"<p>{line}, {registration}, {document.get('queue', 0)} messages wait</p>",
        "<table><tr><th></th><th>status</th><th>offer</th><th>transaction</th></tr>",
        *(_row(connector) for connector in document["connectors"]),
        "</table>",
    ]
    trouble = [document.get("damage"), _trouble(document.get("store", "ok"))]
    lines += [f"<p class=bad>{escape(text)}</p>" for text in trouble if text]
    identity = escape(document["identity"])
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{identity}</title>"
        f"<meta http-equiv=refresh content=5><style>{STYLE}</style>"
        f"<h1>{identity}</h1>{''.join(lines)}</html>"
    )


def _row(connector: dict[str, Any]) -> str:
    transaction = connector["transaction"]
    charged = "" if transaction is None else f"{transaction['energy_wh'] / 1000:.2f} kWh"
    who = "" if transaction is None else escape(transaction["id_tag"])
    error = f" <span class=bad>{escape(connector['error'])}</span>" if connector["error"] else ""
    return (
        f"<tr><td>{connector['connector']}</td><td>{escape(connector['status'])}{error}</td>"
        f"<td>{escape(connector['offered_a'])} A<br><small>{escape(connector['why'])}</small></td>"
        f"<td>{who} {charged}</td></tr>"
    )


def _problem(problem: str | None) -> str:
    return f" <span class=bad>({escape(problem)})</span>" if problem else ""


def _trouble(store: str) -> str:
    return "" if store == "ok" else f"the store {store}"


def _plain(request: Request, status: int, text: str) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"content-type", b"text/plain; charset=utf-8")
    return f"{text}\n".encode()
