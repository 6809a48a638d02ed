"""The central store in threads: groups, failures, order, closing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select, text
from twisted.internet import reactor
from twisted.internet.defer import DeferredList
from zope.interface.verify import verifyObject

from txocpp.errors import StoreError
from txocpp.interfaces import ICentralStore
from txocpp.storage.central import CentralStore, Records, engines, schema
from txocpp.storage.central.address import database_url
from txocpp.storage.central.notices import MESSAGE


def add_tag(name: str) -> Any:
    """A change that enters a tag."""

    def change(records: Records) -> str:
        added = records.tags.add(name)
        assert added is not None
        return added.id_tag

    return change


def count_tags(records: Records) -> int:
    """How many tags there are."""
    return len(records.tags.page(limit=10_000))


def test_both_forms_are_central_stores(inline: CentralStore) -> None:
    """With threads and without."""
    verifyObject(ICentralStore, inline)
    verifyObject(ICentralStore, CentralStore("some.sqlite3", reactor=reactor))


async def test_a_change_is_on_disk_when_its_deferred_fires(
    store: CentralStore, place: str, request: pytest.FixtureRequest
) -> None:
    """Another program sees it."""
    await store.write(add_tag("A"))
    question = "SELECT id_tag FROM tag"
    if place.startswith("postgresql"):
        seen = request.getfixturevalue("postgres").execute(question, place)
    else:
        with closing(sqlite3.connect(place)) as stranger:
            seen = stranger.execute(question).fetchall()
    assert seen == [("A",)]


async def test_changes_that_come_together_are_committed_together(store: CentralStore) -> None:
    """One commit for the first, one for all that arrived meanwhile; results in order."""
    commits = []
    event.listen(store._database.engine, "commit", lambda connection: commits.append(1))
    waiting = [store.write(add_tag(f"T{number}")) for number in range(100)]
    results = await DeferredList(waiting)
    assert [result for _, result in results] == [f"T{number}" for number in range(100)]
    assert len(commits) <= 3


async def test_a_bad_change_fails_alone(store: CentralStore) -> None:
    """Its neighbours of the same group are kept."""

    def bad(records: Records) -> None:
        records.tags.add("BAD")
        raise ValueError("no")

    waiting = [store.write(change) for change in (add_tag("A"), bad, add_tag("B"), add_tag("C"))]
    results = await DeferredList(waiting, consumeErrors=True)
    assert [ok for ok, _ in results] == [True, False, True, True]
    assert isinstance(results[1][1].value, ValueError)
    tags = await store.read(lambda records: [tag.id_tag for tag in records.tags.page()])
    assert tags == ["A", "B", "C"]


async def test_a_file_that_others_hold_is_waited_for_once_by_a_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not once by each of its changes; when the file is free, work goes on."""
    begun: list[Connection] = []

    def begin(connection: Connection, begin: Any = engines._begin_sqlite) -> None:
        begun.append(connection)
        begin(connection)

    monkeypatch.setattr(engines, "BUSY_TIMEOUT_S", 0.01)
    monkeypatch.setattr(engines, "_begin_sqlite", begin)
    store = CentralStore(tmp_path / "central.sqlite3", reactor=reactor)
    await store.open()
    begun.clear()
    with closing(sqlite3.connect(tmp_path / "central.sqlite3", isolation_level=None)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        waiting = [store.write(add_tag(f"T{number}")) for number in range(100)]
        results = await DeferredList(waiting, consumeErrors=True)
        foreign.execute("ROLLBACK")
    assert {type(failure.value) for _, failure in results} == {engines.Unreachable}
    assert "locked" in results[0][1].getErrorMessage()
    assert 1 <= len(begun) <= 3
    assert await store.write(add_tag("A")) == "A"
    await store.close()


async def test_a_fault_of_the_database_is_a_store_error(store: CentralStore) -> None:
    """In changes and in questions; nothing of the engine leaks out."""

    def broken(records: Records) -> None:
        records.connection.execute(text("SELECT * FROM nowhere"))

    for deferred in (store.write(broken), store.read(broken)):
        with pytest.raises(StoreError, match="nowhere"):
            await deferred


async def test_rows_are_added_in_order_with_the_changes_around(store: CentralStore) -> None:
    """A change sees the rows that were added before it."""

    def count(records: Records) -> int:
        return len(records.connection.execute(select(schema.message_log.c.id)).all())

    def enter(records: Records) -> None:
        records.stations.add("CP1", schema.from_ms(0))

    seen = []
    await store.write(enter)
    store.append((MESSAGE, (1, 5, "in", "a"))).addCallback(seen.append)
    store.write(count).addCallback(seen.append)
    store.append((MESSAGE, (1, 6, "in", "b")), (MESSAGE, (1, 7, "in", "c")))
    assert await store.write(count) == 3
    assert seen == [None, 1]


async def test_rows_that_break_a_rule_fail_alone(store: CentralStore) -> None:
    """A message of a station that does not exist."""
    await store.write(lambda records: records.stations.add("CP1", schema.from_ms(0)))
    waiting = [store.append((MESSAGE, (station, 5, "in", "a"))) for station in (1, 99, 1)]
    results = await DeferredList(waiting, consumeErrors=True)
    assert [ok for ok, _ in results] == [True, False, True]


async def test_questions_are_answered_beside_the_writer(store: CentralStore) -> None:
    """A reader sees what was committed, never half of a change."""
    writing = store.write(lambda records: [add_tag(f"T{n}")(records) for n in range(50)])
    counts = [await store.read(count_tags) for _ in range(5)]
    await writing
    assert set(counts) <= {0, 50}
    assert await store.read(count_tags) == 50


async def test_closing_commits_what_was_accepted(place: str) -> None:
    """And refuses what comes later."""
    store = CentralStore(place, reactor=reactor)
    await store.open()
    waiting = [store.write(add_tag(f"T{number}")) for number in range(20)]
    await store.close()
    assert all(ok for ok, _ in await DeferredList(waiting))
    with pytest.raises(StoreError, match="closed"):
        await store.write(add_tag("LATE"))
    with pytest.raises(StoreError, match="closed"):
        await store.read(count_tags)
    again = CentralStore(place, reactor=reactor)
    await again.open()
    assert await again.read(count_tags) == 20
    await again.close()


async def test_a_store_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    """No traceback of an engine."""
    store = CentralStore(tmp_path / "missing" / "central.sqlite3", reactor=reactor)
    with pytest.raises(StoreError, match="unable to open"):
        await store.open()
    await store.close()


def test_without_threads_everything_is_done_at_once(inline: CentralStore) -> None:
    """For tests on a clock turned by hand."""
    results: list[Any] = []
    inline.write(add_tag("A")).addCallback(results.append)
    inline.read(count_tags).addCallback(results.append)
    assert results == ["A", 1]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("central.sqlite3", "sqlite:///central.sqlite3"),
        (Path("/var/lib/x.db"), "sqlite:////var/lib/x.db"),
        ("sqlite:///x.db", "sqlite:///x.db"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
    ],
)
def test_a_database_is_named_by_file_or_url(given: Any, meant: str) -> None:
    """Whatever an operator writes."""
    assert str(database_url(given)) == meant


@pytest.mark.parametrize("given", ["mysql://h/db", "nonsense://x"])
def test_other_databases_are_refused_by_name(given: str) -> None:
    """With what there is instead."""
    with pytest.raises(StoreError, match="sqlite or postgresql"):
        database_url(given)


def test_the_password_of_a_database_is_not_shown() -> None:
    """Not even in errors."""
    store = CentralStore("postgresql://user:secret@host/name")
    assert "secret" not in str(store)


def test_a_change_of_rows_keeps_the_rest(inline: CentralStore) -> None:
    """The connection of a change is a plain one of the engine."""

    def change(records: Records) -> int:
        connection: Connection = records.connection
        connection.execute(insert(schema.tag).values(key="X", id_tag="X"))
        return len(records.tags.page())

    results: list[Any] = []
    inline.write(change).addCallback(results.append)
    assert results == [1]
