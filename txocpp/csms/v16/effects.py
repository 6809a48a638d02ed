"""What the records take over from a request and its answer.

Each effect runs in the same change that notes the answer, so that an acknowledged profile, list or
password is never forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import attrs

from txocpp.csms import securityprofile
from txocpp.csms.passwords import (
    StationPasswords,
    key_from_text,
    settled,
    step_back,
    with_former,
)
from txocpp.messages.v16 import (
    CancelReservationRequest,
    CancelReservationStatus,
    ChangeConfigurationRequest,
    ChargingProfileStatus,
    ClearChargingProfileRequest,
    ClearChargingProfileStatus,
    ConfigurationStatus,
    GetConfigurationRequest,
    GetLocalListVersionRequest,
    RemoteStartStopStatus,
    RemoteStartTransactionRequest,
    ReservationStatus,
    ReserveNowRequest,
    SendLocalListRequest,
    SetChargingProfileRequest,
    UpdateStatus,
    UpdateType,
)
from txocpp.storage.central.configuration import KeyRecord
from txocpp.storage.central.local_lists import ListEntry
from txocpp.storage.central.profiles import ProfileRecord
from txocpp.storage.central.records import Records
from txocpp.storage.central.reservations import ReservationState

AUTHORIZATION_KEY: Final = "authorizationkey"


@attrs.frozen
class Exchange:
    """A request, and where and when it went."""

    records: Records
    station_id: int
    operation_id: int
    request: Any
    payload: dict[str, Any]
    """The request as it went over the wire."""
    now: datetime


Effect = Callable[[Exchange, Any], None]


def before_sending(exchange: Exchange) -> None:
    """What must be on disk before the request leaves."""
    request = exchange.request
    if not _changes_password(request):
        return
    # from now on both keys are good, since the answer may get lost on its way.
    station = exchange.records.stations.get(exchange.station_id)
    if station is None:
        return
    exchange.records.stations.set(
        exchange.station_id,
        password_hash=StationPasswords().hash(key_from_text(request.value)),
        other_password_hash=with_former(station.password_hash, station.other_password_hash),
    )


def after_refusal(exchange: Exchange) -> None:
    """The station answered with a CALLERROR, or nothing was sent after all."""
    if _changes_password(exchange.request):
        _restore_password(exchange)


def after_answer(exchange: Exchange, response: Any) -> None:
    """Take over what the answer says."""
    effect = _EFFECTS.get(type(exchange.request))
    if effect is not None:
        effect(exchange, response)


def redacted(action: str, payload: dict[str, Any]) -> dict[str, Any]:
    """The payload as it may be kept and shown: without passwords (X-13)."""
    if action == "ChangeConfiguration":
        key = payload.get("key")
        if isinstance(key, str) and key.lower() == AUTHORIZATION_KEY and "value" in payload:
            return {**payload, "value": "***"}
    return payload


def redacted_answer(payload: dict[str, Any]) -> dict[str, Any]:
    """An answer as it may be kept and shown: some stations tell their password (K-10, X-13)."""
    told = payload.get("configurationKey")
    if told is None:
        return payload
    return {**payload, "configurationKey": [_without_password(entry) for entry in told]}


def _without_password(entry: dict[str, Any]) -> dict[str, Any]:
    secret = entry["key"].lower() == AUTHORIZATION_KEY and "value" in entry
    return {**entry, "value": "***"} if secret else entry


def _changes_password(request: Any) -> bool:
    return (
        isinstance(request, ChangeConfigurationRequest) and request.key.lower() == AUTHORIZATION_KEY
    )


def _restore_password(exchange: Exchange) -> None:
    station = exchange.records.stations.get(exchange.station_id)
    # Without a former one, somebody has entered a password meanwhile, or the new one was used.
    if station is not None and station.other_password_hash is not None:
        present, former = step_back(station.other_password_hash)
        exchange.records.stations.set(
            exchange.station_id, password_hash=present, other_password_hash=former
        )


def _settle_password(exchange: Exchange) -> None:
    station = exchange.records.stations.get(exchange.station_id)
    if station is not None:
        exchange.records.stations.set(
            exchange.station_id, other_password_hash=settled(station.other_password_hash)
        )


def _configuration_changed(exchange: Exchange, response: Any) -> None:
    request: ChangeConfigurationRequest = exchange.request
    status = response.status
    if _changes_password(request):
        if status is ConfigurationStatus.ACCEPTED:
            _settle_password(exchange)
        elif status is not ConfigurationStatus.REBOOT_REQUIRED:
            _restore_password(exchange)
        return
    if status in (ConfigurationStatus.ACCEPTED, ConfigurationStatus.REBOOT_REQUIRED):
        # A security profile is in force when the station has come back with it.
        promised = request.key.lower() == securityprofile.KEY.lower()
        later = promised or status is ConfigurationStatus.REBOOT_REQUIRED
        exchange.records.configuration.put(
            exchange.station_id,
            KeyRecord(request.key, request.value, None, exchange.now, pending_reboot=later),
        )


def _configuration_read(exchange: Exchange, response: Any) -> None:
    found = [
        KeyRecord(entry.key, entry.value, entry.readonly, exchange.now)
        for entry in response.configuration_key or ()
        # K-10: a password is not shown, even if the station gives it away.
        if entry.key.lower() != AUTHORIZATION_KEY
    ]
    configuration = exchange.records.configuration
    held = securityprofile.held(exchange.records, exchange.station_id)
    if held.record is not None and not held.proven:
        # What it has promised is looked at when it connects again, whatever it says until then.
        name = securityprofile.KEY.lower()
        found = [held.record if key.key.lower() == name else key for key in found]
    if not exchange.request.key:
        configuration.replace(exchange.station_id, found)
        return
    for record in found:
        configuration.put(exchange.station_id, record)
    configuration.forget(exchange.station_id, list(response.unknown_key or ()))


def _profile_set(exchange: Exchange, response: Any) -> None:
    if response.status is ChargingProfileStatus.ACCEPTED:
        request: SetChargingProfileRequest = exchange.request
        _install(
            exchange,
            request.connector_id,
            request.cs_charging_profiles,
            exchange.payload["csChargingProfiles"],
        )


def _remote_started(exchange: Exchange, response: Any) -> None:
    request: RemoteStartTransactionRequest = exchange.request
    if response.status is not RemoteStartStopStatus.ACCEPTED:
        return
    if request.charging_profile is not None and request.connector_id:
        # SR-702: bound to the transaction when that begins.
        _install(
            exchange,
            request.connector_id,
            request.charging_profile,
            exchange.payload["chargingProfile"],
        )


def _install(exchange: Exchange, connector: int, profile: Any, document: dict[str, Any]) -> None:
    exchange.records.profiles.install(
        ProfileRecord(
            station_id=exchange.station_id,
            profile_id=profile.charging_profile_id,
            connector=connector,
            purpose=profile.charging_profile_purpose,
            stack_level=profile.stack_level,
            transaction_id=profile.transaction_id,
            document=document,
            acknowledged_at=exchange.now,
            operation_id=exchange.operation_id,
        )
    )


def _profiles_cleared(exchange: Exchange, response: Any) -> None:
    # SR-A07: Unknown says as well that they are not there.
    if response.status in (ClearChargingProfileStatus.ACCEPTED, ClearChargingProfileStatus.UNKNOWN):
        request: ClearChargingProfileRequest = exchange.request
        exchange.records.profiles.clear(
            exchange.station_id,
            profile_id=request.id,
            connector=request.connector_id,
            purpose=request.charging_profile_purpose,
            stack_level=request.stack_level,
        )


def _reserved(exchange: Exchange, response: Any) -> None:
    if response.status is ReservationStatus.ACCEPTED:
        request: ReserveNowRequest = exchange.request
        exchange.records.reservations.add(
            station_id=exchange.station_id,
            reservation_id=request.reservation_id,
            connector=request.connector_id,
            id_tag=request.id_tag,
            parent_id_tag=request.parent_id_tag,
            expires_at=request.expiry_date,
            made_at=exchange.now,
        )


def _reservation_cancelled(exchange: Exchange, response: Any) -> None:
    # Rejected: the station does not know it (V-11), so it is over in any case.
    how = (
        ReservationState.CANCELLED
        if response.status is CancelReservationStatus.ACCEPTED
        else ReservationState.LOST
    )
    exchange.records.reservations.end(
        exchange.station_id, how, exchange.now, reservation_id=exchange.request.reservation_id
    )


def _list_sent(exchange: Exchange, response: Any) -> None:
    if response.status is not UpdateStatus.ACCEPTED:
        return
    request: SendLocalListRequest = exchange.request
    lists, sent = exchange.records.local_lists, exchange.payload.get("localAuthorizationList", [])
    kept = [ListEntry(entry["idTag"], entry["idTagInfo"]) for entry in sent if "idTagInfo" in entry]
    if request.update_type is UpdateType.FULL:
        lists.replace(exchange.station_id, kept)
    else:
        lists.put(exchange.station_id, kept)
        gone = [entry["idTag"] for entry in sent if "idTagInfo" not in entry]
        lists.remove(exchange.station_id, gone)
    # L-04: a Full update without entries leaves version 0, whatever was sent.
    emptied = request.update_type is UpdateType.FULL and not sent
    version = 0 if emptied else request.list_version
    exchange.records.stations.set(
        exchange.station_id, local_list_version=version, local_list_told=version
    )


def _list_version_read(exchange: Exchange, response: Any) -> None:
    exchange.records.stations.set(exchange.station_id, local_list_told=response.list_version)


_EFFECTS: Final[dict[type, Effect]] = {
    ChangeConfigurationRequest: _configuration_changed,
    GetConfigurationRequest: _configuration_read,
    SetChargingProfileRequest: _profile_set,
    RemoteStartTransactionRequest: _remote_started,
    ClearChargingProfileRequest: _profiles_cleared,
    ReserveNowRequest: _reserved,
    CancelReservationRequest: _reservation_cancelled,
    SendLocalListRequest: _list_sent,
    GetLocalListVersionRequest: _list_version_read,
}
