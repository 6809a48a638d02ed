"""What a simulated station answers to each call of the central system (OCPP 1.6 §5).

Rules of this file: functions of a station and a request, one for each action. What is not in the
table is answered NotSupported by the peer: the messages of the security white paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from txocpp.errors import OccurrenceConstraintViolation
from txocpp.load import smartcharging
from txocpp.load.connector import Connector, Reservation
from txocpp.load.keys import DEFAULTS, MOST_KEYS
from txocpp.messages import v16
from txocpp.messages.v16 import ChargePointStatus, MessageTrigger, ReadingContext, Reason
from txocpp.transport.peer import Reply, Responder

if TYPE_CHECKING:
    from txocpp.load.station import Station

ACCEPTED: Final = v16.RemoteStartStopStatus.ACCEPTED
REJECTED: Final = v16.RemoteStartStopStatus.REJECTED
FIRMWARE_STEP_S: Final = 20.0
FIRMWARE_STEPS: Final = ("Downloading", "Downloaded", "Installing", "Installed")
LONGEST_LIST: Final = int(DEFAULTS["LocalAuthListMaxLength"][1])
LONGEST_UPDATE: Final = int(DEFAULTS["SendLocalListMaxLength"][1])


# Core


def change_availability(
    station: Station, request: v16.ChangeAvailabilityRequest
) -> Reply | v16.ChangeAvailabilityResponse:
    operative = request.type is v16.AvailabilityType.OPERATIVE
    chosen = _connectors(station, request.connector_id)
    if chosen is None:
        return v16.ChangeAvailabilityResponse(status=v16.AvailabilityStatus.REJECTED)
    at_once = all(connector.transaction is None for connector in chosen)
    status = v16.AvailabilityStatus.ACCEPTED if at_once else v16.AvailabilityStatus.SCHEDULED

    def change() -> None:
        if request.connector_id == 0:
            station.operative = operative
            station.tell_own_status()
        for connector in chosen:
            connector.make_operative(operative)

    return Reply(v16.ChangeAvailabilityResponse(status=status), change)


def change_configuration(
    station: Station, request: v16.ChangeConfigurationRequest
) -> Reply | v16.ChangeConfigurationResponse:
    status, name = station.keys.change(request.key, request.value)
    response = v16.ChangeConfigurationResponse(status=status)
    if status is not v16.ConfigurationStatus.ACCEPTED:
        return response
    return Reply(response, partial(_obey, station, name))


def _obey(station: Station, name: str) -> None:
    """A key has a new value (K-07)."""
    if name == "HeartbeatInterval":
        station.registration.watch_heartbeats()
    elif name == "WebSocketPingInterval":
        station.line.client.change(ping_interval_s=station.keys.number(name))
    elif name == "AuthorizationKey":
        #
        station.line.client.change(password=bytes.fromhex(station.keys.text(name)))
        station.line.redial()


def get_configuration(
    station: Station, request: v16.GetConfigurationRequest
) -> v16.GetConfigurationResponse:
    if request.key is not None and len(request.key) > MOST_KEYS:
        # K-02
        raise OccurrenceConstraintViolation(f"key: at most {MOST_KEYS} at a time")
    known, unknown = station.keys.read(request.key)
    return v16.GetConfigurationResponse(configuration_key=known, unknown_key=unknown or None)


def clear_cache(station: Station, request: v16.ClearCacheRequest) -> v16.ClearCacheResponse:
    # there is no cache.
    return v16.ClearCacheResponse(status=v16.ClearCacheStatus.REJECTED)


def data_transfer(station: Station, request: v16.DataTransferRequest) -> v16.DataTransferResponse:
    return v16.DataTransferResponse(status=v16.DataTransferStatus.UNKNOWN_VENDOR_ID)


def remote_start(
    station: Station, request: v16.RemoteStartTransactionRequest
) -> Reply | v16.RemoteStartTransactionResponse:
    rejected = v16.RemoteStartTransactionResponse(status=REJECTED)
    connector = _startable(station, request)
    if connector is None:
        return rejected
    profile = None
    if request.charging_profile is not None:
        profile = smartcharging.profile(request.charging_profile)
        outcome = station.limits.check_remote_start(profile)
        if outcome.refusal is not None:
            raise outcome.refusal
        if not outcome.accepted:
            return rejected
    come = partial(connector.come_for, request.id_tag, profile)
    return Reply(v16.RemoteStartTransactionResponse(status=ACCEPTED), come)


def _startable(station: Station, request: v16.RemoteStartTransactionRequest) -> Connector | None:
    """Where a remote start may happen (R-03, R-04, R-07, B-09)."""
    if not station.registration.accepted or not station.open_for_cars:
        return None
    chosen: list[Connector] | None = list(station.connectors)
    if request.connector_id is not None:
        chosen = _connectors(station, request.connector_id) if request.connector_id else None
    for connector in chosen or ():
        kept = connector.reservation
        if connector.is_free or (kept is not None and _may_use(kept, request.id_tag)):
            return connector
    return None


def _may_use(reservation: Reservation, id_tag: str) -> bool:
    return reservation.id_tag.lower() == id_tag.lower()


def remote_stop(
    station: Station, request: v16.RemoteStopTransactionRequest
) -> Reply | v16.RemoteStopTransactionResponse:
    for connector in station.connectors:
        running = connector.transaction
        if running is not None and running.number == request.transaction_id > 0:
            stop = partial(connector.stop, Reason.REMOTE)
            return Reply(v16.RemoteStopTransactionResponse(status=ACCEPTED), stop)
    return v16.RemoteStopTransactionResponse(status=REJECTED)


def reset(station: Station, request: v16.ResetRequest) -> Reply:
    soft = request.type is v16.ResetType.SOFT
    restart = partial(station.restart, Reason.SOFT_RESET if soft else Reason.HARD_RESET)
    return Reply(v16.ResetResponse(status=v16.ResetStatus.ACCEPTED), restart)


def unlock_connector(
    station: Station, request: v16.UnlockConnectorRequest
) -> Reply | v16.UnlockConnectorResponse:
    chosen = _connectors(station, request.connector_id) if request.connector_id else None
    if chosen is None:
        return v16.UnlockConnectorResponse(status=v16.UnlockStatus.NOT_SUPPORTED)
    stop = partial(chosen[0].stop, Reason.UNLOCK_COMMAND)
    return Reply(v16.UnlockConnectorResponse(status=v16.UnlockStatus.UNLOCKED), stop)


# FirmwareManagement


def get_diagnostics(
    station: Station, request: v16.GetDiagnosticsRequest
) -> v16.GetDiagnosticsResponse:
    # G-01: there is nothing to upload.
    return v16.GetDiagnosticsResponse()


def update_firmware(station: Station, request: v16.UpdateFirmwareRequest) -> Reply:
    wait_s = (request.retrieve_date - station.time.real_now()).total_seconds()

    def download() -> None:
        for number, step in enumerate(FIRMWARE_STEPS):
            station.schedule(max(0.0, wait_s) + number * FIRMWARE_STEP_S, partial(_say, step))

    def _say(step: str) -> None:
        if station.is_online:
            status = v16.FirmwareStatus(step)
            station.tell(v16.FirmwareStatusNotificationRequest(status=status))

    return Reply(v16.UpdateFirmwareResponse(), download)


# LocalAuthListManagement


def get_local_list_version(
    station: Station, request: v16.GetLocalListVersionRequest
) -> v16.GetLocalListVersionResponse:
    return v16.GetLocalListVersionResponse(list_version=station.local_list_version)


def send_local_list(
    station: Station, request: v16.SendLocalListRequest
) -> v16.SendLocalListResponse:
    sent = request.local_authorization_list or ()
    full = request.update_type is v16.UpdateType.FULL
    if not full and request.list_version <= station.local_list_version:
        # L-06
        return v16.SendLocalListResponse(status=v16.UpdateStatus.VERSION_MISMATCH)
    tags = [entry.id_tag.lower() for entry in sent]
    changed = set() if full else set(station.local_list)
    for tag, entry in zip(tags, sent, strict=True):
        (changed.add if entry.id_tag_info is not None else changed.discard)(tag)
    broken = len(set(tags)) < len(tags) or (full and len(changed) < len(tags))
    if broken or len(sent) > LONGEST_UPDATE or len(changed) > LONGEST_LIST:
        # L-08, L-10, L-11
        return v16.SendLocalListResponse(status=v16.UpdateStatus.FAILED)
    station.local_list = frozenset(changed)
    # L-04
    station.local_list_version = request.list_version if changed or not full else 0
    return v16.SendLocalListResponse(status=v16.UpdateStatus.ACCEPTED)


# Reservation


def reserve_now(station: Station, request: v16.ReserveNowRequest) -> Reply | v16.ReserveNowResponse:
    answers = v16.ReservationStatus
    left_s = (request.expiry_date - station.time.real_now()).total_seconds()
    chosen = _connectors(station, request.connector_id) if request.connector_id else None
    if chosen is None or left_s <= 0:
        # V-06, V-13
        return v16.ReserveNowResponse(status=answers.REJECTED)
    connector = chosen[0]
    same = connector.reservation is not None and (
        connector.reservation.number == request.reservation_id
    )
    if connector.status is ChargePointStatus.UNAVAILABLE:
        return v16.ReserveNowResponse(status=answers.UNAVAILABLE)
    if not connector.is_free and not same:
        return v16.ReserveNowResponse(status=answers.OCCUPIED)

    def reserve() -> None:
        # V-01: the same number anywhere is the same reservation.
        for other in station.connectors:
            if other.reservation and other.reservation.number == request.reservation_id:
                other.cancel_reservation()
        expiry = station.time.clock.callLater(left_s, connector.cancel_reservation)
        connector.reserve(Reservation(request.reservation_id, request.id_tag, expiry))

    return Reply(v16.ReserveNowResponse(status=answers.ACCEPTED), reserve)


def cancel_reservation(
    station: Station, request: v16.CancelReservationRequest
) -> Reply | v16.CancelReservationResponse:
    answers = v16.CancelReservationStatus
    for connector in station.connectors:
        if connector.reservation and connector.reservation.number == request.reservation_id:
            cancelled = v16.CancelReservationResponse(status=answers.ACCEPTED)
            return Reply(cancelled, connector.cancel_reservation)
    return v16.CancelReservationResponse(status=answers.REJECTED)


# RemoteTrigger


def trigger_message(
    station: Station, request: v16.TriggerMessageRequest
) -> Reply | v16.TriggerMessageResponse:
    answers = v16.TriggerMessageStatus
    wanted = request.requested_message
    number = request.connector_id
    about_connectors = wanted in (MessageTrigger.METER_VALUES, MessageTrigger.STATUS_NOTIFICATION)
    # T-03: absent means all.
    chosen = _connectors(station, number or 0)
    boot_too_late = wanted is MessageTrigger.BOOT_NOTIFICATION and station.registration.accepted
    if (about_connectors and chosen is None) or boot_too_late:
        return v16.TriggerMessageResponse(status=answers.REJECTED)
    say = partial(_triggered, station, wanted, number, chosen or [])
    return Reply(v16.TriggerMessageResponse(status=answers.ACCEPTED), say)


def _triggered(
    station: Station, wanted: MessageTrigger, number: int | None, chosen: list[Connector]
) -> None:
    if wanted is MessageTrigger.BOOT_NOTIFICATION:
        station.registration.trigger()
    elif wanted is MessageTrigger.HEARTBEAT:
        station.tell(v16.HeartbeatRequest())
    elif wanted is MessageTrigger.STATUS_NOTIFICATION:
        if not number:
            station.tell_own_status()
        for connector in chosen if number != 0 else ():
            station.tell_status(connector, triggered=True)
    elif wanted is MessageTrigger.METER_VALUES:
        for connector in chosen:
            connector.account()
            station.tell(connector.meter_values(ReadingContext.TRIGGER))
    elif wanted is MessageTrigger.FIRMWARE_STATUS_NOTIFICATION:
        idle = v16.FirmwareStatus.IDLE
        station.tell(v16.FirmwareStatusNotificationRequest(status=idle))
    elif wanted is MessageTrigger.DIAGNOSTICS_STATUS_NOTIFICATION:
        nothing = v16.DiagnosticsStatus.IDLE
        station.tell(v16.DiagnosticsStatusNotificationRequest(status=nothing))


def _connectors(station: Station, number: int) -> list[Connector] | None:
    """All for 0; None for a number that no connector has."""
    if number == 0:
        return list(station.connectors)
    if number <= len(station.connectors):
        return [station.connectors[number - 1]]
    return None


TABLE: Final[Mapping[type[Any], Callable[[Station, Any], Any]]] = {
    v16.CancelReservationRequest: cancel_reservation,
    v16.ChangeAvailabilityRequest: change_availability,
    v16.ChangeConfigurationRequest: change_configuration,
    v16.ClearCacheRequest: clear_cache,
    v16.ClearChargingProfileRequest: smartcharging.clear,
    v16.DataTransferRequest: data_transfer,
    v16.GetCompositeScheduleRequest: smartcharging.composite,
    v16.GetConfigurationRequest: get_configuration,
    v16.GetDiagnosticsRequest: get_diagnostics,
    v16.GetLocalListVersionRequest: get_local_list_version,
    v16.RemoteStartTransactionRequest: remote_start,
    v16.RemoteStopTransactionRequest: remote_stop,
    v16.ReserveNowRequest: reserve_now,
    v16.ResetRequest: reset,
    v16.SendLocalListRequest: send_local_list,
    v16.SetChargingProfileRequest: smartcharging.install,
    v16.TriggerMessageRequest: trigger_message,
    v16.UnlockConnectorRequest: unlock_connector,
    v16.UpdateFirmwareRequest: update_firmware,
}


class Bound(Mapping[type[Any], Responder]):
    """The table as the peer of one station sees it."""

    __slots__ = ("_station",)

    def __init__(self, station: Station) -> None:
        self._station = station

    def __getitem__(self, request_type: type[Any]) -> Responder:
        return partial(TABLE[request_type], self._station)

    def __iter__(self) -> Iterator[type[Any]]:
        return iter(TABLE)

    def __len__(self) -> int:
        return len(TABLE)
