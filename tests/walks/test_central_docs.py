"""docs/central-system.md: its commands print what it shows, its settings are ones, its figures are
there."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from daemons import CentralSystem, ChargePoint
from treq.client import HTTPClient
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.web.client import Agent

from txocpp.csms.settings import Settings
from txocpp.plugins import configfile

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "central-system.md").read_text(encoding="utf-8")
TXOCPP = Path(sys.executable).with_name("txocpp")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def commands(block: str) -> list[tuple[str, str]]:
    """The commands of a block for the terminal, and what is shown below each."""
    parts = re.split(r"(?m)^\$ (.*)\n", block)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


BLOCKS = [commands(block) for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)]
(TERMINAL,) = [block for block in BLOCKS if block[0][0] == "txocpp csms list"]


def run(command: str, folder: Path, **environment: str) -> str:
    """A command as the page has it; gives what it prints."""
    program, *arguments = shlex.split(command)
    assert program == "txocpp"
    done = subprocess.run(
        [TXOCPP, *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest_twisted.async_yield_fixture
async def central(tmp_path: Path) -> AsyncIterator[CentralSystem]:
    """A central system of ours."""
    daemon = CentralSystem(tmp_path / "csms")
    await daemon.start()
    yield daemon
    await daemon.stop()


async def test_the_terminal_shows_what_the_page_shows(
    central: CentralSystem, tmp_path: Path
) -> None:
    """One after the other, with the charge point that needs no settings; only times differ."""
    cp = ChargePoint(tmp_path / "cp", "CP-1", central.url)
    one_connector = cp.configuration().replace("connectors = 2", "connectors = 1")
    cp.configuration = lambda: one_connector  # type: ignore[method-assign]
    cp.launch()
    await cp.running.line("the central system says Accepted")
    await cp.open_door()
    for command, shown in TERMINAL:
        said = await deferToThread(
            run, command, tmp_path, TXOCPP_URL=f"http://127.0.0.1:{central.http_port}"
        )
        assert MOMENT.sub("", said) == MOMENT.sub("", shown), command
    await cp.stop()


async def test_the_figures_are_there(central: CentralSystem) -> None:
    """Each one that the page names, those with a label at least by their name."""
    client = HTTPClient(Agent(reactor))
    response = await client.get(f"http://127.0.0.1:{central.http_port}/metrics")
    text = await response.text()
    named = set(re.findall(r"\btxocpp_[a-z_]+", PAGE))
    told = set(re.findall(r"(?m)^# TYPE (txocpp_[a-z_]+)", text))
    assert named == told


def test_the_database_is_backed_up_and_put_back(tmp_path: Path) -> None:
    """Accounts, a token, a backup, a restore: as the page has them."""
    (tmp_path / "csms.toml").write_text(f'[database]\nurl = "{tmp_path / "central.sqlite3"}"\n')
    wanted = [c for block in BLOCKS for c, _ in block if "--config csms.toml" in c]
    assert [c.split()[2] for c in wanted] == ["add-account", "add-token", "backup", "restore"]
    for command in wanted:
        run(command, tmp_path, TXOCPP_PASSWORD="a good long one")
    assert list(tmp_path.glob("central.sqlite3.before-restore*"))


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
def test_the_settings_are_ones(text: str) -> None:
    """Every piece of a file on the page can be read."""
    read: Any = configfile.loads(text, Settings)
    assert read != Settings()
