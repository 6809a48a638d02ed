"""What puts new firmware into the charger: real commands, run by a real reactor."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import reactor
from twisted.internet.defer import CancelledError
from twisted.internet.task import deferLater
from zope.interface.verify import verifyObject

from txocpp.chargepoint.installer import CommandInstaller, InstallCommand, NoInstaller
from txocpp.errors import ImageRefused, InstallationFailed
from txocpp.interfaces import IFirmwareInstaller, Installation


def shell(script: str, *arguments: str, **settings: Any) -> CommandInstaller:
    """Runs a line of shell."""
    command = ("/bin/sh", "-c", script, "sh", *arguments)
    return CommandInstaller(reactor, InstallCommand(command=command, **settings))


@pytest.mark.rule("F-03")
async def test_a_command_gets_the_file(tmp_path: Path) -> None:
    """In the place of {file}, or at the end; afterwards the charge point boots, unless told not
    to."""
    image = tmp_path / "image"
    image.write_text("new")
    for installer, then in (
        (shell(f'cp "$1" {tmp_path}/a', "{file}"), Installation.REBOOT),
        (shell(f'cp "$1" {tmp_path}/b', reboot=False), Installation.DONE),
    ):
        assert verifyObject(IFirmwareInstaller, installer)
        assert await installer.install(image) is then
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text() == "new"


@pytest.mark.rule("F-02", "X-73")
@pytest.mark.parametrize(
    ("script", "error", "words"),
    [
        ("echo first; echo 'no room' >&2; exit 3", InstallationFailed, "exit status 3: no room"),
        ("echo 'wrong board'; exit 65", ImageRefused, "exit status 65: wrong board"),
        ("exit 1", InstallationFailed, "exit status 1"),
        ("kill -9 $$", InstallationFailed, "exit status -1"),
    ],
)
async def test_a_failure_says_why(
    tmp_path: Path, script: str, error: type[Exception], words: str
) -> None:
    """The exit status, and the last words of the command; 65 blames the image."""
    with pytest.raises(InstallationFailed) as caught:
        await shell(script).install(tmp_path / "image")
    assert (type(caught.value), str(caught.value)) == (error, words)


async def test_a_program_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    """Like any other."""
    missing = InstallCommand(command=[str(tmp_path / "missing")])
    with pytest.raises(InstallationFailed):
        await CommandInstaller(reactor, missing).install(tmp_path / "image")


async def test_a_command_that_never_ends_is_killed(tmp_path: Path) -> None:
    """After its time."""
    with pytest.raises(InstallationFailed, match=r"not done within 0\.2 s"):
        await shell("exec sleep 60", timeout_s=0.2).install(tmp_path / "image")


async def test_a_command_outlives_the_charge_point(tmp_path: Path) -> None:
    """It may be the one that has it restarted."""
    done = tmp_path / "done"
    doing = shell(f"sleep 0.1; touch {done}", timeout_s=5).install(tmp_path / "image")
    doing.cancel()
    with pytest.raises(CancelledError):
        await doing
    for _ in range(200):
        if done.exists():
            break
        await deferLater(reactor, 0.02)  # type: ignore[arg-type]
    assert done.exists()


@pytest.mark.rule("F-09")
async def test_after_a_restart_another_command_knows_the_outcome() -> None:
    """By its exit status; without one nobody knows."""
    for status, outcome in ((0, True), (1, False)):
        asked = (sys.executable, "-c", f"raise SystemExit({status})")
        settings = InstallCommand(command=["true"], outcome_command=asked)
        assert await CommandInstaller(reactor, settings).outcome() is outcome
    assert await shell("true").outcome() is None


async def test_without_anything_nothing_is_installed(tmp_path: Path) -> None:
    """The default of a charge point whose device takes no firmware."""
    installer = NoInstaller()
    assert verifyObject(IFirmwareInstaller, installer)
    with pytest.raises(InstallationFailed, match="nothing here that installs"):
        await installer.install(tmp_path / "image")
    assert await installer.outcome() is None
