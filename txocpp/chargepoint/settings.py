"""What a charge point is and how it behaves, apart from its OCPP configuration keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import attrs

from txocpp.chargepoint.limits import Grid
from txocpp.smartcharging import Switches
from txocpp.transport.tls import ClientCertificates


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
class Files:
    """Files that come and go: firmware, diagnostics, logs."""

    folder: Path | None = None
    """For firmware on its way, logs on theirs, and the charge point's own certificate. None: a
    temporary one, so that none of it survives the process."""
    largest_bytes: int = 1 << 30
    """Of a download."""
    upload_method: Literal["PUT", "POST", "FORM"] = "PUT"
    """By HTTP: PUT, POST of the bare file, or POST of a form with the file in it (G-04)."""
    upload_adds_name: bool = True
    """Uploads go to a directory, as OCPP says; False: to the URL as it is."""
    trust_roots: Path | None = None
    """Roots of file servers, a PEM file or a folder of them. None: those of the operating
    system. Installed roots of the central system are trusted besides."""
    retries: int = 3
    """After a first failure, if the central system does not say how often."""
    retry_interval_s: int = 60
    """Between attempts, if the central system does not say."""
    connect_timeout_s: float = 30.0
    idle_timeout_s: float = 60.0
    """Without a byte of a download, or an answer."""
    longest_s: float = 6 * 3600.0
    """Of one attempt."""


@attrs.frozen(kw_only=True)
class Security:
    """The security extensions of OCPP 1.6, and how the line to the central system is secured."""

    enabled: bool = True
    """Their messages and configuration keys exist."""
    push_events: Literal["secured", "all", "critical", "none"] = "secured"
    """Security events that the central system is told (X-60, X-62). "secured": all of them once a
    security profile is in force, since a central system of plain OCPP 1.6 knows none."""
    log_length: int = 1_000
    """Entries of the security log."""
    signed_firmware_only: bool = False
    """Firmware without a signature is refused (X-78)."""
    url: str | None = None
    """Of the central system. None: whoever makes the line knows, and security profiles with TLS
    cannot be switched to."""
    urls: Mapping[int, str] = attrs.field(factory=dict)
    """Other addresses for some security profiles (X-04). Without: the same one, by TLS where the
    profile demands it."""
    password: bytes | None = attrs.field(default=None, repr=False)
    """As configured; an AuthorizationKey takes its place."""
    certificates: ClientCertificates = attrs.field(factory=ClientCertificates)
    """As configured; installed and signed ones are used besides."""

    @property
    def profile(self) -> int:
        """The security profile that this configuration amounts to."""
        by_tls = self.url is not None and urlsplit(self.url).scheme == "wss"
        if self.password is not None:
            return 2 if by_tls else 1
        return 3 if by_tls and self.certificates.certificate is not None else 0


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
    files: Files = attrs.field(factory=Files)
    security: Security = attrs.field(factory=Security)
    grid: Grid = attrs.field(factory=Grid)
    readings: Switches = attrs.field(factory=Switches)
    """How smart charging reads OCPP where it is ambiguous."""
