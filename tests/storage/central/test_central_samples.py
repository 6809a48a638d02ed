"""Meter values in the store: charts, thinning, and that nothing is counted twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txocpp.storage.central import CentralStore, Records
from txocpp.storage.central.schema import from_ms, to_ms

NOON = from_ms(1_780_315_200_000)
QUARTER = timedelta(minutes=15)


def row(
    second: float, energy: float | None = None, power: float | None = None, **more: Any
) -> tuple:
    """A sample of connector 1 of station 1, so many seconds after noon."""
    return (
        1,
        more.get("connector", 1),
        to_ms(NOON) + int(second * 1000),
        more.get("digest", 0),
        more.get("transaction"),
        None,
        energy,
        power,
        None,
        None,
        None,
        more.get("values", "[]"),
    )


@pytest.fixture
def store(inline: CentralStore) -> CentralStore:
    """A store that does everything at once."""
    return inline


def do(store: CentralStore, change: Any) -> Any:
    """Apply a change and give its result."""
    results: list[Any] = []
    store.write(change).addBoth(results.append)
    return results[0]


def series(store: CentralStore, connector: int = 1, **options: Any) -> list:
    """(seconds after noon, energy) of a connector."""

    def look(records: Records) -> list:
        return records.samples.series(
            1, connector, since=NOON - timedelta(days=1), until=None, **options
        )

    return [((s.at - NOON).total_seconds(), s.energy_wh) for s in do(store, look)]


def thin(store: CentralStore, before_s: float, limit: int = 1000) -> int:
    """Sum up what is older than so many seconds after noon."""
    return do(
        store,
        lambda records: records.thinning.thin(
            1, 1, NOON + timedelta(seconds=before_s), QUARTER, limit
        ),
    )


def test_a_chart_reads_one_connector_in_order(store: CentralStore) -> None:
    """Whatever order the samples came in."""
    do(
        store,
        lambda r: r.samples.add([row(60, 2), row(0, 1), row(30, 9, connector=2)]),
    )
    assert series(store) == [(0, 1), (60, 2)]
    assert series(store, connector=2) == [(30, 9)]


def test_samples_of_a_transaction_are_found_by_its_id(store: CentralStore) -> None:
    """Clock-aligned samples between them are left out."""
    do(
        store,
        lambda r: r.samples.add([row(0, 1, transaction=5), row(1, 2), row(2, 3, transaction=6)]),
    )
    assert series(store, transaction_id=5) == [(0, 1)]


def test_values_of_one_instant_are_put_together(store: CentralStore) -> None:
    """The first value said stays."""
    do(
        store,
        lambda r: r.samples.add(
            [
                row(0, 1, digest=1, values='[["1"]]'),
                row(0, None, 7000, digest=2, values='[["7000","Power.Active.Import"]]'),
            ]
        ),
    )
    latest = do(store, lambda r: r.samples.latest(1, 1))
    assert (latest.energy_wh, latest.power_w) == (1, 7000)
    assert latest.sampled_values == '[["1"],["7000","Power.Active.Import"]]'


def test_old_samples_become_one_row_an_interval(store: CentralStore) -> None:
    """Register at the end, mean and highest power."""
    rows = [row(minute * 60, minute, 1000 * minute, transaction=5) for minute in range(40)]
    do(store, lambda r: r.samples.add(rows))
    assert thin(store, 30 * 60) == 30
    summaries = do(
        store, lambda r: r.samples.series(1, 1, since=NOON, until=NOON + timedelta(minutes=30))
    )
    assert [(s.energy_wh, s.power_w, s.power_max_w) for s in summaries] == [
        (14, 7000, 14000),
        (29, 22000, 29000),
    ]
    assert series(store)[:3] == [(0, 14), (900, 29), (1800, 30)]
    assert thin(store, 30 * 60) == 0


def test_an_interval_that_is_not_over_stays(store: CentralStore) -> None:
    """It would be summed up twice otherwise."""
    do(store, lambda r: r.samples.add([row(minute * 60, minute) for minute in range(20)]))
    assert thin(store, 17 * 60) == 15
    assert len(series(store)) == 1 + 5


@pytest.mark.parametrize("limit", [1, 2, 7, 15, 16, 1000])
def test_thinning_in_small_steps_gives_the_same(store: CentralStore, limit: int) -> None:
    """However few rows are taken at once, every interval is summed up whole."""
    do(store, lambda r: r.samples.add([row(m * 60, m, transaction=5) for m in range(60)]))
    steps = 0
    while thin(store, 45 * 60, limit):
        steps += 1
        assert steps < 100
    assert series(store)[:4] == [(0, 14), (900, 29), (1800, 44), (2700, 45)]


@given(
    seconds=st.lists(st.integers(0, 7200), min_size=1, max_size=60, unique=True),
    limit=st.integers(1, 20),
)
def test_thinning_loses_no_energy(seconds: list[int], limit: int) -> None:
    """The last register of every interval stays, whenever samples came."""
    store = CentralStore.in_memory()
    do(store, lambda r: r.samples.add([row(s, s) for s in seconds]))
    while thin(store, 7200, limit):
        pass
    wanted: dict[int, int] = {}
    for second in sorted(seconds):
        if second < 7200:
            wanted[second // 900 * 900] = second
    found = {at: energy for at, energy in series(store) if at < 7200}
    assert found == wanted


def test_samples_that_come_when_their_interval_was_summed_up_are_added(
    store: CentralStore,
) -> None:
    """From a station that was offline for weeks."""
    do(store, lambda r: r.samples.add([row(0, 1, 1000), row(60, 2, 3000)]))
    thin(store, 900)
    do(store, lambda r: r.samples.add([row(120, 3, 8000), row(180, 4, 8000)]))
    thin(store, 900)
    (only,) = do(store, lambda r: r.samples.series(1, 1, since=NOON, until=None))
    assert (only.energy_wh, only.power_w, only.power_max_w) == (4, 5000, 8000)


def test_connectors_are_found_without_reading_all_rows(store: CentralStore) -> None:
    """One step of the index for each."""
    rows = [row(s, s, connector=c) for s in range(50) for c in (0, 1, 3)]
    do(store, lambda r: r.samples.add(rows))
    assert do(store, lambda r: r.thinning.connectors_with_samples()) == [(1, 0), (1, 1), (1, 3)]
    assert do(store, lambda r: r.thinning.connectors_with_intervals()) == []


def test_the_last_register_before_a_moment(store: CentralStore) -> None:
    """For ends that were never told."""
    do(store, lambda r: r.samples.add([row(0, 1), row(60, 2), row(90, None, 5), row(120, 3)]))
    found = do(
        store,
        lambda r: r.samples.last_register(1, 1, NOON, NOON + timedelta(seconds=120)),
    )
    assert found.energy_wh == 2


def test_a_transaction_is_found_again_when_it_was_summed_up(store: CentralStore) -> None:
    """Also its first interval, which begins before it does."""
    begun = NOON + timedelta(minutes=7)
    rows = [row(minute * 60, minute, transaction=5) for minute in range(7, 30)]
    do(store, lambda r: r.samples.add([row(60, 1), *rows]))
    assert thin(store, 30 * 60) == 24
    found = do(
        store,
        lambda r: r.samples.series(1, 1, since=begun, until=None, transaction_id=5),
    )
    assert [(s.at, s.energy_wh) for s in found] == [(NOON, 14), (NOON + QUARTER, 29)]
