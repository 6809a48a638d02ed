"""Some days of the soak: what a charge point keeps does not grow with what it has done."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_memory_stays_flat() -> None:
    """A third day of charging leaves no more objects behind than the second."""
    soak = subprocess.run(
        [sys.executable, "-m", "bench.soak", "--days", "3", "--every", "1"],
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    rows = [line.split("|") for line in soak.stdout.splitlines() if line.startswith("| ")][1:]
    transactions = [int(row[2]) for row in rows]
    objects = [int(row[5].replace(",", "")) for row in rows]
    assert transactions == [4, 8, 12]
    # Two thousand frames a day leave nothing behind.
    assert objects[2] - objects[1] < 50
