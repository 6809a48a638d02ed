"""Turns the frames between the two parties into lines of the screen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from txocpp.cli.demonstration.gist import answer_gist, request_gist
from txocpp.cli.demonstration.screen import CENTRAL_SYSTEM, CHARGE_POINT, Screen

CALL, RESULT, ERROR = 2, 3, 4
UNTOLD = frozenset({"Heartbeat"})


class Listener:
    """Hears every frame, tells what it means."""

    def __init__(self, screen: Screen, now: Callable[[], datetime]) -> None:
        self._screen = screen
        self._now = now
        self._asked: dict[str, str] = {}
        self.untold: frozenset[str] = UNTOLD
        """Actions that nobody wants to read about."""

    def __call__(self, direction: str, frame: list[Any]) -> None:
        """`direction` is as the central system sees it."""
        who = CHARGE_POINT if direction == "received" else CENTRAL_SYSTEM
        kind, message_id = frame[0], frame[1]
        if kind == CALL:
            self._asked[message_id] = frame[2]
            if frame[2] not in self.untold:
                self._screen.said(self._now(), who, frame[2], request_gist(frame[2], frame[3]))
            return
        action = self._asked.pop(message_id, "")
        gist = answer_gist(action, frame[2]) if kind == RESULT else f"{frame[2]}: {frame[3]}"
        if gist:
            self._screen.said(self._now(), who, f"  {action} ↩", gist)
