"""What is wrong with a request before it is sent: rules that the schema cannot tell.

An operator can have it sent all the same (`force`), as people do who test charge points.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import attrs

from txocpp.csms.limits import profile_objection, remote_start_objection
from txocpp.csms.station import Registration
from txocpp.messages.v16 import (
    ChangeConfigurationRequest,
    ExtendedTriggerMessageRequest,
    GetConfigurationRequest,
    MessageTrigger,
    MessageTriggerEnumType,
    RemoteStartTransactionRequest,
    RemoteStopTransactionRequest,
    ReserveNowRequest,
    SendLocalListRequest,
    SetChargingProfileRequest,
    TriggerMessageRequest,
    UpdateType,
)
from txocpp.storage.central.records import Records
from txocpp.storage.central.stations import StationRecord


@attrs.frozen
class Situation:
    """What is known when a request is about to be sent."""

    records: Records
    station: StationRecord
    registration: Registration | None
    payload: dict[str, Any]
    """The request as it would go over the wire."""
    now: datetime

    def key(self, name: str) -> str | None:
        """The last known value of a configuration key of the station."""
        return self.records.configuration.value(self.station.id, name)

    def number(self, name: str) -> int | None:
        """The same as a number; None if it is not known or none."""
        value = self.key(name)
        return int(value) if value is not None and value.strip().isdecimal() else None


Check = Callable[[Situation, Any], str | None]

_REMOTE: Final = (RemoteStartTransactionRequest, RemoteStopTransactionRequest)


def objection(situation: Situation, request: Any) -> str | None:
    """Why this request should not be sent; None if nothing speaks against it."""
    reason = barred(situation.registration, request)
    check = _CHECKS.get(type(request))
    return reason if reason is not None or check is None else check(situation, request)


def barred(registration: Registration | None, request: Any) -> str | None:
    """Why a station with this registration must not be sent this request now; None if it may."""
    if registration is Registration.REJECTED:
        # B-07: the central system should send nothing.
        return "the station's registration is Rejected; nothing may be sent to it"
    if registration is Registration.PENDING and isinstance(request, _REMOTE):
        return (
            "a station whose registration is Pending must not be asked to start or stop "
            "a transaction (B-09)"
        )
    return None


def _remote_start(situation: Situation, request: RemoteStartTransactionRequest) -> str | None:
    if request.charging_profile is not None:
        return remote_start_objection(
            situation.records, situation.station.id, situation.payload, situation.now
        )
    return None


def _trigger(
    situation: Situation, request: TriggerMessageRequest | ExtendedTriggerMessageRequest
) -> str | None:
    boot = (MessageTrigger.BOOT_NOTIFICATION, MessageTriggerEnumType.BOOT_NOTIFICATION)
    if request.requested_message in boot and situation.registration is Registration.ACCEPTED:
        return "a station that was accepted must not be asked for BootNotification (B-16)"
    return None


def _local_list(situation: Situation, request: SendLocalListRequest) -> str | None:
    entries = request.local_authorization_list or ()
    tags = [entry.id_tag.upper() for entry in entries]
    twice = next((tag for tag in tags if tags.count(tag) > 1), None)
    if twice is not None:
        return f"idTag {twice!r} is in the list twice (L-11)"
    if request.update_type is UpdateType.FULL:
        bare = next((entry.id_tag for entry in entries if entry.id_tag_info is None), None)
        if bare is not None:
            return f"idTag {bare!r} needs idTagInfo in a Full update (L-08)"
    longest = situation.number("SendLocalListMaxLength")
    if longest is not None and len(entries) > longest:
        return f"the station takes at most {longest} entries at once (SendLocalListMaxLength)"
    return None


def _get_configuration(situation: Situation, request: GetConfigurationRequest) -> str | None:
    most = situation.number("GetConfigurationMaxKeys")
    if most is not None and len(request.key or ()) > most:
        return f"the station takes at most {most} keys at once (GetConfigurationMaxKeys)"
    return None


def _change_configuration(situation: Situation, request: ChangeConfigurationRequest) -> str | None:
    if request.key.lower() == "authorizationkey" and not _is_key(request.value):
        return "AuthorizationKey must be 32 to 40 hex digits (X-11)"
    if request.key.lower() == "securityprofile":
        known = situation.number("SecurityProfile")
        wanted = request.value.strip()
        if known is not None and wanted.isdecimal() and int(wanted) < known:
            return f"a security profile is never lowered, it is {known} (X-03)"
    return None


def _is_key(text: str) -> bool:
    try:
        return 16 <= len(bytes.fromhex(text)) <= 20
    except ValueError:
        return False


def _reserve(situation: Situation, request: ReserveNowRequest) -> str | None:
    if request.expiry_date <= situation.now:
        return "expiryDate is over already (V-13)"
    return None


def _profile(situation: Situation, request: SetChargingProfileRequest) -> str | None:
    return profile_objection(
        situation.records, situation.station.id, situation.payload, situation.now
    )


_CHECKS: Final[dict[type, Check]] = {
    RemoteStartTransactionRequest: _remote_start,
    TriggerMessageRequest: _trigger,
    ExtendedTriggerMessageRequest: _trigger,
    SendLocalListRequest: _local_list,
    GetConfigurationRequest: _get_configuration,
    ChangeConfigurationRequest: _change_configuration,
    ReserveNowRequest: _reserve,
    SetChargingProfileRequest: _profile,
}
