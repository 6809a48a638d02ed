"""Profiles out of JSON files: single ones, requests, frames as logged, or lists of these.

Understood are ChargingProfile objects, the payloads of SetChargingProfile and
RemoteStartTransaction, whole CALL frames of these, what `Stack.to_documents` gives, and lists.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from txocpp.errors import CallRefused, ConfigurationError
from txocpp.smartcharging.acceptance import faults_of_shape
from txocpp.smartcharging.documents import read_instant, read_profile
from txocpp.smartcharging.installed import Installed
from txocpp.smartcharging.profiles import Profile, Purpose
from txocpp.smartcharging.station import StationKeys

_ANY_STATION = StationKeys(max_stack_level=2**31 - 1, max_periods=2**31 - 1)
_CALL = 2


@attrs.frozen(kw_only=True)
class Found:
    """A profile in a file."""

    profile: Profile
    place: str
    """File and position in it, for messages to people."""
    connector_id: int | None
    """None: the file does not say where it is installed."""
    received_at: datetime | None
    transaction_id: int | None = None
    """What the profile is bound to, where the file says so beside the profile."""

    def installed(self, *, connector_id: int, received_at: datetime) -> Installed:
        """The profile as installed; the arguments stand in for what the file does not say.

        A profile that is for all connectors goes to connector 0. Raises `ConfigurationError` if
        its purpose may not be where it is.
        """
        for_transaction = self.profile.purpose is Purpose.TX_PROFILE
        where = self.connector_id
        if where is None:
            where = max(connector_id, 1) if for_transaction else 0
        if for_transaction and where == 0:
            raise ConfigurationError(f"{self.place}: a TxProfile cannot be on connector 0 (SR-605)")
        if self.profile.purpose is Purpose.CHARGE_POINT_MAX_PROFILE and where != 0:
            raise ConfigurationError(
                f"{self.place}: a ChargePointMaxProfile belongs on connector 0 (SR-604)"
            )
        transaction_id = self.transaction_id
        if transaction_id is None:
            transaction_id = self.profile.transaction_id
        return Installed(self.profile, where, self.received_at or received_at, transaction_id)


def read_file(path: Path) -> list[Found]:
    """All profiles of a file, in order.

    Raises `ConfigurationError` that names the file, the place in it and what is wrong there.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "is not UTF-8 text"
        raise ConfigurationError(f"{path}: {reason}") from None
    return read_text(text, str(path))


def read_text(text: str, name: str) -> list[Found]:
    """Like `read_file`, from a text; ``name`` stands for the file in messages."""
    try:
        content = json.loads(text, parse_float=Decimal)
    except json.JSONDecodeError as fault:
        raise ConfigurationError(
            f"{name}: line {fault.lineno}, column {fault.colno}: {fault.msg}"
        ) from None
    except RecursionError:
        raise ConfigurationError(f"{name}: is nested too deep") from None
    found = list(_profiles(content, name, ""))
    if not found:
        raise ConfigurationError(f"{name}: holds no charging profile")
    return found


def _profiles(content: object, name: str, place: str) -> Iterator[Found]:
    if isinstance(content, list):
        if _is_call(content):
            yield from _profiles(content[3], name, f"{place}[3]")
            return
        for index, item in enumerate(content):
            yield from _profiles(item, name, f"{place}[{index}]")
        return
    if not isinstance(content, Mapping):
        raise ConfigurationError(f"{name}: {place or 'the file'} is no charging profile")
    for field in ("csChargingProfiles", "chargingProfile"):
        if field in content:
            yield _request(content, field, name, f"{place}." if place else "")
            return
    yield _found(content, {}, name, place or "chargingProfile")


def _is_call(content: list[Any]) -> bool:
    return len(content) == 4 and content[0] == _CALL and isinstance(content[2], str)


def _request(content: Mapping[str, Any], field: str, name: str, place: str) -> Found:
    connector_id = content.get("connectorId")
    if connector_id is not None and (type(connector_id) is not int or connector_id < 0):
        raise ConfigurationError(
            f"{name}: {place}connectorId: must be a number of 0 or more, is {connector_id!r}"
        )
    return _found(content[field], content, name, f"{place}{field}")


def _found(profile: object, beside: Mapping[str, Any], name: str, place: str) -> Found:
    try:
        read = read_profile(profile, place)
        received_at = beside.get("receivedAt")
        found = Found(
            profile=read,
            place=f"{name}: {place}",
            connector_id=beside.get("connectorId"),
            received_at=None if received_at is None else read_instant(received_at, "receivedAt"),
            transaction_id=beside.get("transactionId"),
        )
    except CallRefused as fault:
        raise ConfigurationError(f"{name}: {fault.description}") from None
    for wrong in faults_of_shape(read, _ANY_STATION):
        raise ConfigurationError(f"{found.place}: {wrong.reason} ({wrong.rule})")
    return found
