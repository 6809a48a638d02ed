"""A central system that is killed in the midst of everything loses nothing and doubles nothing.

More of it: ``python -m tests.kills --kills 200 --stations 300``.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .story import kill_again_and_again

KILLS = 3
STATIONS = 100


@pytest.fixture(params=("sqlite", "postgresql"))
def database(request: pytest.FixtureRequest) -> str | None:
    """An empty one; None: a SQLite file."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgres").new_database()
    return url


@pytest.mark.slow
@pytest.mark.limit(600)
@pytest.mark.rule("TX-03", "TX-05", "TX-20", "TX-24", "TX-27", "Z-05", "Z-06", "Z-07")
async def test_nothing_acknowledged_is_missing_and_nothing_is_doubled(
    tmp_path: Path, database: str | None
) -> None:
    """Killed again and again under load, it has each transaction once, with all of its values."""
    outcome = await kill_again_and_again(
        tmp_path,
        kills=int(os.environ.get("TXOCPP_CENTRAL_KILLS", KILLS)),
        stations=STATIONS,
        database=database,
    )
    assert outcome.transactions > STATIONS / 2
    assert outcome.energy_wh > 0
    assert outcome.cut_off > 0
