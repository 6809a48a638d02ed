"""Feature profile Reservation: what the central system asks (OCPP 1.6 §5.1, §5.13)."""

from __future__ import annotations

import attrs

from txocpp.chargepoint.reservations import Reservation, Reservations
from txocpp.messages import v16
from txocpp.transport.peer import Responder


@attrs.frozen(kw_only=True)
class Reserving:
    """Answers the requests of profile Reservation."""

    reservations: Reservations

    def responders(self) -> dict[type, Responder]:
        """By request class."""
        return {
            v16.CancelReservationRequest: self.cancel,
            v16.ReserveNowRequest: self.reserve,
        }

    async def reserve(self, request: v16.ReserveNowRequest) -> v16.ReserveNowResponse:
        """Keep a connector for somebody (§5.13)."""
        wanted = Reservation(
            reservation_id=request.reservation_id,
            connector_id=request.connector_id,
            id_tag=request.id_tag,
            parent_id_tag=request.parent_id_tag,
            expiry=request.expiry_date,
        )
        result = await self.reservations.reserve(wanted)
        return v16.ReserveNowResponse(status=v16.ReservationStatus(result.value))

    async def cancel(self, request: v16.CancelReservationRequest) -> v16.CancelReservationResponse:
        """Keep it no longer (§5.1)."""
        known = await self.reservations.cancel(request.reservation_id)
        accepted, rejected = (
            v16.CancelReservationStatus.ACCEPTED,
            v16.CancelReservationStatus.REJECTED,
        )
        return v16.CancelReservationResponse(status=accepted if known else rejected)
