"""``txocpp load``: thousands of simulated charge points against any central system."""

from __future__ import annotations

import json
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)
from twisted.python.failure import Failure

from txocpp.errors import ConfigurationError
from txocpp.load import Fleet, LoadSettings, Report

SPARE_FILES: Final = 100
"""Beside one socket for each station."""
LIVE_EVERY_S: Final = 0.5
LINE_EVERY_S: Final = 5.0
LOST: Final = 3
"""Exit status if something was lost."""


@click.command()
@click.argument("url")
@click.option("--stations", default=100, show_default=True, help="How many charge points.")
@click.option("--connectors", default=2, show_default=True, help="Of each.")
@click.option("--prefix", default="LOAD-", show_default=True, help="Identities begin with it.")
@click.option(
    "--password",
    help="For HTTP Basic; {identity} stands for the identity, hex:... for an AuthorizationKey.",
)
@click.option(
    "--trust",
    "trust_roots",
    type=click.Path(exists=True, path_type=Path),
    help="Roots of the server's certificate, for wss URLs.",
)
@click.option(
    "--for",
    "duration_s",
    default=60.0,
    show_default=True,
    help="Seconds of load, the connecting included; 0: until Ctrl-C.",
)
@click.option(
    "--ramp",
    "ramp_s",
    type=float,
    help="Seconds over which the stations connect; 0: all at once.  [default: 1 for each 100]",
)
@click.option("--faster", default=1.0, show_default=True, help="Simulated seconds in a real one.")
@click.option(
    "--cars",
    "cars_per_hour",
    default=1.0,
    show_default=True,
    help="That arrive at a free connector, in an hour of simulated time.",
)
@click.option(
    "--stay", default=60.0, show_default=True, help="Of a car, on average, in simulated minutes."
)
@click.option(
    "--sample",
    "sample_interval_s",
    default=60,
    show_default=True,
    help="Simulated seconds between meter values; 0: none.",
)
@click.option(
    "--lose",
    "losses_per_hour",
    default=0.0,
    help="Lines lost per station, in an hour of simulated time.",
)
@click.option(
    "--cut-every", "cut_every_s", default=0.0, help="Cut all lines at once, every so many seconds."
)
@click.option(
    "--boot-always", is_flag=True, help="Stations boot with every connection, not only the first."
)
@click.option(
    "--wait",
    "first_wait_s",
    default=1.0,
    show_default=True,
    help="Seconds before a lost line is dialled again; doubled with each failure.",
)
@click.option(
    "--timeout", "timeout_s", default=30.0, show_default=True, help="Seconds for an answer."
)
@click.option("--tags", default=1000, show_default=True, help="Different id tags.")
@click.option("--tag-prefix", default="TAG", show_default=True, help="Tags begin with it.")
@click.option("--seed", default=1, show_default=True, help="Another one gives other cars.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Report as JSON, too.")
@click.option(
    "--i-may-load-this-system",
    "may",
    is_flag=True,
    help="Needed for every URL that is not on this computer.",
)
def load(
    ramp_s: float | None, stay: float, json_file: Path | None, may: bool, **options: Any
) -> None:
    """Play many charge points against the central system at URL, without identities:
    ws://127.0.0.1:9000/ocpp.

    They boot, beat, and charge cars until --for is over or Ctrl-C; then comes a report. The exit
    status is 3 if something was lost.
    """
    if ramp_s is None:
        ramp_s = options["stations"] / 100
    try:
        settings = LoadSettings(ramp_s=ramp_s, stay_s=stay * 60, **options)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None
    if not settings.is_loopback and not may:
        raise click.UsageError(
            f"{settings.url} is not on this computer. Whoever may put load on it says so with "
            "--i-may-load-this-system"
        )
    raise_file_limit(settings.stations + SPARE_FILES)
    sys.exit(_run(settings, json_file))


def raise_file_limit(needed: int) -> None:
    """Allow so many open files. Raises `click.ClickException` where that is not permitted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    wanted = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        wanted = soft
    if wanted < needed:
        raise click.ClickException(
            f"every station needs a socket, but only {wanted:,} files may be open at a time; play "
            f"at most {wanted - SPARE_FILES:,} stations, or raise the limit (ulimit -Hn)"
        )


def _run(settings: LoadSettings, json_file: Path | None) -> int:
    from twisted.internet import reactor  # installed only when something is to run

    quiet = FilteringLogObserver(
        textFileLogObserver(sys.stderr), [LogLevelFilterPredicate(LogLevel.error)]
    )
    globalLogBeginner.beginLoggingTo([quiet], redirectStandardIO=False, discardBuffer=True)
    try:
        run = _Run(reactor, settings, Console(stderr=True))
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from None
    status = [1]

    def over(result: Report | Failure) -> None:
        if isinstance(result, Failure):
            result.printTraceback()
        else:
            click.echo(result.text())
            if json_file is not None:
                json_file.write_text(json.dumps(result.as_dict(), indent=2) + "\n")
            status[0] = LOST if result.losses else 0
        reactor.stop()

    def begin() -> None:
        # After the reactor's own: Ctrl-C ends the load, not the program.
        interrupt = run.interrupt
        signal.signal(signal.SIGINT, lambda *_: reactor.callFromThread(interrupt))  # type: ignore[attr-defined]
        Deferred.fromCoroutine(run.all()).addBoth(over)

    reactor.callWhenRunning(begin)
    reactor.run()
    return status[0]


class _Run:
    """One load from the first connection to the report, and whoever watches it."""

    def __init__(self, reactor: Any, settings: LoadSettings, console: Console) -> None:
        self._reactor = reactor
        self._settings = settings
        self._console = console
        self._live: Live | None = None
        self._fleet = Fleet(reactor, settings)
        self._over: Deferred[None] = Deferred()
        self._interruptions = 0
        self._said = 0
        self._phase = ""
        self._closing: Deferred[bool] | None = None

    def interrupt(self) -> None:
        """Ctrl-C: end the load; again: end it without good order."""
        self._interruptions += 1
        if not self._over.called:
            self._over.callback(None)
        elif self._closing is not None and self._interruptions > 1:
            self._closing.cancel()

    async def all(self) -> Report:
        """Load, end in good order, report."""
        reactor, settings, fleet = self._reactor, self._settings, self._fleet
        watching = LoopingCall(self._show)
        every_s = LIVE_EVERY_S if self._console.is_terminal else LINE_EVERY_S
        began = reactor.seconds()
        fleet.start()
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        watching.start(every_s, now=False)
        if settings.duration_s:
            self._over.addTimeout(settings.duration_s, reactor, onTimeoutCancel=lambda *_: None)
        try:
            await self._over
            elapsed_s, census = reactor.seconds() - began, fleet.census()
            self._phase = "ending: "
            await self._close()
            await fleet.stop()
        finally:
            watching.stop()
            if self._live is not None:
                self._live.stop()
        return Report(settings=settings, figures=fleet.figures, census=census, elapsed_s=elapsed_s)

    async def _close(self) -> None:
        """Until everything is delivered, or nobody wants to wait any longer."""
        self._closing = Deferred.fromCoroutine(self._fleet.close())
        with suppress(CancelledError):
            await self._closing

    def _show(self) -> None:
        census, figures = self._fleet.census(), self._fleet.figures
        every_s = LIVE_EVERY_S if self._live is not None else LINE_EVERY_S
        sent, self._said = figures.sent - self._said, figures.sent
        p99_ms = figures.latencies().quantile_s(0.99) * 1000
        words = (
            f"{self._phase}{census.connected:,} of {census.stations:,} connected, "
            f"{census.accepted:,} registered, {census.charging:,} charging; "
            f"{sent / every_s:,.0f} calls/s, p99 {p99_ms:,.1f} ms; "
            f"{figures.errors:,} errors, {figures.timed_out:,} late, "
            f"{figures.refused.total() + figures.failed.total():,} refused, "
            f"{figures.closed.total():,} closed, {census.waiting:,} waiting"
        )
        if self._live is not None:
            self._live.update(Text(words), refresh=True)
        else:
            click.echo(words, err=True)
