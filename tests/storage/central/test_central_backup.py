"""Copies of a store: made under load, checked, put back, moved to the other kind of database."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import DeferredList

from txocpp.errors import StoreError
from txocpp.storage.central import CentralStore, Records
from txocpp.storage.central import backup as backup_room
from txocpp.storage.central.address import database_url
from txocpp.storage.central.backup import must_be_whole, restore_sqlite
from txocpp.storage.central.dump import dumped_version, restore_postgresql
from txocpp.storage.central.schema import from_ms, metadata
from txocpp.storage.central.versions import HEAD, VERSION_TABLE

NOON = from_ms(1_780_315_200_000)


def pair(number: int) -> Any:
    """A change that enters two tags, which belong together."""

    def change(records: Records) -> None:
        records.tags.add(f"A{number:06}")
        records.tags.add(f"B{number:06}")

    return change


def tags(records: Records) -> list[str]:
    """All of them, in order."""
    return [tag.id_tag for tag in records.tags.page(limit=100_000)]


def everything(records: Records) -> dict[str, list[tuple]]:
    """Every row of every table."""
    return {
        table.name: sorted(map(tuple, records.connection.execute(table.select())), key=repr)
        for table in metadata.sorted_tables
    }


async def restored(copy: Path, place: str, tmp_path: Path, postgres: Any) -> CentralStore:
    """A store made from a backup, elsewhere."""
    if place.startswith("postgresql"):
        elsewhere = postgres.new_database()
        restore_postgresql(database_url(elsewhere), copy)
    else:
        elsewhere = str(tmp_path / "elsewhere" / "central.sqlite3")
        restore_sqlite(copy, Path(elsewhere))
    store = CentralStore(elsewhere)
    await store.open()
    return store


@pytest.fixture
def programs(place: str) -> None:
    """PostgreSQL's own programs are needed for copies of it."""
    if place.startswith("postgresql") and not (
        shutil.which("pg_dump") and shutil.which("pg_restore")
    ):
        pytest.skip("pg_dump is not installed (Debian and Ubuntu: apt install postgresql-client)")


@pytest.mark.usefixtures("programs")
async def test_a_backup_under_load_is_of_one_moment(
    store: CentralStore,
    place: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Everything that was acknowledged before is in it, no change is in it by half, and the
    writer is not stopped."""
    # Page by page, so that there is a while in which to write, on any machine.
    monkeypatch.setattr(backup_room, "PAGES_AT_ONCE", 1)
    monkeypatch.setattr(backup_room, "PAUSE_S", 0.01)
    await DeferredList([store.write(pair(number)) for number in range(300)])
    copy = tmp_path / "copy"
    beside = CentralStore(place, reactor=reactor)
    await beside.open()
    backup = beside.backup(str(copy))
    number, meanwhile = 300, 0
    while not backup.called:
        await DeferredList([store.write(pair(number + more)) for more in range(10)])
        number += 10
        meanwhile += 1
    await backup
    await beside.close()
    assert meanwhile > 1
    assert copy.stat().st_mode & 0o777 == 0o600
    server = request.getfixturevalue("postgres") if place.startswith("postgresql") else None
    again = await restored(copy, place, tmp_path, server)
    found = await again.read(tags)
    await again.close()
    half = len(found) // 2
    assert 300 <= half <= number
    assert found == [f"{letter}{n:06}" for letter in "AB" for n in range(half)]
    assert [path.name for path in tmp_path.glob(".*partial*")] == []


@pytest.mark.usefixtures("programs")
async def test_a_backup_has_everything(
    store: CentralStore, place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Row by row."""
    await store.write(fill)
    await store.backup(str(tmp_path / "copy"))
    server = request.getfixturevalue("postgres") if place.startswith("postgresql") else None
    again = await restored(tmp_path / "copy", place, tmp_path, server)
    assert await again.read(everything) == await store.read(everything)
    await again.close()


@pytest.mark.usefixtures("programs")
async def test_a_backup_overwrites_nothing(store: CentralStore, tmp_path: Path) -> None:
    """Neither a file that is there, nor one in a folder that is not."""
    target = tmp_path / "copy"
    target.write_text("precious")
    with pytest.raises(StoreError, match="exists already"):
        await store.backup(str(target))
    assert target.read_text() == "precious"
    with pytest.raises(StoreError, match="No such file"):
        await store.backup(str(tmp_path / "nowhere" / "copy"))


@pytest.mark.parametrize("way", ["to the other", "to the same"])
async def test_a_store_moves_to_another_database(
    place: str, way: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """From SQLite to PostgreSQL and back; ids go on where they were, also of what was deleted."""
    to_postgresql = place.startswith("postgresql") == (way == "to the same")
    source = CentralStore(place)
    await source.open()
    await source.write(fill)
    await source.write(forget_the_last_transaction)
    if to_postgresql:
        elsewhere = request.getfixturevalue("postgres").new_database()
    else:
        elsewhere = str(tmp_path / "other.sqlite3")
    other = CentralStore(elsewhere)
    await other.open()
    told: dict[str, int] = {}
    copied = await source.copy_to(other, told.__setitem__)
    before = await source.read(everything)
    assert await other.read(everything) == before
    assert copied == sum(told.values()) == sum(map(len, before.values()))
    begun = [await one.write(begin) for one in (source, other)]
    assert begun == [4, 4]
    with pytest.raises(StoreError, match="is not empty"):
        await source.copy_to(other)
    await source.close()
    await other.close()


async def test_what_was_there_is_kept_with_what_is_only_in_its_log(tmp_path: Path) -> None:
    """A process was killed: SQLite's log holds what the file does not have yet."""
    place, copy = tmp_path / "central.sqlite3", tmp_path / "copy.sqlite3"
    store = CentralStore(place)
    await store.open()
    await store.backup(str(copy))
    await store.write(pair(1))
    killed = tmp_path / "killed"
    killed.mkdir()
    for path in tmp_path.glob("central.sqlite3*"):
        shutil.copy(path, killed / path.name)
    await store.close()
    kept = restore_sqlite(copy, killed / "central.sqlite3")
    assert kept is not None
    for path, found in ((kept, ["A000001", "B000001"]), (killed / "central.sqlite3", [])):
        with closing(sqlite3.connect(path)) as database:
            rows = database.execute("SELECT id_tag FROM tag ORDER BY key").fetchall()
            assert [row[0] for row in rows] == found


async def test_only_whole_backups_are_put_back(tmp_path: Path) -> None:
    """Not text, not another program's database, not a damaged one, not that of a newer program."""
    place = tmp_path / "central.sqlite3"
    store = CentralStore(place)
    await store.open()
    await store.write(lambda records: [pair(number)(records) for number in range(500)])
    await store.close()
    text, foreign, damaged, newer = (tmp_path / name for name in ("a", "b", "c", "d"))
    text.write_text("hello")
    with closing(sqlite3.connect(foreign)) as made:
        made.execute("CREATE TABLE tag (x)")
    content = bytearray(place.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 40_000] = os.urandom(40_000)
    damaged.write_bytes(content)
    shutil.copy(place, newer)
    with closing(sqlite3.connect(newer)) as made:
        made.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        made.commit()
    for path, words in (
        (text, "no backup"),
        (foreign, "no backup"),
        (damaged, r"damaged|no backup"),
        (newer, "newer program"),
    ):
        with pytest.raises(StoreError, match=words):
            restore_sqlite(path, place)
    assert list(tmp_path.glob("*before-restore*")) == []
    must_be_whole(place)


async def test_a_database_in_use_is_not_replaced(tmp_path: Path) -> None:
    """Neither while a central system has it, nor while a command works on it."""
    place, copy = tmp_path / "central.sqlite3", tmp_path / "copy.sqlite3"
    for exclusive, words in ((True, "in use by process"), (False, "is in use")):
        store = CentralStore(place, exclusive=exclusive)
        await store.open()
        if not copy.exists():
            await store.backup(str(copy))
        with pytest.raises(StoreError, match=words):
            restore_sqlite(copy, place)
        await store.close()
    assert restore_sqlite(copy, place) is not None


def test_a_dump_says_its_version(postgres: Any, tmp_path: Path) -> None:
    """So that one of a newer program, or of another one, is refused before anything is lost."""
    if not shutil.which("pg_dump"):
        pytest.skip("pg_dump is not installed (Debian and Ubuntu: apt install postgresql-client)")
    url = postgres.new_database()
    store = CentralStore(url)
    store.open()
    store.backup(str(tmp_path / "good"))
    assert dumped_version(tmp_path / "good") == HEAD
    postgres.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'", url)
    failures: list[Any] = []
    store.backup(str(tmp_path / "newer")).addErrback(failures.append)
    assert "newer program" in failures[0].getErrorMessage()
    assert not (tmp_path / "newer").exists()
    (tmp_path / "text").write_text("hello")
    with pytest.raises(StoreError, match="no backup"):
        dumped_version(tmp_path / "text")
    store.close()


def fill(records: Records) -> None:
    """A little of everything that is odd to copy."""
    station = records.stations.add("CP1", NOON, name="Größe", password_hash="x")
    records.tags.add("TAG", blocked=True, expires_at=NOON)
    for _ in range(3):
        begin(records)
    for answer in (None, {"status": "Accepted"}):
        records.operations.add(
            station_id=station.id,
            action="Reset",
            payload={"type": "Soft", "deep": [1, None, "ü"]},
            state="done",
            asked_at=NOON,
            **({} if answer is None else {"answer": answer}),
        )
    records.samples.add([(1, 1, 5, 7, 1, None, 1.5, None, None, None, None, "[]")])
    records.accounts.add_token(
        name="t", role="viewer", digest=b"\0\xff" * 16, created_at=NOON, expires_at=None
    )


def begin(records: Records) -> int:
    """A transaction; gives its id."""
    return records.transactions.add(
        station_id=1, connector=1, received_at=NOON, started_at=NOON, state="running"
    ).id


def forget_the_last_transaction(records: Records) -> None:
    """As somebody may who tidies up."""
    records.connection.exec_driver_sql("DELETE FROM charging_transaction WHERE id = 3")
