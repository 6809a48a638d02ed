"""What the commands share that talk to a charger controller: a session, and an end to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from txocpp.devices.esp8266.host_line import HostLine
from txocpp.devices.esp8266.session import NO_ANSWER
from txocpp.devices.esp8266.words import Greeting
from txocpp.devices.links import device_endpoint, parse_description
from txocpp.devices.persistent_line import why_no_line
from txocpp.errors import DeviceOffline, TxocppError

_STRANGE = (
    "somebody speaks there, but not evlink/1: another baud rate, a board that is in Python's "
    "prompt, or one without the firmware"
)


class Talk:
    """One conversation with one evlink/1 device, by a person.

    It takes the session from a charge point that talks to the same device over the network.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        where: str,
        *,
        key: bytes | None = None,
        on_heard: Callable[[str, dict[str, Any]], None] = lambda name, data: None,
        on_line: Callable[[str], None] = lambda words: None,
        tap: Callable[[str, bytes], None] = lambda way, data: None,
    ) -> None:
        self.greeting: Greeting | None = None
        self._on_heard = on_heard
        self._on_line = on_line
        self._tap = tap
        self._heard_something = False
        self._where = where
        self._waiting: Deferred[Greeting] = Deferred()
        self.line = HostLine(
            reactor,
            device_endpoint(reactor, where),
            self,
            key=key,
            serial=parse_description(where).kind == "serial",
            name=where,
            tap=self._taps,
            on_failure=self._unreachable,
        )
        self.line.startService()

    async def session(self) -> Greeting:
        """Who answers. Raises `DeviceOffline` if nobody does, or not to this key."""
        return await self._waiting

    def ask(self, verb: str, args: Mapping[str, Any]) -> Deferred[dict[str, Any]]:
        """One request."""
        return self.line.ask(verb, args)

    def over(self, story: Deferred[None]) -> Deferred[None]:
        """Hang up when the story has ended, however it ended."""

        def hang_up(outcome: Any) -> Deferred[Any]:
            closed = maybeDeferred(self.line.stopService)
            return closed.addCallback(lambda _: outcome)

        return story.addBoth(hang_up)

    def session_opened(self, greeting: Greeting) -> None:
        """For the line."""
        self.greeting = greeting
        if not self._waiting.called:
            self._waiting.callback(greeting)
        else:
            self._on_line(f"{greeting.id} is there again, start no. {greeting.boots}")

    def session_refused(self, reason: str) -> None:
        """For the line. A board that the opening of the port has reset needs some seconds: that it
        does not answer is said when the line counts as down."""
        if not reason.startswith(NO_ANSWER):
            self._fail(reason)

    def session_ended(self) -> None:
        """For the line, which looks for a new session by itself."""
        self._on_line("it does not answer any more")

    def went_down(self) -> None:
        """For the line."""
        self._fail(_STRANGE if self._heard_something else "nobody answers there")

    def heard(self, name: str, data: dict[str, Any]) -> None:
        """For the line."""
        self._on_heard(name, data)

    def missed(self) -> None:
        """For the line; a person sees the gap."""

    def _taps(self, way: str, data: bytes) -> None:
        self._heard_something = self._heard_something or way == "<"
        self._tap(way, data)

    def _unreachable(self, why: str) -> None:
        self._fail(why.removeprefix(f"{parse_description(self._where).parts[0]}: "))

    def _fail(self, reason: str) -> None:
        if not self._waiting.called:
            self._waiting.errback(DeviceOffline(f"{self._where}: {reason}"))


def run(begin: Callable[[Any], Deferred[None]]) -> bool:
    """Run a story in the reactor until it ends; True if it ended well, else its reason is shown."""
    from twisted.internet import reactor  # installed only when something is to run

    well = False

    def ended(outcome: object) -> None:
        nonlocal well
        well = not isinstance(outcome, Failure)
        if isinstance(outcome, Failure):
            known = outcome.check(TxocppError, ConnectError)
            click.echo(
                f"Error: {why_no_line(outcome)}" if known else outcome.getTraceback(), err=True
            )
        if reactor.running:
            reactor.stop()

    def start() -> None:
        maybeDeferred(begin, reactor).addBoth(ended)

    reactor.callWhenRunning(start)
    reactor.run()
    return well
