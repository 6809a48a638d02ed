"""A central system as a library: an application's own answers, without a store."""

from __future__ import annotations

from typing import Any

import pytest
from street import NOON
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from txocpp.csms import CentralSystem, Registration, Station
from txocpp.errors import ConnectionGone, RemoteError, SecurityError
from txocpp.interfaces import Credentials, IStationGate, Refusal
from txocpp.messages.v16 import (
    AuthorizationStatus,
    AuthorizeRequest,
    AuthorizeResponse,
    BootNotificationRequest,
    BootNotificationResponse,
    ClearCacheRequest,
    ClearCacheResponse,
    ClearCacheStatus,
    HeartbeatRequest,
    IdTagInfo,
    MessageFactory16,
    RegistrationStatus,
    StartTransactionRequest,
)
from txocpp.transport.memory import MemoryLink
from txocpp.transport.peer import Peer

BOOT = BootNotificationRequest(charge_point_vendor="Acme", charge_point_model="Wall")


class Meeting:
    """An application's central system, and a charge point on a memory line."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.clock.advance(NOON.timestamp())
        self.central = CentralSystem(self.clock, **options)
        self.peer = Peer(
            MessageFactory16(),
            {ClearCacheRequest: lambda _: ClearCacheResponse(status=ClearCacheStatus.ACCEPTED)},
            clock=self.clock,
        )

    def connect(self, identity: str = "CP1") -> None:
        """The charge point comes."""
        credentials = Credentials(identity=identity, address="1.2.3.4:5")
        assert self.result(self.central.admit(credentials)) is None
        receiver = self.central.receiver(credentials, "ocpp1.6")
        self.link = MemoryLink(self.clock, self.peer, receiver)
        self.link.connect()
        self.run()

    def run(self) -> None:
        """Let everything happen."""
        self.clock.pump([0] * 10)

    def result(self, deferred: Deferred[Any]) -> Any:
        """What it comes to, now."""
        self.run()
        results: list[Any] = []
        deferred.addBoth(results.append)
        if hasattr(results[0], "raiseException"):
            results[0].raiseException()
        return results[0]

    def say(self, request: Any) -> Any:
        """The charge point asks."""
        return self.result(self.peer.call(request))


def test_it_is_a_gate() -> None:
    """For any kind of server."""
    verifyObject(IStationGate, CentralSystem(Clock()))


def test_everything_is_answered_in_a_friendly_way() -> None:
    """An application replaces what it cares about."""
    meeting = Meeting()
    meeting.connect()
    assert meeting.say(BOOT).status is RegistrationStatus.ACCEPTED
    assert meeting.say(HeartbeatRequest()).current_time == NOON
    start = StartTransactionRequest(connector_id=1, id_tag="T", meter_start=0, timestamp=NOON)
    ids = [meeting.say(start).transaction_id for _ in range(2)]
    assert ids == [1, 2]


@pytest.mark.rule("Z-01")
def test_every_call_of_a_charge_point_has_an_answer() -> None:
    """All of the standard and the white paper, even without any application."""
    from txocpp.csms.v16.answers import Answers
    from txocpp.csms.v16.plain import plain_answers

    plain = plain_answers(Clock().seconds)
    full = Answers(
        None, None, Clock().seconds, boot_rules=None, authorization_rules=None  # type: ignore[arg-type]
    ).table()  # fmt: skip
    assert set(plain) == set(full)
    assert len(plain) == 14


@pytest.mark.parametrize("kind", ["plain", "deferred", "coroutine"])
def test_an_application_answers_as_it_likes(kind: str) -> None:
    """With a response, a Deferred or a coroutine."""
    meeting = Meeting()
    blocked = AuthorizeResponse(id_tag_info=IdTagInfo(status=AuthorizationStatus.BLOCKED))
    heard: list[tuple[str, str]] = []

    async def later() -> AuthorizeResponse:
        return blocked

    @meeting.central.on(AuthorizeRequest)
    def authorize(station: Station, request: AuthorizeRequest) -> Any:
        heard.append((station.identity, request.id_tag))
        return {
            "plain": lambda: blocked,
            "deferred": lambda: succeed(blocked),
            "coroutine": later,
        }[kind]()

    meeting.connect()
    assert meeting.say(AuthorizeRequest(id_tag="T")) == blocked
    assert heard == [("CP1", "T")]


def test_a_station_is_called_by_its_identity() -> None:
    """As long as it is on the line."""
    meeting = Meeting()
    meeting.connect()
    station = meeting.central.stations.find("CP1")
    assert station is not None
    response = meeting.result(station.call(ClearCacheRequest()))
    assert response.status is ClearCacheStatus.ACCEPTED
    meeting.link.cut()
    assert meeting.central.stations.find("CP1") is None
    with pytest.raises(ConnectionGone):
        meeting.result(station.call(ClearCacheRequest()))


@pytest.mark.rule("J-09")
def test_a_responder_may_call_the_station_that_it_answers() -> None:
    """Without waiting for itself."""
    meeting = Meeting()

    @meeting.central.on(AuthorizeRequest)
    async def authorize(station: Station, request: AuthorizeRequest) -> AuthorizeResponse:
        await station.call(ClearCacheRequest())
        return AuthorizeResponse(id_tag_info=IdTagInfo(status=AuthorizationStatus.ACCEPTED))

    meeting.connect()
    assert meeting.say(AuthorizeRequest(id_tag="T"))


@pytest.mark.rule("B-12")
def test_what_a_boot_was_answered_counts_from_then_on() -> None:
    """A pending station hears SecurityError."""
    meeting = Meeting()

    @meeting.central.on(BootNotificationRequest)
    def boot(station: Station, request: BootNotificationRequest) -> BootNotificationResponse:
        return BootNotificationResponse(
            current_time=NOON, interval=10, status=RegistrationStatus.PENDING
        )

    registered: list[Registration | None] = []
    meeting.central.on_registered.append(lambda station: registered.append(station.registration))
    meeting.connect()
    meeting.say(BOOT)
    assert registered == [Registration.PENDING]
    with pytest.raises(RemoteError, match="SecurityError"):
        meeting.say(HeartbeatRequest())


def test_a_doorkeeper_decides_who_comes_in() -> None:
    """Before the connection is made."""

    def nobody(credentials: Credentials) -> Deferred[Any]:
        return succeed(Refusal(404, "no such station"))

    central = CentralSystem(Clock(), doorkeeper=nobody)
    results: list[Any] = []
    central.admit(Credentials(identity="CP1")).addCallback(results.append)
    assert results == [Refusal(404, "no such station")]


def test_connections_are_announced() -> None:
    """Both ends of them; a listener that fails is logged and harms nobody."""
    meeting = Meeting()
    seen: list[Any] = []

    async def connected(station: Station) -> None:
        seen.append(("connected", station.identity, station.address))

    meeting.central.on_connected.append(connected)
    meeting.central.on_disconnected.append(lambda station, reason: seen.append(reason))
    meeting.connect()
    meeting.link.cut("gone")
    assert seen == [("connected", "CP1", "1.2.3.4:5"), "gone"]


def test_a_listener_that_fails_is_logged(logged_failures: Any) -> None:
    """At once or later."""
    meeting = Meeting()

    def broken(station: Station) -> None:
        raise ValueError("at once")

    meeting.central.on_connected += [broken, lambda station: fail(KeyError("later"))]
    meeting.connect()
    assert len(logged_failures.flush(ValueError, KeyError)) == 2
    assert "CP1" in meeting.central.stations


def test_refusals_are_just_raised() -> None:
    """The wire code is that of the error."""
    meeting = Meeting()

    @meeting.central.on(HeartbeatRequest)
    def heartbeat(station: Station, request: HeartbeatRequest) -> Any:
        raise SecurityError("not today")

    meeting.connect()
    with pytest.raises(RemoteError, match="SecurityError: not today"):
        meeting.say(HeartbeatRequest())


def test_all_stations_are_told_goodbye() -> None:
    """With 1001."""
    meeting = Meeting()
    meeting.connect()
    meeting.central.close()
    meeting.run()
    assert not meeting.peer.is_connected
    assert len(meeting.central.stations) == 0
