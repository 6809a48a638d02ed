"""Every action typed as a command reaches the station as it was typed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_twisted
from every_action import EVERYTHING
from test_cli_csms import Terminal
from twisted.internet import reactor

from txocpp.csms.v16.commands import ACTIONS
from txocpp.storage.central import CentralStore


@pytest_twisted.async_yield_fixture
async def terminal(tmp_path: Path) -> AsyncIterator[Terminal]:
    """A terminal at a central system with one charging station."""
    made = Terminal(CentralStore(tmp_path / "central.sqlite3", reactor=reactor))
    await made.plug_in()
    yield made
    made.link.cut()
    await made.service.stopService()


async def test_every_action_can_be_typed(terminal: Terminal) -> None:
    """With its payload as JSON; the answer is printed."""
    assert set(EVERYTHING) == ACTIONS
    for action, (payload, answer) in sorted(EVERYTHING.items()):
        terminal.answer = answer
        # A station that does not consent ends the command with status 1.
        consents = answer.get("status", "Accepted") in ("Accepted", "Scheduled", "RebootRequired")
        words = ("call", "CP1", action, json.dumps(payload))
        printed = await terminal.type("--json", *words, status=0 if consents else 1)
        assert terminal.heard[-1] == (action, payload)
        assert json.loads(printed)["answer"] == answer


async def test_what_breaks_the_schema_is_told_and_not_sent(terminal: Terminal) -> None:
    """With the field, in a line."""
    said = await terminal.type("call", "CP1", "Reset", '{"type": "Warm"}', status=1)
    assert "type: 'Warm' is not one of Hard, Soft" in said
    said = await terminal.type("call", "CP1", "Dance", "{}", status=1)
    assert "no action of a central system" in said
    assert terminal.heard == []
