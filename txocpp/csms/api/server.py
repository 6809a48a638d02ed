"""Everything that is served to people and programs, on one site."""

from __future__ import annotations

from typing import Any

from twisted.web.server import Site

from txocpp.csms import api
from txocpp.csms.api.access import Access
from txocpp.csms.api.site import Root, api_resource, web_site
from txocpp.csms.listening import is_loopback
from txocpp.csms.office import Office
from txocpp.csms.pages import add_pages
from txocpp.csms.settings import Listen


def complete_site(office: Office, listen: Listen, *, clock: Any) -> Site:
    """The API and the pages, for the port ``listen.http``."""
    access = Access(
        office.accounts,
        office.patience,
        names=listen.names,
        public=not is_loopback(listen.http),
        trusted_proxies=listen.trusted_proxies,
    )
    root = Root(api_resource(office, access, api.ROUTES))
    add_pages(root)
    return web_site(root, clock=clock)
