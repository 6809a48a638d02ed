"""A PostgreSQL server that goes away and comes back."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_twisted
from postgresql_server import PASSWORD, PostgresServer, missing
from twisted.internet import reactor
from twisted.internet.defer import DeferredList

from txocpp.errors import StoreError
from txocpp.storage.central import CentralStore, Records, schema
from txocpp.storage.central.notices import MESSAGE

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "there is a server")


@pytest_twisted.async_yield_fixture
async def store(postgres: PostgresServer) -> AsyncIterator[CentralStore]:
    """The store of a central system."""
    made = CentralStore(postgres.new_database(), reactor=reactor, exclusive=True)
    await made.open()
    await made.write(enter("FIRST"))
    yield made
    if postgres.process is None:
        postgres.start()
    await made.close()


def enter(name: str) -> Any:
    """A change that enters a tag."""
    return lambda records: records.tags.add(name)


def tags(records: Records) -> list[str]:
    """All of them."""
    return [tag.id_tag for tag in records.tags.page()]


def end_sessions(postgres: PostgresServer) -> None:
    """As an administrator does, or a firewall."""
    postgres.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE application_name LIKE 'txocpp%'",
        "postgres",
    )


async def test_nothing_is_accepted_while_the_server_is_away(
    store: CentralStore, postgres: PostgresServer
) -> None:
    """Changes, rows and questions fail; when it is back, they go on without a restart."""
    postgres.stop()
    waiting = [
        store.write(enter("LOST")),
        store.append((MESSAGE, (1, 5, "in", "a"))),
        store.read(tags),
    ]
    for ok, failure in await DeferredList(waiting, consumeErrors=True):
        assert not ok
        assert failure.check(StoreError)
        assert "does not answer" in failure.getErrorMessage()
        assert PASSWORD not in failure.getErrorMessage()
    postgres.start()
    await store.write(enter("SECOND"))
    assert await store.read(tags) == ["FIRST", "SECOND"]


async def test_a_crash_of_the_server_is_survived(
    store: CentralStore, postgres: PostgresServer
) -> None:
    """What was acknowledged is there, and the lock is taken again."""
    postgres.stop(signal.SIGQUIT)
    postgres.start()
    await store.write(enter("SECOND"))
    assert await store.read(tags) == ["FIRST", "SECOND"]
    second = CentralStore(store._database.url.render_as_string(False), exclusive=True)
    with pytest.raises(StoreError, match="in use by process"):
        await second.open()
    await second.close()


async def test_a_session_that_was_ended_is_replaced(
    store: CentralStore, postgres: PostgresServer
) -> None:
    """Nobody notices: nothing of the change had been committed."""
    assert await store.read(tags) == ["FIRST"]
    end_sessions(postgres)
    await store.write(enter("SECOND"))
    assert await store.read(tags) == ["FIRST", "SECOND"]


async def test_a_change_whose_session_ends_under_it_is_applied_once(
    store: CentralStore, postgres: PostgresServer
) -> None:
    """It is begun again on a new one."""
    runs = []

    def change(records: Records) -> None:
        runs.append(1)
        records.tags.add("SECOND")
        if len(runs) == 1:
            end_sessions(postgres)
        records.tags.add("THIRD")

    await store.write(change)
    assert len(runs) == 2
    assert await store.read(tags) == ["FIRST", "SECOND", "THIRD"]


async def test_whoever_lost_the_lock_does_not_write(
    store: CentralStore, postgres: PostgresServer
) -> None:
    """Another central system has taken over meanwhile."""
    end_sessions(postgres)
    other = CentralStore(store._database.url.render_as_string(False), exclusive=True)
    await other.open()
    with pytest.raises(StoreError, match="in use by process"):
        await store.write(enter("STRAY"))
    assert await other.read(tags) == ["FIRST"]
    await other.close()
    await store.write(enter("SECOND"))


async def test_a_server_that_is_away_at_the_start_is_told(postgres: PostgresServer) -> None:
    """With where it was looked for."""
    store = CentralStore(postgres.new_database(), reactor=reactor)
    postgres.stop()
    try:
        with pytest.raises(StoreError, match=rf"127\.0\.0\.1:{postgres.port}.*does not answer"):
            await store.open()
    finally:
        postgres.start()
    await store.close()


async def test_a_wrong_password_is_told_and_not_shown(postgres: PostgresServer) -> None:
    """By the server's own words."""
    store = CentralStore(postgres.url("postgres", "wrong&word"))
    with pytest.raises(StoreError, match="password authentication failed") as told:
        await store.open()
    assert "wrong" not in str(told.value)
    await store.close()


async def test_what_a_database_cannot_keep_is_kept_as_well_as_it_can(store: CentralStore) -> None:
    """Characters without a place, and numbers that only stations think of; a good neighbour of the
    same group is not touched."""
    await store.write(lambda records: records.stations.add("CP\0", schema.from_ms(0)))
    (station,) = await store.read(lambda records: records.stations.page())
    assert station.identity == "CP\ufffd"
    rows = [(station.id, at, "in", frame) for at, frame in enumerate(["good", "\0", "\ud800"])]
    await DeferredList([store.append((MESSAGE, row)) for row in rows])
    found = await store.read(lambda records: records.notices.messages(station.id))
    assert {message.frame for message in found} == {"good", "\ufffd"}
    begun = await store.write(
        lambda records: records.transactions.add(
            station_id=station.id,
            connector=2**62,
            received_at=schema.from_ms(0),
            state="running",
            reported_id=-(2**62),
        )
    )
    assert (begun.connector, begun.reported_id) == (2**62, -(2**62))
