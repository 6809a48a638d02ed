"""Who may connect: known stations, right passwords, and newcomers as the operator wishes."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import datetime
from functools import partial

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from txocpp.csms.boot import Admit
from txocpp.csms.central import Admission
from txocpp.csms.passwords import StationPasswords
from txocpp.csms.station import Registration
from txocpp.errors import StoreError
from txocpp.interfaces import Credentials, ICentralStore, Refusal
from txocpp.storage.central.records import Records
from txocpp.storage.central.stations import StationRecord

LONGEST_IDENTITY = 255
MOST_NEWCOMERS = 10_000
"""Unknown stations that are entered by themselves; a stranger shall not fill the disk."""


class Gate:
    """The doorkeeper of a central system with a store."""

    _log = Logger()

    def __init__(
        self,
        store: ICentralStore,
        passwords: StationPasswords,
        *,
        admit: Admit,
        now: Callable[[], datetime],
        require_password: bool = False,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._admit = admit
        self._now = now
        self._require_password = require_password

    def __call__(self, credentials: Credentials) -> Deferred[Admission | Refusal]:
        """Decide on one station."""
        return Deferred.fromCoroutine(self._decide(credentials))

    async def _decide(self, credentials: Credentials) -> Admission | Refusal:
        identity = credentials.identity
        if not identity or len(identity) > LONGEST_IDENTITY or not identity.isprintable():
            return Refusal(404, "no such station")
        try:
            record = await self._store.read(partial(_find, identity))
            if record is None and self._admit is Admit.KNOWN:
                self._refused(credentials, "it is not known")
                return Refusal(404, "no such station")
            if record is not None and not await self._password_fits(record, credentials):
                return Refusal(401, "wrong user or password")
            if record is None:
                if self._require_password:
                    self._refused(credentials, "it is not known, so it has no password")
                    return Refusal(401, "wrong user or password")
                record = await self._store.write(partial(_enter, identity, self._now()))
        except StoreError as error:
            self._log.error("station {identity}: {error}", identity=identity, error=error)
            return Refusal(503, "try again later")
        if record is None:
            self._refused(credentials, f"there are {MOST_NEWCOMERS} newcomers already")
            return Refusal(503, "try again later")
        return Admission(_registration(record), record.id)

    async def _password_fits(self, record: StationRecord, credentials: Credentials) -> bool:
        if record.password_hash is None and not self._require_password:
            return True
        if record.password_hash is None or credentials.password is None:
            self._refused(credentials, "it gave no password")
            return False
        if not _same_text(credentials.user or "", record.identity):
            # the user is the identity of the URL.
            self._refused(credentials, "its user name is not its identity")
            return False
        if self._passwords.verify(record.password_hash, credentials.password):
            if record.other_password_hash is not None:
                await self._store.write(partial(_forget_other_password, record.id))
            return True
        # the former key stays good until the new one was used once.
        if record.other_password_hash is not None and self._passwords.verify(
            record.other_password_hash, credentials.password
        ):
            return True
        self._refused(credentials, "its password is wrong")
        return False

    def _refused(self, credentials: Credentials, reason: str) -> None:
        # refusals for reasons of security are logged; the password never is.
        self._log.warn(
            "station {identity} at {address} refused: {reason}",
            identity=credentials.identity,
            address=credentials.address,
            reason=reason,
        )


def _find(identity: str, records: Records) -> StationRecord | None:
    return records.stations.find(identity)


def _enter(identity: str, now: datetime, records: Records) -> StationRecord | None:
    known = records.stations.find(identity)
    if known is None and records.stations.count() >= MOST_NEWCOMERS:
        return None
    return known or records.stations.add(identity, now)


def _forget_other_password(station_id: int, records: Records) -> None:
    records.stations.set(station_id, other_password_hash=None)


def _registration(record: StationRecord) -> Registration | None:
    return None if record.registration is None else Registration(record.registration)


def _same_text(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
