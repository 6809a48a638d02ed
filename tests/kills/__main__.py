"""`python -m tests.kills`: kill the central system as often as one likes, and compare the books.

python -m tests.kills --kills 50 --stations 300
python -m tests.kills --database postgresql://USER:PASSWORD@HOST/EMPTY
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from twisted.internet import task
from twisted.internet.defer import Deferred

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from .story import kill_again_and_again


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.kills",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kills", type=int, default=20, metavar="N")
    parser.add_argument("--stations", type=int, default=300, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", metavar="URL", help="an empty one; left out: SQLite")
    chosen = parser.parse_args()

    async def run(reactor: object) -> None:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="txocpp-kills-") as folder:
            outcome = await kill_again_and_again(Path(folder), **vars(chosen))
        print(
            f"{chosen.kills} kills in {time.monotonic() - began:.0f} s, {chosen.stations} stations:"
            f" {outcome.transactions} transactions, {outcome.samples} meter values,"
            f" {outcome.energy_wh / 1000:.1f} kWh; {outcome.cut_off} of {outcome.sent} calls lost"
            " their answer; nothing missing, nothing doubled"
        )

    task.react(lambda reactor: Deferred.fromCoroutine(run(reactor)))


if __name__ == "__main__":
    main()
