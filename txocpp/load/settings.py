"""What can be chosen about a load."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Final

import attrs

from txocpp.errors import ConfigurationError
from txocpp.transport.websocket_settings import DEFAULT_PORTS, split_url

MOST_STATIONS: Final = 999_999
PLACEHOLDER: Final = "{identity}"


@attrs.frozen(kw_only=True)
class LoadSettings:
    """How many stations, where they connect, and how busy they are."""

    url: str
    """Of the central system, without identities: ``ws://host:port/path``."""
    stations: int = 100
    prefix: str = "LOAD-"
    """Identities are this and a number of six digits, from 1."""
    connectors: int = 2
    password: str | None = attrs.field(default=None, repr=False)
    """HTTP Basic, the same for all; ``{identity}`` stands for the identity of each, and what
    follows ``hex:`` are the digits of an AuthorizationKey."""
    trust_roots: Path | None = None
    """Roots of the server's certificate (PEM), for wss; None: those of the operating system."""
    ramp_s: float = 10.0
    """Real seconds over which the stations connect; 0: all at once."""
    duration_s: float = 60.0
    """Real seconds of load; 0: until somebody ends it."""
    faster: float = 1.0
    """Simulated seconds in a real one."""
    cars_per_hour: float = 1.0
    """Cars that arrive at a free connector, in an hour of simulated time, on average."""
    stay_s: float = 3600.0
    """How long a car stays, on average, in simulated seconds."""
    sample_interval_s: int = 60
    """MeterValueSampleInterval, until the central system changes it."""
    losses_per_hour: float = 0.0
    """Lines that are lost per station, in an hour of simulated time, on average."""
    cut_every_s: float = 0.0
    """All lines are cut at once that often, in real seconds; 0: never."""
    boot_always: bool = False
    """Stations boot with every connection, as after a power cut."""
    first_wait_s: float = 1.0
    """Before a lost line is dialled again; doubled with each failure, shortened at random by up
    to half."""
    longest_wait_s: float = 30.0
    timeout_s: float = 30.0
    """For the answer to a call, in real seconds."""
    tags: int = 1000
    """Different id tags that people hold to the stations."""
    tag_prefix: str = "TAG"
    seed: int = 1
    """The same seed gives the same cars at the same times."""

    def __attrs_post_init__(self) -> None:
        parts = split_url(self.url)
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
            raise ConfigurationError(
                f"{self.url!r} is no URL of a central system: ws://host or wss://host"
            )
        if not 1 <= self.stations <= MOST_STATIONS:
            raise ConfigurationError(f"stations: 1 to {MOST_STATIONS:,}")
        if self.faster <= 0:
            raise ConfigurationError("faster: must be above 0")
        if self.faster > 1 and not self.duration_s:
            # The simulated time is chosen so that it ends now, see SimulatedTime.
            raise ConfigurationError("simulated time can only be faster if the load has an end")
        if len(self.tag(self.tags)) > 20:
            raise ConfigurationError("tag_prefix: a tag has at most 20 characters")

    @property
    def is_loopback(self) -> bool:
        """The central system is on this computer."""
        host = split_url(self.url).hostname or ""
        try:
            return ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def ahead_s(self) -> float:
        """By how much the simulated clock gains on the real one during the load."""
        return self.duration_s * (self.faster - 1)

    def identity(self, number: int) -> str:
        """Of the station with this number, from 1."""
        return f"{self.prefix}{number:06d}"

    def tag(self, number: int) -> str:
        """An id tag, from 1."""
        return f"{self.tag_prefix}{number:06d}"

    def password_of(self, identity: str) -> bytes | None:
        """The bytes for HTTP Basic. Raises `ConfigurationError` for bad hex digits."""
        if self.password is None:
            return None
        text = self.password.replace(PLACEHOLDER, identity)
        if not text.startswith("hex:"):
            return text.encode()
        try:
            return bytes.fromhex(text[4:])
        except ValueError:
            raise ConfigurationError("password: no hexadecimal digits behind hex:") from None
