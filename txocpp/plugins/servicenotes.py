"""Telling systemd how it stands (sd_notify): up, alive, about to end.

Units with ``Type=notify`` wait for the first word, those with ``WatchdogSec=`` kill a process
whose event loop gives no sign of life. Elsewhere nothing of it exists.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

from twisted.application.service import Service
from twisted.internet.task import LoopingCall
from twisted.logger import Logger


class ServiceNotes(Service):
    """Comes up last and goes down first, so that it speaks for everything before it; and not
    before signals and events are heard."""

    _log = Logger()

    def __init__(self, reactor: Any, address: str, *, watchdog_s: float = 0.0) -> None:
        self._reactor = reactor
        self._address = address
        self._interval_s = watchdog_s / 2
        self._alive = LoopingCall(self._tell, "WATCHDOG=1")
        self._alive.clock = reactor

    def startService(self) -> None:
        """Ports and store are open."""
        super().startService()  # type: ignore[no-untyped-call]
        self._reactor.callWhenRunning(self._up)

    def _up(self) -> None:
        if not self.running:
            return
        self._tell("READY=1")
        if self._interval_s:
            self._alive.start(self._interval_s)

    def stopService(self) -> None:
        """The rest may take a while."""
        super().stopService()  # type: ignore[no-untyped-call]
        if self._alive.running:
            self._alive.stop()
        self._tell("STOPPING=1")

    def _tell(self, words: str) -> None:
        # "@" stands for the zero byte of an abstract socket.
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.setblocking(False)
                line.sendto(words.encode(), address)
        except OSError as error:
            self._log.warn("systemd does not hear: {why}", why=error.strerror)


def service_notes(reactor: Any, environment: Mapping[str, str] = os.environ) -> ServiceNotes | None:
    """What the environment asks for; None where nobody listens."""
    address = environment.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@") or len(address) < 2:
        return None
    meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    watchdog_us = int(environment.get("WATCHDOG_USEC", "0")) if meant else 0
    return ServiceNotes(reactor, address, watchdog_s=watchdog_us / 1_000_000)
