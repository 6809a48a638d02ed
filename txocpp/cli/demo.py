"""``txocpp demo``: a central system and a charge point in one go, and a story to watch."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.internet.task import LoopingCall
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.cli.demonstration.conversation import Listener
from txocpp.cli.demonstration.fastclock import FastClock
from txocpp.cli.demonstration.house import IDENTITY, MAXIMUM_A, House
from txocpp.cli.demonstration.screen import Screen
from txocpp.cli.demonstration.story import Story, StoryFailed
from txocpp.devices.links import listening_endpoint
from txocpp.errors import ConfigurationError, TxocppError

SHOW_EVERY_S = 0.15
PAUSE_S = 1.5


@click.command()
@click.option("--once", is_flag=True, help="End after the story; status 0 if it came out right.")
@click.option(
    "--speed",
    default=90.0,
    show_default=True,
    type=click.FloatRange(1, 1000),
    help="Seconds of the story in a second of yours.",
)
@click.option(
    "--pause",
    "pause_s",
    default=PAUSE_S,
    show_default=True,
    type=click.FloatRange(0, 60),
    help="Seconds to read between two acts.",
)
@click.option(
    "--http",
    default="tcp:8080:interface=127.0.0.1",
    show_default=True,
    help="Where the central system's pages and API are.",
)
@click.option(
    "--control",
    default="tcp:7716:interface=127.0.0.1",
    show_default=True,
    help="Where `txocpp sim` reaches the simulated charger.",
)
@click.pass_context
def demo(
    context: click.Context, once: bool, speed: float, pause_s: float, http: str, control: str
) -> None:  # fmt: skip
    """Watch a charge point obey a charging limit.

    Starts a central system and a charge point with two simulated connectors, plays a charging
    session of an hour and a half in accelerated time, and then leaves both running for you to
    play with, until Ctrl-C.
    """
    from twisted.internet import reactor

    console = Console(highlight=False)
    performance = Performance(reactor, console, once=once, speed=speed, pause_s=pause_s)
    with tempfile.TemporaryDirectory(prefix="txocpp-demo-") as folder:
        try:
            performance.prepare(Path(folder), http=http, control=control)
        except ConfigurationError as error:
            words = str(error).replace("listen.http", "--http")
            raise click.ClickException(words) from error
        performance.run()
    context.exit(performance.status)


@implementer(ILogObserver)
class Performance:
    """One run of the demonstration."""

    def __init__(
        self, reactor: Any, console: Console, *, once: bool, speed: float, pause_s: float
    ) -> None:
        self.status = 1
        self._reactor = reactor
        self._console = console
        self._once = once
        self._pause_s = pause_s
        self._clock = FastClock(reactor, begin=time.time() // 60 * 60, factor=speed)
        self._screen = Screen(console, maximum_a=MAXIMUM_A)
        self._faults: list[str] = []

    def prepare(self, folder: Path, *, http: str, control: str) -> None:
        """Build the house. Raises `ConfigurationError` for endpoints that make no sense."""
        if not http:
            raise ConfigurationError("--http: the pages need a port, for example tcp:8080")
        try:
            listening_endpoint(self._reactor, control)
        except ConfigurationError as error:
            raise ConfigurationError(f"--control: {error}") from error
        self._house = House(self._reactor, self._clock, folder, http=http, control=control)
        self._listener = Listener(self._screen, self._house.now)
        self._house.heard = self._listener

    def run(self) -> None:
        """Play, and run the reactor until the end."""
        globalLogPublisher.addObserver(self)
        self._showing = LoopingCall(self._show)
        self._showing.clock = self._reactor
        playing: list[Deferred[None]] = []
        self._reactor.callWhenRunning(
            lambda: playing.append(Deferred.fromCoroutine(self._perform()))
        )
        # SIGINT stops the reactor; what plays is taken down first.
        self._reactor.addSystemEventTrigger("before", "shutdown", lambda: self._take_down(playing))
        self._reactor.run()
        globalLogPublisher.removeObserver(self)
        for fault in self._faults:
            self._console.print(f"the story did not come out right: {fault}", style="red")

    async def _perform(self) -> None:
        self._screen.open()
        self._clock.start()
        self._showing.start(SHOW_EVERY_S)
        try:
            await Story(self._house, self._screen, self._breathe).play()
        except CancelledError:
            return
        except StoryFailed as failure:
            self._faults.append(str(failure))
        except ConfigurationError as failure:
            self._faults.append(f"{failure} (--http and --control take other ports)")
        except Exception:
            self._faults.append(Failure().getTraceback())
        self._clock.factor = 1.0
        if not self._faults:
            self.status = 0
        if self._once or self._faults:
            self._stop()
            return
        await self._invite()

    async def _invite(self) -> None:
        ocpp, http = self._house.ports
        txocpp = os.environ.get("TXOCPP_COMMAND", "txocpp")
        sim = f"{txocpp} sim --at {self._house.door_address}"
        central = f"http://127.0.0.1:{http}"
        self._screen.chapter("Both go on running, at the speed of your clock, until Ctrl-C")
        self._listener.untold |= {"MeterValues"}
        with contextlib.suppress(CancelledError, TxocppError):
            await self._house.sample_often()
        for what, where in (
            ("central system", f"{central}/"),
            ("for charge points", f"ws://127.0.0.1:{ocpp}/ocpp/IDENTITY"),
            ("plug the car in", f"{sim} plug 1"),
            ("hold a tag to the reader", f"{sim} swipe DEMO-TAG -c 1"),
            ("what the charger does", f"{sim} state"),
            ("set a limit of 10 A", f"{txocpp} csms --url {central} limit {IDENTITY} 10"),
        ):
            self._console.print(f"  {what:<26} [bold]{where}[/bold]", soft_wrap=True)

    async def _breathe(self) -> None:
        if self._pause_s <= 0:
            return
        hold, self._clock.hold = self._clock.hold, lambda: True
        pause: Deferred[None] = Deferred()
        self._reactor.callLater(self._pause_s, pause.callback, None)
        await pause
        self._clock.hold = hold

    def _show(self) -> None:
        self._screen.show(self._house.now(), self._house.gauges())

    def _take_down(self, playing: list[Deferred[None]]) -> Deferred[None]:
        for play in playing:
            play.cancel()
        if self._showing.running:
            self._showing.stop()
        self._screen.close()
        # Whoever waits for an answer that will not come must not hold the time.
        self._clock.hold = lambda: False
        down = Deferred.fromCoroutine(self._house.close())
        down.addTimeout(10, self._reactor)
        down.addErrback(lambda failure: self._faults.append(failure.getErrorMessage()))
        return down.addCallback(lambda _: self._clock.stop())

    def _stop(self) -> None:
        with contextlib.suppress(ReactorNotRunning):
            self._reactor.stop()

    def __call__(self, event: LogEvent) -> None:
        """Errors that anybody logs are faults of the story."""
        if event.get("log_failure") is not None or event["log_level"] >= LogLevel.error:
            failure = event.get("log_failure")
            text = failure.getTraceback() if failure is not None else formatEvent(event)
            self._faults.append(text)
            self.status = 1
