"""Registration: what a BootNotification is answered, and when stations are asked to come back.

A thousand stations that reconnect after a restart of the central system would all send their
heartbeats in the same second for ever after. The interval in each answer is therefore shortened by
up to a fifth, differently for each station and always the same for one, so that they drift apart
and no station ever sees its interval change without reason.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final
from zlib import crc32

import attrs

from txocpp.csms.station import Registration

if TYPE_CHECKING:
    from txocpp.storage.central.stations import StationRecord

SPREAD: Final = 0.2
"""By how much of itself an interval is shortened at most."""


class Admit(StrEnum):
    """Who may connect and be accepted."""

    ALL = "all"
    """Everybody, known or not."""
    ADOPT = "adopt"
    """Unknown stations may connect and stay Pending until an operator accepts them."""
    KNOWN = "known"
    """Only stations that an operator has entered; the others get HTTP 404 (C-07)."""


@attrs.frozen
class BootRules:
    """How stations are registered."""

    admit: Admit = Admit.ALL
    heartbeat_interval_s: int = 300
    """In the answer Accepted (B-03). 0 lets the station choose."""
    retry_interval_s: int = 60
    """In the answers Pending and Rejected: when to boot again (B-04)."""


@attrs.frozen
class BootFacts:
    """What a station says of itself in BootNotification (§6.3)."""

    vendor: str
    model: str
    serial_number: str | None = None
    box_serial_number: str | None = None
    firmware_version: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None


@attrs.frozen
class BootAnswer:
    """What a station is told (§6.4)."""

    registration: Registration
    interval_s: int


def judge(record: StationRecord, rules: BootRules) -> BootAnswer:
    """Decide on a station: what an operator said of it, else the general rule."""
    if record.admission is not None:
        registration = Registration(record.admission.capitalize())
    elif rules.admit is Admit.ALL:
        registration = Registration.ACCEPTED
    else:
        registration = Registration.PENDING
    if registration is Registration.ACCEPTED:
        return BootAnswer(registration, staggered_s(record.identity, rules.heartbeat_interval_s))
    return BootAnswer(registration, staggered_s(record.identity, rules.retry_interval_s))


def staggered_s(identity: str, interval_s: int) -> int:
    """The interval for this station: at most `interval_s`, at least four fifths of it."""
    share = crc32(identity.encode()) / 0xFFFFFFFF
    return round(interval_s * (1 - SPREAD * share))
