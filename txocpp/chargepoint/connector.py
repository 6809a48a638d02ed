"""The status of one connector: which there are, which may follow which, what makes one
(OCPP 1.6 §4.9, §7.7; rules S-01, S-02, S-06).

A status is never set; it follows from what is true of the connector. The table decides what may be
told to the central system directly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from typing import Final

import attrs


class Status(StrEnum):
    """What a connector can be (OCPP 1.6 §7.7)."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


_S = Status

TRANSITIONS: Final[dict[Status, frozenset[Status]]] = {
    _S.AVAILABLE: frozenset(_S) - {_S.AVAILABLE, _S.FINISHING},
    _S.PREPARING: frozenset(
        {_S.AVAILABLE, _S.CHARGING, _S.SUSPENDED_EV, _S.SUSPENDED_EVSE, _S.FINISHING, _S.FAULTED}
    ),
    _S.CHARGING: frozenset(
        {
            _S.AVAILABLE,
            _S.SUSPENDED_EV,
            _S.SUSPENDED_EVSE,
            _S.FINISHING,
            _S.UNAVAILABLE,
            _S.FAULTED,
        }
    ),
    _S.SUSPENDED_EV: frozenset(
        {_S.AVAILABLE, _S.CHARGING, _S.SUSPENDED_EVSE, _S.FINISHING, _S.UNAVAILABLE, _S.FAULTED}
    ),
    _S.SUSPENDED_EVSE: frozenset(
        {_S.AVAILABLE, _S.CHARGING, _S.SUSPENDED_EV, _S.FINISHING, _S.UNAVAILABLE, _S.FAULTED}
    ),
    _S.FINISHING: frozenset({_S.AVAILABLE, _S.PREPARING, _S.UNAVAILABLE, _S.FAULTED}),
    _S.RESERVED: frozenset({_S.AVAILABLE, _S.PREPARING, _S.UNAVAILABLE, _S.FAULTED}),
    _S.UNAVAILABLE: frozenset(
        {
            _S.AVAILABLE,
            _S.PREPARING,
            _S.CHARGING,
            _S.SUSPENDED_EV,
            _S.SUSPENDED_EVSE,
            _S.FAULTED,
        }
    ),
    _S.FAULTED: frozenset(_S) - {_S.FAULTED},
}
"""From a status to those that may follow it (OCPP 1.6 §4.9, table of connectors from 1 on)."""

STATION: Final = frozenset({_S.AVAILABLE, _S.UNAVAILABLE, _S.FAULTED})
"""What connector 0, the station itself, can be (S-02)."""

STEPPING_STONES: Final = (_S.PREPARING, _S.AVAILABLE, _S.FINISHING)
"""What may be told in between when a status is not allowed to follow directly."""


@cache
def route(before: Status, after: Status) -> tuple[Status, ...]:
    """The statuses to tell one after the other to get from one to another (S-01).

    Ends with `after`; empty if both are the same.
    """
    if before is after:
        return ()
    ways: deque[tuple[Status, ...]] = deque([()])
    while ways:
        way = ways.popleft()
        here = way[-1] if way else before
        if after in TRANSITIONS[here]:
            return (*way, after)
        ways.extend((*way, stone) for stone in STEPPING_STONES if stone in TRANSITIONS[here])
    raise AssertionError(f"no way from {before} to {after}")  # pragma: no cover


def way(possible: Iterable[Status], after: Status) -> tuple[Status, ...]:
    """The statuses to tell to get to `after` for somebody whose last news may be any of these; each
    step is allowed, or no news, from all of them. Never empty."""
    origins = frozenset(possible)
    if len(origins) == 1:
        return route(*origins, after) or (after,)
    for first in (after, _S.AVAILABLE, _S.PREPARING, _S.FINISHING):
        if all(here is first or first in TRANSITIONS[here] for here in origins):
            return (first, *route(first, after))
    raise AssertionError(f"no way from {origins} to {after}")  # pragma: no cover


class Flow(StrEnum):
    """What becomes of the energy in a transaction."""

    FLOWING = "flowing"
    """The car takes energy."""
    HELD_BACK = "held back"
    """The station offers nothing: a limit, a refused tag, the device itself."""
    NOT_TAKEN = "not taken"
    """The station offers, the car does not take."""
    BEGINNING = "beginning"
    """The offer is fresh; the car has not had the time to follow it."""


@attrs.frozen(kw_only=True)
class Facts:
    """All that the status of a connector follows from."""

    fault: bool = False
    """A fault forbids charging."""
    operative: bool = True
    """Neither the connector nor the station has been taken out of service."""
    flow: Flow | None = None
    """Set while a transaction runs."""
    granted: bool = False
    """A tag was accepted or a remote start came; the cable is awaited."""
    plugged: bool = False
    finished: bool = False
    """A transaction has ended, and its user has still something to do: to take the cable."""
    reserved: bool = False


_IN_TRANSACTION: Final = {
    Flow.FLOWING: _S.CHARGING,
    Flow.HELD_BACK: _S.SUSPENDED_EVSE,
    Flow.NOT_TAKEN: _S.SUSPENDED_EV,
}


def status(facts: Facts, before: Status) -> Status:
    """The status that the facts make. A transaction comes before everything but a fault: being out
    of service waits for its end (AV-02)."""
    if facts.fault:
        return _S.FAULTED
    if facts.flow is not None:
        return _IN_TRANSACTION.get(facts.flow) or _while_beginning(before)
    if not facts.operative:
        return _S.UNAVAILABLE
    if facts.granted:
        return _S.PREPARING
    # A car without the reserved tag does not end a reservation.
    if facts.reserved:
        return _S.RESERVED
    if facts.finished:
        return _S.FINISHING
    return _S.PREPARING if facts.plugged else _S.AVAILABLE


def _while_beginning(before: Status) -> Status:
    """Nobody can say yet whether the car will take the offer: stay with what was."""
    return before if before in (_S.SUSPENDED_EV, _S.SUSPENDED_EVSE, _S.CHARGING) else _S.PREPARING
