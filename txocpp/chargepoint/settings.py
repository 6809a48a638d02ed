"""What a charge point is and how it behaves, apart from its OCPP configuration keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from txocpp.chargepoint.limits import Grid
from txocpp.smartcharging import Switches


@attrs.frozen(kw_only=True)
class Behaviour:
    """Choices that OCPP leaves to the charge point."""

    resume_transactions: bool = False
    """After a power cut a transaction goes on if the car is still there. False: it is closed with
    reason PowerLoss (TX-30)."""
    retry_message_id: Literal["same", "new"] = "same"
    """The id of a message that is sent again (TX-27)."""
    charge_before_first_accepted: bool = False
    """Charge although no central system has ever accepted this charge point (B-14)."""
    trust_computer_clock: bool = True
    """The computer's clock is right before the central system has told the time (B-15)."""
    heartbeat_despite_traffic: bool = False
    """Send a Heartbeat every HeartbeatInterval, even if other messages went out (H-01)."""
    queue_limit: int = 10_000
    """Messages of transactions that are kept for the central system."""
    cache_limit: int = 1_000
    """Tags in the authorization cache."""
    boot_retry_s: float = 30.0
    """Wait before the next BootNotification if the central system names no time (B-04)."""


@attrs.frozen(kw_only=True)
class StationSettings:
    """One charge point."""

    identity: str
    """Its name in the central system."""
    vendor: str = "txocpp"
    model: str = "Charge point"
    serial_number: str | None = None
    charge_box_serial_number: str | None = None
    firmware_version: str | None = None
    """None: what the device says of itself."""
    iccid: str | None = None
    imsi: str | None = None
    configuration: Mapping[str, object] = attrs.field(factory=dict)
    """Initial values of configuration keys, read-only ones included."""
    left_out_keys: tuple[str, ...] = ()
    """Optional configuration keys that this charge point does not have."""
    behaviour: Behaviour = attrs.field(factory=Behaviour)
    grid: Grid = attrs.field(factory=Grid)
    readings: Switches = attrs.field(factory=Switches)
    """How smart charging reads OCPP where it is ambiguous."""
