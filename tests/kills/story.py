"""Load, kill, restart, and again; at the end every transaction is there once."""

from __future__ import annotations

import random
from pathlib import Path

import attrs
import daemons
import processes
from twisted.internet import reactor
from twisted.internet.task import deferLater

from txocpp.load import Fleet, LoadSettings

from .books import Books

PATIENCE_S = 120.0
"""For anything, on a busy machine."""
BUSY = 30
"""Messages that a life of the central system acknowledges at least before it may die."""


@attrs.frozen
class Outcome:
    """How it went."""

    transactions: int
    samples: int
    energy_wh: int
    cut_off: int
    """Calls whose answer was lost, among them all that were acted upon but not acknowledged."""
    sent: int


async def kill_again_and_again(
    folder: Path,
    *,
    kills: int,
    stations: int,
    seed: int = 1,
    database: str | None = None,
    longest_s: float = 3600.0,
) -> Outcome:
    """Kill the central system so many times under the load of so many stations, then compare.

    `database`: a URL; None: a SQLite file in the folder. `longest_s`: more than it will take; the
    simulated time begins so much earlier that no station is ever ahead of ours.
    """
    dice, books = random.Random(seed), Books()
    central = daemons.CentralSystem(folder, database=database)
    fleet = Fleet(
        reactor,
        LoadSettings(
            url=central.url,
            stations=stations,
            ramp_s=0.5,
            duration_s=longest_s,
            faster=60,
            cars_per_hour=60,
            stay_s=400,
            sample_interval_s=120,
            losses_per_hour=4,
            first_wait_s=0.1,
            longest_wait_s=0.4,
            seed=seed,
        ),
        on_settled=books.write,
    )
    await central.start()
    fleet.start()
    try:
        for _ in range(kills):
            await _busy(books, len(books.samples) + BUSY)
            await deferLater(reactor, dice.uniform(0, 1.2), lambda: None)
            await central.stop("KILL")
            await central.start()
        await _busy(books, len(books.samples) + BUSY)
        assert await fleet.close(PATIENCE_S), f"{fleet.census()}\n{central.running.story()}"
        central.assert_no_traceback()
    finally:
        await fleet.stop()
        await central.stop()
    figures = fleet.figures
    assert figures.losses() == []
    books.compare(central.database)
    return Outcome(
        transactions=len(books.starts),
        samples=len(books.samples),
        energy_wh=books.energy_wh,
        cut_off=sum(action.cut_off for action in figures.actions.values()),
        sent=figures.sent,
    )


async def _busy(books: Books, samples: int) -> None:
    await processes.eventually(
        lambda: len(books.samples) >= samples,
        "meter values are acknowledged",
        every_s=0.02,
        within_s=PATIENCE_S,
    )
