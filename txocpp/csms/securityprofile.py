"""Which security profile a connection amounts to, and which one its station is held to.

SecurityProfile, as a station has last told it or acknowledged its change, is the least that its
connections must offer (X-02, X-32). A change of it is only a promise until the station has come
with it: one that cannot connect falls back (X-32), and is let in once more as before.
"""

from __future__ import annotations

from typing import Final

import attrs

from txocpp.interfaces import Credentials
from txocpp.storage.central.configuration import KeyRecord
from txocpp.storage.central.records import Records
from txocpp.storage.central.stations import StationRecord

KEY: Final = "SecurityProfile"

SERIAL_LENGTH: Final = 25
"""Characters of a serial number (§6.3)."""


@attrs.frozen
class Held:
    """What a station is held to."""

    profile: int = 0
    record: KeyRecord | None = None
    """The key as it is kept."""

    @property
    def proven(self) -> bool:
        """False: the station has promised to come so, and has not been seen doing it."""
        return self.record is None or not self.record.pending_reboot


def shown(credentials: Credentials) -> int:
    """The security profile of a connection: what it is made of, whether or not that is right."""
    if not credentials.secure:
        return 0 if credentials.password is None else 1
    if credentials.certificate_common_name is not None:
        return 3
    return 0 if credentials.password is None else 2


def held(records: Records, station_id: int) -> Held:
    """What a station is held to."""
    value = records.configuration.value(station_id, KEY)
    if value is None or not value.strip().isdecimal() or int(value) == 0:
        return Held()
    same = (key for key in records.configuration.of(station_id) if key.key.lower() == KEY.lower())
    return Held(int(value), next(same, None))


def settle(records: Records, station_id: int, now_held: Held, profile: int) -> None:
    """A station has come with this profile: it has kept its promise, or has fallen back."""
    if now_held.record is None or now_held.proven:
        return
    value = str(min(profile, now_held.profile))
    settled = attrs.evolve(now_held.record, value=value, pending_reboot=False)
    records.configuration.put(station_id, settled)


def certificate_names(credentials: Credentials, record: StationRecord | None) -> bool:
    """Whether the client certificate is that of the station: CN is its serial number (X-25), or
    its identity. Of a newcomer no number is known yet."""
    name = credentials.certificate_common_name
    if not name:
        return False
    if record is None:
        return name == credentials.identity or len(name) <= SERIAL_LENGTH
    return name in (credentials.identity, record.serial_number, record.box_serial_number)
