"""`python -m bench`: measure, and print one table after the other.

    python -m bench                     everything, about three minutes
    python -m bench --quick             a first impression, half a minute
    python -m bench --rounds 15 --markdown docs/benchmarks.md

Everything runs on this machine over loopback, stops by itself and leaves nothing behind. What
counts are the ratios within one run; absolute figures move with the machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench import central_system, composite, daemons, messages, tls
from bench.figures import Table, Target, table_of_targets
from bench.machine import description
from bench.subjects import subjects

MARK = "<!-- written by python -m bench --markdown -->"


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    plan = central_system.Plan()
    parser.add_argument("--rounds", type=int, default=plan.rounds, metavar="N")
    parser.add_argument("--connections", type=int, default=plan.connections, metavar="N")
    parser.add_argument(
        "--idle", type=int, default=plan.idle, metavar="N", help="connections for memory and calls"
    )
    parser.add_argument("--in-flight", type=int, default=plan.in_flight, metavar="N")
    parser.add_argument(
        "--window", type=float, default=plan.window_s, metavar="S", help="seconds of one window"
    )
    parser.add_argument(
        "--calls", type=int, default=plan.calls, metavar="N", help="calls to stations per server"
    )
    parser.add_argument(
        "--server",
        action="append",
        metavar="TEXT",
        help="measure only servers whose name contains this (may be given again)",
    )
    parser.add_argument(
        "--only",
        choices=("messages", "composite", "daemons", "tls", "servers"),
        help="measure only this part",
    )
    parser.add_argument("--quick", action="store_true", help="3 rounds, short windows")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report there too")
    return parser.parse_args(arguments)


def say(text: str) -> None:
    """Progress goes to standard error."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def measure_servers(chosen: argparse.Namespace) -> tuple[list[Table], list[Target]]:
    """The central systems beside each other."""
    plan = central_system.Plan(
        rounds=3 if chosen.quick else chosen.rounds,
        connections=chosen.connections,
        idle=chosen.idle,
        in_flight=chosen.in_flight,
        window_s=0.2 if chosen.quick else chosen.window,
        calls=min(chosen.calls, 200) if chosen.quick else chosen.calls,
    )
    wanted = [
        subject
        for subject in subjects()
        if not chosen.server or any(text in subject.name for text in chosen.server)
    ]
    findings = central_system.measure(wanted, plan, say)
    tables = central_system.tables(findings, plan, wanted)
    if findings.left_out:
        rows = [[name, why.strip().splitlines()[-1]] for name, why in findings.left_out.items()]
        tables.append(Table("Left out", ("server", "why"), rows))
    return tables, central_system.targets(findings)


def write_below_mark(path: Path, report: str) -> None:
    """Put the report into a file, below its line with `MARK`; what people wrote above stays."""
    text = path.read_text() if path.exists() else ""
    head = text.partition(MARK)[0] if MARK in text else ""
    path.write_text(f"{head}{MARK}\n\n{report}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for and print it."""
    chosen = options(arguments)
    began = time.monotonic()
    tables: list[Table] = []
    targets: list[Target] = []
    for module in (messages, composite, daemons, tls):
        if chosen.only in (None, module.__name__.rpartition(".")[2]):
            say(f"{module.__name__}")
            measured = module.rows(3) if chosen.quick else module.rows()
            tables += module.tables(measured)
            targets += module.targets(measured)
    if chosen.only in (None, "servers"):
        more, promised = measure_servers(chosen)
        tables += more
        targets += promised
    if targets:
        tables.append(table_of_targets(targets))
    report = "\n".join([description(), *(table.text() for table in tables)])
    print(report)
    if chosen.markdown is not None:
        write_below_mark(chosen.markdown, report)
    say(f"done in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
