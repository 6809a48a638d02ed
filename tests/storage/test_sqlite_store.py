"""The journal in a SQLite file: what is acknowledged survives, damage is seen, not hidden."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from zope.interface.verify import verifyObject

from txocpp.errors import StoreError
from txocpp.interfaces import Delete, IChargePointStore, Put
from txocpp.storage import sqlite
from txocpp.storage.sqlite import SQLiteChargePointStore


def a_store(path: Path) -> SQLiteChargePointStore:
    """A store on a file, with the running reactor."""
    return SQLiteChargePointStore(path, reactor.callFromThread)  # type: ignore[attr-defined]


@pytest_twisted.async_yield_fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteChargePointStore]:
    """An open store that is closed after the test."""
    opened = a_store(tmp_path / "cp.sqlite")
    await opened.load()
    yield opened
    await opened.close()


def test_it_is_a_store(tmp_path: Path) -> None:
    """It provides what a charge point asks of a journal."""
    assert verifyObject(IChargePointStore, a_store(tmp_path / "cp.sqlite"))


async def test_documents_outlive_the_process(tmp_path: Path) -> None:
    """What was written is there for the next store on the same file, ordered by key."""
    first = a_store(tmp_path / "deep" / "cp.sqlite")
    assert await first.load() == {}
    await first.write(Put("queue", "2", {"n": 2}), Put("queue", "1", {"text": "Zürich"}))
    await first.write(Put("queue", "2", {"n": 3}), Put("tags", "x", {}), Delete("tags", "x"))
    await first.close()
    second = a_store(tmp_path / "deep" / "cp.sqlite")
    loaded = await second.load()
    await second.close()
    assert loaded == {"queue": {"1": {"text": "Zürich"}, "2": {"n": 3}}}
    assert list(loaded["queue"]) == ["1", "2"]
    assert second.damage is None


async def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """There are passwords in it; SQLite's own files beside it are like it."""
    path = tmp_path / "cp.sqlite3"
    store = a_store(path)
    await store.load()
    await store.write(Put("t", "k", {}))
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    await store.close()


async def test_many_writes_are_committed_in_order(store: SQLiteChargePointStore) -> None:
    """Writes that wait together share commits, and the last word on a key is the last one said."""
    await gatherResults([store.write(Put("counter", "x", {"n": n})) for n in range(600)])
    assert await store.load() == {"counter": {"x": {"n": 599}}}


async def test_one_bad_write_does_not_harm_its_neighbours(
    store: SQLiteChargePointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a shared commit fails, each write is tried alone and only the bad one is refused."""
    honest = sqlite._statement

    def bad(change: Put | Delete) -> tuple[str, tuple[str, ...]]:
        return ("INSERT INTO nowhere VALUES (?)", ("",)) if change.key == "bad" else honest(change)

    monkeypatch.setattr(sqlite, "_statement", bad)
    writes = [store.write(Put("t", key, {})) for key in ("a", "bad", "b")]
    with pytest.raises(StoreError, match="nowhere"):
        await writes[1]
    await gatherResults([writes[0], writes[2]])
    assert await store.load() == {"t": {"a": {}, "b": {}}}


async def test_a_write_is_all_or_nothing(
    store: SQLiteChargePointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If one change of a write cannot be applied, none is."""
    honest = sqlite._statement
    monkeypatch.setattr(
        sqlite,
        "_statement",
        lambda c: ("SELECT * FROM nowhere", ()) if c.key == "bad" else honest(c),
    )
    with pytest.raises(StoreError):
        await store.write(Put("t", "good", {}), Put("t", "bad", {}))
    assert await store.load() == {}


@pytest.mark.parametrize("damage", ["not a database at all" * 100, "SQLite format 3\0garbage" * 99])
async def test_a_damaged_file_is_set_aside_and_reported(tmp_path: Path, damage: str) -> None:
    """A file that cannot be read is kept under another name, and a new one is begun."""
    path = tmp_path / "cp.sqlite"
    path.write_text(damage)
    store = a_store(path)
    assert await store.load() == {}
    await store.write(Put("t", "a", {}))
    await store.close()
    (aside,) = tmp_path.glob("cp.sqlite.damaged-*")
    assert aside.read_text() == damage
    assert store.damage is not None
    assert str(aside) in store.damage


async def test_a_damaged_page_is_found(tmp_path: Path) -> None:
    """Damage inside a sound-looking file is found by the check at the start."""
    path = tmp_path / "cp.sqlite"
    store = a_store(path)
    await store.load()
    await store.write(*(Put("t", f"{n:05}", {"filling": "x" * 200}) for n in range(500)))
    await store.close()
    content = bytearray(path.read_bytes())
    content[4096 * 2 : 4096 * 40] = os.urandom(4096 * 38)
    path.write_bytes(content)
    store = a_store(path)
    await store.load()
    await store.close()
    assert store.damage is not None


async def test_an_unreadable_document_is_damage_too(tmp_path: Path) -> None:
    """A row that is no JSON sets the file aside like any other damage."""
    path = tmp_path / "cp.sqlite"
    store = a_store(path)
    await store.load()
    await store.close()
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO document VALUES ('t', 'a', '{broken')")
    database.close()
    store = a_store(path)
    assert await store.load() == {}
    await store.close()
    assert "unreadable document" in (store.damage or "")


async def test_a_file_of_the_future_is_left_alone(tmp_path: Path) -> None:
    """A newer schema is refused with both versions named, and the file is not touched."""
    path = tmp_path / "cp.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 999")
    database.close()
    store = a_store(path)
    with pytest.raises(StoreError, match="999"):
        await store.load()
    with pytest.raises(StoreError, match="999"):
        await store.write(Put("t", "a", {}))
    await store.close()
    assert not list(tmp_path.glob("*.damaged-*"))


async def test_an_old_file_is_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step that the file has not seen is applied once, in order."""
    path = tmp_path / "cp.sqlite"
    store = a_store(path)
    await store.load()
    await store.write(Put("t", "a", {}))
    await store.close()
    steps = sqlite.migrations()
    added = (steps[-1][0] + 1, "UPDATE document SET key = key || '!';")
    monkeypatch.setattr(sqlite, "migrations", lambda: [*steps, added])
    for _ in range(2):
        store = a_store(path)
        assert await store.load() == {"t": {"a!": {}}}
        await store.close()


async def test_two_processes_cannot_share_a_file(store: SQLiteChargePointStore) -> None:
    """The second one is told that the file is in use."""
    script = (
        "import sys; from pathlib import Path\n"
        "from txocpp.storage.sqlite import open_or_set_aside\n"
        "from txocpp.errors import StoreError\n"
        "try: open_or_set_aside(Path(sys.argv[1]))\n"
        "except StoreError as error: print(error)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(store._path)], capture_output=True, text=True, check=True
    )
    assert "another process" in told.stdout


async def test_an_unusable_place_is_named(tmp_path: Path) -> None:
    """A store that cannot be opened says which file and why."""
    (tmp_path / "file").write_text("")
    store = a_store(tmp_path / "file" / "cp.sqlite")
    with pytest.raises(StoreError, match=r"cp\.sqlite"):
        await store.load()
    await store.close()


async def test_a_program_may_open_it_before_anything_else(tmp_path: Path) -> None:
    """Opened at once, it says at once what is wrong; the rest is as ever."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cp\.sqlite"):
        a_store(tmp_path / "file" / "cp.sqlite").open()
    store = a_store(tmp_path / "cp.sqlite")
    store.open()
    assert await store.load() == {}
    await store.write(Put("t", "a", {}))
    await store.close()
    unused = a_store(tmp_path / "cp.sqlite")
    unused.open()
    await unused.close()
    a_store(tmp_path / "cp.sqlite").open()


async def test_a_closed_store_takes_nothing(tmp_path: Path) -> None:
    """After closing every call fails, and closing again is harmless."""
    store = a_store(tmp_path / "cp.sqlite")
    await store.load()
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.write(Put("t", "a", {}))


async def test_a_full_disk_is_reported(
    store: SQLiteChargePointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When SQLite finds no room the write fails, and later writes work again."""
    with sqlite3.connect(":memory:") as probe:
        pages = probe.execute("PRAGMA max_page_count").fetchone()[0]
    await store._submit(lambda db: db.execute("PRAGMA max_page_count = 300").fetchone())
    with pytest.raises(StoreError, match="full"):
        await store.write(Put("t", "big", {"filling": "x" * 3_000_000}))
    await store._submit(lambda db: db.execute(f"PRAGMA max_page_count = {pages}").fetchone())
    await store.write(Put("t", "a", {}))
    assert await store.load() == {"t": {"a": {}}}


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """A process killed in the middle of its writes has lost none that it called written."""
    script = """
import sys
from twisted.internet import reactor
from txocpp.interfaces import Put
from txocpp.storage.sqlite import SQLiteChargePointStore
store = SQLiteChargePointStore(sys.argv[1], reactor.callFromThread)
def said(_, n):
    print(n, flush=True)
    write(n + 1)
def write(n):
    store.write(Put("t", f"{n:06}", {"n": n})).addCallback(said, n)
store.load().addCallback(lambda _: write(0))
reactor.run()
"""
    path = tmp_path / "cp.sqlite"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = -1
    while acknowledged < 50:
        acknowledged = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    heard, _ = process.communicate()
    acknowledged = max([acknowledged, *map(int, heard.split()[:-1])])
    database, damage = sqlite.open_or_set_aside(path)
    stored = sqlite._read_all(database)["t"]
    database.close()
    assert damage is None
    assert list(stored)[: acknowledged + 1] == [f"{n:06}" for n in range(acknowledged + 1)]
