"""Events as they happen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from street import Street, outcome_of
from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.web.http import HTTPChannel

from txocpp.csms import api
from txocpp.csms.api.access import Access
from txocpp.csms.api.endpoint import Answer, Endpoints
from txocpp.csms.api.live import KEEPALIVE_S, MOST_UNSENT
from txocpp.csms.api.site import Root, api_resource, web_site


class Browser:
    """A connection that asks for something, events if nothing else, and may go away."""

    def __init__(
        self,
        street: Street,
        query: str = "",
        *,
        request: str = "",
        routes: Iterable[Endpoints] = api.ROUTES,
    ) -> None:
        access = Access(street.office.accounts, street.office.patience)
        site = web_site(Root(api_resource(street.office, access, routes)), clock=street.clock)
        self.channel: HTTPChannel = site.buildProtocol(None)
        self.transport = StringTransport()
        self.channel.makeConnection(self.transport)
        request = request or f"GET /api/events{query} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        self.channel.dataReceived(request.encode())
        street.run()

    @property
    def text(self) -> str:
        """Everything that came."""
        return self.transport.value().decode()

    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Kind and facts of every event."""
        found = []
        for block in self.text.split("\n\n"):
            lines = [line for line in block.splitlines() if ": " in line]
            kind = next((line[7:] for line in lines if line.startswith("event: ")), None)
            if kind is not None:
                data = next(line[6:] for line in lines if line.startswith("data: "))
                found.append((kind, json.loads(data)))
        return found

    def close(self) -> None:
        """The browser goes."""
        from twisted.internet.error import ConnectionDone
        from twisted.python.failure import Failure

        self.channel.connectionLost(Failure(ConnectionDone()))


def test_events_are_told_as_they_happen(street: Street) -> None:
    """With station, moment and facts."""
    browser = Browser(street)
    assert "text/event-stream" in browser.text
    cp = street.booted()
    cp.start()
    kinds = [kind for kind, _ in browser.events()]
    assert kinds == ["station.connected", "station.booted", "transaction.started"]
    facts = browser.events()[-1][1]
    assert facts["station"] == "CP1"
    assert facts["at"] == "2026-06-01T12:00:00Z"
    assert facts["id_tag"] == "TAG"
    browser.close()


def test_only_what_is_wanted_is_told(street: Street) -> None:
    """By station and by kind."""
    browser = Browser(street, "?station=CP2&kinds=transaction.,connector.")
    for identity in ("CP1", "CP2"):
        cp = street.booted(identity)
        cp.status("Charging")
        cp.start()
    told = [(kind, facts["station"]) for kind, facts in browser.events()]
    assert told == [("connector.status", "CP2"), ("transaction.started", "CP2")]
    browser.close()


def test_a_quiet_line_is_kept_alive(street: Street) -> None:
    """By comments, which browsers pass over."""
    browser = Browser(street)
    before = browser.text.count(": still here")
    street.clock.advance(KEEPALIVE_S)
    assert browser.text.count(": still here") == before + 1
    browser.close()


def test_who_may_not_look_any_more_hears_nothing_more(street: Street) -> None:
    """After logging out, or with a token that was taken away; others go on hearing."""
    accounts = street.office.accounts
    _, key = outcome_of(Deferred.fromCoroutine(_logged_in(street)))
    token, text = outcome_of(Deferred.fromCoroutine(accounts.add_token("watch", "viewer", None)))
    cookie = f"Cookie: txocpp_session={key}"
    people = [_hearing(street, shown) for shown in (cookie, f"Authorization: Bearer {text}")]
    outcome_of(Deferred.fromCoroutine(accounts.log_out(key)))
    street.run(KEEPALIVE_S)
    street.booted()
    told = [len(one.events()) for one in people]
    assert told == [0, 2]
    street.change(lambda records: records.accounts.remove_token(token.id))
    street.run(KEEPALIVE_S)
    street.booted("CP2")
    assert [len(one.events()) for one in people] == told
    for one in people:
        one.close()


def _hearing(street: Street, shown: str) -> Browser:
    request = f"GET /api/events HTTP/1.1\r\nHost: localhost\r\n{shown}\r\n\r\n"
    return Browser(street, request=request)


async def _logged_in(street: Street) -> tuple[Any, str]:
    accounts = street.office.accounts
    await accounts.add("anna", "admin", "correct horse")
    found = await accounts.log_in("anna", "correct horse")
    assert found is not None
    return found


def test_a_browser_that_has_gone_is_forgotten(street: Street) -> None:
    """Nothing is made for it any more."""
    browser = Browser(street)
    before = len(street.office.events._listeners)
    browser.close()
    street.run()
    assert len(street.office.events._listeners) == before - 1
    assert not street.clock.getDelayedCalls()


def test_a_slow_reader_gets_what_it_missed(street: Street) -> None:
    """Its events wait while its line is full."""
    browser = Browser(street)
    producer = browser.transport.producer
    assert producer is not None
    producer.pauseProducing()
    street.booted()
    assert browser.events() == []
    producer.resumeProducing()
    assert len(browser.events()) == 2
    browser.close()


def test_a_reader_that_never_reads_is_dropped(street: Street) -> None:
    """Events do not gather for ever."""
    browser = Browser(street)
    producer = browser.transport.producer
    assert producer is not None
    producer.pauseProducing()
    long = "x" * 10_000
    for _ in range(MOST_UNSENT // 10_000 + 2):
        street.office.events.tell("test.event", None, text=long)
    assert browser.transport.disconnecting or browser.transport.disconnected
    browser.close()


def test_who_hangs_up_early_is_on_the_trail_all_the_same(street: Street) -> None:
    """The station does what it was asked to do, whoever waits for its answer."""
    cp = street.booted()
    cp.answers["ClearCache"] = Deferred()
    body = '{"action": "ClearCache"}'
    hasty = Browser(
        street,
        request="POST /api/stations/CP1/operations HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}",
    )
    hasty.close()
    street.run()
    (noted,) = street.ask(lambda records: records.accounts.trail())
    assert (noted.what, noted.target) == ("POST /api/stations/<identity>/operations", "CP1")
    assert [action for action, _ in cp.heard] == ["ClearCache"]
    cp.leave()


def test_a_list_that_breaks_off_is_no_complete_answer(street: Street, logged_failures: Any) -> None:
    """The connection is cut, so that nobody takes what came for all of it."""
    routes = Endpoints("broken")

    @routes.get("/api/broken.csv", content_type="text/csv")
    async def broken(office: Any, call: Any) -> Answer:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"id,station"
            raise ValueError("a fault of ours")

        return Answer(pieces())

    request = "GET /api/broken.csv HTTP/1.1\r\nHost: localhost\r\n\r\n"
    reader = Browser(street, request=request, routes=[routes])
    assert "id,station" in reader.text
    assert reader.transport.disconnecting
    assert len(logged_failures.flush(ValueError)) == 1
    reader.close()
