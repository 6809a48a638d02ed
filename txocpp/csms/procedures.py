"""What takes more than one request: reading a configuration in portions, keeping a local list.

Each step is an operation of its own, on record like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred

from txocpp.csms.operations import Asked, Operations
from txocpp.interfaces import ICentralStore
from txocpp.storage.central.local_lists import ListEntry
from txocpp.storage.central.operations import OperationRecord, Outcome
from txocpp.storage.central.records import Records
from txocpp.storage.central.stations import StationRecord
from txocpp.storage.central.tags import tag_key

KEYS_AT_ONCE: Final = 50
"""Where GetConfigurationMaxKeys is not known."""

ENTRIES_AT_ONCE: Final = 100
"""Where SendLocalListMaxLength is not known."""


@attrs.frozen
class Procedures:
    """Carries out what takes several operations."""

    store: ICentralStore
    operations: Operations

    async def read_configuration(
        self, station: StationRecord, keys: Sequence[str] | None, asked_by: str
    ) -> list[OperationRecord]:
        """Read these keys, in portions of GetConfigurationMaxKeys (Z-10); None: all of them.

        A station that refuses to tell all at once is asked for the keys that are known.
        """
        if not keys:
            whole = await self._ask(station, "GetConfiguration", {}, asked_by)
            if whole.outcome != Outcome.REFUSED:
                return [whole]
            known = await self.store.read(lambda records: records.configuration.of(station.id))
            if not known:
                return [whole]
            keys = [key.key for key in known]
        most = await self._number(station, "GetConfigurationMaxKeys", KEYS_AT_ONCE)
        done = []
        for start in range(0, len(keys), most):
            payload = {"key": list(keys[start : start + most])}
            done.append(await self._ask(station, "GetConfiguration", payload, asked_by))
            if done[-1].outcome != Outcome.ANSWERED:
                break
        return done

    async def send_list(
        self,
        station: StationRecord,
        wanted: Sequence[ListEntry],
        asked_by: str,
        *,
        whole: bool = False,
    ) -> list[OperationRecord]:
        """Make the local list of a station what is wanted, with as little as possible (Z-09).

        The version is asked first. A station that has what we think is sent the difference, else
        everything; after Failed or VersionMismatch everything (L-09). Long lists go in portions of
        SendLocalListMaxLength, the first of them Full. `whole`: everything in any case.
        """
        asked = await self._ask(station, "GetLocalListVersion", {}, asked_by)
        version = (asked.answer or {}).get("listVersion", -1)
        if asked.outcome != Outcome.ANSWERED or version < 0:
            return [asked]
        done = [asked]
        if version == 0 and not wanted:
            return done
        most = await self._number(station, "SendLocalListMaxLength", ENTRIES_AT_ONCE)
        known = None if whole else await self._known_version(station)
        if version > 0 and version == known:
            ours = await self.store.read(lambda records: records.local_lists.of(station.id))
            changes = difference(ours, wanted)
            if not changes:
                return done
            done += await self._send(station, changes, version, most, "Differential", asked_by)
            if _accepted(done[-1]):
                return done
        done += await self._send(station, entries_of(wanted), version, most, "Full", asked_by)
        return done

    async def _send(
        self,
        station: StationRecord,
        entries: list[dict[str, Any]],
        version: int,
        most: int,
        kind: str,
        asked_by: str,
    ) -> list[OperationRecord]:
        done: list[OperationRecord] = []
        for start in range(0, max(len(entries), 1), most):
            version += 1
            payload: dict[str, Any] = {"listVersion": version, "updateType": kind}
            if entries:
                payload["localAuthorizationList"] = entries[start : start + most]
            done.append(await self._ask(station, "SendLocalList", payload, asked_by))
            if not _accepted(done[-1]):
                break
            kind = "Differential"
        return done

    async def _known_version(self, station: StationRecord) -> int | None:
        found = await self.store.read(lambda records: records.stations.get(station.id))
        return None if found is None else found.local_list_version

    async def _number(self, station: StationRecord, key: str, otherwise: int) -> int:
        def look(records: Records) -> str | None:
            return records.configuration.value(station.id, key)

        value = await self.store.read(look)
        known = value is not None and value.strip().isdecimal() and int(value) > 0
        return int(value) if known else otherwise

    def _ask(
        self, station: StationRecord, action: str, payload: dict[str, Any], asked_by: str
    ) -> Deferred[OperationRecord]:
        return self.operations.ask(station, Asked(action, payload, asked_by))


def entries_of(wanted: Sequence[ListEntry]) -> list[dict[str, Any]]:
    """AuthorizationData for a Full update."""
    return [{"idTag": entry.id_tag, "idTagInfo": entry.info} for entry in wanted]


def difference(ours: Sequence[ListEntry], wanted: Sequence[ListEntry]) -> list[dict[str, Any]]:
    """AuthorizationData that turns one list into another (L-05)."""
    have = {tag_key(entry.id_tag): entry for entry in ours}
    want = {tag_key(entry.id_tag): entry for entry in wanted}
    gone = [{"idTag": entry.id_tag} for key, entry in have.items() if key not in want]
    new = [entry for key, entry in want.items() if key not in have or have[key].info != entry.info]
    return gone + entries_of(new)


def _accepted(done: OperationRecord) -> bool:
    return done.outcome == Outcome.ANSWERED and (done.answer or {}).get("status") == "Accepted"
