"""Which database is meant, and how its password stays a secret."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from txocpp.errors import StoreError
from txocpp.storage.central import CentralStore
from txocpp.storage.central.address import database_url


def test_the_password_comes_from_a_file(tmp_path: Path) -> None:
    """Its first line; the URL need not have one."""
    secret = tmp_path / "secret"
    secret.write_text("p@ss/word\nremark\n")
    secret.chmod(0o600)
    assert database_url("postgresql://u@h/db", secret).password == "p@ss/word"
    assert database_url("postgresql://u:old@h/db", secret).password == "p@ss/word"


def test_a_password_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """With what to do about it."""
    secret = tmp_path / "secret"
    secret.write_text("word\n")
    secret.chmod(0o640)
    with pytest.raises(StoreError, match=f"chmod 600 {secret}"):
        database_url("postgresql://u@h/db", secret)


@pytest.mark.parametrize(("content", "words"), [(None, "No such file"), ("\nx", "is empty")])
def test_a_password_file_without_a_password_is_told(
    tmp_path: Path, content: str | None, words: str
) -> None:
    """Missing or empty."""
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_text(content)
        secret.chmod(0o600)
    with pytest.raises(StoreError, match=words):
        database_url("postgresql://u@h/db", secret)


def test_a_url_that_cannot_be_read_is_not_repeated() -> None:
    """There may be a password in it."""
    with pytest.raises(StoreError, match="no database URL") as told:
        database_url("postgresql://u:sec ret@h:port/db")
    assert "sec ret" not in str(told.value)


async def test_a_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    store = CentralStore("postgresql://u@h/db")
    with pytest.raises(StoreError, match=r"pip install 'txocpp\[postgresql\]'"):
        await store.open()
    await store.close()
