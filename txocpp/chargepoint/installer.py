"""Where a firmware update ends: what puts the image into the charger.

Without an installer of the device, and without a command of the operator, nothing does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ProcessDone
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from txocpp.chargepoint.filetransfer.partial import plain
from txocpp.errors import ImageRefused, InstallationFailed
from txocpp.interfaces import IFirmwareInstaller, Installation

FILE: Final = "{file}"
WRONG_IMAGE: Final = 65
"""Exit status of a command that blames the image (EX_DATAERR)."""
LAST_WORDS: Final = 500

log = Logger()


@implementer(IFirmwareInstaller)
class NoInstaller:
    """Refuses everything."""

    def install(self, image: Path) -> Deferred[Installation]:
        """See `IFirmwareInstaller`."""
        return fail(InstallationFailed("there is nothing here that installs firmware"))

    def outcome(self) -> Deferred[bool | None]:
        """See `IFirmwareInstaller`."""
        return succeed(None)


@attrs.frozen(kw_only=True)
class InstallCommand:
    """What an operator has set up for new firmware."""

    command: Sequence[str]
    """Program and arguments; `{file}` is the image, or the last argument if it is not there. Exit
    status 0: installed; 65: the image is no good; anything else: failed."""
    outcome_command: Sequence[str] = ()
    """Asked after a restart in the midst of the installation: exit status 0 if it was successful.
    None: another firmware version than before is a success."""
    reboot: bool = True
    """The charge point boots after the command."""
    timeout_s: float = 1800.0


@implementer(IFirmwareInstaller)
class CommandInstaller:
    """Runs a command. It goes on when the charge point stops: it may be the one that stops it."""

    def __init__(self, reactor: Any, settings: InstallCommand) -> None:
        self._reactor = reactor
        self._settings = settings

    def install(self, image: Path) -> Deferred[Installation]:
        """See `IFirmwareInstaller`."""
        given = list(self._settings.command)
        if not any(FILE in part for part in given):
            given.append(FILE)
        command = [part.replace(FILE, str(image)) for part in given]
        return self._run(command).addCallback(self._installed)

    def outcome(self) -> Deferred[bool | None]:
        """See `IFirmwareInstaller`."""
        command = list(self._settings.outcome_command)
        if not command:
            return succeed(None)
        return self._run(command).addCallback(lambda end: end.status == 0)

    def _run(self, command: list[str]) -> Deferred[_End]:
        running = _Running(self._reactor, self._settings.timeout_s)
        log.info("runs {program}", program=command[0])
        try:
            self._reactor.spawnProcess(running, command[0], command, env=dict(os.environ))
        except OSError as error:
            running.fail(f"{command[0]}: {error.strerror}")
        return running.end

    def _installed(self, end: _End) -> Installation:
        if end.status == 0:
            return Installation.REBOOT if self._settings.reboot else Installation.DONE
        reason = f"exit status {end.status}" + (f": {end.words}" if end.words else "")
        raise (ImageRefused if end.status == WRONG_IMAGE else InstallationFailed)(reason)


@attrs.frozen
class _End:
    status: int
    words: str
    """The last thing it said."""


class _Running(ProcessProtocol):
    """A command to its end. `end` may be cancelled: the command goes on unattended."""

    def __init__(self, reactor: Any, timeout_s: float) -> None:
        self.end: Deferred[_End] = Deferred(lambda _: self._leave_alone())
        self._said = b""
        self._timeout_s = timeout_s
        self._timer: IDelayedCall = reactor.callLater(timeout_s, self._too_long)
        self._late = False

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        self._said = (self._said + data)[-LAST_WORDS:]

    errReceived = outReceived

    def processEnded(self, reason: Failure) -> None:
        self._leave_alone()
        if self.end.called:
            return
        if self._late:
            self.fail(f"not done within {self._timeout_s:g} s")
            return
        # A command that a signal has ended has no status.
        status = 0 if reason.check(ProcessDone) else getattr(reason.value, "exitCode", None)
        lines = self._said.decode("utf-8", "replace").split("\n")
        words = next((line.strip() for line in reversed(lines) if line.strip()), "")
        self.end.callback(_End(-1 if status is None else status, plain(words)))

    def fail(self, reason: str) -> None:
        """It never ran, or too long."""
        self._leave_alone()
        self.end.errback(InstallationFailed(reason))

    def _too_long(self) -> None:
        self._late = True
        assert self.transport is not None
        self.transport.signalProcess("KILL")

    def _leave_alone(self) -> None:
        if self._timer.active():
            self._timer.cancel()
