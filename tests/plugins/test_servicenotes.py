"""What systemd is told."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.testing import MemoryReactorClock

from txocpp.plugins.servicenotes import service_notes


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    """Its ear."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.setblocking(False)
        yield ear


def heard(ear: socket.socket) -> list[str]:
    """Everything that was said."""
    words = []
    while True:
        try:
            words.append(ear.recv(1000).decode())
        except BlockingIOError:
            return words


def test_up_alive_and_down(systemd: socket.socket) -> None:
    """Ready when it is up, then twice as often as the watchdog wants, and a word at the end."""
    clock = MemoryReactorClock()
    where = systemd.getsockname()
    notes = service_notes(clock, {"NOTIFY_SOCKET": where, "WATCHDOG_USEC": "60000000"})
    assert notes is not None
    notes.startService()
    assert heard(systemd) == []
    clock.run()
    assert heard(systemd) == ["READY=1", "WATCHDOG=1"]
    clock.advance(30)
    clock.advance(30)
    assert heard(systemd) == ["WATCHDOG=1", "WATCHDOG=1"]
    notes.stopService()
    assert heard(systemd) == ["STOPPING=1"]
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize("more", [{}, {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}])
def test_without_a_watchdog_of_ours(systemd: socket.socket, more: dict[str, str]) -> None:
    """None is asked for, or it is meant for another process."""
    clock = MemoryReactorClock()
    notes = service_notes(clock, {"NOTIFY_SOCKET": systemd.getsockname(), **more})
    assert notes is not None
    notes.startService()
    assert heard(systemd) == []
    clock.run()
    assert heard(systemd) == ["READY=1"]
    assert clock.getDelayedCalls() == []
    notes.stopService()


def test_an_abstract_socket() -> None:
    """A name that is in no folder begins with @."""
    name = f"txocpp-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(f"\0{name}")
        ear.setblocking(False)
        reactor = MemoryReactorClock()
        notes = service_notes(reactor, {"NOTIFY_SOCKET": f"@{name}"})
        assert notes is not None
        notes.startService()
        reactor.run()
        assert heard(ear) == ["READY=1"]
        notes.stopService()


def test_elsewhere() -> None:
    """Without systemd there is nobody to tell; an ear that is gone harms nobody."""
    assert service_notes(MemoryReactorClock(), {}) is None
    reactor = MemoryReactorClock()
    gone = service_notes(reactor, {"NOTIFY_SOCKET": "/nowhere/at/all"})
    assert gone is not None
    gone.startService()
    reactor.run()
    gone.stopService()
