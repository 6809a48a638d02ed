"""Who may connect: known stations, right passwords, and newcomers as the operator wishes."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from txocpp.csms.accounts import Patience
from txocpp.csms.boot import Admit
from txocpp.csms.central import Admission
from txocpp.csms.origins import host_of, is_foreign_page, is_loopback_address
from txocpp.csms.passwords import NONE_WANTED, StationPasswords, former_hashes
from txocpp.csms.securityprofile import Held, certificate_names, held, settle, shown
from txocpp.csms.station import Registration
from txocpp.errors import StoreError
from txocpp.interfaces import Credentials, ICentralStore, Refusal
from txocpp.storage.central.records import Records
from txocpp.storage.central.stations import StationRecord

LONGEST_IDENTITY = 255
MOST_NEWCOMERS = 10_000
"""Stations that were entered by themselves and that no operator has accepted; a stranger shall
not fill the disk."""

GUESSES: Final = 10
"""Wrong passwords for one station from one address, before it has to wait."""
FIRST_WAIT_S: Final = 5.0
LONGEST_WAIT_S: Final = 60.0
"""A station that has got its password right at last shall not wait for long."""

_TOLD: Final = {
    401: "wrong user, password or certificate",
    403: "not for pages of other servers",
    429: "too many wrong passwords; try again later",
}
"""What a refused station is told; the log says more."""


@attrs.frozen(kw_only=True)
class GateRules:
    """What an operator decides about connections."""

    admit: Admit = Admit.ALL
    require_password: bool = False
    """Refuse stations that show neither a password nor a certificate of their own."""
    certificate_organization: str | None = None
    """O of client certificates: the operator's name (X-25); None: any."""
    certificate_must_name_station: bool = True
    """CN of a client certificate is the serial number or the identity of its station (X-25)."""
    hold_security_profile: bool = True
    """Refuse stations that come with less than their SecurityProfile (X-02)."""
    names: frozenset[str] = frozenset()
    """Host names of this server."""
    origins: frozenset[str] = frozenset()
    """Web pages that may pose as charge points."""


class Gate:
    """The doorkeeper of a central system with a store."""

    _log = Logger()

    def __init__(
        self,
        store: ICentralStore,
        passwords: StationPasswords,
        rules: GateRules,
        *,
        seconds: Callable[[], float],
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._rules = rules
        self._seconds = seconds
        self._patience = Patience(
            seconds, allowed=GUESSES, wait_s=FIRST_WAIT_S, longest_wait_s=LONGEST_WAIT_S
        )

    def __call__(self, credentials: Credentials) -> Deferred[Admission | Refusal]:
        """Decide on one station."""
        return Deferred.fromCoroutine(self._decide(credentials))

    async def _decide(self, credentials: Credentials) -> Admission | Refusal:
        identity = credentials.identity
        if not identity or len(identity) > LONGEST_IDENTITY or not identity.isprintable():
            return Refusal(404, "no such station")
        if self._is_foreign_page(credentials):
            return self._refuse(
                credentials, 403, f"pages of {credentials.origin} may not (listen.origins)"
            )
        try:
            return await self._look_up(credentials)
        except StoreError as error:
            self._log.error("station {identity}: {error}", identity=identity, error=error)
            return Refusal(503, "try again later")

    async def _look_up(self, credentials: Credentials) -> Admission | Refusal:
        record, held = await self._store.read(partial(_find, credentials.identity))
        if record is None and self._rules.admit is Admit.KNOWN:
            self._log_refusal(credentials, "it is not known")
            return Refusal(404, "no such station")
        refusal = self._identify(credentials, record)
        if refusal is not None:
            return refusal
        if record is None:
            record = await self._store.write(partial(_enter, credentials, self._now()))
            if record is None:
                self._log_refusal(credentials, f"there are {MOST_NEWCOMERS} newcomers already")
                return Refusal(503, "try again later")
            return Admission(_registration(record), record.id)
        profile = shown(credentials)
        if self._rules.hold_security_profile and profile < held.profile and held.proven:
            return self._refuse(
                credentials,
                401,
                f"it comes with security profile {profile}, and is held to {held.profile} "
                "(stations.hold_security_profile)",
            )
        if not held.proven:
            await self._store.write(partial(_settle, record.id, held, profile))
        if record.other_password_hash is not None and self._is_new_password(record, credentials):
            await self._store.write(partial(_forget_other_password, record.id))
        return Admission(_registration(record), record.id)

    def _identify(self, credentials: Credentials, record: StationRecord | None) -> Refusal | None:
        """Why the station is not who it says it is; None if it is, as far as can be told."""
        rules, name = self._rules, credentials.certificate_common_name
        if name is not None:
            owner = credentials.certificate_organization
            if rules.certificate_organization not in (None, owner):
                return self._refuse(credentials, 401, f"its certificate belongs to {owner!r}")
            if rules.certificate_must_name_station:
                # The certificate says who it is; a password would add nothing (profile 3).
                if certificate_names(credentials, record):
                    return None
                return self._refuse(
                    credentials,
                    401,
                    f"its certificate is that of {name!r} (stations.certificate_names_station)",
                )
        if record is not None and record.password_hash is not None:
            return self._check_password(credentials, record)
        if rules.require_password and name is None:
            return self._refuse(credentials, 401, "it has no password here")
        return None

    def _check_password(self, credentials: Credentials, record: StationRecord) -> Refusal | None:
        former = former_hashes(record.other_password_hash)
        if NONE_WANTED in former and not self._rules.require_password:
            # Its first password is on its way, and may never have arrived.
            return None
        if credentials.password is None:
            return self._refuse(credentials, 401, "it gave no password")
        who = f"{credentials.identity} at {host_of(credentials.address)}"
        if self._patience.wait_s(who) > 0:
            return self._refuse(credentials, 429, "its password was wrong too often")
        if not _same_text(credentials.user or "", record.identity):
            # the user is the identity of the URL.
            return self._refuse(credentials, 401, "its user name is not its identity")
        # the former key stays good until the new one was used once.
        if not any(
            self._passwords.verify(known, credentials.password)
            for known in (record.password_hash, *former)
            if known is not None and known != NONE_WANTED
        ):
            self._patience.failed(who)
            return self._refuse(credentials, 401, "its password is wrong")
        self._patience.succeeded(who)
        return None

    def _is_new_password(self, record: StationRecord, credentials: Credentials) -> bool:
        known, given = record.password_hash, credentials.password
        return known is not None and given is not None and self._passwords.verify(known, given)

    def _is_foreign_page(self, credentials: Credentials) -> bool:
        return is_foreign_page(
            credentials.origin,
            credentials.host,
            names=self._rules.names,
            allowed=self._rules.origins,
            on_loopback=is_loopback_address(credentials.address),
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._seconds(), UTC)

    def _refuse(self, credentials: Credentials, status: int, reason: str) -> Refusal:
        self._log_refusal(credentials, reason)
        return Refusal(status, _TOLD[status])

    def _log_refusal(self, credentials: Credentials, reason: str) -> None:
        # refusals for reasons of security are logged; the password never is.
        self._log.warn(
            "station {identity} at {address} refused: {reason}",
            identity=credentials.identity,
            address=credentials.address,
            reason=reason,
        )


def _find(identity: str, records: Records) -> tuple[StationRecord | None, Held]:
    record = records.stations.find(identity)
    return record, Held() if record is None else held(records, record.id)


def _settle(station_id: int, promised: Held, profile: int, records: Records) -> None:
    settle(records, station_id, promised, profile)


def _enter(credentials: Credentials, now: datetime, records: Records) -> StationRecord | None:
    identity, name = credentials.identity, credentials.certificate_common_name
    known = records.stations.find(identity)
    if known is None and records.stations.count_newcomers() >= MOST_NEWCOMERS:
        return None
    # A newcomer is whose certificate it first came with.
    serial = None if name in (None, identity) else name
    return known or records.stations.add(identity, now, serial_number=serial)


def _forget_other_password(station_id: int, records: Records) -> None:
    records.stations.set(station_id, other_password_hash=None)


def _registration(record: StationRecord) -> Registration | None:
    return None if record.registration is None else Registration(record.registration)


def _same_text(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
