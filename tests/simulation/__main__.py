"""`python -m tests.simulation`: as many days as one likes, in search of one that goes wrong.

    python -m tests.simulation --seeds 10000 --first 0
    python -m tests.simulation --first 4711 --seeds 1 --log     one day, told in full

Prints the log of events of each day that goes wrong; the same seed gives the same day again.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Sequence

from .schedule import live_a_day
from .town import Broken


def campaign(first: int, seeds: int, *, log: bool = False, most_failures: int = 5) -> int:
    """Live the days of these seeds; gives how many went wrong."""
    failures = transactions = messages = deaths = writes = repetitions = 0
    began, told = time.perf_counter(), time.perf_counter()
    lived = 0
    for seed in range(first, first + seeds):
        lived += 1
        try:
            town = live_a_day(seed)
        except Broken as broken:
            failures += 1
            print(f"{broken}\n")
            if failures == most_failures:
                break
            continue
        transactions += len(town.referee.books)
        messages += len(town.central.heard)
        repetitions += town.central.repetitions
        deaths += town.deaths
        writes += town.writes
        if log:
            print("\n".join(town.log))
        if time.perf_counter() - told > 10:
            told = time.perf_counter()
            print(f"seed {seed}: {lived} days, {failures} went wrong", flush=True)
    gc.collect()
    passed_s = time.perf_counter() - began
    print(
        f"{lived} days in {passed_s:.0f} s ({lived / passed_s:.1f} per second), {failures} went"
        f" wrong: {transactions} transactions, {messages} messages of transactions"
        f" ({repetitions} repeated), {writes} writes, {deaths} deaths of the process"
    )
    return failures


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seeds", type=int, default=300, metavar="N", help="how many days")
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first seed")
    parser.add_argument("--log", action="store_true", help="print the log of good days, too")
    parser.add_argument("--failures", type=int, default=5, metavar="N", help="stop after so many")
    options = parser.parse_args(arguments)
    failed = campaign(options.first, options.seeds, log=options.log, most_failures=options.failures)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
