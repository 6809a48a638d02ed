"""Who is connected. The newest connection of an identity is the one that counts (C-14)."""

from __future__ import annotations

from collections.abc import Iterator

from txocpp.csms.station import Station


class Registry:
    """Connected stations by identity."""

    def __init__(self) -> None:
        self._stations: dict[str, Station] = {}

    def __len__(self) -> int:
        return len(self._stations)

    def __iter__(self) -> Iterator[Station]:
        return iter(list(self._stations.values()))

    def __contains__(self, identity: object) -> bool:
        return identity in self._stations

    def find(self, identity: str) -> Station | None:
        """The connected station with this identity, or None."""
        return self._stations.get(identity)

    def enter(self, station: Station) -> Station | None:
        """A station is on the line. Returns the one whose place it takes, if any."""
        older = self._stations.get(station.identity)
        self._stations[station.identity] = station
        return older

    def leave(self, station: Station) -> bool:
        """A station's line is gone. False: a newer connection has taken its place long ago."""
        if self._stations.get(station.identity) is not station:
            return False
        del self._stations[station.identity]
        return True
