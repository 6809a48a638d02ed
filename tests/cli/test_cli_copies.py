"""Backup, restore and moving of a PostgreSQL database from a terminal; SQLite is in
`test_cli_csms`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from postgresql_server import PASSWORD, PostgresServer

from txocpp.cli.csms import csms
from txocpp.storage.central import CentralStore


def type_(*words: str | Path, status: int = 0) -> str:
    """A command; what it prints."""
    result = CliRunner().invoke(csms, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


@pytest.fixture
def configuration(postgres: PostgresServer, tmp_path: Path) -> Path:
    """A configuration file without a password: that is in a file of its own."""
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    url = postgres.new_database().replace(postgres.url("x").split("@")[0], "postgresql://txo")
    config = tmp_path / "csms.toml"
    config.write_text(f'[database]\nurl = "{url}"\npassword_file = "{secret}"\n')
    return config


async def test_a_postgresql_database_is_backed_up_and_restored(
    configuration: Path, tmp_path: Path
) -> None:
    """What would be lost is only replaced when somebody says so."""
    if not shutil.which("pg_dump"):
        pytest.skip("pg_dump is not installed (Debian and Ubuntu: apt install postgresql-client)")
    place, copy = ("-c", configuration), tmp_path / "copy"
    type_("add-account", "before", "--password", "correct horse", *place)
    assert "bytes" in type_("backup", copy, *place)
    assert "exists already" in type_("backup", copy, *place, status=1)
    type_("add-account", "after", "--password", "correct horse", *place)
    assert "--replace" in type_("restore", copy, *place, status=1)
    type_("restore", copy, "--replace", *place)
    target = tmp_path / "central.sqlite3"
    assert "rows are now also in" in type_("copy-database", target, *place)
    store = CentralStore(target)
    await store.open()
    accounts = await store.read(lambda records: records.accounts.all())
    assert [account.name for account in accounts] == ["before"]
    await store.close()


async def test_a_database_is_copied_to_postgresql(postgres: PostgresServer, tmp_path: Path) -> None:
    """For those who outgrow a file; not while a central system writes to it."""
    place = tmp_path / "central.sqlite3"
    type_("add-account", "root", "--password", "correct horse", "-d", place)
    target = postgres.new_database()
    running = CentralStore(place, exclusive=True)
    await running.open()
    assert "in use by process" in type_("copy-database", target, "-d", place, status=1)
    await running.close()
    output = type_("copy-database", target, "-d", place)
    assert PASSWORD not in output
    assert "is not empty" in type_("copy-database", target, "-d", place, status=1)
    assert postgres.execute("SELECT name FROM account", target) == [("root",)]


def test_what_is_no_dump_is_not_restored(configuration: Path, tmp_path: Path) -> None:
    """Before anything is touched."""
    (tmp_path / "text").write_text("hello")
    output = type_("restore", tmp_path / "text", "--replace", "-c", configuration, status=1)
    assert "no backup" in output or "not installed" in output


@pytest.mark.parametrize("command", ["backup", "copy-database"])
def test_a_misspelt_database_is_not_made(tmp_path: Path, command: str) -> None:
    """An empty one in its place would look like a good copy."""
    place = tmp_path / "centrall.sqlite3"
    words = type_(command, str(tmp_path / "copy"), "-d", str(place), status=1)
    assert f"there is no database {place}" in words
    assert list(tmp_path.iterdir()) == []
