"""Feature profile Core: what the central system asks (OCPP 1.6 §5.2 to §5.4, §5.6, §5.8, §5.11,
§5.12, §5.14, §5.18)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from txocpp.chargepoint.availability import Availability
from txocpp.chargepoint.bay import Bay
from txocpp.chargepoint.boot import Registration
from txocpp.chargepoint.cache import AuthorizationCache
from txocpp.chargepoint.configuration import ChangeResult, Configuration
from txocpp.chargepoint.datatransfer import DataTransfers
from txocpp.chargepoint.remote import Remote, Start
from txocpp.chargepoint.reset import Reset
from txocpp.chargepoint.transactions import StopReason
from txocpp.chargepoint.v16 import values
from txocpp.errors import OccurrenceConstraintViolation, StoreError
from txocpp.evse import ResetKind
from txocpp.messages import v16
from txocpp.transport.peer import Reply, Responder

ACCEPTED = v16.RemoteStartStopStatus.ACCEPTED
REJECTED = v16.RemoteStartStopStatus.REJECTED


@attrs.frozen(kw_only=True)
class Core:
    """Answers the requests of profile Core."""

    bays: Mapping[int, Bay]
    registration: Registration
    configuration: Configuration
    availability: Availability
    cache: AuthorizationCache
    remote: Remote
    reset: Reset
    data_transfers: DataTransfers
    reconnect: Callable[[], object]
    """Makes a new connection to the central system."""

    def responders(self) -> dict[type, Responder]:
        """By request class."""
        return {
            v16.ChangeAvailabilityRequest: self.change_availability,
            v16.ChangeConfigurationRequest: self.change_configuration,
            v16.ClearCacheRequest: self.clear_cache,
            v16.DataTransferRequest: self.data_transfer,
            v16.GetConfigurationRequest: self.get_configuration,
            v16.RemoteStartTransactionRequest: self.remote_start,
            v16.RemoteStopTransactionRequest: self.remote_stop,
            v16.ResetRequest: self.reset_station,
            v16.UnlockConnectorRequest: self.unlock,
        }

    async def change_availability(
        self, request: v16.ChangeAvailabilityRequest
    ) -> v16.ChangeAvailabilityResponse:
        """In or out of service (§5.2)."""
        result = await self.availability.change(
            request.connector_id, request.type is v16.AvailabilityType.OPERATIVE
        )
        return v16.ChangeAvailabilityResponse(status=v16.AvailabilityStatus(result.value))

    async def change_configuration(
        self, request: v16.ChangeConfigurationRequest
    ) -> v16.ChangeConfigurationResponse | Reply:
        """Change a key (§5.3); one for the connection makes a new connection."""
        result = await self.configuration.change(request.key, request.value)
        response = v16.ChangeConfigurationResponse(status=v16.ConfigurationStatus(result.value))
        if result is ChangeResult.ACCEPTED and self.configuration.reconnects(request.key):
            return Reply(response, self.reconnect)
        return response

    async def clear_cache(self, request: v16.ClearCacheRequest) -> v16.ClearCacheResponse:
        """Empty the authorization cache (§5.4)."""
        cleared = self.cache.clear()
        if cleared is None:
            return v16.ClearCacheResponse(status=v16.ClearCacheStatus.REJECTED)
        try:
            await cleared
        except StoreError:
            return v16.ClearCacheResponse(status=v16.ClearCacheStatus.REJECTED)
        return v16.ClearCacheResponse(status=v16.ClearCacheStatus.ACCEPTED)

    async def data_transfer(self, request: v16.DataTransferRequest) -> v16.DataTransferResponse:
        """A vendor message (§5.6)."""
        answer = await self.data_transfers.receive(
            request.vendor_id, request.message_id, request.data
        )
        return v16.DataTransferResponse(
            status=v16.DataTransferStatus(answer.status.value), data=answer.data
        )

    def get_configuration(
        self, request: v16.GetConfigurationRequest
    ) -> v16.GetConfigurationResponse:
        """Report keys (§5.8)."""
        names = request.key or ()
        limit = self.configuration.integer("GetConfigurationMaxKeys")
        if len(names) > limit:
            # K-02
            raise OccurrenceConstraintViolation(f"key: {len(names)} keys, at most {limit}")
        reports, unknown = self.configuration.report(names)
        return v16.GetConfigurationResponse(
            configuration_key=tuple(
                v16.KeyValue(key=one.name, readonly=one.readonly, value=one.value)
                for one in reports
            ),
            unknown_key=tuple(unknown) or None,
        )

    async def remote_start(
        self, request: v16.RemoteStartTransactionRequest
    ) -> v16.RemoteStartTransactionResponse | Reply:
        """Start a transaction (§5.11). Not while Pending (B-09)."""
        doing = None
        if self.registration.online:
            profile = request.charging_profile
            wish = Start(
                id_tag=request.id_tag,
                connector_id=request.connector_id,
                profile=None if profile is None else values.profile(profile),
            )
            doing = await self.remote.start(wish)
        if doing is None:
            return v16.RemoteStartTransactionResponse(status=REJECTED)
        return Reply(v16.RemoteStartTransactionResponse(status=ACCEPTED), doing)

    def remote_stop(
        self, request: v16.RemoteStopTransactionRequest
    ) -> v16.RemoteStopTransactionResponse | Reply:
        """End a transaction (§5.12); response first (R-22). Not while Pending (B-09)."""
        doing: Callable[[], object] | None = None
        if self.registration.online:
            doing = self.remote.stop(request.transaction_id)
        if doing is None:
            return v16.RemoteStopTransactionResponse(status=REJECTED)
        return Reply(v16.RemoteStopTransactionResponse(status=ACCEPTED), doing)

    def reset_station(self, request: v16.ResetRequest) -> v16.ResetResponse | Reply:
        """Restart (§5.14); response first (E-01)."""
        if not self.reset.possible:
            return v16.ResetResponse(status=v16.ResetStatus.REJECTED)
        hard = request.type is v16.ResetType.HARD
        kind = ResetKind.HARD if hard else ResetKind.SOFT
        accepted = v16.ResetResponse(status=v16.ResetStatus.ACCEPTED)
        return Reply(accepted, lambda: self.reset.run(kind))

    async def unlock(
        self, request: v16.UnlockConnectorRequest
    ) -> v16.UnlockConnectorResponse | Reply:
        """Unlock the plug, ending what runs (§5.18; U-01 to U-05)."""
        bay = self.bays.get(request.connector_id)
        if bay is None or not bay.outlet.capabilities.has_lock:
            return v16.UnlockConnectorResponse(status=v16.UnlockStatus.NOT_SUPPORTED)
        await bay.end(StopReason.UNLOCK_COMMAND, unlock=False)
        unlocked = await bay.unlock()
        status = v16.UnlockStatus.UNLOCKED if unlocked else v16.UnlockStatus.UNLOCK_FAILED
        return v16.UnlockConnectorResponse(status=status)
